"""`--collected`: what the collector keeps, as lines; and what does not go with it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.fakes.collected import EAST, WEST, FakeCollected
from tests.fakes.services import serving
from tests.unit.cli.run import run_inside


async def run(table: FakeCollected, *arguments: str) -> subprocess.CompletedProcess[str]:
    async with serving(table.answer) as fake:
        place = ("--endpoint-url", fake.endpoint_url, "--region", f"{WEST},{EAST}")
        return await asyncio.to_thread(run_inside, *place, *arguments)


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def counted() -> FakeCollected:
    table, now_s = FakeCollected(), time.time()
    minute = int(now_s) // 60
    table.ran("resize", WEST, minute - 1, *[0.2] * 30, failed="r-1")
    table.ran("resize", WEST, minute - 40, *[0.2] * 5)
    table.invocation("r-0", "upload", now_s - 300, calls=("m",))
    table.invocation("r-1", "resize", now_s - 299, cause="m", parent="r-0")
    return table


async def test_latencies_are_printed() -> None:
    table = counted()
    done = await run(table, "latency", "--collected", "--json")
    (line,) = done.stdout.splitlines()
    entry = json.loads(line)
    assert (done.returncode, entry["name"], entry["count"], entry["errors"]) == (0, "resize", 30, 1)
    assert abs(entry["p50_s"] - 0.2) < 0.004
    done = await run(table, "--since", "1h", "latency", "--collected")
    assert "resize" in done.stdout
    assert " 35 " in done.stdout
    done = await run(table, "latency", "--collected", "--by", "edge")
    assert "no edge" in done.stderr


async def test_a_chain_is_printed() -> None:
    done = await run(counted(), "chain", "r-1", "--collected")
    assert done.returncode == 0, done.stderr
    assert "chain r-0: 2 invocations of upload, resize" in done.stdout


async def test_without_a_collector_it_says_what_to_do() -> None:
    table = FakeCollected()
    table.missing = True
    done = await run(table, "latency", "--collected")
    assert done.returncode == 2
    assert "gammaray-tui setup --collector" in done.stderr
    assert EAST in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--collected", "--record", "f"], "--record is about single records"),
        (["--collected", "--source", "logs"], "--source is about single records"),
        (["--collected", "--archive", "d"], "--archive is about single records"),
        (["--collected", "tail"], "--collected belongs to the screen"),
        (["latency"], "--collected"),
        (["latency", ".", "--collected"], "reads no files"),
        (["latency", "--collected", "--filter", "error"], "--filter is about single"),
        (["latency", "--collected", "--window", "2h"], "--since 2h"),
        (["--region", "us-west-2", "latency", "."], "--region means nothing"),
        (["chain", "x"], "--collected"),
    ],
)
def test_what_does_not_go_together_is_said(arguments: list[str], said: str) -> None:
    done = run_inside(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
