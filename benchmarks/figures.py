"""Measure what a user feels: starting, waiting for a chain, and leaving it open.

    python -m benchmarks.figures            all figures, as a table
    python -m benchmarks.figures help demo  some of them

CPU time is what the process itself used, so that a busy machine does not change it much.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.terminal import Terminal
from tests.unit.cli.run import clean_environment, command

RECORDING = Path(__file__).parents[1] / "tests" / "data" / "demo" / "records.jsonl"
# Only a frame of the main screen has this; only a row of the tree has that.
FRAME, CHAIN = "causal tree", "PutItem→eastSyncTable-B"
LAST = "UpdateWebsite"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
RUNS = 5
FIRINGS = 20
# Readers poll less often after half a minute without records.
REST_S, WATCHED_S = 40.0, 20.0


@dataclass(frozen=True)
class Figure:
    """One measured value beside what it should be at most."""

    what: str
    value: float
    unit: str
    limit: float

    def __str__(self) -> str:
        verdict = "" if self.value <= self.limit else "  MISSED"
        limit = f"{self.limit:g} {self.unit}"
        return f"{self.what:<58} {self.value:7.2f} {self.unit:<2} at most {limit}{verdict}"


def measure_help() -> Iterator[Figure]:
    """Run --help several times."""
    walls, cpus = [], []
    with home() as folder:
        for _ in range(RUNS):
            began_s = time.monotonic()
            process = subprocess.Popen(
                command("--help"), env=clean_environment(folder), stdout=subprocess.DEVNULL
            )
            usage = os.wait4(process.pid, 0)[2]
            walls.append(time.monotonic() - began_s)
            cpus.append(usage.ru_utime + usage.ru_stime)
    yield Figure("gammaray-tui --help, wall (median)", statistics.median(walls), "s", 0.3)
    yield Figure("gammaray-tui --help, CPU (median)", statistics.median(cpus), "s", 0.3)


def measure_first_frame() -> Iterator[Figure]:
    """Open the screen without AWS several times."""
    cpus = []
    with home() as folder:
        for _ in range(RUNS):
            with Terminal(
                command("replay", str(RECORDING)), clean_environment(folder), folder
            ) as terminal:
                terminal.wait_for(FRAME)
                cpus.append(cpu_s(terminal.pid))
    yield Figure("start to first frame, CPU (median)", statistics.median(cpus), "s", 0.6)


def measure_demo() -> Iterator[Figure]:
    """Start the demo in a terminal, wait for its first chain, then leave it alone."""
    with home() as folder:
        began_s = time.monotonic()
        with Terminal(command("demo"), clean_environment(folder), folder) as terminal:
            terminal.wait_for(FRAME)
            yield Figure("demo: first frame, wall", time.monotonic() - began_s, "s", 5)
            terminal.wait_for(CHAIN)
            yield Figure(
                "demo: first complete chain on screen, wall", time.monotonic() - began_s, "s", 20
            )
            yield from _idle(terminal)
            terminal.type("q")
            terminal.wait()


def _idle(terminal: Terminal) -> Iterator[Figure]:
    terminal.read_for(REST_S)
    used_s = cpu_s(terminal.pid)
    terminal.read_for(WATCHED_S)
    share = (cpu_s(terminal.pid) - used_s) / WATCHED_S * 100
    yield Figure("idle with two regions, share of a core", share, "%", 3)


def measure_keys() -> Iterator[Figure]:
    """Deploy and fire on an empty local AWS by keys alone, until the chain is on screen."""
    from providers.local_aws import LocalAws

    async def measured() -> Figure:
        async with LocalAws() as local_aws:
            return await asyncio.to_thread(_by_keys, local_aws.endpoint_url)

    yield asyncio.run(measured())


def _by_keys(endpoint_url: str) -> Figure:
    with home() as folder:
        (folder / ".aws").mkdir()
        (folder / ".aws" / "credentials").write_text(
            "[default]\naws_access_key_id = 400000000001\naws_secret_access_key = x\n"
        )
        regions = ("--region", "us-west-2", "--region", "us-east-1")
        screen = command("--endpoint-url", endpoint_url, *regions)
        began_s = time.monotonic()
        with Terminal(screen, clean_environment(folder), folder) as terminal:
            # Each key waits for what it answers, as somebody who reads the screen does.
            for shown, keys in (
                (FRAME, "i"),
                ("This will take", "\t\r"),
                ("is deployed; close this", "\r"),
                ("nothing was recorded here yet", "f"),
                ("invoke ImageProcPy", "\r"),
            ):
                terminal.wait_for(shown, timeout_s=90)
                terminal.type(keys)
            terminal.wait_for(CHAIN, timeout_s=90)
            took_s = time.monotonic() - began_s
            terminal.type("q")
            terminal.wait()
    return Figure("empty local AWS to imageproc's chain on screen by keys, wall", took_s, "s", 30)


def measure_delay() -> Iterator[Figure]:
    """Fire the demo again and again; wait for each UpdateWebsite to come on screen.

    Measured from the invocation's start, which is before its record can be read.
    """
    delays = asyncio.run(_delays())
    what = f"UpdateWebsite's start to its row on screen (median of {len(delays)})"
    yield Figure(what, statistics.median(delays), "s", 0.5)


async def _delays() -> list[float]:
    from causality.snapshot import TreeRows
    from gammaray_tui.app import GammarayApp
    from gammaray_tui.commands.aws import stream_source
    from gammaray_tui.watch import Watch
    from providers.demo import Demo

    def shown(rows: TreeRows) -> int:
        return sum(rows.row(at).function == LAST for at in range(len(rows)))

    delays = []
    watch = Watch("demo")
    async with Demo() as demo:
        source = stream_source(demo.session, "all")
        app = GammarayApp(watch, title="demo", sources=(lambda: source(watch.queue),))
        async with app.run_test(size=(140, 40)) as pilot:
            for count in range(1, FIRINGS + 2):
                await demo.operations.fire(demo.application, 1, lambda _step: None)
                while shown(app.snapshot.rows) < count:
                    await pilot.pause(0.005)
                seen_at_s = time.time()
                starts = [
                    invocation.recorded_at_s
                    for invocation in watch.engine.invocations.values()
                    if invocation.function == LAST and invocation.recorded_at_s is not None
                ]
                if count > 1:  # the first one is cold
                    delays.append(seen_at_s - max(starts))
    return delays


def cpu_s(pid: int) -> float:
    """Give the CPU time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


@contextmanager
def home() -> Iterator[Path]:
    """Give an empty home folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


MEASURES: dict[str, Callable[[], Iterator[Figure]]] = {
    "help": measure_help,
    "frame": measure_first_frame,
    "delay": measure_delay,
    "demo": measure_demo,
    "keys": measure_keys,
}


def main(names: Sequence[str]) -> int:
    """Measure and print the named figures; say with the exit code whether all were reached."""
    missed = 0
    for name in names or MEASURES:
        for figure in MEASURES[name]():
            print(figure, flush=True)  # noqa: T201 - this is what it is run for
            missed += figure.value > figure.limit
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
