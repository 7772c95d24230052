"""Latencies of a graph that is whole: by function and by edge, of all time or of its last part."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from causality.accounts import Place, has_several_accounts, shared_places, told
from causality.filters import Filter
from causality.graph import Invocation
from causality.latency import Sample, SeriesKey, Tally, edge_samples, function_samples
from causality.sketch import bucket_of

LatencyKind: TypeAlias = Literal["function", "edge"]


class LatencyEntry(msgspec.Struct, frozen=True):
    """The durations of one function, or the trigger delays of one edge; seconds.

    Attributes:
        rate: samples a second, over the window, or over the time that all samples cover; None
            when that is none at all.
        window_s: how much of the end was counted; None for everything.
        account: the function's; told only where several have its name and region, or the edge's.
    """

    kind: LatencyKind
    name: str
    region: str
    count: int
    errors: int
    cold_starts: int
    p50_s: float | None
    p90_s: float | None
    p95_s: float | None
    p99_s: float | None
    max_s: float | None
    rate: float | None
    window_s: float | None
    account: str | None = None


def covered(invocations: Iterable[Invocation]) -> tuple[float, float] | None:
    """Give when the first and the last sample came to be known, epoch seconds; None without any."""
    times = [at_s for invocation in invocations for _, (_, _, at_s, _, _) in _samples(invocation)]
    return (min(times), max(times)) if times else None


def latency_entries(
    invocations: Collection[Invocation],
    span: tuple[float, float] | None,
    window_s: float | None = None,
    test: Filter | None = None,
) -> list[LatencyEntry]:
    """Give functions, then edges, busiest first.

    Args:
        invocations: of a settled graph.
        span: the time that they cover (`covered`); a window ends with it.
        window_s: count only samples that came to be known so long before the end.
        test: counts invocations that fit by themselves, and keeps the functions and edges that
            fit its words about quantiles.
    """
    if span is None:
        return []
    since_s = span[1] - window_s if window_s is not None else float("-inf")
    length_s = window_s if window_s is not None else span[1] - span[0]
    tallies: dict[tuple[LatencyKind, SeriesKey], Tally] = {}
    shared = _shared(invocations)
    for invocation in invocations:
        if test is not None and not test.fits_itself(invocation):
            continue
        for kind, (key, value_s, at_s, failed, cold) in _samples(invocation):
            if at_s > since_s:
                series = (kind, told(key, shared))
                tally = tallies.get(series)
                if tally is None:
                    tally = tallies[series] = Tally()
                value_s = max(0.0, value_s)
                tally.add(bucket_of(value_s), value_s, failed, cold, 1)
    found = [_entry(kind, key, tally, length_s, window_s) for (kind, key), tally in tallies.items()]
    if test is not None and test.slow:
        # Whatever else the expression says, these are about all that a function or edge did.
        whole = latency_entries(invocations, span, window_s)
        slow = {_place(entry) for entry in whole if test.fits_figures(entry)}
        found = [entry for entry in found if _place(entry) in slow]
    return sorted(found, key=_order)


def _shared(invocations: Collection[Invocation]) -> frozenset[Place]:
    if not has_several_accounts(invocations):
        return frozenset()
    return shared_places(sample[0] for i in invocations for _, sample in _samples(i))


def _place(entry: LatencyEntry) -> tuple[str, str, str, str | None]:
    return (entry.kind, entry.name, entry.region, entry.account)


def _order(entry: LatencyEntry) -> tuple[bool, int, str, str, str]:
    return (
        entry.kind != "function",
        -entry.count,
        entry.name,
        entry.region,
        entry.account or "",
    )


def _samples(invocation: Invocation) -> Iterator[tuple[LatencyKind, Sample]]:
    for _, sample in function_samples(invocation):
        if sample is not None:
            yield "function", sample
    for _, sample in edge_samples(invocation):
        if sample is not None:
            yield "edge", sample


def _entry(
    kind: LatencyKind,
    key: SeriesKey,
    tally: Tally,
    length_s: float,
    window_s: float | None,
) -> LatencyEntry:
    count = tally.sketch.count
    p50_s, p90_s, p95_s, p99_s = tally.quantiles()
    return LatencyEntry(
        kind,
        key[0],
        key[1],
        count,
        tally.errors,
        tally.cold,
        p50_s,
        p90_s,
        p95_s,
        p99_s,
        tally.maximum,
        count / length_s if length_s > 0 else None,
        window_s,
        key[2] or None,
    )
