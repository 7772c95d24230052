"""Measure the stream reader through HTTP: records a second, and what waiting costs.

    python -m benchmarks.stream_reading

The server is a process of its own, so that the figures are the reader's. CPU time hardly
depends on how busy the machine is; time on the clock and blocked time do.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Any

from aiohttp import web

from providers.events import ProviderEvent, RecordBatch
from providers.session import AwsSession, AwsSettings
from providers.streams import StreamSource, parse_since
from tests.fakes.streams_server import FakeAws

REGIONS = ("us-west-2", "us-east-1", "eu-west-1", "ap-south-1")
RECORD_BYTES = 850  # with 1000 records a page, just below the service's limit of 1 MB
# Readers poll less often after half a minute without records.
REST_S, WATCHED_S = 35.0, 20.0


class QuickAws(FakeAws):
    """Keeps full pages as text: writing JSON takes the server longer than reading takes us."""

    def __init__(self) -> None:
        super().__init__(time.time)
        self._pages: dict[str, str] = {}

    def _json(self, answer: dict[str, Any], status: int = 200) -> web.Response:
        records = answer.get("Records")
        if not records:
            return super()._json(answer, status)
        first = records[0]["eventID"]
        if first not in self._pages:
            self._pages[first] = json.dumps(records)
        rest = json.dumps({"NextShardIterator": answer.get("NextShardIterator")})
        body = f'{{"Records":{self._pages[first]},{rest[1:]}'
        return web.Response(body=body.encode(), content_type="application/x-amz-json-1.0")


async def serve(regions: int, shards: int, records: int) -> None:
    aws = QuickAws()
    for name in REGIONS[:regions]:
        region = aws.region(name)
        region.make_table(shards=shards)
        for shard in region.stream.open_shards():
            region.write(shard, records, RECORD_BYTES)
    await aws.start()
    sys.stdout.write(f"{aws.endpoint_url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def measure(regions: int, shards: int, records: int) -> str:
    arguments = ["-m", "benchmarks.stream_reading", "serve", str(regions), str(shards)]
    server = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, str(records), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    url = (await server.stdout.readline()).decode().strip()
    session = AwsSession.open(AwsSettings(regions=REGIONS[:regions], endpoint_url=url))
    source = StreamSource(session, since=parse_since("all"))
    queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(20)
    running = asyncio.create_task(source.run(queue))
    try:
        if records:
            return await _reading(queue, regions * shards * records)
        return await _waiting(queue)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.kill()
        await server.wait()


async def _reading(queue: asyncio.Queue[ProviderEvent], total: int) -> str:
    blocked_s: list[float] = []

    async def watch_the_loop() -> None:
        while True:
            before_s = time.perf_counter()
            await asyncio.sleep(0.001)
            blocked_s.append(time.perf_counter() - before_s - 0.001)

    while not isinstance(event := await queue.get(), RecordBatch):
        pass
    watching = asyncio.create_task(watch_the_loop())
    count = first = len(event.records)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    while count < total:
        if isinstance(event := await queue.get(), RecordBatch):
            count += len(event.records)
    clock_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    watching.cancel()
    read = count - first
    return (
        f"{read / clock_s:,.0f} records/s by the clock, {read / cpu_s:,.0f} a second of CPU, "
        f"event loop blocked at most {max(blocked_s) * 1000:.0f} ms"
    )


async def _waiting(queue: asyncio.Queue[ProviderEvent]) -> str:
    async def consume() -> None:
        while True:
            await queue.get()

    consuming = asyncio.create_task(consume())
    await asyncio.sleep(REST_S)
    began_cpu_s = time.process_time()
    await asyncio.sleep(WATCHED_S)
    consuming.cancel()
    return f"{(time.process_time() - began_cpu_s) / WATCHED_S:.1%} of a core while nothing comes"


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(*map(int, sys.argv[2:5])))
        return
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    for regions, shards, records in ((2, 2, 50_000), (2, 1, 0), (2, 4, 0), (4, 64, 0)):
        what = f"{regions} regions x {shards} shards x {records:,} records"
        sys.stdout.write(f"{what}: {asyncio.run(measure(regions, shards, records))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
