"""Comparing two sets of chains: two runs, before and after a deployment, two stretches of time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from causality import names
from causality.graph import Invocation
from causality.latency import LatencyTable, edge_samples, function_samples
from causality.snapshot import LatencyRow


class Hop(NamedTuple):
    """A kind of edge: which function starts which, by what."""

    caller: str
    operation: str
    resource: str
    function: str
    region: str


class Latency(msgspec.Struct, frozen=True):
    """The samples of one side; seconds."""

    count: int
    errors: int
    p50_s: float
    p95_s: float


class Shift(msgspec.Struct, frozen=True):
    """How a function's duration, or an edge's trigger delay, differs between the two sets."""

    kind: Literal["function", "edge"]
    name: str
    region: str
    before: Latency
    after: Latency

    @property
    def p50_s(self) -> float:
        """The median's change; positive is slower."""
        return self.after.p50_s - self.before.p50_s

    @property
    def p95_s(self) -> float:
        """The 95th percentile's change."""
        return self.after.p95_s - self.before.p95_s

    @property
    def ratio(self) -> float | None:
        """The median after over the one before; None when that was nothing."""
        return self.after.p50_s / self.before.p50_s if self.before.p50_s else None


class Comparison(msgspec.Struct, frozen=True):
    """What differs.

    Attributes:
        appeared, vanished: edges that only one of the sets has, with how often.
        shifts: of what both have, the largest change of the median first; the counts of samples
            on both sides say how much it is worth.
        functions_appeared, functions_vanished: (name, region).
    """

    appeared: tuple[tuple[Hop, int], ...]
    vanished: tuple[tuple[Hop, int], ...]
    functions_appeared: tuple[tuple[str, str], ...]
    functions_vanished: tuple[tuple[str, str], ...]
    shifts: tuple[Shift, ...]


class _Side:
    def __init__(self, invocations: Iterable[Invocation]) -> None:
        self.hops: dict[Hop, int] = {}
        self.functions: set[tuple[str, str]] = set()
        durations, delays = LatencyTable(), LatencyTable()
        for invocation in invocations:
            if invocation.function is not None:
                self.functions.add((invocation.function, invocation.region or ""))
            for attempt, sample in function_samples(invocation):
                durations.put(attempt, sample)
            for cause, sample in edge_samples(invocation):
                delays.put(cause, sample)
            for hop in _hops(invocation):
                self.hops[hop] = self.hops.get(hop, 0) + 1
        self.rows: dict[tuple[Literal["function", "edge"], str, str], LatencyRow] = {}
        self.rows |= {("function", row.name, row.region): row for row in durations.rows(0.0)}
        self.rows |= {("edge", row.name, row.region): row for row in delays.rows(0.0)}


def compare(before: Iterable[Invocation], after: Iterable[Invocation]) -> Comparison:
    """Compare two sets of invocations, of one settled graph or of two."""
    old, new = _Side(before), _Side(after)
    shifts = [
        Shift(*key, was, became)
        for key, row in old.rows.items()
        if key in new.rows
        and (was := _latency(row)) is not None
        and (became := _latency(new.rows[key])) is not None
    ]
    return Comparison(
        _only(new.hops, old.hops),
        _only(old.hops, new.hops),
        tuple(sorted(new.functions - old.functions)),
        tuple(sorted(old.functions - new.functions)),
        tuple(sorted(shifts, key=lambda s: (-abs(s.p50_s), s.kind, s.name, s.region))),
    )


def _hops(invocation: Invocation) -> Iterable[Hop]:
    for cause in invocation.causes:
        edge = cause.edge
        # In doubt about the caller, neither its appearing nor its vanishing would be sure.
        if edge is not None and edge.parent is not None:
            operations = {call.fact.operation for call in edge.candidates} or {"Invoke"}
            yield Hop(
                edge.parent.function or "?",
                operations.pop() if len(operations) == 1 else cause.fact.service,
                names.last_part(cause.fact.resource or ""),
                invocation.function or "?",
                invocation.region or "",
            )


def _only(these: dict[Hop, int], those: dict[Hop, int]) -> tuple[tuple[Hop, int], ...]:
    return tuple(sorted((hop, number) for hop, number in these.items() if hop not in those))


def _latency(row: LatencyRow) -> Latency | None:
    if row.p50_s is None or row.p95_s is None:
        return None
    return Latency(row.count, row.errors, row.p50_s, row.p95_s)
