"""Latency by function (durations) and by edge (trigger delays), kept as things come.

Of all time and of a window that slides: a ring of sketches, one for each stretch of time, is
merged when someone looks. A sample that changes (X-Ray's times came later, an edge was repaired)
is taken out and counted as it is now. What leaves the graph stays counted.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from causality import names
from causality.accounts import UNKNOWN, Key, Place, key_of, shared_places, told
from causality.attempt import Attempt
from causality.graph import CauseNode, Invocation
from causality.sketch import Sketch, bucket_of
from causality.snapshot import LatencyRow

SLOT_S = 10  # a window begins and ends with one of these
SPARK_SLOTS = 30  # five minutes
LONGEST_WINDOW_S = 900.0
_KEPT_SLOTS = int(LONGEST_WINDOW_S) // SLOT_S + 2
_RATE_SLOTS = 6  # the last minute
_QUANTILES = (0.5, 0.9, 0.95, 0.99)

View: TypeAlias = Literal["functions", "edges"]
SeriesKey: TypeAlias = Key
# Key, value, when it came to be known (epoch seconds), whether it failed, cold start.
Sample: TypeAlias = tuple[SeriesKey, float, float, bool, bool]

FAILED = frozenset({"error", "timeout", "throttled"})


class Tally:
    """What was counted of some samples; tallies of parts can be merged."""

    __slots__ = ("cold", "errors", "maximum", "sketch")

    def __init__(self) -> None:
        self.sketch = Sketch()
        self.errors = 0
        self.cold = 0
        self.maximum = 0.0

    def add(self, bucket: int, value_s: float, error: bool, cold: bool, count: int) -> None:
        """Count a value, or (-1) take it out again."""
        self.sketch.add_to(bucket, count)
        self.errors += error * count
        self.cold += cold * count
        if count > 0:
            self.maximum = max(self.maximum, value_s)
        elif value_s == self.maximum or (
            bucket == bucket_of(self.maximum) and bucket not in self.sketch
        ):
            self.maximum = self.sketch.quantiles(1.0)[0] or 0.0

    def merge(self, other: Tally) -> None:
        """Count all that the other one did."""
        self.sketch.merge(other.sketch)
        self.errors += other.errors
        self.cold += other.cold
        self.maximum = max(self.maximum, other.maximum)

    def quantiles(self) -> list[float | None]:
        """Give p50, p90, p95 and p99."""
        count = self.sketch.count
        # The slowest is known exactly, so whatever quantile it is need not be estimated; others
        # of its bucket may be further from it than an estimate may be.
        return [
            value
            if value is None
            else self.maximum
            if math.ceil(fraction * count) == count
            else min(value, self.maximum)
            for fraction, value in zip(_QUANTILES, self.sketch.quantiles(*_QUANTILES), strict=True)
        ]


class Series:
    """The samples of one function or edge: all of them, and the latest by time."""

    __slots__ = ("_left_slot", "_past", "_slots", "total")

    def __init__(self) -> None:
        self.total = Tally()
        self._slots: dict[int, Tally] = {}  # epoch seconds // SLOT_S
        self._left_slot = -1  # the latest one that is kept no more
        # First and current slot of a window, and what was counted before the current one.
        self._past: tuple[int, int, Tally] | None = None

    def add(self, sample: Sample, count: int = 1) -> None:
        """Count a sample, or (-1) take it out again."""
        _, value_s, at_s, error, cold = sample
        # A consumer can begin before its trigger's response was there: no delay at all.
        value_s = max(0.0, value_s)
        bucket = bucket_of(value_s)
        self.total.add(bucket, value_s, error, cold, count)
        slot = int(at_s // SLOT_S)
        if slot <= self._left_slot:
            return
        if self._past is not None and slot < self._past[1]:
            self._past = None
        tally = self._slots.get(slot)
        if tally is None:
            tally = self._slots[slot] = Tally()
        tally.add(bucket, value_s, error, cold, count)
        if not tally.sketch.count:
            del self._slots[slot]
        elif len(self._slots) > _KEPT_SLOTS:
            self._left_slot = min(self._slots)
            del self._slots[self._left_slot]

    def slot(self, number: int) -> Tally | None:
        """Give what was counted in a stretch of SLOT_S; None: nothing, or kept no more."""
        return self._slots.get(number)

    def window(self, first: int, current: int) -> Tally:
        """Merge some slots; what lies behind the current one hardly changes, and is kept."""
        if self._past is None or self._past[:2] != (first, current):
            before = [tally for slot, tally in self._slots.items() if first <= slot < current]
            self._past = (first, current, merged(before))
        past, newest = self._past[2], self._slots.get(current)
        return past if newest is None else merged((past, newest))


def series_row(
    key: SeriesKey, parts: Sequence[Series], until_s: float, window_s: float | None
) -> LatencyRow:
    """Give what the latency table shows: of all time, or of a window that ends then.

    Args:
        key: as it is shown.
        parts: what is shown as one.
        until_s: the window's end, epoch seconds.
        window_s: None for all time.
    """
    current = int(until_s // SLOT_S)
    if window_s is None:
        shown = merged([part.total for part in parts])
    else:
        first = current - int(window_s // SLOT_S) + 1
        shown = merged([part.window(first, current) for part in parts])
    recent = tuple(
        sum(tally.sketch.count for part in parts if (tally := part.slot(slot)) is not None)
        for slot in range(current - SPARK_SLOTS + 1, current + 1)
    )
    if window_s is None:
        rate = sum(recent[-_RATE_SLOTS:]) / (_RATE_SLOTS * SLOT_S)
    else:
        rate = shown.sketch.count / window_s
    return latency_row(key, shown, rate, recent)


def merged(tallies: Sequence[Tally]) -> Tally:
    """Count together what was counted apart; a single one is given as it is."""
    if len(tallies) == 1:
        return tallies[0]
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole


def latency_row(
    key: SeriesKey, tally: Tally, rate: float, recent: tuple[int, ...] = ()
) -> LatencyRow:
    """Give a row of a latency table."""
    p50_s, p90_s, p95_s, p99_s = tally.quantiles()
    return LatencyRow(
        key[0],
        key[1],
        tally.sketch.count,
        tally.errors,
        tally.cold,
        p50_s,
        p90_s,
        p95_s,
        p99_s,
        tally.maximum if tally.sketch.count else None,
        rate,
        recent,
        key[2],
    )


class LatencyTable:
    """Series by key, with what was counted for each source, so that it is counted once."""

    def __init__(self) -> None:
        """Make an empty table."""
        self.newest_s = 0.0  # when the latest sample came to be known, epoch seconds
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
            if not series.total.sketch.count:
                del self._series[sample[0]]
        for sample in new:
            key = sample[0]
            known = self._series.get(key)
            if known is None:
                known = self._series[key] = Series()
            known.add(sample)
            self.newest_s = max(self.newest_s, sample[2])
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

    def slots(self, key: SeriesKey, wanted: Iterable[int]) -> list[Tally | None]:
        """Give what a row's series counted in stretches of SLOT_S seconds; None for nothing."""
        name, region, account = key
        parts = [
            series
            for (its_name, its_region, its_account), series in self._series.items()
            if (its_name, its_region) == (name, region) and account in ("", its_account or UNKNOWN)
        ]
        found = ([t for part in parts if (t := part.slot(slot)) is not None] for slot in wanted)
        return [merged(tallies) if tallies else None for tallies in found]

    def shared(self) -> frozenset[Place]:
        """Give the names and regions that several accounts have."""
        return shared_places(self._series)

    def rows(
        self,
        until_s: float | None = None,
        window_s: float | None = None,
        shared: Container[Place] | None = None,
    ) -> list[LatencyRow]:
        """Give every series' row, busiest first; accounts are put together unless they share.

        Args:
            until_s: the present, by the records' clock; default: when the latest sample came.
            window_s: only what came so long before it, to SLOT_S, and at most LONGEST_WINDOW_S;
                None for everything. A window leaves out what has no samples in it.
            shared: the names and regions whose accounts are told; default: by this table.
        """
        end_s = self.newest_s if until_s is None else until_s
        shared = self.shared() if shared is None else shared
        parts: dict[SeriesKey, list[Series]] = {}
        for key, series in self._series.items():
            parts.setdefault(told(key, shared), []).append(series)
        rows = [series_row(key, found, end_s, window_s) for key, found in parts.items()]
        return sorted((row for row in rows if row.count), key=lambda row: (-row.count, row.key))


class Latencies(NamedTuple):
    """Both tables of a graph."""

    functions: LatencyTable
    edges: LatencyTable


def latencies_of(invocations: Iterable[Invocation]) -> Latencies:
    """Make the tables of some invocations."""
    tables = Latencies(LatencyTable(), LatencyTable())
    for invocation in invocations:
        for attempt, sample in function_samples(invocation):
            if sample is not None:
                tables.functions.put(attempt, sample)
        for cause, sample in edge_samples(invocation):
            if sample is not None:
                tables.edges.put(cause, sample)
    return tables


def function_key(invocation: Invocation) -> SeriesKey:
    """Give the series that an invocation's durations belong to."""
    return key_of(invocation.function or "?", invocation.region or "", invocation.account or "")


def edge_key(cause: CauseNode) -> SeriesKey | None:
    """Give the series that a trigger delay belongs to; None when its cause is not certain.

    Region and account are those of the function that is started.
    """
    edge, invocation = cause.edge, cause.invocation
    if edge is None or edge.parent is None:
        return None
    resource = "" if cause.fact.service == "lambda" else cause.fact.resource or ""
    return _edge_series(edge.parent.function, resource, *function_key(invocation))


@lru_cache(maxsize=8192)
def _edge_series(
    caller: str | None, resource: str, callee: str, region: str, account: str
) -> SeriesKey:
    name = " → ".join(filter(None, (caller or "?", names.last_part(resource), callee)))
    return (name, region, account)


def function_samples(invocation: Invocation) -> Iterable[tuple[Attempt, Sample | None]]:
    """Give each attempt's sample for the table of functions, known at its end; None before."""
    key = function_key(invocation)
    for attempt in invocation.attempts.values():
        duration_s, started_at_s = attempt.duration_s, attempt.started_at_s
        if invocation.function is None or duration_s is None or started_at_s is None:
            yield attempt, None
        else:
            failed = attempt.state in FAILED
            yield attempt, (key, duration_s, started_at_s + duration_s, failed, bool(attempt.cold))


def edge_samples(invocation: Invocation) -> Iterable[tuple[CauseNode, Sample | None]]:
    """Give each cause's sample for the table of edges: its trigger delay, when certain.

    A record that is delivered again is no further trigger, and waited for something else.
    """
    for cause in invocation.causes:
        key = edge_key(cause) if not cause.repeated else None
        delay_s = cause.edge.delay_s if cause.edge is not None else None
        started_at_s = invocation.started_at_s
        if key is None or delay_s is None or started_at_s is None:
            yield cause, None
        else:
            cold = any(attempt.cold for attempt in invocation.attempts.values())
            yield cause, (key, delay_s, started_at_s, invocation.state in FAILED, cold)
