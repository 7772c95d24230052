"""The stream reader against the local AWS: real HTTP, both regions through one endpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from providers.events import ProviderEvent, RecordBatch, RegionStatus
from providers.session import AwsSession
from providers.streams import StreamSource, parse_since
from providers.tables import drop_record_table, ensure_record_table

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

PATIENCE_S = 60.0


class Tail:
    """A running source and what it brought."""

    def __init__(self, session: AwsSession, since: str) -> None:
        self.source = StreamSource(session, since=parse_since(since))
        self.queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(50)
        self.came: list[tuple[str, str]] = []
        self.status: dict[str, RegionStatus] = {}

    async def until_status(self, region: str, phase: str, kind: str = "") -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                status = self.status.get(region)
                if status is not None and (status.phase, status.kind) == (phase, kind):
                    return
                await self._take()

    async def until_came(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.came) < count:
                await self._take()

    async def _take(self) -> None:
        event = await self.queue.get()
        if isinstance(event, RegionStatus):
            self.status[event.region] = event
        elif isinstance(event, RecordBatch):
            for record in event.records:
                image = record.dynamodb.NewImage
                assert image is not None
                self.came.append((event.region, image.reqID.S))


@pytest_asyncio.fixture
async def session(aws_session: AwsSession) -> AsyncIterator[AwsSession]:
    for region in aws_session.regions:
        await ensure_record_table(aws_session, region, lambda _step: None)
    yield aws_session


async def write(session: AwsSession, region: str, *names: str) -> None:
    async with session.client("dynamodb", region) as client:
        for name in names:
            item = {
                "reqID": {"S": name},
                "payload": {"S": "end"},
                "ts": {"N": str(int(time.time() * 1000))},
            }
            await client.put_item(TableName=session.table, Item=item)


@pytest.mark.parametrize("since", ["all", "15m"])
async def test_both_regions_are_read_through_one_endpoint(session: AwsSession, since: str) -> None:
    west, east = session.regions
    await write(session, west, "w1", "w2")
    await write(session, east, "e1")
    tail = Tail(session, since)
    running = asyncio.create_task(tail.source.run(tail.queue))
    try:
        await tail.until_came(3)
        await write(session, east, "e2")
        await write(session, west, "w3")
        await tail.until_came(5)
        assert sorted(tail.came) == [
            (east, "e1"),
            (east, "e2"),
            (west, "w1"),
            (west, "w2"),
            (west, "w3"),
        ]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_from_now_on_brings_new_records_only(session: AwsSession) -> None:
    west, east = session.regions
    await write(session, west, "old")
    tail = Tail(session, "now")
    running = asyncio.create_task(tail.source.run(tail.queue))
    try:
        await tail.until_status(west, "live")
        await tail.until_status(east, "live")
        for number in range(5):
            await write(session, west, f"w{number}")
            await tail.until_came(number + 1)
        assert [name for _, name in tail.came] == [f"w{number}" for number in range(5)]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_table_that_is_dropped_and_made_again_is_followed(session: AwsSession) -> None:
    west, east = session.regions
    tail = Tail(session, "all")
    running = asyncio.create_task(tail.source.run(tail.queue))
    try:
        await tail.until_status(west, "live")
        await write(session, west, "before")
        await tail.until_came(1)
        await drop_record_table(session, west)
        await tail.until_status(west, "down", "table-missing")
        assert tail.status[east].phase == "live"
        await ensure_record_table(session, west, lambda _step: None)
        await write(session, west, "after")
        await tail.until_came(2)
        assert tail.came == [(west, "before"), (west, "after")]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
