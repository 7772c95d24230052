"""What the integration tests share: one local AWS for each test process.

Tests that use it carry

    pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

(or "local_aws_2", so that two test processes have about as much to wait for), and get an account
of their own from `aws_session`: accounts share nothing, so that nothing has to be emptied between
tests.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from providers.demo import local_session
from providers.local_aws import LocalAws
from providers.session import AwsSession
from tests.unit.cli.run import clean_environment, run, run_inside

REGIONS = ("us-west-2", "us-east-1")

_accounts = itertools.count(100_000_000_001)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def local_aws() -> AsyncIterator[LocalAws]:
    """Run one local AWS for all tests of this process."""
    async with LocalAws() as running:
        yield running


@pytest.fixture
def account_id() -> str:
    """Give the id of an empty account."""
    return str(next(_accounts))


@pytest.fixture
def aws_session(local_aws: LocalAws, account_id: str) -> AwsSession:
    """Give a session in two regions of the account."""
    return local_session(local_aws, regions=REGIONS, account_id=account_id)


@dataclass(frozen=True)
class Account:
    """The account as commands reach it.

    Attributes:
        home: a home folder with a profile for it.
        options: what leads a command there.
    """

    home: Path
    options: tuple[str, ...]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run gammaray-tui as users do, in a process of its own."""
        return run(self.home, *arguments, *self.options)

    def run_inside(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run gammaray-tui in this process, which takes a fifth of the time."""
        return run_inside(*arguments, *self.options)


@pytest.fixture
def account(
    tmp_path: Path, local_aws: LocalAws, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> Account:
    """Give the account to commands; nothing of the user's is in their environment."""
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text(f"[profile local]\nregion = {REGIONS[0]}\n")
    (folder / "credentials").write_text(
        f"[local]\naws_access_key_id = {account_id}\naws_secret_access_key = x\n"
    )
    wanted = clean_environment(tmp_path)
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    regions = (word for region in REGIONS for word in ("--region", region))
    options = ("--profile", "local", *regions, "--endpoint-url", local_aws.endpoint_url)
    return Account(tmp_path, options)
