"""Deploy, fire, tail and clean up by plain commands, against a local AWS over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.session import AwsSession
from providers.tables import ensure_record_table
from tests.check_demo_graph import check
from tests.integration.conftest import Account
from tests.unit.cli.run import clean_environment, command, run_inside

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]


def test_from_an_empty_account_to_a_chain_and_back(account: Account, tmp_path: Path) -> None:
    planned = account.run_inside("deploy", "imageproc", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "would: us-east-1  function UpdateWebsite" in planned.stdout
    listed = account.run_inside("cleanup")
    assert (listed.returncode, listed.stdout) == (0, ""), listed.stderr
    where, nothing = listed.stderr.splitlines()
    assert where.startswith("Looked in us-west-2, us-east-1")
    assert nothing == "There is nothing to delete."

    deployed = account.run("deploy", "imageproc")
    assert deployed.returncode == 0, deployed.stderr
    assert "✓ us-west-2  table gammaRays" in deployed.stdout
    again = account.run_inside("deploy", "imageproc", "--json")
    states = [json.loads(line)["state"] for line in again.stdout.splitlines()]
    assert "done" in states
    assert "failed" not in states

    fired = account.run("fire", "imageproc", "--count", "2")
    assert fired.returncode == 0, fired.stderr
    assert fired.stdout.splitlines()[-1].startswith("fired imageproc: ")

    records = tmp_path / "records.jsonl"
    records.write_text(tail_until_ended(account, count=6))
    exported = run_inside("export", str(records))
    check(json.loads(exported.stdout), count=2)

    listed = account.run_inside("cleanup")
    assert "us-east-1    function     UpdateWebsite" in listed.stdout
    assert "Nothing was deleted" in listed.stderr

    cleaned = account.run("cleanup", "--all", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    left = account.run_inside("cleanup")
    assert left.stderr.endswith("There is nothing to delete.\n")


def tail_until_ended(account: Account, count: int) -> str:
    """Run `tail --json` until `count` invocations have ended; give its lines."""
    lines: list[str] = []
    ended: set[str] = set()
    with started(account, "--json", "--since", "all") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            told = json.loads(line)
            lines.append(line)
            if "end" in told["kind"].split("+"):
                ended.add(told["request_id"])
            if len(ended) == count:
                break
        process.send_signal(signal.SIGINT)
        rest, said = process.stdout.read(), process.stderr.read()
        assert process.wait() == 0
    assert len(ended) == count, said
    lines += rest.splitlines(keepends=True)
    assert said.splitlines()[-1].startswith(f"{len(lines)} records")
    assert len({json.loads(line)["eventID"] for line in lines}) == len(lines)
    return "".join(lines)


@contextlib.contextmanager
def started(account: Account, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a tail; it is killed when it takes too long, so that reading it ends."""
    process = subprocess.Popen(
        command("tail", *arguments, *account.options),
        env=clean_environment(account.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    too_long = threading.Timer(60, process.kill)
    too_long.start()
    try:
        with process:
            yield process
    finally:
        too_long.cancel()


def test_no_region_with_the_table_ends_the_tail(account: Account) -> None:
    with started(account, "--table", "elsewhere") as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert "us-west-2: down: " in err or "us-east-1: down: " in err
    assert "elsewhere" in err


def test_a_reader_that_goes_away_ends_the_tail(account: Account, aws_session: AwsSession) -> None:
    asyncio.run(make_a_record(aws_session))
    with started(account, "--since", "all") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait() == 0
        said = process.stderr.read()
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
    assert said.splitlines()[-1].split()[1].startswith("record")


async def make_a_record(session: AwsSession) -> None:
    """Make the record tables, and a record in one of them."""
    for region in session.regions:
        await ensure_record_table(session, region, lambda _: None)
    async with session.client("dynamodb", session.regions[0]) as client:
        item = {"reqID": {"S": "one"}, "payload": {"S": "end"}, "ts": {"N": "1800000000000"}}
        await client.put_item(TableName=session.table, Item=item)
