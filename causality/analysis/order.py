"""Happens-before between invocations (Lamport, "Time, Clocks, and the Ordering of Events", 1978).

One invocation is before another when something of it led to the other: it started it, over any
number of hops, or its answer came back to a waiting caller that started the other afterwards.
Clocks of different machines decide nothing; within one invocation its own clock orders its calls.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, pairwise
from typing import Literal, TypeAlias

import msgspec

from causality.graph import Invocation
from causality.hops import hop_of
from causality.matching.match_keys import is_destination
from causality.snapshot import Evidence
from causality.views.timing import can_wait, is_synchronous

RelationKind: TypeAlias = Literal["same", "before", "after", "concurrent"]
_EVER = float("-inf")
# From an invocation and a time in it to what follows, with the time from which on.
_Following: TypeAlias = Callable[[Invocation, float], Iterable[tuple[Invocation, float]]]


class Relation(msgspec.Struct, frozen=True):
    """How two invocations are ordered.

    Attributes:
        kind: the first is before, after or concurrent to the second.
        path: request ids from the earlier one to the later one; empty when concurrent.
        certain: False for "concurrent" when an ambiguous edge may order them after all, or when
            each seems to have led to the other.
    """

    kind: RelationKind
    path: tuple[str, ...] = ()
    certain: bool = True


def relation(first: Invocation, second: Invocation) -> Relation:
    """Say how two invocations of a settled graph are ordered."""
    if first is second:
        return Relation("same", (first.request_id,))
    path, back = _path(first, second, _next), _path(second, first, _next)
    if path and back:  # records that contradict each other
        return Relation("concurrent", certain=False)
    if path:
        return Relation("before", path)
    if back:
        return Relation("after", back)
    in_doubt = _path(first, second, _perhaps_next) or _path(second, first, _perhaps_next)
    return Relation("concurrent", certain=not in_doubt)


class Step(msgspec.Struct, frozen=True):
    """How a path goes on from one invocation to the next.

    Attributes:
        how: what the earlier one did to start the later one, "PutItem orders"; "answered" when
            the later one had waited for it.
        evidence: of the edge between the two.
    """

    request_id: str
    how: str
    evidence: Evidence


def steps(path: Sequence[Invocation]) -> list[Step]:
    """Say of a relation's path how each of its invocations but the first was reached."""
    return [_step(one, following) for one, following in pairwise(path)]


def _step(one: Invocation, following: Invocation) -> Step:
    for later, answered in ((following, False), (one, True)):
        for cause in later.causes:
            edge = cause.edge
            if edge is None or edge.parent is not (one if not answered else following):
                continue
            how = "answered" if answered else " ".join(hop_of(edge)).strip()
            return Step(following.request_id, how, edge.evidence)
    raise ValueError(f"no edge joins {one.request_id} and {following.request_id}")


def _path(first: Invocation, second: Invocation, following: _Following) -> tuple[str, ...]:
    """Find the path of fewest steps; empty when there is none."""
    # What follows from an invocation depends on when in it the path arrives: the earlier, the
    # more of its calls come after. Fewest steps first, then earliest.
    numbers = count()
    reached: dict[Invocation, float] = {}
    todo: list[tuple[int, float, int, Invocation, tuple[str, ...]]] = [
        (0, _EVER, next(numbers), first, (first.request_id,))
    ]
    while todo:
        steps, since_s, _, invocation, path = heapq.heappop(todo)
        if invocation is second and since_s == _EVER:
            return path  # not when an answer came back to it: that led to what it did then
        if reached.get(invocation, float("inf")) <= since_s:
            continue
        reached[invocation] = since_s
        for later, at_s in following(invocation, since_s):
            further = (*path, later.request_id)
            heapq.heappush(todo, (steps + 1, at_s, next(numbers), later, further))
    return ()


def _next(invocation: Invocation, since_s: float) -> Iterator[tuple[Invocation, float]]:
    """Give what certainly follows from what an invocation did since a time, and since when."""
    earliest: dict[int, float] = {}  # thousands of alike calls are shared: looked at once
    for cause in invocation.triggered:
        edge = cause.edge
        if edge is None:
            continue
        if since_s != _EVER and id(edge.meant) not in earliest:
            made = (_EVER if c.started_at_s is None else c.started_at_s for c in edge.candidates)
            earliest[id(edge.meant)] = min(made, default=_EVER)
        ended = is_destination(cause.fact)  # a result is handed on when all is over
        if since_s == _EVER or ended or earliest[id(edge.meant)] >= since_s:
            yield cause.invocation, _EVER
    for cause in invocation.causes:
        edge = cause.edge
        # Its end follows from all of it, so whoever waited for it goes on after it.
        if edge is not None and edge.parent is not None and is_synchronous(edge):
            answered_s = edge.call.ended_at_s if edge.call is not None else None
            if answered_s is not None:
                yield edge.parent, answered_s


def _perhaps_next(invocation: Invocation, since_s: float) -> Iterator[tuple[Invocation, float]]:
    """Give what follows, and what may: each call that can be meant counts as if it were."""
    yield from _next(invocation, since_s)
    for cause in invocation.triggered:
        if cause.edge is not None and not cause.edge.candidates:
            yield cause.invocation, _EVER  # its call was not recorded: it may have come later
    for call in invocation.calls.values():
        if since_s == _EVER or call.started_at_s is None or call.started_at_s >= since_s:
            for cause in call.edges:
                yield cause.invocation, _EVER
    for cause in invocation.causes:
        for call in cause.edge.candidates if cause.edge is not None else ():
            # Of one without an answer, all that came after it may have come after the answer.
            at_s = call.ended_at_s if call.ended_at_s is not None else call.started_at_s
            if at_s is not None and can_wait(call):
                yield call.invocation, at_s
