"""The critical path of a chain: what its end had to wait for, through asynchronous hops.

Walked back from the invocation that ended last, at each step to the call whose end came last
among those that started it. The parts follow each other without gaps, so that they add up to
the end-to-end latency.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from causality import names
from causality.graph import CallNode, CauseNode, Edge, Invocation
from causality.snapshot import Evidence
from causality.views.pairing import paired_calls
from causality.views.timing import stretches

PartKind: TypeAlias = Literal["delay", "queue", "retry", "init", "handler", "sdk"]
_Pairs: TypeAlias = dict[Invocation, dict[CauseNode, CallNode]]
_WEAKER: tuple[Evidence, ...] = ("exact", "content", "order", "ambiguous")


class Part(msgspec.Struct, frozen=True):
    """A stretch of the path; epoch seconds.

    Attributes:
        kind: "delay": from the call's answer to the start, but for "queue": in Lambda's queue
            (X-Ray's dwell time); "retry": tries before the one that counted; "init": cold start;
            "handler": the function's own code; "sdk": waiting for calls.
        detail: of "sdk", the call's operation and what it worked on.
    """

    kind: PartKind
    request_id: str
    function: str
    began_s: float
    ended_s: float
    detail: str = ""

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return self.ended_s - self.began_s


class CriticalPath(msgspec.Struct, frozen=True):
    """A chain's critical path.

    Attributes:
        request_ids: the invocations on it, the root's first.
        parts: in order, each beginning where the one before ends.
        evidence: the weakest of its hops; None for a path of one invocation.
        complete: whether every invocation of the chain has ended, so that the path is final;
            what runs is taken to have ended with the last that is known of it.
    """

    request_ids: tuple[str, ...]
    parts: tuple[Part, ...]
    evidence: Evidence | None
    complete: bool = True

    @property
    def latency_s(self) -> float:
        """End-to-end: from the root's beginning to the end of the last invocation."""
        return self.parts[-1].ended_s - self.parts[0].began_s if self.parts else 0.0

    def totals(self) -> dict[PartKind, float]:
        """Give the seconds spent in each kind of part."""
        found: dict[PartKind, float] = defaultdict(float)
        for part in self.parts:
            found[part.kind] += part.duration_s
        return dict(found)


class _Hop(msgspec.Struct, frozen=True):
    invocation: Invocation
    call: CallNode | None  # what it was left by; None at the path's end, or when not recorded
    evidence: Evidence | None


def critical_path(chain: Collection[Invocation]) -> CriticalPath | None:
    """Find the critical path of a chain.

    Args:
        chain: its invocations (causality.views.select).

    Returns:
        The path; None when no invocation's time is known. Ambiguous edges are never followed:
        the path then begins behind them.
    """
    ends = {
        invocation: max(stretch.ended_s for stretch in found)
        for invocation in chain
        if (found := stretches(invocation))
    }
    if not ends:
        return None
    last = max(ends, key=lambda invocation: (ends[invocation], invocation.request_id))
    hops = _walk_back(last, ends)
    grades = [hop.evidence for hop in hops if hop.evidence is not None]
    return CriticalPath(
        tuple(hop.invocation.request_id for hop in hops),
        tuple(_parts(hops)),
        max(grades, key=_WEAKER.index) if grades else None,
        all(invocation.state != "running" for invocation in chain),
    )


def _walk_back(last: Invocation, known: Collection[Invocation]) -> list[_Hop]:
    hops = [_Hop(last, None, None)]
    seen = {last}
    while True:
        pairs: _Pairs = {}
        found = [
            (parent, _call_of(parent, edge, pairs), edge)
            for cause in hops[-1].invocation.causes
            if (edge := cause.edge) is not None
            and (parent := edge.parent) is not None
            and parent in known
            and parent not in seen
        ]
        if not found:
            return hops[::-1]
        # Of a batch, what came last let it begin.
        parent, call, edge = max(found, key=_arrival)
        hops.append(_Hop(parent, call, edge.evidence))
        seen.add(parent)


def _arrival(item: tuple[Invocation, CallNode | None, Edge]) -> tuple[float, str]:
    parent, call, _ = item
    if call is None:
        return (parent.started_at_s or 0.0, parent.request_id)
    return (_answered_s(call), call.id)


def _call_of(parent: Invocation, edge: Edge, pairs: _Pairs) -> CallNode | None:
    call = edge.call
    if call is None:
        if parent not in pairs:
            pairs[parent] = paired_calls(parent)
        call = pairs[parent].get(edge.cause)
    return call if call is not None and call.started_at_s is not None else None


def _answered_s(call: CallNode) -> float:
    return call.ended_at_s or call.started_at_s or 0.0


def _parts(hops: list[_Hop]) -> Iterator[Part]:
    at_s: float | None = None
    for index, hop in enumerate(hops):
        following = hops[index + 1].invocation if index + 1 < len(hops) else None
        for part in _of_hop(hop, at_s, following):
            at_s = part.ended_s
            if part.ended_s > part.began_s:
                yield part


def _of_hop(hop: _Hop, arrived_s: float | None, following: Invocation | None) -> Iterator[Part]:
    invocation, call = hop.invocation, hop.call
    tries = stretches(invocation)
    counted = tries[-1]
    if call is not None:
        counted = next((attempt for attempt in tries if call in attempt.calls), tries[-1])
    first = tries[0]
    at_s = arrived_s
    if at_s is None:
        at_s = _came_s(invocation)
    waits: list[tuple[PartKind, float]] = [
        ("delay", first.began_s),
        ("retry", counted.began_s),
        ("init", counted.started_s),
    ]
    if (queue := _queue(invocation)) is not None:
        came_s, left_s = (min(time_s, first.began_s) for time_s in queue)
        waits = [("delay", came_s), ("queue", left_s), *waits]
    name = invocation.function or "(unknown function)"
    for kind, until_s in waits:
        ended_s = max(at_s, until_s)
        yield Part(kind, invocation.request_id, name, at_s, ended_s)
        at_s = ended_s
    left_s = counted.ended_s
    if following is not None:
        # What it started can come in before the answer is there: the path leaves then.
        made_s = (call.started_at_s or 0.0) if call is not None else counted.began_s
        answered_s = _answered_s(call) if call is not None else counted.ended_s
        left_s = min(answered_s, max(_came_s(following), made_s))
    yield from _working(invocation, name, at_s, max(at_s, left_s), counted.calls)


def _working(
    invocation: Invocation, name: str, began_s: float, ended_s: float, calls: Iterable[CallNode]
) -> Iterator[Part]:
    at_s = began_s
    for call in calls:  # in order of time
        made_s = min(max(at_s, call.started_at_s or 0.0), ended_s)
        answered_s = min(max(made_s, _answered_s(call)), ended_s)
        if answered_s > made_s:
            yield Part("handler", invocation.request_id, name, at_s, made_s)
            what = f"{call.fact.operation} {names.last_part(call.fact.resource or '')}".strip()
            yield Part("sdk", invocation.request_id, name, made_s, answered_s, what)
            at_s = answered_s
    yield Part("handler", invocation.request_id, name, at_s, ended_s)


def _came_s(invocation: Invocation) -> float:
    """Give when an invocation was first heard of: in the queue, or where it began."""
    began_s, queue = stretches(invocation)[0].began_s, _queue(invocation)
    return began_s if queue is None else min(began_s, queue[0])


def _queue(invocation: Invocation) -> tuple[float, float] | None:
    """Give when an invocation came into Lambda's queue, and left it; None: X-Ray does not tell."""
    segments = [s for s in invocation.segments if s.queued_at_s is not None]
    if not segments:
        return None
    first = min(segments, key=lambda segment: (segment.queued_at_s or 0.0, segment.id))
    came_s = first.queued_at_s or 0.0
    # One that was waited for has no time of dwelling: it was in no queue.
    return came_s, came_s + (first.dwell_s or 0.0)
