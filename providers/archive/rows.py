"""What one record says, as rows of the archive's tables.

A row holds what it alone says and, as one tuple, what many rows say alike, such as the names of a
function. providers.archive.columns names the places in both, and makes columns of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple, Self, TypeAlias

import msgspec

from causality.clock import LAST_TIME_S
from causality.facts import Call, End, Facts, Start, UnreadablePayload
from causality.graph import CallNode, Effect, Invocation, OutputNode
from causality.reading.decoding import decode_item
from causality.records import Unreadable
from gammaray_recorder import wire
from providers.archive.halves import Nested, Row, cause_row, id_of, output_row
from providers.events import Gap, RecordBatch

# An item of the record table, as text: key, payload, time, version (None for the original's), and
# the region of its table, "" where the record does not tell.
Item: TypeAlias = tuple[str, str, str, str | None, str]

# Rows of `causes` and `calls` have this times the place of their start or call in the record, and
# their own place in that, as their part.
PARTS: Final = 1_000_000
_UNKNOWN: Final = "unknown"
_END: Final = ("end", *[None] * 7)


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
    of_outputs: Nested
    of_causes: Nested

    @classmethod
    def new(cls) -> Self:
        """Give none."""
        return cls([], [], [], [], [], Nested.new(), Nested.new())


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
        record_id = id_of(f"{key}\n{version or ''}\n{written}\n{payload}")
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
        record_id, at_s = id_of(lost.event_id or lost.raw), batch.received_at_s
        row = (record_id, 0, "unreadable", at_s, lost.sequence, lost.reason)
        rows_of[at_s // DAY_S, batch.region or _UNKNOWN].gaps.append(row)


def add_gap(gap: Gap, rows_of: RowsOf) -> None:
    """Add the row of records that are known to be lost."""
    record_id = id_of(f"{gap.region}\n{gap.source}\n{gap.detail}\n{gap.at_s!r}")
    row = (record_id, 0, "gap", gap.at_s, gap.source, gap.detail)
    rows_of[gap.at_s // DAY_S, gap.region or _UNKNOWN].gaps.append(row)


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
            own = (record_id, part, request_id, attempt, written_s, fact.at_s)
            alike = _of_ends(generation, fact.status, fact.error, fact.dropped)
            rows.invocations.append((*own, None, None, fact.overhead_us, alike))
        elif type(fact) is Start:
            own = (record_id, part, request_id, attempt, written_s, fact.at_s)
            alike = _of_starts(invocation, generation, fact.version, fact.memory_mb, fact.cold)
            rows.invocations.append((*own, fact.init_s, fact.trace_id, None, alike))
            # The rows of causes, or of a call, are parts of their own.
            for number, cause in enumerate(fact.causes):
                own = (record_id, part * PARTS + number, request_id, attempt, written_s, fact.at_s)
                rows.causes.append(
                    own + cause_row(cause, number, invocation, generation, rows.of_causes)
                )
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
        rows.outputs.append(output_row(OutputNode(node, output, number), rows.of_outputs))


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


def _milliseconds(text: str) -> float:
    """Read the time of a record that could not be read; it may be the reason why."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0.0 <= number < LAST_TIME_S * 1000 else 0.0
