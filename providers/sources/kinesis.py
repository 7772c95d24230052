"""Records from a Kinesis stream that a record table feeds (Kinesis Data Streams for DynamoDB).

More readers than DynamoDB's own streams allow, and up to a year of retention. Delivery is at
least once and without order; the graph needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from causality.records import StreamRecord, Unreadable, decode_record
from providers.aws_errors import error_code
from providers.events import ProviderEvent, RecordBatch
from providers.record_time import created_s, record_time_s
from providers.session import AwsSession
from providers.sources.polling import ServiceReader
from providers.streams.seen import Seen
from providers.streams.since import Since
from providers.streams.timing import Timing

# A shard gives 5 pages a second, to all its readers together.
_BUSY_S: Final = 0.25
_IDLE_S: Final = 1.0
_LIST_EVERY_S: Final = 30.0


class KinesisSource:
    """Reads all shards of a stream, in every region of a session."""

    def __init__(
        self, session: AwsSession, stream: str, *, since: Since, timing: Timing | None = None
    ) -> None:
        """Prepare; nothing is called before `run`.

        Args:
            session: whose credentials and regions.
            stream: the stream's name, the same in each region.
            since: where reading starts.
            timing: other clocks than this machine's.
        """
        self._session = session
        self._stream = stream
        self._since = since
        self._timing = timing or Timing()

    async def run(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        """Put events on the queue until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for region in self._session.regions:
                tasks.create_task(self._read_region(region, queue))

    async def _read_region(self, region: str, queue: asyncio.Queue[ProviderEvent]) -> None:
        reader = ServiceReader(self._session, "kinesis", region, self._timing)
        start = self._first_cursor()
        seen = Seen()
        known: set[str] = set()
        async with reader.publishing(queue), asyncio.TaskGroup() as tasks:

            async def find_shards(client: Any) -> float:
                nonlocal start
                for shard_id in await _shards(client, self._stream):
                    if shard_id not in known:
                        known.add(shard_id)
                        shard = _Shard(reader, self._stream, shard_id, start, seen, queue)
                        tasks.create_task(reader.repeat(f"shard {shard_id}", shard.poll))
                # What comes up later is wanted from its beginning.
                start = {"ShardIteratorType": "TRIM_HORIZON"}
                reader.board.live()
                return _LIST_EVERY_S

            await reader.repeat(f"Kinesis stream {self._stream}", find_shards)

    def _first_cursor(self) -> dict[str, Any]:
        start_s = self._since.start_s(self._timing.now_s())
        if self._since.kind == "now":
            return {"ShardIteratorType": "LATEST"}
        if start_s is None:
            return {"ShardIteratorType": "TRIM_HORIZON"}
        at = datetime.fromtimestamp(start_s, UTC)
        return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": at}


class _Shard:
    """One shard, read to its end."""

    def __init__(
        self,
        reader: ServiceReader,
        stream: str,
        shard_id: str,
        start: Mapping[str, Any],
        seen: Seen,
        queue: asyncio.Queue[ProviderEvent],
    ) -> None:
        self._reader = reader
        self._stream = stream
        self._id = shard_id
        self._cursor = dict(start)
        self._seen = seen
        self._queue = queue
        self._iterator: str | None = None
        reader.board.count_shards(1)

    async def poll(self, client: Any) -> float | None:
        """Read a page; give the seconds to wait, None at the shard's end."""
        try:
            if self._iterator is None:
                answer = await client.get_shard_iterator(
                    StreamName=self._stream, ShardId=self._id, **self._cursor
                )
                self._iterator = answer["ShardIterator"]
            page = await client.get_records(ShardIterator=self._iterator, Limit=10_000)
        except Exception as error:
            if error_code(error) == "ExpiredIteratorException":
                self._iterator = None
                return 0.0
            raise
        records = page.get("Records") or ()
        await self._deliver(records)
        if records:
            number = records[-1]["SequenceNumber"]
            self._cursor = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": number,
            }
        self._iterator = page.get("NextShardIterator")
        if not self._iterator:
            self._reader.board.count_shards(-1)
            self._reader.board.forget(self._id)
            return None
        return _BUSY_S if records or page.get("MillisBehindLatest") else _IDLE_S

    async def _deliver(self, page: Any) -> None:
        region = self._reader.region
        decoded = [decode(entry, region) for entry in page]
        records = [
            item
            for item in decoded
            if isinstance(item, StreamRecord)
            and self._seen.is_new(item.eventID or item.dynamodb.SequenceNumber)
        ]
        unreadable = [item for item in decoded if isinstance(item, Unreadable)]
        if not records and not unreadable:
            return
        now_s = self._reader.timing.now_s()
        written_s = record_time_s(records[-1]) if records else None
        if written_s is not None:
            self._reader.board.behind(self._id, round(max(0.0, now_s - written_s), 1))
        await self._queue.put(RecordBatch(region, self._id, records, unreadable, now_s))


def decode(entry: Mapping[str, Any], region: str) -> StreamRecord | Unreadable:
    """Decode a Kinesis record's data: a record of DynamoDB's streams with less around it.

    It has no sequence number of its own, and its time of creation is in milli- or microseconds.
    Source: Amazon DynamoDB developer guide, "Using Kinesis Data Streams to capture changes".
    """
    record = decode_record(entry["Data"])
    if isinstance(record, Unreadable):
        return record
    change = msgspec.structs.replace(
        record.dynamodb,
        SequenceNumber=str(entry["SequenceNumber"]),
        ApproximateCreationDateTime=_seconds(created_s(record)),
    )
    return msgspec.structs.replace(record, dynamodb=change, awsRegion=region or record.awsRegion)


def _seconds(value: float | None) -> float | None:
    """Give seconds of what may be seconds, milliseconds or microseconds, by its size alone."""
    if value is None:
        return None
    for limit, unit in ((1e14, 1e6), (1e11, 1e3)):
        if value >= limit:
            return value / unit
    return value


async def _shards(client: Any, stream: str) -> list[str]:
    found: list[str] = []
    more: dict[str, Any] = {"StreamName": stream}
    while True:
        answer = await client.list_shards(**more)
        found += [shard["ShardId"] for shard in answer.get("Shards") or ()]
        token = answer.get("NextToken")
        if not token:
            return found
        more = {"NextToken": token}
