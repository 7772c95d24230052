"""The engine: from the bytes of GetRecords responses, or files, to the graph.

    python -m pytest benchmarks/test_bench_engine.py --benchmark-only

CPU time; `json.loads` over the same bytes in the same run is the measure of the machine.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import engine_load, imageproc_files
from benchmarks.figures import Figure
from causality.engine import Engine
from causality.records import decode_page
from gammaray_tui.cli import GC_THRESHOLDS
from gammaray_tui.watch import Watch
from providers.events import RecordBatch

Result = TypeVar("Result")

ROUNDS = 7
PARSINGS = 3
TREES = 1000
GENERATIONS = {"both": None, "ours": 2, "original": 1}
KB = 1024

pytestmark = pytest.mark.benchmark(timer=time.process_time, disable_gc=False)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[Figure], None]]:
    """Print figures beside the table of pytest-benchmark."""
    figures: list[Figure] = []
    yield figures.append
    with capsys.disabled():
        for figure in figures:
            print(f"\n{figure}", end="")  # noqa: T201


@pytest.fixture(params=["", ", collecting seldom"])
def collecting(request: pytest.FixtureRequest) -> Iterator[str]:
    """Collect garbage as Python does by itself, or as seldom as the command line does.

    What json.loads makes is looked at by the collector and the graph is not, so that the first
    way makes json.loads dearer, and the second one does not.
    """
    before = gc.get_threshold()
    if request.param:
        gc.set_threshold(*GC_THRESHOLDS)
    yield request.param
    gc.set_threshold(*before)


@cache
def pages_of(generation: int | None) -> list[bytes]:
    return list(engine_load.pages(engine_load.trees(TREES, generation=generation)))


def graph_of(pages: Iterable[bytes], max_invocations: int | None = None) -> Engine:
    engine = Engine(max_invocations=max_invocations)
    for page in pages:
        engine.apply_records(decode_page(page).records)
        engine.settle()
        engine.touched.clear()
    return engine


def build(pages: Iterable[bytes]) -> None:
    """Make a graph and drop it."""
    graph_of(pages).let_go()


def parse(pages: Iterable[bytes]) -> None:
    for page in pages:
        json.loads(page)


def cpu_s(work: Callable[[], object]) -> float:
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def rounds(benchmark: BenchmarkFixture, work: Callable[[], Result], count: int = 1) -> Result:
    """Let pytest-benchmark measure some work; gives what it gave."""
    result: Result = benchmark.pedantic(work, rounds=count)  # type: ignore[no-untyped-call]
    return result


@pytest.mark.parametrize("recorder", GENERATIONS)
@pytest.mark.parametrize("work", [parse, build], ids=["json.loads", "to the graph"])
def test_pages(
    benchmark: BenchmarkFixture, recorder: str, work: Callable[[Iterable[bytes]], object]
) -> None:
    benchmark.group = f"{TREES} trees, recorder: {recorder}"
    rounds(benchmark, lambda: work(pages_of(GENERATIONS[recorder])), ROUNDS)


@pytest.mark.parametrize("recorder", GENERATIONS)
def test_records_a_second(
    benchmark: BenchmarkFixture, say: Callable[[Figure], None], recorder: str, collecting: str
) -> None:
    pages = pages_of(GENERATIONS[recorder])
    count = sum(len(json.loads(page)["Records"]) for page in pages)
    # By turns, and for about as long, so that both meet the same machine.
    parsing, building = zip(
        *(
            (cpu_s(lambda: parse(pages * PARSINGS)) / PARSINGS, cpu_s(lambda: build(pages)))
            for _ in range(ROUNDS)
        ),
        strict=True,
    )
    rounds(benchmark, lambda: build(pages))
    say(Figure(f"{recorder}{collecting}: CPU of json.loads", min(building) / min(parsing), "x", 4))
    say(Figure(f"{recorder}{collecting}: CPU a record", 1e6 * min(building) / count, "µs", 10))


def test_linear(benchmark: BenchmarkFixture, say: Callable[[Figure], None]) -> None:
    few = cpu_in_a_process(100_000)
    many = rounds(benchmark, lambda: cpu_in_a_process(1_000_000))
    say(Figure("1,000,000 invocations to 100,000", many / few, "x", 11))


def test_memory(benchmark: BenchmarkFixture, say: Callable[[Figure], None]) -> None:
    many = rounds(benchmark, lambda: rss_in_a_process(150_000))
    grown = many - rss_in_a_process(50_000)
    say(Figure("memory of an invocation with one call", grown / 100_000, "B", 700))


def test_bounded_memory(benchmark: BenchmarkFixture, say: Callable[[Figure], None]) -> None:
    early = rss_in_a_process(500_000, 20_000)
    late = rounds(benchmark, lambda: rss_in_a_process(2_500_000, 20_000))
    say(
        Figure("with a bound: memory after 5,000,000 records to 1,000,000", late / early, "x", 1.05)
    )


def test_longest_block(benchmark: BenchmarkFixture, say: Callable[[Figure], None]) -> None:
    longest_s = min(rounds(benchmark, longest_block_s), longest_block_s(), longest_block_s())
    say(Figure("longest block while pages are applied, CPU", 1e3 * longest_s, "ms", 15))


def test_files_to_dot(
    benchmark: BenchmarkFixture, say: Callable[[Figure], None], tmp_path: Path
) -> None:
    imageproc_files.write(tmp_path, 20_000)
    command = [sys.executable, "-m", "gammaray_tui", "export", str(tmp_path), "--format", "dot"]
    command += ["-o", str(tmp_path / "graph.dot")]
    # What is installed is compiled: the first run is, too, and the least of all counts.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

    def export() -> float:
        process = subprocess.Popen(command, env=environment)
        usage = os.wait4(process.pid, 0)[2]
        return usage.ru_utime + usage.ru_stime

    took_s = min(rounds(benchmark, export), export(), export())
    say(Figure("20,000 imageproc invocations, files to DOT, CPU", took_s, "s", 3))


# --- in processes of their own ----------------------------------------------------------------


def in_a_process(what: str, *arguments: int) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.test_bench_engine", what, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def cpu_in_a_process(invocations: int) -> float:
    """Give the CPU seconds that the graph of so many invocations takes."""
    return in_a_process("graph", invocations, 0)[0]


def rss_in_a_process(invocations: int, bound: int = 0) -> float:
    """Give the bytes that a process needs that holds the graph."""
    return in_a_process("graph", invocations, bound)[1]


def longest_block_s() -> float:
    """Give the CPU seconds of the longest draining while many pages come."""
    return in_a_process("block")[0]


def graph(invocations: int, bound: int) -> tuple[float, int]:
    began_s = time.process_time()
    engine = graph_of(engine_load.many_pairs(2 * invocations), bound or None)
    took_s = time.process_time() - began_s
    assert len(engine.invocations) == (bound or invocations)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return took_s, pages * resource.getpagesize()


def block() -> tuple[float]:
    watch = Watch("benchmark")
    longest_s = 0.0
    for page in engine_load.pages(engine_load.trees(TREES)):
        records = decode_page(page).records
        watch.queue.put_nowait(RecordBatch(engine_load.REGION, "shard", records))
        changed = True
        while changed:
            began_s = time.process_time()
            changed = watch.drain()
            longest_s = max(longest_s, time.process_time() - began_s)
    return (longest_s,)


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    gc.set_threshold(*GC_THRESHOLDS)  # as the command line does
    measured = block() if what == "block" else graph(*map(int, arguments))
    print(*measured)  # noqa: T201
