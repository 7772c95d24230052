"""Latency by function (durations) and by edge (trigger delays), kept as things come.

Quantiles come from DDSketch at 1 % relative error (Masson, Rim, Lee: "DDSketch", VLDB 2019).
A sketch cannot forget, so when a value that was counted changes (X-Ray's times came later, an
edge was repaired) its series is counted anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

from ddsketch import DDSketch

from causality import names
from causality.graph import Attempt, CauseNode, Invocation
from causality.snapshot import LatencyRow

ACCURACY = 0.01
BUCKET_S = 10
BUCKETS = 30  # five minutes
_RATE_BUCKETS = 6  # the last minute

SeriesKey: TypeAlias = tuple[str, str]  # (name, region)
Sample: TypeAlias = tuple[SeriesKey, float, float, bool, bool]  # key, value, at, error, cold


class Series:
    """The samples of one function or edge."""

    __slots__ = ("buckets", "cold", "count", "errors", "maximum", "sketch")

    def __init__(self) -> None:
        self.sketch = DDSketch(ACCURACY)
        self.count = 0
        self.errors = 0
        self.cold = 0
        self.maximum = 0.0
        self.buckets: dict[int, int] = {}  # epoch seconds // BUCKET_S -> samples

    def add(self, value_s: float, at_s: float, error: bool, cold: bool) -> None:
        """Count one sample."""
        # A consumer can begin before its trigger's response was there: no delay at all.
        value_s = max(0.0, value_s)
        self.sketch.add(value_s)
        self.count += 1
        self.errors += error
        self.cold += cold
        self.maximum = max(self.maximum, value_s)
        bucket = int(at_s // BUCKET_S)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        while len(self.buckets) > 2 * BUCKETS:
            del self.buckets[min(self.buckets)]

    def quantile(self, q: float) -> float | None:
        """Give the q-quantile by nearest rank, in seconds, at 1 % relative error.

        The sketch interpolates ranks from below, which for a handful of samples hides the
        slowest: of three, the 99th percentile must be the maximum.
        """
        if self.count < 2:
            return self.maximum if self.count else None
        rank = math.ceil(q * self.count) - 1
        if rank == self.count - 1:
            return self.maximum
        value = self.sketch.get_quantile_value(rank / (self.count - 1))
        return None if value is None else min(float(value), self.maximum)

    def row(self, key: SeriesKey, now_s: float) -> LatencyRow:
        """Give what the latency table shows."""
        current = int(now_s // BUCKET_S)
        recent = tuple(self.buckets.get(current - back, 0) for back in range(BUCKETS - 1, -1, -1))
        return LatencyRow(
            key[0],
            key[1],
            self.count,
            self.errors,
            self.cold,
            self.quantile(0.5),
            self.quantile(0.9),
            self.quantile(0.95),
            self.quantile(0.99),
            self.maximum if self.count else None,
            sum(recent[-_RATE_BUCKETS:]) / (_RATE_BUCKETS * BUCKET_S),
            recent,
        )


class LatencyTable:
    """Series by key, with what was counted for each source, so that it is counted once."""

    def __init__(self) -> None:
        """Make an empty table."""
        self._series: dict[SeriesKey, Series] = {}
        self._counted: dict[object, Sample] = {}
        self._stale: set[SeriesKey] = set()

    def put(self, source: object, sample: Sample | None) -> None:
        """Say what a source (an attempt, a cause) counts as now; None for nothing."""
        before = self._counted.get(source)
        if before == sample:
            return
        if before is not None:
            self._stale.add(before[0])
            del self._counted[source]
        if sample is not None:
            self._counted[source] = sample
            if sample[0] not in self._stale:
                self._add(sample)

    def rows(self, now_s: float) -> list[LatencyRow]:
        """Give every series' row, busiest first."""
        self._recount()
        rows = [series.row(key, now_s) for key, series in self._series.items()]
        return sorted(rows, key=lambda row: (-row.count, row.name, row.region))

    def _add(self, sample: Sample) -> None:
        key, value_s, at_s, error, cold = sample
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series()
        series.add(value_s, at_s, error, cold)

    def _recount(self) -> None:
        if not self._stale:
            return
        stale, self._stale = self._stale, set()
        for key in stale:
            self._series.pop(key, None)
        for sample in self._counted.values():
            if sample[0] in stale:
                self._add(sample)


def function_samples(invocation: Invocation) -> Iterable[tuple[Attempt, Sample | None]]:
    """Give each attempt's sample for the table of functions; None while it runs."""
    name = invocation.function
    for attempt in invocation.attempts.values():
        duration_s, started_at_s = attempt.duration_s, attempt.started_at_s
        if name is None or duration_s is None or started_at_s is None:
            yield attempt, None
        else:
            failed = attempt.state in ("error", "timeout", "throttled")
            key = (name, invocation.region or "")
            yield attempt, (key, duration_s, started_at_s, failed, bool(attempt.cold))


def edge_samples(invocation: Invocation) -> Iterable[tuple[CauseNode, Sample | None]]:
    """Give each cause's sample for the table of edges: its trigger delay, when certain."""
    for cause in invocation.causes:
        edge = cause.edge
        delay_s = edge.delay_s if edge is not None else None
        started_at_s = invocation.started_at_s
        if edge is None or edge.parent is None or delay_s is None or started_at_s is None:
            yield cause, None
        else:
            resource = names.last_part(cause.fact.resource or "")
            parent = edge.parent.function or "?"
            key = (f"{parent} → {resource} → {invocation.function or '?'}", invocation.region or "")
            if cause.fact.service == "lambda":
                key = (f"{parent} → {invocation.function or '?'}", invocation.region or "")
            failed = invocation.state in ("error", "timeout", "throttled")
            yield cause, (key, delay_s, started_at_s, failed, False)
