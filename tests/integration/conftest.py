"""What the integration tests share: one local AWS for each test process.

Tests that use it carry

    pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

(or "local_aws_2", so that two test processes have about as much to wait for), and get an account
of their own from `aws_session`: accounts share nothing, so that nothing has to be emptied between
tests.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from providers.demo import local_session
from providers.local_aws import LocalAws
from providers.session import AwsSession

REGIONS = ("us-west-2", "us-east-1")

_accounts = itertools.count(100_000_000_001)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def local_aws() -> AsyncIterator[LocalAws]:
    """Run one local AWS for all tests of this process."""
    async with LocalAws() as running:
        yield running


@pytest.fixture
def aws_session(local_aws: LocalAws) -> AwsSession:
    """Give a session in two regions of an empty account."""
    return local_session(local_aws, regions=REGIONS, account_id=str(next(_accounts)))
