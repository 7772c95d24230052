"""What the integration tests share: one local AWS for each test process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from providers.local_aws import LocalAws


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def local_aws() -> AsyncIterator[LocalAws]:
    """One local AWS for all tests of this process; use `empty_local_aws` to start from nothing."""
    async with LocalAws() as running:
        yield running


@pytest_asyncio.fixture
async def empty_local_aws(local_aws: LocalAws) -> LocalAws:
    await local_aws.reset()
    return local_aws


@pytest.fixture
def no_aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own AWS settings out of a test."""
