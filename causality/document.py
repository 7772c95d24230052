"""The graph document, version 1 (docs/graph-json.md): what `export` and the demo print."""

from __future__ import annotations

from collections.abc import Iterator, Set

import msgspec

from causality.attempt import Attempt
from causality.engine import Engine
from causality.graph import CallNode, Edge, Invocation
from causality.hops import operation_of, resource_of
from causality.keys import display_key
from causality.problems import describe_cause, problems
from causality.sdk_time import time_in_calls
from causality.snapshot import Evidence

SCHEMA = "gammaray-graph/1"

# Of a thousand alike calls to one function any may be meant by each of a thousand invocations:
# to list them all, each time, would let a document grow with the square.
_MAX_CALLS = 100


class InvocationEntry(msgspec.Struct):
    """One attempt of one request id."""

    request_id: str
    attempt: int
    function: str | None
    region: str | None
    account: str | None
    started_at: float | None
    duration_s: float | None
    init_s: float | None
    cold_start: bool | None
    status: str | None
    sdk_s: float | None
    trace_id: str | None
    redelivery_of: str | None = None
    cause: str | None = None
    error: str | None = None
    queue_s: float | None = None


class CallEntry(msgspec.Struct):
    """One SDK operation."""

    id: str
    request_id: str
    service: str | None
    operation: str | None
    region: str | None
    resource: str | None
    key: str | None
    started_at: float | None
    duration_s: float | None
    error: str | None


class EdgeEntry(msgspec.Struct):
    """One delivered record: the call that wrote it and the invocation that it started."""

    parent_request_id: str | None
    child_request_id: str
    call_id: str | None
    operation: str | None
    resource: str | None
    evidence: Evidence
    candidates: list[str]
    call_candidates: list[str]
    key: str | None


class ProblemEntry(msgspec.Struct):
    """Something that the reader of the graph should know."""

    kind: str
    request_id: str | None
    detail: str


class GraphDocument(msgspec.Struct):
    """The whole graph; entries are in order of time, so equal graphs give equal documents."""

    invocations: list[InvocationEntry]
    calls: list[CallEntry]
    edges: list[EdgeEntry]
    problems: list[ProblemEntry]
    schema: str = SCHEMA


def graph_document(engine: Engine, now_s: float = 0.0) -> GraphDocument:
    """Make the document of a settled graph.

    Args:
        engine: the graph.
        now_s: epoch seconds against which deadlines are judged; the end of input overrides it.
    """
    ordered = sorted(engine.invocations.values(), key=_invocation_order)
    first_try = engine.matcher.redeliveries.first
    return GraphDocument(
        [
            entry
            for invocation in ordered
            for entry in _invocation_entries(invocation, first_try(invocation))
        ],
        [_call_entry(call) for invocation in ordered for call in _calls(invocation)],
        [entry for invocation in ordered for entry in _edge_entries(invocation)],
        [
            ProblemEntry(problem.kind, problem.request_id, problem.detail)
            for problem in problems(engine, now_s)
        ],
    )


def encode(engine: Engine, now_s: float = 0.0, *, only: Set[str] | None = None) -> bytes:
    """Write the document as indented JSON, with a newline at its end.

    Args:
        engine: the graph.
        now_s: epoch seconds against which deadlines are judged.
        only: request ids that the document is about; None for all.
    """
    document = graph_document(engine, now_s)
    if only is not None:
        document = _restricted(document, only)
    return msgspec.json.format(msgspec.json.encode(_schema_first(document)), indent=2) + b"\n"


def _restricted(document: GraphDocument, only: Set[str]) -> GraphDocument:
    return GraphDocument(
        [entry for entry in document.invocations if entry.request_id in only],
        [entry for entry in document.calls if entry.request_id in only],
        [entry for entry in document.edges if entry.child_request_id in only],
        # What is about no invocation may concern each of them: losses are never hidden.
        [p for p in document.problems if p.request_id is None or p.request_id in only],
    )


def _schema_first(document: GraphDocument) -> dict[str, object]:
    return {
        "schema": document.schema,
        "invocations": document.invocations,
        "calls": document.calls,
        "edges": document.edges,
        "problems": document.problems,
    }


def _invocation_order(invocation: Invocation) -> tuple[float, str]:
    started = invocation.started_at_s
    return (started if started is not None else float("inf"), invocation.request_id)


def _calls(invocation: Invocation) -> list[CallNode]:
    return sorted(invocation.calls.values(), key=_call_order)


def _call_order(call: CallNode) -> tuple[float, str]:
    return (call.started_at_s if call.started_at_s is not None else float("inf"), call.id)


def _invocation_entries(invocation: Invocation, first_try: Invocation) -> Iterator[InvocationEntry]:
    again = first_try.request_id if first_try is not invocation else None
    attempts = invocation.in_order()
    if not attempts:
        # Only its calls are known: its own entry was lost.
        yield _entry(invocation, None, 1, _calls(invocation), again)
    for number, attempt in enumerate(attempts, start=1):
        calls = _calls_of(invocation, number, attempt, attempts[number : number + 1])
        yield _entry(invocation, attempt, number, calls, again)


def _calls_of(
    invocation: Invocation, number: int, attempt: Attempt, following: list[Attempt]
) -> list[CallNode]:
    """Give the calls of one attempt: as recorded, else those between its start and the next's."""
    calls = _calls(invocation)
    if len(invocation.attempts) == 1:
        return calls
    start = attempt.started_at_s
    end = following[0].started_at_s if following else None
    return [
        call
        for call in calls
        if (
            call.attempt == attempt.nonce
            if call.attempt in invocation.attempts
            else call.started_at_s is not None
            and (start is None or number == 1 or call.started_at_s >= start)
            and (end is None or call.started_at_s < end)
        )
    ]


def _entry(
    invocation: Invocation,
    attempt: Attempt | None,
    number: int,
    calls: list[CallNode],
    redelivery_of: str | None,
) -> InvocationEntry:
    state = attempt.state if attempt else "unknown"
    sdk_s = time_in_calls(calls)
    if sdk_s is None and not calls and attempt is not None and attempt.knows_all_calls:
        sdk_s = 0.0
    return InvocationEntry(
        invocation.request_id,
        number,
        invocation.function,
        invocation.region,
        invocation.account,
        attempt.started_at_s if attempt else None,
        attempt.duration_s if attempt else None,
        attempt.init_s if attempt else None,
        attempt.cold if attempt else None,
        None if state == "unknown" else state,
        sdk_s,
        (attempt.trace_id or None) if attempt else None,
        redelivery_of,
        describe_cause(invocation.causes[0].fact) if invocation.causes else None,
        (attempt.error or None) if attempt else None,
        _queue_s(invocation) if number == 1 else None,
    )


def _queue_s(invocation: Invocation) -> float | None:
    """Give how long an event waited for its first attempt, as X-Ray saw it."""
    waits = [
        (segment.queued_at_s or 0.0, segment.dwell_s)
        for segment in invocation.segments
        if segment.dwell_s is not None
    ]
    return min(waits)[1] if waits else None


def _call_entry(call: CallNode) -> CallEntry:
    fact, segment = call.fact, call.segment
    return CallEntry(
        call.id,
        call.invocation.request_id,
        fact.service or None,
        fact.operation or None,
        fact.region or None,
        fact.resource or (segment.resource if segment else None) or None,
        display_key(call.key) if call.key is not None else None,
        call.started_at_s,
        call.duration_s,
        call.error or None,
    )


def _edge_entries(invocation: Invocation) -> list[EdgeEntry]:
    entries = [_edge_entry(cause.edge) for cause in invocation.causes if cause.edge is not None]
    return sorted(entries, key=_edge_order)


def _edge_order(edge: EdgeEntry) -> tuple[str, ...]:
    return (
        edge.resource or "",
        edge.key or "",
        edge.parent_request_id or "",
        edge.call_id or "",
        *edge.candidates,
        *edge.call_candidates,
    )


def _edge_entry(edge: Edge) -> EdgeEntry:
    fact = edge.cause.fact
    calls = edge.candidates
    makers = calls if edge.parent is None else ()
    parents = dict.fromkeys(call.invocation.request_id for call in makers)
    return EdgeEntry(
        edge.parent.request_id if edge.parent else None,
        edge.cause.invocation.request_id,
        edge.call.id if edge.call else None,
        operation_of(edge),
        resource_of(edge) or None,
        edge.evidence,
        list(parents),
        [call.id for call in calls[:_MAX_CALLS]] if edge.call is None else [],
        display_key(fact.key) if fact.key is not None else None,
    )
