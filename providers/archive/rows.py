"""What one record says, as rows of the archive's tables.

The match keys of both halves of an edge are written with them (causality.match_keys), so that
any engine finds edges by joining on equal keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from causality.clock import LAST_TIME_S
from causality.decoding import decode_image
from causality.facts import Call, Cause, End, Facts, Start, UnreadablePayload
from causality.graph import CallNode, CauseNode, Invocation, OutputNode
from causality.match_keys import (
    CONTENT,
    exact_cause_keys,
    exact_output_keys,
    group_cause_keys,
    group_output_keys,
    is_delete,
    key_names_of,
    source_of,
)
from causality.records import Image, StreamRecord, Unreadable
from causality.silence import SERVICES, place_of_cause, place_of_output
from gammaray_recorder import wire
from providers.archive.schema import TableName
from providers.events import Gap

Row: TypeAlias = tuple[Any, ...]

# Rows of `causes` and `calls` have this times the place of their start or call in the record, and
# their own place in that, as their part.
PARTS: Final = 1_000_000
_UNKNOWN: Final = "unknown"
_encode = msgspec.json.Encoder().encode


class Archived(NamedTuple):
    """The rows of one record, each with the table that it belongs to, and their place in it."""

    written_s: float
    region: str
    rows: list[tuple[TableName, Row]]


def rows_of_record(record: StreamRecord, region: str) -> Archived | None:
    """Give the rows of a stream record; None when it only tells that an item left the table.

    Args:
        record: as a stream, a file or an export brought it.
        region: whose table it comes from, where the record itself does not tell.
    """
    image = record.dynamodb.NewImage
    if image is None:
        return None
    record_id = _record_id(image)
    region = record.awsRegion or region
    try:
        facts = decode_image(image)
    except UnreadablePayload as error:
        written_s = _milliseconds(image.ts.N) / 1000
        row = (record_id, 0, "unreadable", written_s, "", str(error))
        return Archived(written_s, region or _UNKNOWN, [("gaps", row)])
    return _rows(facts, record_id, region)


def rows_of_unreadable(lost: Unreadable, at_s: float, region: str) -> Archived:
    """Give the row of what could not even be taken apart."""
    # The place where it stood is no part of it: read from elsewhere, it is the same.
    record_id = _digest(lost.event_id or lost.raw)
    row = (record_id, 0, "unreadable", at_s, lost.sequence, lost.reason)
    return Archived(at_s, region or _UNKNOWN, [("gaps", row)])


def rows_of_gap(gap: Gap) -> Archived:
    """Give the row of records that are known to be lost."""
    record_id = _digest(f"{gap.region}\n{gap.source}\n{gap.detail}\n{gap.at_s!r}")
    row = (record_id, 0, "gap", gap.at_s, gap.source, gap.detail)
    return Archived(gap.at_s, gap.region or _UNKNOWN, [("gaps", row)])


def key_text(key: tuple[str, ...]) -> str:
    """Write a match key as text, the part that is learned last at its end."""
    if key[0] == "key":
        kind, region, table, hashes, change = key
        key = (kind, change, region, table, hashes)
    return _encode(key).decode()


def _rows(facts: Facts, record_id: str, region: str) -> Archived:
    invocation = Invocation(facts.request_id, region=facts.region)
    for fact in facts.facts:
        if type(fact) is Start:
            invocation.begin(fact)
            break
    written_s = facts.written_at_s
    head = (facts.request_id, facts.attempt or "", facts.generation, written_s)
    rows: list[tuple[TableName, Row]] = []
    for part, fact in enumerate(facts.facts):
        # The rows of a call, or of causes, are parts of their own.
        first = part * PARTS
        if type(fact) is Call:
            if fact.at_s is None:
                fact.at_s = written_s
            for number, row in enumerate(_call_rows(fact, invocation), first):
                rows.append(("calls", (record_id, number, *head, *row)))
        elif type(fact) is Start:
            row = _start_row(fact, invocation, facts.generation)
            rows.append(("invocations", (record_id, part, *head, *row)))
            for number, cause in enumerate(fact.causes):
                row = _cause_row(cause, number, fact, invocation)
                rows.append(("causes", (record_id, first + number, *head, *row)))
        elif type(fact) is End:
            rows.append(("invocations", (record_id, part, *head, *_end_row(fact))))
    for number, reason in enumerate(facts.unreadable):
        rows.append(("gaps", (record_id, number, "unreadable", written_s, "", reason)))
    return Archived(written_s, invocation.region or region or _UNKNOWN, rows)


def _start_row(start: Start, invocation: Invocation, generation: int) -> Row:
    return (
        "start",
        start.at_s,
        invocation.arn,
        invocation.function,
        invocation.region,
        invocation.account,
        invocation.version,
        start.memory_mb,
        bool(start.cold) if generation == wire.VERSION else None,
        start.init_s,
        start.trace_id,
        None,
        None,
        None,
        None,
    )


def _end_row(end: End) -> Row:
    unknown = (None,) * 9
    return ("end", end.at_s, *unknown, end.status, end.error, end.dropped, end.overhead_us)


def _call_rows(call: Call, invocation: Invocation) -> Iterator[Row]:
    outputs, call.outputs = call.outputs, ()
    node = CallNode(invocation, call)
    of_call = (
        call.id,
        call.at_s,
        call.duration_s,
        call.service,
        call.operation,
        call.region,
        call.resource,
        call.key,
        call.error,
        call.retries,
        bool(call.local),
        node.effect,
        call.trace_id,
    )
    if not outputs:
        yield (*of_call, *(None,) * 17)
        return
    region = call.region or invocation.region or ""
    for number, output in enumerate(outputs):
        half = OutputNode(node, output, number)
        content, order = _groups(half)
        stem = table = None
        names: tuple[str, ...] | None = None
        if call.service == "dynamodb" and output.resource:
            if output.key is not None:
                names = key_names_of(output.key) or None
            elif output.attribute_hashes:
                change = "delete" if is_delete(half) else "put"
                # What DynamoDB's causes tell of the table's key completes it.
                stem = _encode(("key", change, region, output.resource, "")).decode()[:-2]
            if names or stem:
                table = _encode((region, output.resource)).decode()
        place = place_of_output(node, half) if call.service in SERVICES else None
        yield (
            *of_call,
            number,
            _digest(f"{invocation.request_id}\n{call.id}\n", _encode(output)),
            output.resource,
            output.key,
            output.operation,
            output.item_hash,
            list(output.attribute_hashes.items()),
            list(output.ids.items()),
            output.subject,
            output.doubtful,
            "\n".join(place) if place is not None else None,
            [key_text(key) for key in exact_output_keys(half)],
            content,
            order,
            stem,
            table,
            names,
        )


def _groups(half: OutputNode) -> tuple[str | None, list[str]]:
    content, order = None, []
    for level, key in group_output_keys(half, ()):
        if level == CONTENT:
            content = key_text(key)
        else:
            order.append(key_text(key))
    return content, order


def _cause_row(cause: Cause, number: int, start: Start, invocation: Invocation) -> Row:
    half = CauseNode(invocation, cause, number)
    groups = list(group_cause_keys(half))
    by_level = {level: key_text(key) for level, key in groups}
    region = invocation.region or cause.region or ""
    names: tuple[str, ...] | None = None
    if cause.service == "dynamodb" and cause.key is not None and cause.resource:
        names = key_names_of(cause.key) or None
    place = place_of_cause(cause, invocation)
    return (
        _digest(f"{invocation.request_id}\n", _encode(cause)),
        number,
        start.at_s,
        invocation.arn,
        invocation.function,
        invocation.region,
        cause.service,
        cause.resource,
        cause.region,
        cause.key,
        cause.item_hash,
        cause.name,
        cause.at_s,
        list(cause.ids.items()),
        cause.caller,
        cause.caller_function,
        cause.subject,
        "\n".join(place) if place is not None else None,
        [key_text(key) for key in exact_cause_keys(half)],
        by_level.get(CONTENT),
        next((text for level, text in by_level.items() if level != CONTENT), None),
        _encode(source_of(groups[0][1])).decode() if groups else None,
        _encode((region, cause.resource)).decode() if names else None,
        names,
    )


def _record_id(image: Image) -> str:
    version = image.v.N if image.v is not None else ""
    return _digest(f"{image.reqID.S}\n{version}\n{image.ts.N}\n{image.payload.S}")


def _digest(text: str, more: bytes = b"") -> str:
    return blake2b(text.encode("utf-8", "replace") + more, digest_size=16).hexdigest()


def _milliseconds(text: str) -> float:
    """Read the time of a record that could not be read; it may be the reason why."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0.0 <= number < LAST_TIME_S * 1000 else 0.0
