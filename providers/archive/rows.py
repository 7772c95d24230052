"""What one record says, as rows of the archive's tables.

The match keys of both halves of an edge are written with them (causality.match_keys), so that
any engine finds edges by joining on equal keys.

A row holds what it alone says and, as one tuple, what many rows say alike, such as the names of a
function. providers.archive.columns names the places in both, and makes columns of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from causality.clock import LAST_TIME_S
from causality.decoding import decode_item
from causality.facts import Call, Cause, End, Facts, Start, UnreadablePayload
from causality.graph import CallNode, CauseNode, Effect, Invocation, OutputNode
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
from causality.records import Unreadable
from causality.silence import SERVICES, place_of_cause, place_of_output
from gammaray_recorder import wire
from providers.events import Gap, RecordBatch

Row: TypeAlias = tuple[Any, ...]
# An item of the record table, as text: key, payload, time, version (None for the original's), and
# the region of its table, "" where the record does not tell.
Item: TypeAlias = tuple[str, str, str, str | None, str]

# Rows of `causes` and `calls` have this times the place of their start or call in the record, and
# their own place in that, as their part.
PARTS: Final = 1_000_000
# 72 bits: of 1,000,000,000 rows two get the same id with a chance of 1 in 10,000. As twelve
# letters DuckDB keeps them in place, without a pointer to them.
ID_BYTES: Final = 9
_UNKNOWN: Final = "unknown"
_END: Final = ("end", *[None] * 7)
_encode = msgspec.json.Encoder().encode
_hash = blake2b(digest_size=ID_BYTES)


class Items(msgspec.Struct, gc=False):
    """What is archived of a batch of records; as little as can be, to be sent to a process.

    Attributes:
        region: whose table they come from, where they do not tell themselves.
        received_at_s: epoch seconds; the time of what could not be read.
    """

    region: str
    received_at_s: float
    items: list[Item]
    unreadable: list[Unreadable]


class Rows(NamedTuple):
    """Rows of one partition, by table; those of calls name the place of their output."""

    invocations: list[Row]
    calls: list[Row]
    outputs: list[Row]
    causes: list[Row]
    gaps: list[Row]


# The rows of a partition, by the day (DAY_S) on which a record was written and its region.
RowsOf: TypeAlias = Mapping[tuple[float, str], Rows]
DAY_S: Final = 86_400


def items_of(batch: RecordBatch) -> Items:
    """Give what a batch brings; nothing of records that only tell that an item left."""
    items: list[Item] = []
    for record in batch.records:
        image = record.dynamodb.NewImage
        if image is not None:
            version = image.v.N if image.v is not None else None
            items.append((image.reqID.S, image.payload.S, image.ts.N, version, record.awsRegion))
    return Items(batch.region, batch.received_at_s, items, batch.unreadable)


def add_items(batch: Items, rows_of: RowsOf) -> None:
    """Add the rows of a batch.

    Args:
        batch: as a stream, a file or an export brought it.
        rows_of: where they go.
    """
    for key, payload, written, version, own_region in batch.items:
        record_id = _id_of(f"{key}\n{version or ''}\n{written}\n{payload}")
        region = own_region or batch.region
        try:
            facts = decode_item(key, payload, written, version)
        except UnreadablePayload as error:
            written_s = _milliseconds(written) / 1000
            row = (record_id, 0, "unreadable", written_s, "", str(error))
            rows_of[written_s // DAY_S, region or _UNKNOWN].gaps.append(row)
            continue
        _add_facts(facts, record_id, region, rows_of)
    for lost in batch.unreadable:
        # The place where it stood is no part of it: read from elsewhere, it is the same.
        record_id, at_s = _id_of(lost.event_id or lost.raw), batch.received_at_s
        row = (record_id, 0, "unreadable", at_s, lost.sequence, lost.reason)
        rows_of[at_s // DAY_S, batch.region or _UNKNOWN].gaps.append(row)


def add_gap(gap: Gap, rows_of: RowsOf) -> None:
    """Add the row of records that are known to be lost."""
    record_id = _id_of(f"{gap.region}\n{gap.source}\n{gap.detail}\n{gap.at_s!r}")
    row = (record_id, 0, "gap", gap.at_s, gap.source, gap.detail)
    rows_of[gap.at_s // DAY_S, gap.region or _UNKNOWN].gaps.append(row)


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


def _texts(keys: Sequence[tuple[str, ...]]) -> list[str]:
    return [key_text(keys[0])] if len(keys) == 1 else [key_text(key) for key in keys]


def _add_facts(facts: Facts, record_id: bytes, region: str, rows_of: RowsOf) -> None:
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
    rows = rows_of[written_s // DAY_S, invocation.region or region or _UNKNOWN]
    for part, fact in enumerate(facts.facts):
        if type(fact) is End:
            rows.invocations.append(
                (
                    record_id,
                    part,
                    request_id,
                    attempt,
                    written_s,
                    fact.at_s,
                    None,
                    None,
                    fact.overhead_us,
                    _of_ends(generation, fact.status, fact.error, fact.dropped),
                )
            )
        elif type(fact) is Start:
            rows.invocations.append(
                (
                    record_id,
                    part,
                    request_id,
                    attempt,
                    written_s,
                    fact.at_s,
                    fact.init_s,
                    fact.trace_id,
                    None,
                    _of_starts(invocation, generation, fact.version, fact.memory_mb, fact.cold),
                )
            )
            # The rows of causes, or of a call, are parts of their own.
            for number, cause in enumerate(fact.causes):
                own = (record_id, part * PARTS + number, request_id, attempt, written_s, fact.at_s)
                rows.causes.append(own + _cause(cause, number, invocation, generation))
        elif type(fact) is Call:
            if fact.at_s is None:
                fact.at_s = written_s
            whose = (request_id, attempt, written_s)
            _add_call(fact, invocation, generation, record_id, part * PARTS, whose, rows)
    for number, reason in enumerate(facts.unreadable):
        rows.gaps.append((record_id, number, "unreadable", written_s, "", reason))


@lru_cache(maxsize=4096)
def _invocation(region: str | None, arn: str | None, start_region: str | None) -> Invocation:
    """Give an invocation for a record's rows: those of one function differ in their id alone."""
    invocation = Invocation("", region=region)
    if arn is not None:
        invocation.begin(Start(0.0, arn=arn, region=start_region))
    return invocation


@lru_cache(maxsize=4096)
def _of_starts(
    invocation: Invocation,
    generation: int,
    version: str | None,
    memory_mb: int | None,
    cold: bool | int | None,
) -> Row:
    return (
        generation,
        "start",
        invocation.arn,
        invocation.function,
        invocation.region,
        invocation.account,
        version or invocation.version,
        memory_mb,
        bool(cold) if generation == wire.VERSION else None,
        *(None, None, None),
    )


@lru_cache(maxsize=4096)
def _of_ends(generation: int, status: str | None, error: str | None, dropped: int) -> Row:
    return (generation, *_END, status, error, dropped)


def _add_call(
    call: Call,
    invocation: Invocation,
    generation: int,
    record_id: bytes,
    first: int,
    whose: Row,
    rows: Rows,
) -> None:
    node = CallNode(invocation, call)
    alike = _of_calls(
        generation,
        call.service,
        call.operation,
        call.region,
        call.retries,
        call.local,
        node.effect,
    )
    own = (*whose, call.id, call.at_s, call.duration_s, call.resource, call.key, call.error)
    own += (call.trace_id, alike)
    if not call.outputs:
        rows.calls.append((record_id, first, None, *own))
        return
    for number, output in enumerate(call.outputs):
        rows.calls.append((record_id, first + number, len(rows.outputs), *own))
        rows.outputs.append(_output(OutputNode(node, output, number)))


@lru_cache(maxsize=4096)
def _of_calls(
    generation: int,
    service: str,
    operation: str,
    region: str | None,
    retries: int,
    local: bool | int,
    effect: Effect,
) -> Row:
    return (generation, service, operation, region, retries, bool(local), effect)


def _output(half: OutputNode) -> Row:
    output, node, number = half.fact, half.call, half.number
    call, invocation = node.fact, node.invocation
    service, key = call.service, output.key
    table = change = names = None
    if service == "dynamodb" and output.resource:
        if key is not None:
            names = key_names_of(key) or None
        elif output.attribute_hashes:
            change = "delete" if is_delete(half) else "put"
        if names or change:
            table = (call.region or invocation.region or "", output.resource)
    content, order = None, []
    if key is not None or output.item_hash or output.subject is not None:  # else there are none
        for level, group in group_output_keys(half, ()):
            if level == CONTENT:
                content = key_text(group)
            else:
                order.append(key_text(group))
    return (
        _id_of(f"{invocation.request_id}\n{call.id}\n{number}\n", _encode(output)),
        output.resource,
        key,
        output.item_hash,
        output.attribute_hashes,
        output.ids,
        output.subject,
        "\n".join(place_of_output(node, half)) if service in SERVICES else None,
        _texts(exact_output_keys(half)),
        content,
        order,
        _of_outputs(number, output.operation, output.doubtful, table, change, names),
    )


@lru_cache(maxsize=4096)
def _of_outputs(
    number: int,
    operation: str | None,
    doubtful: bool,
    table: tuple[str, str] | None,
    change: str | None,
    names: tuple[str, ...] | None,
) -> Row:
    stem = None
    if table is not None and change is not None:
        # What DynamoDB's causes tell of the table's key completes it.
        stem = key_text(("key", *table, "", change))
    place = _joined(table) if table is not None else None
    return (number, operation, doubtful, stem, place, names)


def _cause(cause: Cause, number: int, invocation: Invocation, generation: int) -> Row:
    half = CauseNode(invocation, cause, number)
    key, resource = cause.key, cause.resource
    content = order = source = table = names = None
    if key is not None or cause.item_hash or cause.subject is not None:  # else there are none
        for level, group in group_cause_keys(half):
            if source is None:
                source = _source_text(source_of(group))
            if level == CONTENT:
                content = key_text(group)
            else:
                order = key_text(group)
        if key is not None and resource and cause.service == "dynamodb":
            names = key_names_of(key) or None
            if names is not None:
                table = (invocation.region or cause.region or "", resource)
    place = place_of_cause(cause, invocation)
    return (
        _id_of(f"{invocation.request_id}\n{number}\n", _encode(cause)),
        resource,
        key,
        cause.item_hash,
        cause.at_s,
        cause.ids,
        cause.caller,
        cause.subject,
        "\n".join(place) if place is not None else None,
        _texts(exact_cause_keys(half)),
        content,
        order,
        source,
        _of_causes(
            generation,
            number,
            invocation,
            cause.service,
            cause.region,
            cause.name,
            cause.caller_function,
            table,
            names,
        ),
    )


@lru_cache(maxsize=4096)
def _of_causes(
    generation: int,
    number: int,
    invocation: Invocation,
    service: str,
    region: str | None,
    name: str | None,
    caller_function: str | None,
    table: tuple[str, str] | None,
    names: tuple[str, ...] | None,
) -> Row:
    place = _joined(table) if table is not None else None
    function = (invocation.arn, invocation.function, invocation.region)
    return (generation, number, *function, service, region, name, caller_function, place, names)


@lru_cache(maxsize=1024)
def _source_text(source: Source) -> str:
    return _joined(source)


def _id_of(text: str, more: bytes = b"") -> bytes:
    found = _hash.copy()
    found.update(text.encode("utf-8", "replace") + more)
    return found.digest()


def _milliseconds(text: str) -> float:
    """Read the time of a record that could not be read; it may be the reason why."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0.0 <= number < LAST_TIME_S * 1000 else 0.0
