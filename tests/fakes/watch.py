"""A StreamSource watching the fake AWS in virtual time, with what it brought."""

from __future__ import annotations

import asyncio
import time as real_time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from causality.records import StreamRecord
from providers.events import Gap, Position, ProviderEvent, RecordBatch, RegionStatus
from providers.session import AwsSession, AwsSettings
from providers.streams import Resume, Since, StreamSource, parse_since
from tests.fakes.stream_model import FakeRegion, FakeShard
from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime

WEST = "us-west-2"
EAST = "us-east-1"
# Seconds of CPU, and far more than any test needs: to fail with a message, not to wait.
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Asked:
    """What a source is asked for."""

    since: Since
    queue_size: int = 100
    resume: Resume | None = None
    request_timeout_s: float = 60.0


@dataclass
class Watch:
    """What came out of a source, in the order it came.

    Attributes:
        events: everything, of all regions.
        flowing: while not set, nothing is taken from the queue.
        takes_s: how long the consumer is busy with each event.
        taken_s: when the last event was taken.
    """

    aws: FakeAws
    time: VirtualTime
    session: AwsSession
    asked: Asked
    events: list[ProviderEvent] = field(default_factory=list)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    takes_s: float = 0.0
    taken_s: float = 0.0
    source: StreamSource = field(init=False)
    _ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def gaps(self) -> list[Gap]:
        return [event for event in self.events if isinstance(event, Gap)]

    @property
    def batches(self) -> list[RecordBatch]:
        return [event for event in self.events if isinstance(event, RecordBatch)]

    def statuses(self, region: str = WEST) -> list[RegionStatus]:
        return [
            event
            for event in self.events
            if isinstance(event, RegionStatus) and event.region == region
        ]

    def status(self, region: str = WEST) -> RegionStatus | None:
        return next(reversed(self.statuses(region)), None)

    def positions(self, region: str = WEST) -> list[Position]:
        return [
            batch.position for batch in self.batches if batch.region == region and batch.position
        ]

    def records(self, region: str = WEST) -> list[StreamRecord]:
        return [
            record for batch in self.batches if batch.region == region for record in batch.records
        ]

    def ids(self, region: str = WEST) -> list[str]:
        """Give the event ids of the records that came, in the order they came."""
        return self._ids[region]

    def has_all(self, region: FakeRegion) -> bool:
        return Counter(self.ids(region.name)) == Counter(w.event_id for w in region.all_written())

    def is_live(self, region: str = WEST) -> bool:
        status = self.status(region)
        return status is not None and status.phase == "live"

    async def until(
        self, reached: Callable[[], object], missing: Callable[[], object] = str
    ) -> None:
        """Let things happen until a condition on what came, or on the service, holds.

        Raises:
            AssertionError: it never does; the message shows what `missing` gives.
        """
        began_s = real_time.process_time()
        looked_at: tuple[int, int] | None = None
        # The condition can be anything, so there is no event to wait for.
        while True:
            news = (len(self.events), self.aws.activity)
            if news != looked_at:
                if reached():
                    return
                looked_at = news
            if real_time.process_time() - began_s > _PATIENCE_S:
                raise AssertionError(f"not reached: {missing()}; last: {self.events[-5:]}")
            await asyncio.sleep(0)

    async def passes(self, seconds: float) -> None:
        """Let (virtual) time pass while everything goes on."""
        await self.time.sleep(seconds)

    def start(self) -> None:
        asked, time = self.asked, self.time
        time.calls = 0  # what was under way when an earlier watch was cancelled is not
        self.source = StreamSource(
            self.session,
            since=asked.since,
            resume=asked.resume,
            timing=time.timing(),
            request_timeout_s=asked.request_timeout_s,
        )
        queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(asked.queue_size)
        self._tasks = [
            asyncio.create_task(self.source.run(queue)),
            asyncio.create_task(self._collect(queue)),
        ]

    async def stop(self) -> None:
        """Cancel the source, which must not have ended by itself."""
        running = self._tasks[0]
        ended = running.done()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert not ended, f"the source ended by itself: {running}"

    def resume(self, *, start_s: float | None = None) -> Resume:
        """Give what a recording of the watch would know."""
        last: dict[str, dict[tuple[str, str], Position]] = {
            region: {} for region in self.session.regions
        }
        for batch in self.batches:
            if batch.position is not None:
                key = (batch.position.stream_arn, batch.position.shard_id)
                last[batch.region][key] = batch.position
        positions = {region: list(of.values()) for region, of in last.items()}
        # A recording knows of nothing that was not taken, gaps included.
        heard_s = [self.aws.region(name).answered_s for name in self.session.regions]
        return Resume(positions, start_s, min(self.taken_s, *heard_s))

    async def restart_after(self, pause_s: float) -> None:
        """End the source, and after a while go on where what was taken from it ends."""
        await self.stop()
        self.asked = replace(self.asked, resume=self.resume())
        self.time.advance(pause_s)
        self.start()

    async def _collect(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        while True:
            await self.flowing.wait()
            event = await queue.get()
            await self.time.sleep(self.takes_s)
            self.events.append(event)
            self.taken_s = self.time.now_s()
            if isinstance(event, RecordBatch):
                self._ids[event.region] += [record.eventID for record in event.records]


class WatchedSession(AwsSession):
    """A session whose calls time heeds."""

    time: VirtualTime | None = None

    def renewed(self) -> Self:
        renewed = super().renewed()
        renewed.heeded_by(self.time)
        return renewed

    def heeded_by(self, time: VirtualTime | None) -> None:
        if time is not None:
            self.time = time
            time.watch_calls(self._session.get_component("event_emitter"))


@asynccontextmanager
async def fake_aws() -> AsyncIterator[tuple[FakeAws, VirtualTime]]:
    """Start a fake AWS with its own time."""
    aws: FakeAws
    time = VirtualTime(lambda: aws.in_flight > 0)
    aws = FakeAws(time.now_s)
    await aws.start()
    passing = asyncio.create_task(time.run())
    try:
        yield aws, time
    finally:
        passing.cancel()
        await aws.stop()


@asynccontextmanager
async def watching(
    aws: FakeAws,
    time: VirtualTime,
    since: str | Since = "all",
    *,
    regions: tuple[str, ...] = (WEST,),
    session: WatchedSession | None = None,
    queue_size: int = 100,
    resume: Resume | None = None,
    request_timeout_s: float = 60.0,
) -> AsyncIterator[Watch]:
    """Watch the fake AWS; on leaving, the source is cancelled and must end cleanly.

    Requests that hang take real time until they are given up: only who lets them hang should
    ask for a short one, for to a machine that stands still for a moment all requests hang.
    """
    if session is None:
        session = WatchedSession.open(AwsSettings(regions=regions, endpoint_url=aws.endpoint_url))
    session.heeded_by(time)
    start = parse_since(since) if isinstance(since, str) else since
    watch = Watch(aws, time, session, Asked(start, queue_size, resume, request_timeout_s))
    watch.flowing.set()
    watch.start()
    try:
        yield watch
    finally:
        await watch.stop()


def read_in_order(watch: Watch, region: FakeRegion) -> bool:
    """Say whether no record of a shard came before one of the shards it continues."""
    return not list(out_of_order(watch, region))


def out_of_order(watch: Watch, region: FakeRegion) -> Iterator[str]:
    """Tell what came before what it should have followed."""
    place = {event_id: i for i, event_id in enumerate(watch.ids(region.name))}

    def places(shard: FakeShard) -> list[int]:
        return [place[w.event_id] for w in shard.written if w.event_id in place]

    for stream in region.streams:
        for shard in stream.shards.values():
            own = places(shard)
            if own != sorted(own):
                yield f"{shard.id} came mixed up: {own}"
            for parent in shard.parents[:1]:
                before = places(stream.shards[parent])
                if own and before and min(own) < max(before):
                    yield f"{shard.id} at {min(own)} came before {parent} at {max(before)}"
