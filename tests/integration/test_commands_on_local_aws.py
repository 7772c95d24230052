"""Deploy, fire, tail and clean up by plain commands, against a local AWS over real HTTP."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.local_aws import LocalAws
from tests.check_demo_graph import check
from tests.unit.cli.run import clean_environment, command, run

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]

REGIONS = ("--region", "us-west-2", "--region", "us-east-1")


@pytest.fixture
def home(tmp_path: Path, local_aws: LocalAws) -> Path:
    """Give a home folder whose one profile is an account of the local AWS."""
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text("[profile local]\nregion = us-west-2\n")
    (folder / "credentials").write_text(
        "[local]\naws_access_key_id = 210000000001\naws_secret_access_key = x\n"
    )
    return tmp_path


@pytest.fixture
def options(local_aws: LocalAws) -> tuple[str, ...]:
    return ("--profile", "local", *REGIONS, "--endpoint-url", local_aws.endpoint_url)


def test_from_an_empty_account_to_a_chain_and_back(
    home: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    planned = run(home, "deploy", "imageproc", "--dry-run", *options)
    assert planned.returncode == 0, planned.stderr
    assert "would: us-east-1  function UpdateWebsite" in planned.stdout
    listed = run(home, "cleanup", *options)
    assert (listed.returncode, listed.stdout) == (0, ""), listed.stderr
    where, nothing = listed.stderr.splitlines()
    assert where.startswith("Looked in us-west-2, us-east-1")
    assert nothing == "There is nothing to delete."

    deployed = run(home, "deploy", "imageproc", *options)
    assert deployed.returncode == 0, deployed.stderr
    assert "✓ us-west-2  table gammaRays" in deployed.stdout
    again = run(home, "deploy", "imageproc", "--json", *options)
    states = [json.loads(line)["state"] for line in again.stdout.splitlines()]
    assert "done" in states
    assert "failed" not in states

    fired = run(home, "fire", "imageproc", "--count", "2", *options)
    assert fired.returncode == 0, fired.stderr
    assert fired.stdout.splitlines()[-1].startswith("fired imageproc: ")

    records = tmp_path / "records.jsonl"
    records.write_text(tail_until_ended(home, options, count=6))
    exported = run(home, "export", str(records))
    check(json.loads(exported.stdout), count=2)

    listed = run(home, "cleanup", *options)
    assert "us-east-1    function     UpdateWebsite" in listed.stdout
    assert "Nothing was deleted" in listed.stderr
    unasked = run(home, "cleanup", "--all", *options)
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    named = run(home, "cleanup", "NoSuchThing", *options)
    assert named.returncode == 2
    assert '"NoSuchThing"' in named.stderr
    looked = run(home, "cleanup", "--all", "--dry-run", *options)
    assert "would be deleted. Nothing was deleted." in looked.stderr

    cleaned = run(home, "cleanup", "--all", "--yes", *options)
    assert cleaned.returncode == 0, cleaned.stderr
    left = run(home, "cleanup", *options)
    assert left.stderr.endswith("There is nothing to delete.\n")


def tail_until_ended(home: Path, options: tuple[str, ...], count: int) -> str:
    """Run `tail --json` until `count` invocations have ended; give its lines."""
    lines: list[str] = []
    ended: set[str] = set()
    with started(home, "tail", "--json", "--since", "all", *options) as process:
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
def started(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start gammaray-tui; it is killed when it takes too long, so that reading it ends."""
    process = subprocess.Popen(
        command(*arguments),
        env=clean_environment(home),
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


def test_no_region_with_the_table_ends_the_tail(home: Path, options: tuple[str, ...]) -> None:
    with started(home, "tail", "--table", "elsewhere", *options) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert "us-west-2: down: " in err or "us-east-1: down: " in err
    assert "elsewhere" in err


def test_a_reader_that_goes_away_ends_the_tail(home: Path, options: tuple[str, ...]) -> None:
    assert run(home, "deploy", "imageproc", *options).returncode == 0
    assert run(home, "fire", "imageproc", *options).returncode == 0
    with started(home, "tail", "--since", "all", *options) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait() == 0
        said = process.stderr.read()
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
    assert said.splitlines()[-1].split()[1].startswith("record")
