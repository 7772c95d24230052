"""What a fake DynamoDB holds: tables, streams, shards and records of several regions.

Plain state with the service's rules; `streams_server` puts HTTP around it. It also keeps what
was ever written, so that a test can tell what should have come out.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ITERATOR_LIFE_S = 900.0
PAGE_BYTES = 1_000_000
ARN_REGION = "us-fixed-1"  # local servers write one region into every ARN
_FUNCTION_ARN = f"arn:aws:lambda:{ARN_REGION}:123456789012:function:ImageProcPy"


class ServiceError(Exception):
    """An error that the service answers with."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status


@dataclass
class Written:
    """One record that was written, with what became of it."""

    number: int
    created_s: float
    body: dict[str, Any]
    aged: bool = False  # trimmed because it was a day old, which a reader can know

    @property
    def event_id(self) -> str:
        return str(self.body["eventID"])

    @property
    def sequence(self) -> str:
        return str(self.body["dynamodb"]["SequenceNumber"])


@dataclass
class FakeShard:
    id: str
    parents: tuple[str, ...] = ()
    closed: bool = False
    listed: bool = True
    listed_as_open: bool = False
    readable: bool = True
    horizon: int = 0  # index of the oldest record still held
    closed_s: float | None = None
    written: list[Written] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        numbers = {}
        if self.written:
            numbers["StartingSequenceNumber"] = self.written[0].sequence
        if self.closed and not self.listed_as_open:
            last = self.written[-1].sequence if self.written else "0"
            numbers["EndingSequenceNumber"] = last
        entry: dict[str, Any] = {"ShardId": self.id, "SequenceNumberRange": numbers}
        if self.parents:
            entry["ParentShardId"] = self.parents[0]
        return entry


@dataclass
class FakeStream:
    arn: str
    enabled: bool = True
    known: bool = True
    disabled_s: float | None = None
    deleted: bool = False
    shards: dict[str, FakeShard] = field(default_factory=dict)

    def open_shards(self) -> list[FakeShard]:
        return [shard for shard in self.shards.values() if not shard.closed]


@dataclass
class Fault:
    """What goes wrong with the next calls of an operation ("" for any)."""

    kind: str
    operation: str = ""
    times: int = 1


class FakeRegion:
    """One region's record table."""

    def __init__(self, name: str, now_s: Callable[[], float], ids: itertools.count[int]) -> None:
        self.name = name
        self.now_s = now_s
        self.streams: list[FakeStream] = []
        self.has_table = False
        self.enabled = False
        self.view = "NEW_AND_OLD_IMAGES"
        self.denied: set[str] = set()
        self.faults: deque[Fault] = deque()
        self.calls: Counter[str] = Counter()
        self.child_filter = "honoured"  # or "ignored", "rejected"
        self.describe_limit = 100
        self.page_records = 1000
        self.end_with_empty_page = False
        self.answered_s = now_s()  # when a call last went well
        self.empty_pages = 0
        self.repeating_pages = 0
        self.repeated_records = 0
        self._iterators_born = 0  # iterators of an earlier birth have expired
        self._ids = ids

    # --- what a scenario does ---------------------------------------------------------------
    def make_table(self, shards: int = 1, stream: bool = True) -> None:
        self.has_table = True
        if stream:
            self.enable_stream(shards)

    def delete_table(self) -> None:
        self.disable_stream()
        self.has_table = False
        for stream in self.streams:
            stream.known = False
            stream.deleted = True

    def enable_stream(self, shards: int = 1) -> FakeStream:
        label = f"stream/{next(self._ids)}"
        arn = f"arn:aws:dynamodb:{ARN_REGION}:123456789012:table/gammaRays/{label}"
        stream = FakeStream(arn)
        self.streams.append(stream)
        self.enabled = True
        for _ in range(shards):
            self.new_shard(stream)
        return stream

    def disable_stream(self) -> None:
        self.enabled = False
        if self.streams:
            self.stream.enabled = False
            self.stream.disabled_s = self.now_s()
            for shard in self.stream.shards.values():
                self._close(shard)
                shard.listed |= shard.readable  # the listing is behind by seconds, not for good

    @property
    def stream(self) -> FakeStream:
        return self.streams[-1]

    def new_shard(self, stream: FakeStream, *parents: str) -> FakeShard:
        number = next(self._ids)
        shard = FakeShard(f"shardId-{number:020d}-{number:08x}", parents)
        # A listing that is behind shows parents before children, never the other way round.
        shard.listed = all(
            stream.shards[parent].listed or not stream.shards[parent].readable for parent in parents
        )
        stream.shards[shard.id] = shard
        return shard

    def split(self, shard: FakeShard, children: int = 2) -> list[FakeShard]:
        self._close(shard)
        return [self.new_shard(self.stream, shard.id) for _ in range(children)]

    def merge(self, one: FakeShard, other: FakeShard) -> FakeShard:
        """Let one shard continue two; the protocol can name only one of them as its parent."""
        self._close(one)
        self._close(other)
        return self.new_shard(self.stream, one.id, other.id)

    def write(self, shard: FakeShard, count: int = 1, size: int = 10, broken: bool = False) -> None:
        for _ in range(count):
            number = next(self._ids)
            now_s = self.now_s()
            image: dict[str, Any] = {
                "reqID": {"S": f"request-{number}:entry00000001"},
                "payload": {"S": f"pl:{_FUNCTION_ARN}".ljust(size, "x")},
                "ts": {"N": str(int(now_s * 1000))},
            }
            if broken:
                del image["payload"]
            body = {
                "eventID": f"{number:032x}",
                "eventName": "INSERT",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": ARN_REGION,
                "dynamodb": {
                    "ApproximateCreationDateTime": int(now_s),
                    "Keys": {"reqID": image["reqID"]},
                    "NewImage": image,
                    # Decimal text of differing length, some with leading zeros.
                    "SequenceNumber": "0" * (number % 3) + str(number),
                    "SizeBytes": size,
                    "StreamViewType": self.view,
                },
            }
            shard.written.append(Written(number, now_s, body))

    def trim(self, shard: FakeShard, count: int) -> None:
        """Let the oldest records go."""
        shard.horizon = min(len(shard.written), shard.horizon + count)

    def trim_what_is_a_day_old(self) -> None:
        """Do what the service does all the time: nothing is held for longer than a day."""
        day_ago_s = self.now_s() - 24 * 3600
        for stream in self.streams:
            stream.known &= stream.disabled_s is None or stream.disabled_s > day_ago_s
            for shard in stream.shards.values():
                for written in shard.written[shard.horizon :]:
                    if written.created_s > day_ago_s:
                        break
                    written.aged = True
                    shard.horizon += 1
                if shard.closed_s is not None and shard.closed_s <= day_ago_s:
                    self.forget_shard(shard)

    def hide(self, shard: FakeShard) -> None:
        """Leave a shard and all that descend from it out of the listing, as if it were behind."""
        hidden = {shard.id}
        for stream in self.streams:
            for other in stream.shards.values():  # parents come before their children
                if hidden & {other.id, *other.parents}:
                    hidden.add(other.id)
                    other.listed = False

    def forget_shard(self, shard: FakeShard, *, listed: bool = False) -> None:
        """Let all of a closed shard go; it can stay listed."""
        shard.horizon = len(shard.written)
        shard.readable = False
        shard.listed = listed

    def expire_iterators(self) -> None:
        self._iterators_born += 1

    def _close(self, shard: FakeShard) -> None:
        if not shard.closed:
            shard.closed = True
            shard.closed_s = self.now_s()

    def all_written(self) -> list[Written]:
        return [w for s in self.streams for shard in s.shards.values() for w in shard.written]

    # --- what the service answers -------------------------------------------------------------
    def describe_table(self, _request: dict[str, Any]) -> dict[str, Any]:
        if not self.has_table:
            raise ServiceError("ResourceNotFoundException", "Requested resource not found")
        table: dict[str, Any] = {"TableName": "gammaRays", "TableStatus": "ACTIVE"}
        if self.streams:
            table["LatestStreamArn"] = self.streams[-1].arn
        if self.enabled:
            table["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": self.view}
        return {"Table": table}

    def list_streams(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {"Streams": [{"StreamArn": s.arn} for s in self.streams if s.known]}

    def describe_stream(self, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._stream(request["StreamArn"])
        shards = [shard for shard in stream.shards.values() if shard.listed]
        wanted = request.get("ShardFilter")
        if wanted and self.child_filter == "rejected":
            raise ServiceError("ValidationException", "Unknown parameter ShardFilter")
        if wanted and self.child_filter == "honoured":
            shards = [shard for shard in shards if wanted["ShardId"] in shard.parents[:1]]
        start = request.get("ExclusiveStartShardId")
        if start:
            shards = [shard for shard in shards if shard.id > start]
        page = shards[: self.describe_limit]
        description: dict[str, Any] = {
            "StreamArn": stream.arn,
            "StreamStatus": "ENABLED" if stream.enabled else "DISABLED",
            "Shards": [shard.describe() for shard in page],
        }
        if len(shards) > len(page):
            description["LastEvaluatedShardId"] = page[-1].id
        return {"StreamDescription": description}

    def get_shard_iterator(self, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._stream(request["StreamArn"])
        shard = self._shard(stream, request["ShardId"])
        kind = request["ShardIteratorType"]
        if kind == "TRIM_HORIZON":
            position = shard.horizon
        elif kind == "LATEST":
            position = len(shard.written)
        else:
            wanted = int(request["SequenceNumber"])
            position = next((i for i, w in enumerate(shard.written) if w.number >= wanted), -1)
            if position < 0 or shard.written[position].number != wanted:
                raise ServiceError("ValidationException", "Invalid SequenceNumber")
            if position < shard.horizon:
                raise ServiceError("TrimmedDataAccessException", "trimmed")
            position += kind == "AFTER_SEQUENCE_NUMBER"
        return {"ShardIterator": self._iterator(stream, shard, position)}

    def get_records(self, request: dict[str, Any]) -> dict[str, Any]:
        token = json.loads(request["ShardIterator"])
        expired = self.now_s() - token["at"] >= ITERATOR_LIFE_S
        if expired or token["born"] != self._iterators_born:
            raise ServiceError("ExpiredIteratorException")  # with no message, as the service may
        stream = self._stream(token["arn"])
        shard = self._shard(stream, token["shard"])
        position = token["position"]
        if position < shard.horizon:
            raise ServiceError("TrimmedDataAccessException")
        if self.empty_pages:
            self.empty_pages -= 1
            return {"Records": [], "NextShardIterator": self._iterator(stream, shard, position)}
        begin = position
        if self.repeating_pages:
            self.repeating_pages -= 1
            begin = max(shard.horizon, position - self.repeated_records)
        end = begin
        size = 0
        limit = min(request.get("Limit", 1000), self.page_records)
        while end < len(shard.written) and end - begin < limit:
            size += shard.written[end].body["dynamodb"]["SizeBytes"]
            if size > PAGE_BYTES and end > begin:
                break
            end += 1
        records = [written.body for written in shard.written[begin:end]]
        end = max(end, position)
        answer: dict[str, Any] = {"Records": records}
        is_last = shard.closed and end == len(shard.written)
        if not is_last or (self.end_with_empty_page and records):
            answer["NextShardIterator"] = self._iterator(stream, shard, end)
        return answer

    def _iterator(self, stream: FakeStream, shard: FakeShard, position: int) -> str:
        token = {
            "arn": stream.arn,
            "shard": shard.id,
            "position": position,
            "at": self.now_s(),
            "born": self._iterators_born,
        }
        return json.dumps(token)

    def _stream(self, arn: str) -> FakeStream:
        for stream in self.streams:
            if stream.arn == arn and stream.known:
                return stream
        raise ServiceError("ResourceNotFoundException", "Stream not found")

    def _shard(self, stream: FakeStream, shard_id: str) -> FakeShard:
        shard = stream.shards.get(shard_id)
        if shard is None or not shard.readable:
            raise ServiceError("ResourceNotFoundException", "Shard not found")
        return shard
