"""Measure recordings: what writing costs a watch, how large they are, how fast they play.

    python -m benchmarks.recording

The baseline of the same run is the watch without recording. CPU time of the whole process, the
writing thread's included, so that other work on the machine hardly changes it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from benchmarks import engine_load
from causality.records import StreamRecord, decode_record
from gammaray_tui.cli import GC_THRESHOLDS
from gammaray_tui.watch import Watch
from providers.events import EndOfInput, ProviderEvent, RecordBatch
from providers.files import collect
from providers.recordings.entries import Began
from providers.recordings.reader import open_recording, read_events
from providers.recordings.writer import Recorder
from providers.replay import Player, tape_of

RECORDS = 100_000
PAGE = 200


def pages() -> list[RecordBatch]:
    found: list[StreamRecord] = []
    for line in islice(engine_load.trees(10**9), RECORDS):
        record = decode_record(json.dumps(line).encode())
        if isinstance(record, StreamRecord):
            found.append(record)
    return [
        RecordBatch("us-west-2", "shard", found[start : start + PAGE], [], 1.0 + start / PAGE)
        for start in range(0, len(found), PAGE)
    ]


def watched(events: list[RecordBatch]) -> None:
    watch = Watch("bench", max_invocations=None)
    for event in events:
        watch.apply(event)


def cost_s(act: Callable[[], object]) -> float:
    gc.collect()
    began_s = time.process_time()
    act()
    return time.process_time() - began_s


def read_all(path: Path) -> None:
    with open_recording(path) as stream:
        for _ in read_events(stream, path.name):
            pass


async def played(path: Path) -> None:
    """Play to the end into a graph: what going back costs, too, for it begins anew."""
    player = Player(tape_of(collect([path])), speed=None)
    watch = Watch("bench", max_invocations=None, clock=player.now_s)

    async def put(event: ProviderEvent) -> None:
        watch.apply(event)
        if isinstance(event, EndOfInput):
            running.cancel()

    running = asyncio.ensure_future(player.run(put))
    await asyncio.gather(running, return_exceptions=True)


def main() -> None:
    gc.set_threshold(*GC_THRESHOLDS)
    events = pages()
    count = sum(len(event.records) for event in events)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.gammaray")

        def record() -> None:
            recorder = Recorder(path, Began(at_s=1.0))
            for event in events:
                recorder.record(event)
            recorder.close()

        watched(events)  # warm
        alone_s = cost_s(lambda: watched(events))
        recording_s = cost_s(record)
        reading_s = cost_s(lambda: read_all(path))
        playing_s = cost_s(lambda: asyncio.run(played(path)))
        size = path.stat().st_size
    out = sys.stdout.write
    out(f"{count:,} records in pages of {PAGE}\n")
    out(f"the watch alone        {alone_s / count * 1e6:6.1f} µs a record (baseline)\n")
    out(f"what recording adds    {recording_s / count * 1e6:6.1f} µs a record\n")
    out(f"size                   {size / count:6.0f} bytes a record\n")
    out(f"reading a recording    {reading_s / count * 1e6:6.1f} µs a record\n")
    out(f"playing into a graph   {playing_s / count * 1e6:6.1f} µs a record\n")
    out(f"going back over all    {playing_s:6.1f} s of CPU\n")


if __name__ == "__main__":
    main()
