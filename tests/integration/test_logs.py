from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from providers.aws_operations import AwsOperations
from providers.demo import local_session
from providers.local_aws import LocalAws
from providers.operations import LogReport, LogsOf
from tests.unit.cli.run import run

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]


async def reports_of_all(local_aws: LocalAws, request_id: str) -> Sequence[LogReport]:
    """Ask for the REPORT line of an invocation, and of one that never was."""
    session = local_session(local_aws, regions=("us-west-2",), account_id="230000000001")
    wanted = [LogsOf("ImageProcPy", "us-west-2", name) for name in (request_id, "no-such-id")]
    return await AwsOperations(session).reports(wanted)


def test_logs_of_function_invocation_and_chain(tmp_path: Path, local_aws: LocalAws) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = 230000000001\naws_secret_access_key = x\n"
    )
    options = (
        *("--region", "us-west-2", "--region", "us-east-1"),
        *("--endpoint-url", local_aws.endpoint_url),
    )
    assert run(tmp_path, "deploy", "imageproc", *options).returncode == 0
    assert run(tmp_path, "fire", "imageproc", *options).returncode == 0

    of_function = run(tmp_path, "logs", "ImageProcPy", "--json", *options)
    assert of_function.returncode == 0, of_function.stderr
    lines = [json.loads(line) for line in of_function.stdout.splitlines()]
    (start,) = (line for line in lines if line["text"].startswith("START RequestId: "))
    request_id = start["text"].split()[2]

    one = run(tmp_path, "logs", request_id, *options)
    assert one.returncode == 0, one.stderr
    assert "START RequestId" in one.stdout.splitlines()[0]
    assert "REPORT RequestId" in one.stdout.splitlines()[-1]

    reports = asyncio.run(reports_of_all(local_aws, request_id))
    assert [(report.request_id, report.memory_mb) for report in reports] == [(request_id, 256)]
    assert reports[0].billed_s

    file = tmp_path / "chain.log"
    whole = run(tmp_path, "logs", request_id, "--chain", "-o", str(file), *options)
    assert whole.returncode == 0, whole.stderr
    names = [line.split()[2] for line in file.read_text().splitlines()]
    assert list(dict.fromkeys(names)) == ["ImageProcPy", "DBSyncPy", "UpdateWebsite"]

    searched = run(tmp_path, "logs", request_id, "--search", "report", *options)
    assert len(searched.stdout.splitlines()) == 1
    missing = run(tmp_path, "logs", "nothing-of-that-name", "--since", "1m", *options)
    assert missing.returncode == 2
    assert "nothing-of-that-name" in missing.stderr
