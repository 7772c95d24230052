"""Measure the stream reader through HTTP: records a second, blocked time, and what waiting costs.

    python -m benchmarks.stream_reading                  all of it
    python -m benchmarks.stream_reading reading engine   what comes at full speed, alone and drawn
    python -m benchmarks.stream_reading idle             what it costs to wait
    python -m benchmarks.stream_reading lagging          shards that are read by turns

The server is a process of its own, so that the figures are the reader's. They are CPU time, which
hardly depends on how busy the machine is: how long the event loop is blocked is the CPU time
between two of its looks at the sockets.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import selectors
import sys
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks import engine_load
from causality.records import decode_page
from gammaray_tui.cli import GC_THRESHOLDS
from gammaray_tui.watch import Watch
from providers.events import EndOfInput, ProviderEvent, RecordBatch
from providers.session import AwsSession, AwsSettings
from providers.streams import StreamSource, parse_since
from tests.fakes.streams_server import FakeAws

REGIONS = ("us-west-2", "us-east-1", "eu-west-1", "ap-south-1")
PAGES = 40  # of 1000 records, a shard
# Readers poll less often after half a minute without records.
REST_S, WATCHED_S = 35.0, 20.0
QUEUE = 20
FRAME_S = 0.1
DRAIN_S = 0.01
LAGGING_TREES = 800


class FullPages(FakeAws):
    """Serves full pages, written beforehand: making them takes longer than reading them."""

    def __init__(self) -> None:
        super().__init__(time.time)
        self._pages: dict[str, list[str]] = {}

    def fill(self, regions: int, shards: int, pages: int) -> None:
        """Make the tables, with so many pages in each shard."""
        filled = []
        for name in REGIONS[:regions]:
            region = self.region(name)
            region.make_table(shards=shards)
            filled += region.stream.open_shards()
        found = engine_load.trees(10**9)
        number = 0
        for _ in range(pages):
            for shard in filled:  # all of them are written to at the same time
                records = list(islice(found, 1000))
                for record in records:
                    number += 1
                    record["dynamodb"]["SequenceNumber"] = f"{number:025d}"
                self._pages.setdefault(shard.id, []).append(json.dumps(records))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers["X-Amz-Target"].endswith("GetRecords"):
            token = json.loads((await request.json())["ShardIterator"])
            texts, at = self._pages.get(token["shard"], []), token["position"]
            if at < len(texts):
                after = json.dumps({"NextShardIterator": json.dumps({**token, "position": at + 1})})
                body = f'{{"Records":{texts[at]},{after[1:]}'
                return web.Response(body=body.encode(), content_type="application/x-amz-json-1.0")
        return await super()._answer(request)


async def serve(regions: int, shards: int, pages: int) -> None:
    """Serve until killed; the first line of output is the address."""
    aws = FullPages()
    aws.fill(regions, shards, pages)
    await aws.start()
    sys.stdout.write(f"{aws.endpoint_url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class TimedSelector(selectors.DefaultSelector):
    """Notes how much CPU the event loop uses between two looks at the sockets.

    Attributes:
        longest_s: the most so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest_s = 0.0
        self._began_s = time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.longest_s = max(self.longest_s, time.thread_time() - self._began_s)
        events = super().select(timeout)
        self._began_s = time.thread_time()
        return events


@asynccontextmanager
async def reading(
    regions: int, shards: int, pages: int, queue: asyncio.Queue[ProviderEvent]
) -> AsyncIterator[None]:
    """Read from a server of ours into a queue."""
    arguments = ["-m", "benchmarks.stream_reading", "serve", str(regions), str(shards)]
    server = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, str(pages), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    url = (await server.stdout.readline()).decode().strip()
    session = AwsSession.open(AwsSettings(regions=REGIONS[:regions], endpoint_url=url))
    running = asyncio.create_task(StreamSource(session, since=parse_since("all")).run(queue))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.kill()
        await server.wait()


async def measure_reading(selector: TimedSelector) -> str:
    """Take what comes, and nothing else."""
    queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(QUEUE)

    async def take() -> int:
        event = await queue.get()
        return len(event.records) if isinstance(event, RecordBatch) else 0

    return await _full_speed(queue, take, selector)


async def measure_engine(selector: TimedSelector) -> str:
    """Build the graph, with ten snapshots a second, as the screen has them made."""
    watch = Watch("figures")
    shown_s = 0.0

    async def take() -> int:
        nonlocal shown_s
        before = watch.engine.records
        watch.drain(DRAIN_S)
        if time.monotonic() - shown_s > FRAME_S:
            shown_s = time.monotonic()
            watch.snapshot()
        await asyncio.sleep(0)
        return watch.engine.records - before

    return await _full_speed(watch.queue, take, selector)


def measure_lagging() -> str:
    """Apply the pages of two shards by turns, each invocation's records being in one of them.

    Beside it the same without knowing when pages arrived, so that none seems to lag behind.
    """
    shards: dict[int, list[dict[str, Any]]] = {0: [], 1: []}
    for record in engine_load.trees(LAGGING_TREES, generation=1, every_s=3.0):
        request_id = record["dynamodb"]["NewImage"]["reqID"]["S"].split(":")[0]
        shards[zlib.crc32(request_id.encode()) & 1].append(record)
    by_turns = [engine_load.pages(iter(found), 100) for found in shards.values()]
    pages = [
        (f"shard {number}", decode_page(page).records)
        for both in zip(*by_turns, strict=False)  # of about the same length
        for number, page in enumerate(both)
    ]
    found = []
    for arrived_s in (time.time(), 0.0):
        watch = Watch("figures", clock=lambda: engine_load.START_S)
        began_cpu_s = time.process_time()
        for shard, records in pages:
            watch.apply(RecordBatch(REGIONS[0], shard, records, received_at_s=arrived_s))
        watch.apply(EndOfInput("figures"))
        found.append(time.process_time() - began_cpu_s)
    return (
        f"{sum(len(records) for _, records in pages):,} records of two shards by turns: "
        f"{found[0]:.1f} s of CPU; {found[1]:.1f} s if nothing waited for the slower one"
    )


async def _full_speed(
    queue: asyncio.Queue[ProviderEvent],
    take: Callable[[], Awaitable[int]],
    selector: TimedSelector,
) -> str:
    regions, shards = 2, 2
    total = regions * shards * PAGES * 1000
    async with reading(regions, shards, PAGES, queue):
        first = count = await _first(take)  # connecting is not what is measured
        selector.longest_s = 0.0
        began_s, began_cpu_s, quarter_mb = time.perf_counter(), time.process_time(), 0.0
        while count < total:
            count += await take()
            if not quarter_mb and count >= total / 4:
                quarter_mb = memory_mb()
        clock_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    read = count - first
    return (
        f"{read:,} records: {read / cpu_s:,.0f} a second of CPU, {read / clock_s:,.0f} a second "
        f"by the clock; event loop blocked at most {selector.longest_s * 1000:.0f} ms; memory "
        f"{quarter_mb:.0f} MB after a quarter, {memory_mb():.0f} MB at the end"
    )


async def _first(take: Callable[[], Awaitable[int]]) -> int:
    while not (count := await take()):
        pass
    return count


def memory_mb() -> float:
    """Give the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def measure_idle(regions: int, shards: int) -> str:
    """Wait while nothing comes."""
    queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(QUEUE)

    async def consume() -> None:
        while True:
            await queue.get()

    async with reading(regions, shards, 0, queue):
        consuming = asyncio.create_task(consume())
        await asyncio.sleep(REST_S)
        began_cpu_s = time.process_time()
        await asyncio.sleep(WATCHED_S)
        consuming.cancel()
        return f"{(time.process_time() - began_cpu_s) / WATCHED_S:.1%} of a core, nothing comes"


def main() -> None:
    """Measure what the command line names, or everything."""
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(*map(int, sys.argv[2:5])))
        return
    gc.set_threshold(*GC_THRESHOLDS)
    wanted = sys.argv[1:] or ["reading", "engine", "lagging", "idle"]
    for name, measure in {"reading": measure_reading, "engine": measure_engine}.items():
        if name in wanted:
            selector = TimedSelector()
            with asyncio.Runner(
                loop_factory=lambda selector=selector: asyncio.SelectorEventLoop(selector)  # type: ignore[misc]
            ) as runner:
                _say(name, runner.run(measure(selector)))
    if "lagging" in wanted:
        _say("lagging", measure_lagging())
    if "idle" in wanted:
        for regions, shards in ((2, 1), (2, 4), (4, 64)):
            _say(f"{regions} regions x {shards} shards", asyncio.run(measure_idle(regions, shards)))


def _say(what: str, found: str) -> None:
    sys.stdout.write(f"{what}: {found}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
