"""Measure the screen over a large model: changes, keys, dialogs, rest, first frame, hours.

    python -m benchmarks.screen                    100,000 invocations, 1,000 records a second
    python -m benchmarks.screen --invocations 20000
    python -m benchmarks.screen --only replay      or: model, soak

The real application on Textual's headless driver, which paints every cell and only writes it to
nowhere; CPU time is this process's own, the driving of the test included. As a baseline, the same
application with nothing in it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median

from textual.pilot import Pilot

from benchmarks.engine_load import INVOCATIONS_A_TREE, pages, trees
from causality.records import StreamRecord, decode_page
from gammaray_tui.app import GammarayApp
from gammaray_tui.cli import GC_THRESHOLDS
from gammaray_tui.commands.replay import play_files
from gammaray_tui.watch import Watch
from providers.events import RecordBatch
from providers.files import collect
from providers.recordings.entries import Began
from providers.recordings.writer import Recorder
from providers.replay import Player

SIZE = (120, 40)
MEASURED_S = 8.0
CHANGES_A_SECOND = 1000
KEYS = 60
SCREENS = {"P": "problems", "m": "map", "t": "time line", "question_mark": "help", "e": "export"}
HOURS = 8


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invocations", type=int, default=100_000)
    parser.add_argument("--only", choices=("replay", "model", "soak"))
    arguments = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)
    only: str | None = arguments.only
    if only in (None, "replay"):
        asyncio.run(measure_replay(arguments.invocations))
    if only in (None, "model"):
        asyncio.run(measure_model(arguments.invocations))
    if only in (None, "soak"):
        soak()


async def measure_replay(invocations: int) -> None:
    """Measure how a recording of that many invocations opens, played as fast as it can be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.gammaray")
        _record(path, invocations)
        gc.collect()
        began_s = time.process_time()
        player = Player(speed=None)
        watch = Watch(path.name, max_invocations=None, clock=player.now_s)
        watch.playback = player.playback
        app = GammarayApp(
            watch,
            title=path.name,
            read_only=True,
            sources=(lambda: play_files(player, collect([path]), watch, app.report),),
            player=player,
        )
        async with app.run_test(size=SIZE):
            await until(lambda: bool(len(app.snapshot.rows)))
            first_s = time.process_time() - began_s
            report(f"first frame with rows, replay of {invocations:,}: s", first_s, 3)
            blocks: list[float] = []
            beating = asyncio.ensure_future(_note_blocks(blocks))
            await until(lambda: watch.engine.finished)
            whole_s = time.process_time() - began_s
            beating.cancel()
            app.refresh_views()
        say(f"    all {len(watch.engine.invocations):,} are there after {whole_s:.2f} s")
        blocks.sort()
        often_s = blocks[len(blocks) * 99 // 100]
        report("    until a key has its turn meanwhile, p99: ms", 1000 * often_s, 15)
        say(f"    the longest: {1000 * blocks[-1]:.0f} ms")


async def measure_model(invocations: int) -> None:
    """Measure with that many invocations in the model."""
    stream = _records()
    report("empty, at rest: % of a core", await _at_rest(Watch("bench")), 2)
    watch = Watch("bench", max_invocations=None)
    began_s = time.process_time()
    _load(watch, stream, invocations)
    say(f"    {invocations:,} read and matched in {time.process_time() - began_s:.2f} s")
    app = GammarayApp(watch, title="bench")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        gc.freeze()
        report("at rest: % of a core", 100 * await _share(pilot, _nothing), 2)
        share = await _share(pilot, lambda: _feed(watch, stream))
        report(f"{CHANGES_A_SECOND:,} records a second, following: % of a core", 100 * share, 20)
        await pilot.press("k")
        share = await _share(pilot, lambda: _feed(watch, stream))
        report(f"{CHANGES_A_SECOND:,} records a second, held: % of a core", 100 * share, 20)
        times = await _keys(pilot)
        report("key to paint, median: ms", 1000 * median(times), 50)
        report("key to paint, p95: ms", 1000 * sorted(times)[int(0.95 * len(times))], 100)
        for key, name in SCREENS.items():
            began_s = time.process_time()
            await pilot.press(key)
            report(f"opening {name}: ms", 1000 * (time.process_time() - began_s), 150)
            await pilot.press("escape")
    gc.unfreeze()


def report(what: str, value: float, limit: float) -> None:
    """Print a figure beside what it should be at most."""
    verdict = "" if value <= limit else "  MISSED"
    say(f"{what:<60} {value:8.2f}  at most {limit:g}{verdict}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _records(count_of_trees: int = 10**9) -> Iterator[StreamRecord]:
    for page in pages(trees(count_of_trees)):
        yield from decode_page(page).records


def _load(watch: Watch, stream: Iterator[StreamRecord], invocations: int) -> None:
    wanted = invocations // INVOCATIONS_A_TREE * INVOCATIONS_A_TREE
    while len(watch.engine.invocations) < wanted:
        watch.apply(RecordBatch("us-west-2", "bench", list(itertools.islice(stream, 1000))))


def _record(path: Path, invocations: int) -> None:
    stream, at_s = _records(invocations // INVOCATIONS_A_TREE), time.time()
    recorder = Recorder(path, Began(at_s=at_s))
    while records := list(itertools.islice(stream, 200)):
        at_s += 0.1
        recorder.record(RecordBatch("us-west-2", "bench", records, [], at_s))
    recorder.close()


async def _note_blocks(blocks: list[float]) -> None:
    """Note again and again how much CPU time passes until something else has its turn."""
    while True:
        before_s = time.thread_time()
        await asyncio.sleep(0.001)
        blocks.append(time.thread_time() - before_s)


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else have its turn until the condition holds."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.002)


async def _nothing() -> None:
    pass


async def _feed(watch: Watch, stream: Iterator[StreamRecord]) -> None:
    batch = list(itertools.islice(stream, CHANGES_A_SECOND // 10))
    await watch.queue.put(RecordBatch("us-west-2", "bench", batch))


async def _share(pilot: Pilot[None], ten_times_a_second: Callable[[], Awaitable[None]]) -> float:
    """Give the share of a core that is used while something happens ten times a second.

    Where other work keeps it from happening so often, it takes longer until it has.
    """
    used_s, began_s, times = 0.0, time.process_time(), 0
    next_s = time.monotonic()
    while times < 10 * MEASURED_S:
        before_s = time.process_time()
        await ten_times_a_second()  # making the records is not the application's work
        used_s += time.process_time() - before_s
        times, next_s = times + 1, next_s + 0.1
        await asyncio.sleep(max(0.0, next_s - time.monotonic()))
    return (time.process_time() - began_s - used_s) / MEASURED_S


async def _at_rest(watch: Watch) -> float:
    app = GammarayApp(watch, title="bench")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        return 100 * await _share(pilot, _nothing)


async def _keys(pilot: Pilot[None]) -> list[float]:
    times = []
    for key in itertools.islice(itertools.cycle(("k", "k", "k", "pageup", "h", "j", "l")), KEYS):
        began_s = time.process_time()
        await pilot.press(key)  # returns once the screen is painted
        times.append(time.process_time() - began_s)
    return times


def soak() -> None:
    """Let hours of records through a bounded model, and see whether memory grows."""
    stream = _records()
    watch = Watch("bench", max_invocations=20_000)
    total = HOURS * 3600 * CHANGES_A_SECOND // 100
    sizes: list[tuple[int, float]] = []
    for done in range(0, total, 1000):
        watch.apply(RecordBatch("us-west-2", "bench", list(itertools.islice(stream, 1000))))
        if done % (total // 4) < 1000:
            watch.snapshot()
            gc.collect()
            sizes.append((sum(watch.engine.sizes().values()), _megabytes()))
    say(f"{total:,} records ({HOURS} h at {CHANGES_A_SECOND // 100} a second) through 20,000 kept:")
    for entries, megabytes in sizes:
        say(f"    {entries:,} entries, {megabytes:.0f} MB")
    report("memory at the end over a quarter of the way", sizes[-1][1] / sizes[1][1], 1.1)


def _megabytes() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
