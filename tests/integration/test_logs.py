from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from providers.aws_operations import AwsOperations
from providers.operations import LogReport, LogsOf
from providers.session import AwsSession
from tests.integration.conftest import Account
from tests.integration.records import FUNCTIONS, until_logged

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]

LOGGED_TIMEOUT_S = 60.0


async def reports_of_all(session: AwsSession, request_id: str) -> Sequence[LogReport]:
    """Ask for the REPORT line of an invocation, and of one that never was."""
    wanted = [LogsOf("ImageProcPy", "us-west-2", name) for name in (request_id, "no-such-id")]
    return await AwsOperations(session).reports(wanted)


async def until_all_logged(session: AwsSession) -> None:
    async with asyncio.timeout(LOGGED_TIMEOUT_S):
        await until_logged(session, *FUNCTIONS)


def test_logs_of_function_invocation_and_chain(
    tmp_path: Path, account: Account, aws_session: AwsSession
) -> None:
    assert account.run_inside("deploy", "imageproc").returncode == 0
    assert account.run_inside("fire", "imageproc").returncode == 0
    asyncio.run(until_all_logged(aws_session))

    of_function = account.run_inside("logs", "ImageProcPy", "--json")
    assert of_function.returncode == 0, of_function.stderr
    lines = [json.loads(line) for line in of_function.stdout.splitlines()]
    (start,) = (line for line in lines if line["text"].startswith("START RequestId: "))
    request_id = start["text"].split()[2]

    one = account.run_inside("logs", request_id)
    assert one.returncode == 0, one.stderr
    assert "START RequestId" in one.stdout.splitlines()[0]
    assert "REPORT RequestId" in one.stdout.splitlines()[-1]

    reports = asyncio.run(reports_of_all(aws_session, request_id))
    assert [(report.request_id, report.memory_mb) for report in reports] == [(request_id, 256)]
    assert reports[0].billed_s

    file = tmp_path / "chain.log"
    whole = account.run("logs", request_id, "--chain", "-o", str(file))
    assert whole.returncode == 0, whole.stderr
    names = [line.split()[2] for line in file.read_text().splitlines()]
    assert list(dict.fromkeys(names)) == ["ImageProcPy", "DBSyncPy", "UpdateWebsite"]

    searched = account.run_inside("logs", request_id, "--search", "report")
    assert len(searched.stdout.splitlines()) == 1
    missing = account.run_inside("logs", "nothing-of-that-name", "--since", "1m")
    assert missing.returncode == 2
    assert "nothing-of-that-name" in missing.stderr
