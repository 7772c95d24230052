"""Latency by function (durations) and by edge (trigger delays), kept as things come.

A sample that changes (X-Ray's times came later, an edge was repaired) is taken out and counted
as it is now. What leaves the graph stays counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from causality import names
from causality.graph import Attempt, CauseNode, Invocation
from causality.sketch import Sketch
from causality.snapshot import LatencyRow

BUCKET_S = 10
BUCKETS = 30  # five minutes
_RATE_BUCKETS = 6  # the last minute

SeriesKey: TypeAlias = tuple[str, str]  # (name, region)
Sample: TypeAlias = tuple[SeriesKey, float, float, bool, bool]  # key, value, at, error, cold


class Series:
    """The samples of one function or edge."""

    __slots__ = ("buckets", "cold", "errors", "maximum", "sketch")

    def __init__(self) -> None:
        self.sketch = Sketch()
        self.errors = 0
        self.cold = 0
        self.maximum = 0.0
        self.buckets: dict[int, int] = {}  # epoch seconds // BUCKET_S -> samples

    def add(self, sample: Sample, count: int = 1) -> None:
        """Count a sample, or (-1) take it out again."""
        _, value_s, at_s, error, cold = sample
        # A consumer can begin before its trigger's response was there: no delay at all.
        value_s = max(0.0, value_s)
        self.sketch.add(value_s, count)
        self.errors += error * count
        self.cold += cold * count
        if count > 0:
            self.maximum = max(self.maximum, value_s)
        elif value_s == self.maximum:
            self.maximum = self.sketch.quantiles(1.0)[0] or 0.0
        bucket = int(at_s // BUCKET_S)
        left = self.buckets.get(bucket, 0) + count
        if left > 0:
            self.buckets[bucket] = left
        else:
            self.buckets.pop(bucket, None)
        while len(self.buckets) > 2 * BUCKETS:
            del self.buckets[min(self.buckets)]

    def row(self, key: SeriesKey, now_s: float) -> LatencyRow:
        """Give what the latency table shows."""
        current = int(now_s // BUCKET_S)
        recent = tuple(self.buckets.get(current - back, 0) for back in range(BUCKETS - 1, -1, -1))
        quantiles = [
            None if value is None else min(value, self.maximum)
            for value in self.sketch.quantiles(0.5, 0.9, 0.95, 0.99, 1.0)
        ]
        # The slowest is known exactly, so whatever quantile it is need not be estimated.
        top = quantiles.pop()
        p50_s, p90_s, p95_s, p99_s = (self.maximum if q == top else q for q in quantiles)
        return LatencyRow(
            key[0],
            key[1],
            self.sketch.count,
            self.errors,
            self.cold,
            p50_s,
            p90_s,
            p95_s,
            p99_s,
            self.maximum,
            sum(recent[-_RATE_BUCKETS:]) / (_RATE_BUCKETS * BUCKET_S),
            recent,
        )


class LatencyTable:
    """Series by key, with what was counted for each source, so that it is counted once."""

    def __init__(self) -> None:
        """Make an empty table."""
        self._series: dict[SeriesKey, Series] = {}
        self._counted: dict[object, tuple[Sample, ...]] = {}

    def put(self, source: object, sample: Sample | None) -> None:
        """Say what a source of one sample counts as now; None for nothing."""
        self.replace(source, () if sample is None else (sample,))

    def replace(self, source: object, samples: Iterable[Sample]) -> None:
        """Say which samples a source counts as now."""
        new = tuple(samples)
        old = self._counted.get(source, ())
        if new == old:
            return
        for sample in old:
            series = self._series[sample[0]]
            series.add(sample, -1)
            if not series.sketch.count:
                del self._series[sample[0]]
        for sample in new:
            key = sample[0]
            known = self._series.get(key)
            if known is None:
                known = self._series[key] = Series()
            known.add(sample)
        if new:
            self._counted[source] = new
        else:
            del self._counted[source]

    def forget(self, source: object) -> None:
        """Keep what a source counted as, for ever: it has left the graph."""
        self._counted.pop(source, None)

    def __len__(self) -> int:
        """Give the number of sources whose samples can still change."""
        return len(self._counted)

    def rows(self, now_s: float) -> list[LatencyRow]:
        """Give every series' row, busiest first."""
        rows = [series.row(key, now_s) for key, series in self._series.items()]
        return sorted(rows, key=lambda row: (-row.count, row.name, row.region))


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
