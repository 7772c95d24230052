"""Latencies of a graph that is whole: by function and by edge, of all time or of its last part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from causality.filters import Filter
from causality.graph import Invocation
from causality.latency import LatencyTable, latencies_of
from causality.snapshot import LatencyRow

LatencyKind: TypeAlias = Literal["function", "edge"]


class LatencyEntry(msgspec.Struct, frozen=True):
    """The durations of one function, or the trigger delays of one edge; seconds.

    Attributes:
        rate: samples a second, over the window, or over the time that all samples cover; None
            when that is none at all.
        window_s: how much of the end was counted; None for everything.
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


def covered(invocations: Iterable[Invocation]) -> tuple[float, float] | None:
    """Give when the first and the last sample came to be known, epoch seconds; None without any."""
    tables = latencies_of(invocations)
    if not any(len(table) for table in tables):
        return None
    return (
        min(table.oldest_s for table in tables),
        max(table.newest_s for table in tables),
    )


def latency_entries(
    invocations: Iterable[Invocation],
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
    if test is not None:
        invocations = [invocation for invocation in invocations if test.fits_itself(invocation)]
    functions, edges = latencies_of(invocations, since_s)
    kinds: tuple[tuple[LatencyKind, LatencyTable], ...] = (("function", functions), ("edge", edges))
    found = []
    for kind, table in kinds:
        for row in table.rows():
            key = (row.name, row.region)
            if test is None or (
                test.fits_function(key) if kind == "function" else test.fits_edge(key)
            ):
                found.append(_entry(kind, row, length_s, window_s))
    return found


def _entry(
    kind: LatencyKind, row: LatencyRow, length_s: float, window_s: float | None
) -> LatencyEntry:
    return LatencyEntry(
        kind,
        row.name,
        row.region,
        row.count,
        row.errors,
        row.cold,
        row.p50_s,
        row.p90_s,
        row.p95_s,
        row.p99_s,
        row.max_s,
        row.count / length_s if length_s > 0 else None,
        window_s,
    )
