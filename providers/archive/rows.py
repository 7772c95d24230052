"""What one record says, as rows of the archive's tables.

The match keys of both halves of an edge are written with them (causality.match_keys), so that
any engine finds edges by joining on equal keys.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from causality.clock import LAST_TIME_S
from causality.decoding import decode_image
from causality.facts import Call, Cause, End, Facts, Start, UnreadablePayload
from causality.graph import CallNode, CauseNode, Invocation, OutputNode
from causality.match_keys import (
    CONTENT,
    Source,
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
from providers.events import Gap

Row: TypeAlias = tuple[Any, ...]

# Rows of `causes` and `calls` have this times the place of their start or call in the record, and
# their own place in that, as their part.
PARTS: Final = 1_000_000
_UNKNOWN: Final = "unknown"
# 72 bits: of 1,000,000,000 rows two get the same id with a chance of 1 in 10,000. As twelve
# letters DuckDB keeps them in place, without a pointer to them.
_ID_BYTES: Final = 9
_NO_OUTPUT: Final = (None,) * 17
_NO_START: Final = (None,) * 9
_NO_END: Final = (None,) * 4
_encode = msgspec.json.Encoder().encode


class Rows(NamedTuple):
    """Rows of one partition, by table."""

    invocations: list[Row]
    calls: list[Row]
    causes: list[Row]
    gaps: list[Row]


# Gives the rows of a partition, by the time at which a record was written and its region.
RowsOf: TypeAlias = Callable[[float, str], Rows]


def add_record(record: StreamRecord, region: str, rows_of: RowsOf) -> None:
    """Add the rows of a stream record; there are none when it only tells that an item left.

    Args:
        record: as a stream, a file or an export brought it.
        region: whose table it comes from, where the record itself does not tell.
        rows_of: where they go.
    """
    image = record.dynamodb.NewImage
    if image is None:
        return
    record_id = _record_id(image)
    region = record.awsRegion or region
    try:
        facts = decode_image(image)
    except UnreadablePayload as error:
        written_s = _milliseconds(image.ts.N) / 1000
        row = (record_id, 0, "unreadable", written_s, "", str(error))
        rows_of(written_s, region or _UNKNOWN).gaps.append(row)
        return
    _add_facts(facts, record_id, region, rows_of)


def add_unreadable(lost: Unreadable, at_s: float, region: str, rows_of: RowsOf) -> None:
    """Add the row of what could not even be taken apart."""
    # The place where it stood is no part of it: read from elsewhere, it is the same.
    record_id = _id_of(lost.event_id or lost.raw)
    row = (record_id, 0, "unreadable", at_s, lost.sequence, lost.reason)
    rows_of(at_s, region or _UNKNOWN).gaps.append(row)


def add_gap(gap: Gap, rows_of: RowsOf) -> None:
    """Add the row of records that are known to be lost."""
    record_id = _id_of(f"{gap.region}\n{gap.source}\n{gap.detail}\n{gap.at_s!r}")
    row = (record_id, 0, "gap", gap.at_s, gap.source, gap.detail)
    rows_of(gap.at_s, gap.region or _UNKNOWN).gaps.append(row)


def key_text(key: tuple[str, ...]) -> str:
    """Write a match key as text, so that only equal keys have equal ones."""
    if key[0] == "key":
        kind, region, table, hashes, change = key
        # What is learned last stands at the end.
        return f"{_joined((kind, change, region, table))} {hashes}"
    return _joined(key)


def _joined(parts: tuple[str, ...]) -> str:
    text = " ".join(parts)
    if text.count(" ") == len(parts) - 1:
        return text
    return _encode(parts).decode()  # no kind of key begins as JSON does


def _add_facts(facts: Facts, record_id: str, region: str, rows_of: RowsOf) -> None:
    request_id, generation, written_s = facts.request_id, facts.generation, facts.written_at_s
    attempt = facts.attempt or ""
    invocation = None
    for fact in facts.facts:
        if type(fact) is Start:
            invocation = _invocation(facts.region, fact.arn, fact.region)
            break
    if invocation is None:
        invocation = _invocation(facts.region, None, None)
    invocation.request_id = request_id
    rows = rows_of(written_s, invocation.region or region or _UNKNOWN)
    for part, fact in enumerate(facts.facts):
        # The rows of a call, or of causes, are parts of their own.
        head = (record_id, part, request_id, attempt, generation, written_s)
        if type(fact) is Call:
            if fact.at_s is None:
                fact.at_s = written_s
            _add_call(fact, invocation, head, rows.calls)
        elif type(fact) is Start:
            rows.invocations.append((*head, *_start_row(fact, invocation, generation)))
            for number, cause in enumerate(fact.causes):
                _add_cause(cause, number, fact, invocation, head, rows.causes)
        elif type(fact) is End:
            rows.invocations.append(
                (
                    *head,
                    *("end", fact.at_s, *_NO_START),
                    *(fact.status, fact.error, fact.dropped, fact.overhead_us),
                )
            )
    for number, reason in enumerate(facts.unreadable):
        rows.gaps.append((record_id, number, "unreadable", written_s, "", reason))


@lru_cache(maxsize=4096)
def _invocation(region: str | None, arn: str | None, start_region: str | None) -> Invocation:
    """Give an invocation for a record's rows: those of one function differ in their id alone."""
    invocation = Invocation("", region=region)
    if arn is not None:
        invocation.begin(Start(0.0, arn=arn, region=start_region))
    return invocation


def _start_row(start: Start, invocation: Invocation, generation: int) -> Row:
    return (
        "start",
        start.at_s,
        invocation.arn,
        invocation.function,
        invocation.region,
        invocation.account,
        start.version or invocation.version,
        start.memory_mb,
        bool(start.cold) if generation == wire.VERSION else None,
        start.init_s,
        start.trace_id,
        *_NO_END,
    )


def _add_call(call: Call, invocation: Invocation, head: Row, rows: list[Row]) -> None:
    node = CallNode(invocation, call)
    record_id, part, *rest = head
    first = part * PARTS
    of_call = (
        *rest,
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
    if not call.outputs:
        rows.append((record_id, first, *of_call, *_NO_OUTPUT))
        return
    region = call.region or invocation.region or ""
    service = call.service
    for number, output in enumerate(call.outputs):
        half = OutputNode(node, output, number)
        content, order = _groups(half)
        stem = table = names = None
        if service == "dynamodb" and output.resource:
            if output.key is not None:
                names = key_names_of(output.key) or None
            elif output.attribute_hashes:
                change = "delete" if is_delete(half) else "put"
                # What DynamoDB's causes tell of the table's key completes it.
                stem = key_text(("key", region, output.resource, "", change))
            if names or stem:
                table = _joined((region, output.resource))
        identity = f"{invocation.request_id}\n{call.id}\n{number}\n"
        rows.append(
            (
                record_id,
                first + number,
                *of_call,
                number,
                _id_of(identity, _encode(output)),
                output.resource,
                output.key,
                output.operation,
                output.item_hash,
                output.attribute_hashes,
                output.ids,
                output.subject,
                output.doubtful,
                "\n".join(place_of_output(node, half)) if service in SERVICES else None,
                [key_text(key) for key in exact_output_keys(half)],
                content,
                order,
                stem,
                table,
                names,
            )
        )


def _groups(half: OutputNode) -> tuple[str | None, list[str]]:
    content, order = None, []
    for level, key in group_output_keys(half, ()):
        if level == CONTENT:
            content = key_text(key)
        else:
            order.append(key_text(key))
    return content, order


def _add_cause(
    cause: Cause, number: int, start: Start, invocation: Invocation, head: Row, rows: list[Row]
) -> None:
    half = CauseNode(invocation, cause, number)
    content = order = source = None
    for level, key in group_cause_keys(half):
        if source is None:
            source = _source_text(source_of(key))
        if level == CONTENT:
            content = key_text(key)
        else:
            order = key_text(key)
    table = names = None
    if cause.service == "dynamodb" and cause.key is not None and cause.resource:
        names = key_names_of(cause.key) or None
        if names:
            table = _joined((invocation.region or cause.region or "", cause.resource))
    place = place_of_cause(cause, invocation)
    record_id, part, *rest = head
    rows.append(
        (
            record_id,
            part * PARTS + number,
            *rest,
            _id_of(f"{invocation.request_id}\n{number}\n", _encode(cause)),
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
            cause.ids,
            cause.caller,
            cause.caller_function,
            cause.subject,
            "\n".join(place) if place is not None else None,
            [key_text(key) for key in exact_cause_keys(half)],
            content,
            order,
            source,
            table,
            names,
        )
    )


@lru_cache(maxsize=1024)
def _source_text(source: Source) -> str:
    return _joined(source)


def _record_id(image: Image) -> str:
    version = image.v.N if image.v is not None else ""
    return _id_of(f"{image.reqID.S}\n{version}\n{image.ts.N}\n{image.payload.S}")


def _id_of(text: str, more: bytes = b"") -> str:
    data = text.encode("utf-8", "replace") + more
    digest = blake2b(data, digest_size=_ID_BYTES).digest()
    return b2a_base64(digest, newline=False).decode("ascii")


def _milliseconds(text: str) -> float:
    """Read the time of a record that could not be read; it may be the reason why."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0.0 <= number < LAST_TIME_S * 1000 else 0.0
