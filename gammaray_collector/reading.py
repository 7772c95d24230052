"""What Lambda hands over: a stream's records, and what tells of batches that were given up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from causality.facts import Facts, UnreadablePayload
from causality.reading.decoding import decode_image
from causality.records import Image, StreamRecord
from gammaray_collector.items import digest

_SHOWN = 1000
_LONGEST = 800  # bytes: DynamoDB takes keys of 1024


class Read(NamedTuple):
    """A record that could be read.

    Attributes:
        part: its place among the records of its attempt.
    """

    image: Image
    facts: Facts
    region: str
    part: int


class Unread(NamedTuple):
    """A record, or a part of one, that could not be read.

    Attributes:
        identity: the same for the same record, however often it comes.
    """

    identity: str
    reason: str
    raw: str
    region: str
    at_s: float
    request_id: str = ""


class Lost(NamedTuple):
    """Records that a mapping gave up.

    Attributes:
        identity: of the batch.
        first_s, last_s: when its first and last record came into the stream.
        records: how many they are.
    """

    identity: str
    first_s: float
    last_s: float
    records: int
    region: str


def read(record: Any, now_s: float) -> Iterator[Read | Unread]:
    """Read one record of a stream's event; nothing comes of items that left the table."""
    try:
        decoded = msgspec.convert(record, StreamRecord)
        image = decoded.dynamodb.NewImage
        if image is None:
            return
        facts = decode_image(image)
        image.payload.S.encode()  # half a surrogate pair could not be written
        if (
            max(len(t.encode()) for t in (image.reqID.S, facts.request_id, facts.attempt or ""))
            > _LONGEST
        ):
            raise UnreadablePayload("its ids are too long")
    except (msgspec.ValidationError, UnreadablePayload, UnicodeError, RecursionError) as error:
        yield unread(record, str(error), now_s)
        return
    for number, reason in enumerate(facts.unreadable):
        told = digest(f"{image.reqID.S}\n{number}".encode("utf-8", "replace"))
        region = decoded.awsRegion
        yield Unread(told, reason, "", region, facts.written_at_s, facts.request_id)
    yield Read(image, facts, decoded.awsRegion, part_of(image, facts))


def part_of(image: Image, facts: Facts) -> int:
    """Give the place of a record among those of its attempt."""
    last = image.reqID.S.rpartition(":")[2]
    return int(last) if facts.generation != 1 and last.isdecimal() and len(last) < 6 else 0


def unread(record: Any, reason: str, now_s: float) -> Unread:
    """Say of a record that it could not be read."""
    raw = json.dumps(record, default=repr, sort_keys=True)
    region = record.get("awsRegion", "") if isinstance(record, Mapping) else ""
    shown = raw.encode("utf-8", "replace")
    return Unread(
        digest(shown),
        reason,
        shown[:_SHOWN].decode("utf-8", "replace"),
        region if isinstance(region, str) else "",
        _time_of(record, now_s),
    )


def lost_of(message: Any) -> Lost | None:
    """Read a message of the on-failure queue; None if it does not tell of a stream's batch.

    Its shape: AWS Lambda Developer Guide, "Retaining discarded batches for a DynamoDB stream".
    """
    try:
        told = json.loads(message["body"])
        batch = told["DDBStreamBatchInfo"]
        return Lost(
            f"{batch['shardId']}:{batch['startSequenceNumber']}:{batch['endSequenceNumber']}",
            _instant(batch["approximateArrivalOfFirstRecord"]),
            _instant(batch["approximateArrivalOfLastRecord"]),
            int(batch["batchSize"]),
            str(batch.get("streamArn", "")).split(":")[3:4][0],
        )
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def _instant(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _time_of(record: Any, now_s: float) -> float:
    """Give when a record that cannot be read was written, as far as that can be told."""
    change = record.get("dynamodb") if isinstance(record, Mapping) else None
    at_s = change.get("ApproximateCreationDateTime") if isinstance(change, Mapping) else None
    return float(at_s) if isinstance(at_s, int | float) and 0 < at_s <= now_s + 3600 else now_s
