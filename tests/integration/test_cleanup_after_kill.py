"""A deployment that is killed at any moment leaves nothing that cleanup does not find."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from providers.aws_operations import AwsOperations
from providers.demo import local_session
from providers.local_aws import LocalAws
from tests.integration.test_cleanup import clean_up_after_a_stop
from tests.unit.cli.run import clean_environment, command, run

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

REGIONS = ("us-west-2", "us-east-1")
# Reports of one deployment: each step is listed, begins and ends.
_LEAST_REPORTS, _MOST_REPORTS = 18, 50


def kill_while_deploying(home: Path, endpoint_url: str, account: str, reports: int) -> None:
    """Deploy in a process of its own, and kill that when it has reported so often."""
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id = {account}\naws_secret_access_key = x\n"
    )
    regions = [word for region in REGIONS for word in ("--region", region)]
    with subprocess.Popen(
        command("deploy", "imageproc", "--json", *regions, "--endpoint-url", endpoint_url),
        env=clean_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        for number, _line in enumerate(process.stdout, 1):
            if number == reports:
                process.kill()
                break


async def check_kill(home: Path, local_aws: LocalAws, seed: int) -> None:
    account = str(300_000_000_000 + seed)
    reports = random.Random(seed).randrange(_LEAST_REPORTS, _MOST_REPORTS)
    kill_while_deploying(home, local_aws.endpoint_url, account, reports)
    session = local_session(local_aws, regions=REGIONS, account_id=account)
    await clean_up_after_a_stop(AwsOperations(session))


async def test_nothing_is_left_of_a_killed_deployment(tmp_path: Path, local_aws: LocalAws) -> None:
    await check_kill(tmp_path, local_aws, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
async def test_nothing_is_left_after_twenty_random_moments(
    tmp_path: Path, local_aws: LocalAws, seed: int
) -> None:
    await check_kill(tmp_path, local_aws, seed)


async def test_the_next_run_finds_what_a_killed_one_began_and_finishes_it(
    tmp_path: Path, local_aws: LocalAws
) -> None:
    kill_while_deploying(tmp_path, local_aws.endpoint_url, "300000000099", 34)
    session = local_session(local_aws, regions=REGIONS, account_id="300000000099")
    operations = AwsOperations(session)
    options = ("--region", REGIONS[0], "--endpoint-url", local_aws.endpoint_url)

    (listed,) = run(tmp_path, "unfinished", "--json", *options).stdout.splitlines()
    assert json.loads(listed)["act"]["names"] == ["imageproc"]
    told = run(tmp_path, "deploy", "imageproc", "--dry-run", *options)
    assert "Stopped half-way earlier: deploy imageproc" in told.stderr
    finished = run(tmp_path, "unfinished", "--finish", *options)

    assert finished.returncode == 0, finished.stderr
    assert {step.state for step in (await operations.plan("imageproc")).steps} == {"skipped"}
    assert "Nothing was stopped" in run(tmp_path, "unfinished", *options).stderr
