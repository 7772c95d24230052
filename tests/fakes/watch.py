"""A StreamSource watching the fake AWS in virtual time, with what it brought."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from botocore.loaders import Loader

from causality.records import StreamRecord
from providers.events import Gap, Position, ProviderEvent, RecordBatch, RegionStatus
from providers.session import AwsSession, AwsSettings
from providers.streams import Resume, Since, StreamSource, parse_since
from tests.fakes.stream_model import FakeRegion, FakeShard
from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime

WEST = "us-west-2"
EAST = "us-east-1"
# Real seconds, and far more than any test needs: to fail with a message, not to wait.
_PATIENCE_S = 20.0


@dataclass
class Watch:
    """What came out of a source, in the order it came.

    Attributes:
        delivered: (region, record) of every record.
        flowing: while not set, nothing is taken from the queue.
        takes_s: how long the consumer is busy with each event.
    """

    aws: FakeAws
    time: VirtualTime
    source: StreamSource
    delivered: list[tuple[str, StreamRecord]] = field(default_factory=list)
    events: list[ProviderEvent] = field(default_factory=list)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    takes_s: float = 0.0

    @property
    def gaps(self) -> list[Gap]:
        return [event for event in self.events if isinstance(event, Gap)]

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
            event.position
            for event in self.events
            if isinstance(event, RecordBatch) and event.region == region and event.position
        ]

    def ids(self, region: str = WEST) -> list[str]:
        return [record.eventID for where, record in self.delivered if where == region]

    def has_all(self, region: FakeRegion) -> bool:
        return Counter(self.ids(region.name)) == Counter(w.event_id for w in region.all_written())

    def is_live(self, region: str = WEST) -> bool:
        status = self.status(region)
        return status is not None and status.phase == "live"

    async def until(self, reached: Callable[[], object]) -> None:
        """Let things happen until a condition holds."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                # The condition can be anything, so there is no event to wait for.
                while not reached():  # noqa: ASYNC110
                    await asyncio.sleep(0)
        except TimeoutError:
            raise AssertionError(f"not reached; last events: {self.events[-5:]}") from None

    async def passes(self, seconds: float) -> None:
        """Let (virtual) time pass while everything goes on."""
        await self.time.sleep(seconds)

    async def collect(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        while True:
            await self.flowing.wait()
            event = await queue.get()
            await self.time.sleep(self.takes_s)
            self.events.append(event)
            if isinstance(event, RecordBatch):
                self.delivered += [(event.region, record) for record in event.records]


# Reading the service models takes longer than most tests do.
_LOADER = Loader(include_default_search_paths=True)


def open_session(settings: AwsSettings) -> AwsSession:
    """Open a session that shares the service models with all others of this process."""
    session = AwsSession.open(settings)
    session._session.register_component("data_loader", _LOADER)
    return session


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
    session: AwsSession | None = None,
    queue_size: int = 100,
    resume: Resume | None = None,
) -> AsyncIterator[Watch]:
    """Watch the fake AWS; on leaving, the source is cancelled and must end cleanly."""
    if session is None:
        session = open_session(AwsSettings(regions=regions, endpoint_url=aws.endpoint_url))
    time.watch_calls(session._session.get_component("event_emitter"))
    start = parse_since(since) if isinstance(since, str) else since
    source = StreamSource(
        session, since=start, resume=resume, timing=time.timing(), request_timeout_s=0.3
    )
    queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(queue_size)
    watch = Watch(aws, time, source)
    watch.flowing.set()
    collecting = asyncio.create_task(watch.collect(queue))
    running = asyncio.create_task(source.run(queue))
    try:
        yield watch
        assert not running.done(), "the source ended by itself"
    finally:
        for task in (running, collecting):
            task.cancel()
        await asyncio.gather(running, collecting, return_exceptions=True)


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
