from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime
from tests.fakes.watch import fake_aws


@pytest.fixture(autouse=True)
def _no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's profiles and the network's metadata out of every test."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
async def aws_and_time() -> AsyncIterator[tuple[FakeAws, VirtualTime]]:
    async with fake_aws() as pair:
        yield pair


@pytest.fixture
def aws(aws_and_time: tuple[FakeAws, VirtualTime]) -> FakeAws:
    return aws_and_time[0]


@pytest.fixture
def time(aws_and_time: tuple[FakeAws, VirtualTime]) -> VirtualTime:
    return aws_and_time[1]
