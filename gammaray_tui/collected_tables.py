"""What a watch over rollups shows beside its tree: latencies, the map, problems, examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from causality.heat import HeatMap, heat_map
from causality.latency import SeriesKey, Tally, View
from causality.service_map import FlowKey, ServiceMap
from causality.sketch import Sketch
from causality.snapshot import LatencyRow, ProblemRow
from gammaray_collector.items import Item
from gammaray_collector.rollups import (
    FAILED,
    LATEST,
    Doubts,
    EdgeName,
    FunctionName,
    ProblemName,
    Rollup,
)
from gammaray_tui.collected_filter import edge_name
from gammaray_tui.collected_flows import Flow, channel_of, flow_key, map_of
from gammaray_tui.collected_minutes import RECENT, Minutes, window_start
from gammaray_tui.collected_problems import Told, problems_of
from gammaray_tui.collected_rows import Offer, Why
from providers.collected import (
    MINUTE_S,
    CollectorLags,
    Counted,
    CountedBefore,
    CountedDoubts,
    CountedMinutes,
    CountsOnly,
)


@dataclass
class _Series:
    """A row of a latency table before it is one."""

    sketch: Sketch = field(default_factory=Sketch)
    count: int = 0
    errors: int = 0
    cold: int = 0
    counts: dict[int, int] = field(default_factory=dict)  # by minute, of the newest ones


class CollectedTables:
    """The tables of what was told.

    Attributes:
        functions, edges, offers: the rows as they were made last.
        told: the problems, likewise.
        invocations: how many began, in all that is counted.
    """

    def __init__(self) -> None:
        """Begin with nothing told."""
        self.functions: list[LatencyRow] = []
        self.edges: list[LatencyRow] = []
        self.told: list[Told] = []
        self.offers: list[Offer] = []
        self.invocations = 0
        self._minutes = Minutes()
        self._doubt_items: dict[str, list[Item]] = {}
        self._doubts = Doubts()
        self._lags: Mapping[str, float] = {}
        self._map = ServiceMap()
        self._window_s: float | None = None
        self._made: tuple[int, float | None] | None = None
        # How long things took, merged, and what it was merged of.
        self._sketches: dict[tuple[View, SeriesKey], Sketch] = {}
        self._merged: tuple[object, ...] = ()

    # --- what comes in ------------------------------------------------------------------------

    def take(self, told: Counted) -> None:
        """Take over what was told."""
        self._made = None
        if isinstance(told, CountedMinutes):
            self._minutes.put(told)
        elif isinstance(told, CountsOnly):
            self._minutes.put_counts(told.rollups)
        elif isinstance(told, CountedBefore):
            self._minutes.put_past(told.rollups)
        elif isinstance(told, CollectorLags):
            self._lags = told.by_region
        elif isinstance(told, CountedDoubts):
            for partition in told.partitions:
                self._doubt_items.pop(partition, None)
            for item in told.items:
                self._doubt_items.setdefault(str(item["pk"]), []).append(item)
            self._doubts = Doubts(item for items in self._doubt_items.values() for item in items)

    # --- what is shown ------------------------------------------------------------------------

    def renew(self, now_s: float, window_s: float | None) -> bool:
        """Make the rows of now, unless they are those already; say whether they are new."""
        made = (int(now_s) // MINUTE_S, window_s)
        if made == self._made:
            return False
        self._made = made
        first = window_start(now_s, window_s)
        self._merge_sketches(first)
        functions: dict[SeriesKey, _Series] = {}
        edges: dict[SeriesKey, _Series] = {}
        flows: dict[FlowKey, Flow] = {}
        problems: dict[ProblemName, Rollup] = {}
        examples: dict[FunctionName, list[Rollup]] = {}
        self.invocations = 0
        current = made[0]
        for rollup in self._minutes.since(None):
            shown = first is None or rollup.minute >= first
            name = rollup.name
            if isinstance(name, FunctionName):
                self.invocations += rollup.counts.get("started", 0)
                if shown:
                    series = functions.setdefault((name.function, name.region, ""), _Series())
                    ended, started = (rollup.counts.get(w, 0) for w in ("ended", "started"))
                    _add(series, rollup, ended, started, current)
                    examples.setdefault(name, []).append(rollup)
            elif isinstance(name, EdgeName):
                if shown and self._has_delays(name, rollup):
                    series = edges.setdefault(_edge_key(name), _Series())
                    timed = rollup.counts.get("timed", 0)
                    _add(series, rollup, timed, timed, current)
                flow = flows.setdefault(flow_key(name), Flow())
                flow.add(rollup, doubted=self._ambiguous(name, rollup), current=current)
            elif isinstance(name, ProblemName):
                known = problems.setdefault(name, Rollup(name, rollup.minute))
                known.merge(rollup)
        for key, series in functions.items():
            series.sketch = self._sketches.get(("functions", key), series.sketch)
        for key, series in edges.items():
            series.sketch = self._sketches.get(("edges", key), series.sketch)
        self.functions = _rows(functions, now_s, first, current)
        self.edges = _rows(edges, now_s, first, current)
        self._map = map_of(flows, self.functions, now_s)
        self.told = problems_of(problems.values(), flows, self._lags, now_s)
        self.offers = _offers(examples)
        return True

    @property
    def problems(self) -> list[ProblemRow]:
        """The rows of all problems."""
        return [one.row for one in self.told]

    def _merge_sketches(self, first: int | None) -> None:
        """Merge how long things took, if more is known of it: the counts change more often."""
        merged = (first, self._minutes.revision, self._doubts)
        if merged == self._merged:
            return
        self._merged = merged
        self._sketches = {}
        for rollup in self._minutes.since(first):
            place = self._place(rollup)
            if place is not None and rollup.sketch.count:
                self._sketches.setdefault(place, Sketch()).merge(rollup.sketch)

    def _place(self, rollup: Rollup) -> tuple[View, SeriesKey] | None:
        """Name the row that a rollup's sketch belongs to; None for none."""
        name = rollup.name
        if isinstance(name, FunctionName):
            return "functions", (name.function, name.region, "")
        if isinstance(name, EdgeName) and self._has_delays(name, rollup):
            return "edges", _edge_key(name)
        return None

    def service_map(self) -> ServiceMap:
        """Give the map of all functions and what they start, as it was made last."""
        return self._map

    def heat(self, view: View, key: SeriesKey, now_s: float) -> HeatMap:
        """Lay out the latest latencies of a function or an edge in time, by the minute."""
        current = int(now_s) // MINUTE_S
        tallies: list[Tally | None] = []
        for minute in range(current - RECENT + 1, current + 1):
            tally = Tally()
            for rollup in self._minutes.in_minute(minute):
                if self._place(rollup) == (view, key):
                    tally.sketch.merge(rollup.sketch)
                    tally.errors += rollup.counts.get("errors", 0)
            tallies.append(tally if tally.sketch.count else None)
        return heat_map(tallies, (current + 1) * MINUTE_S, MINUTE_S)

    def rate(self, now_s: float) -> float:
        """Give the invocations a second that began in the minute before the running one."""
        return self._started(int(now_s) // MINUTE_S - 1) / MINUTE_S

    def recent(self, now_s: float) -> tuple[float, ...]:
        """Give the invocations a second of the latest whole minutes, oldest first."""
        current = int(now_s) // MINUTE_S
        return tuple(
            self._started(minute) / MINUTE_S for minute in range(current - RECENT, current)
        )

    def _started(self, minute: int) -> int:
        return sum(
            rollup.counts.get("started", 0)
            for rollup in self._minutes.in_minute(minute)
            if isinstance(rollup.name, FunctionName)
        )

    def _ambiguous(self, name: EdgeName, rollup: Rollup) -> bool:
        """Say whether what these edges rest on is doubted."""
        began_s = rollup.minute * MINUTE_S
        return self._doubts.graded("order", name.needs, name.source, began_s) == "ambiguous"

    def _has_delays(self, name: EdgeName, rollup: Rollup) -> bool:
        # A delay is known of a certain call only, and counts as long as it is one.
        return rollup.counts.get("timed", 0) > 0 and not self._ambiguous(name, rollup)


def _add(series: _Series, rollup: Rollup, count: int, began: int, current: int) -> None:
    series.count += count
    series.errors += rollup.counts.get("errors", 0)
    series.cold += rollup.counts.get("cold", 0)
    if rollup.minute > current - RECENT:
        series.counts[rollup.minute] = series.counts.get(rollup.minute, 0) + began


def _rows(
    series: dict[SeriesKey, _Series], now_s: float, first: int | None, current: int
) -> list[LatencyRow]:
    """Give the rows, busiest first; a rate is of the window, else of the last whole minute on."""
    begin = current - 1 if first is None else first
    length_s = max(1.0, now_s - begin * MINUTE_S)
    rows = []
    for key, one in series.items():
        if not one.count:
            continue
        recent = tuple(one.counts.get(m, 0) for m in range(current - RECENT + 1, current + 1))
        lately = sum(count for minute, count in one.counts.items() if minute >= begin)
        p50_s, p90_s, p95_s, p99_s, max_s = one.sketch.quantiles(0.5, 0.9, 0.95, 0.99, 1.0)
        rows.append(
            LatencyRow(
                *key[:2],
                one.count,
                one.errors,
                one.cold,
                p50_s,
                p90_s,
                p95_s,
                p99_s,
                max_s,
                lately / length_s,
                recent,
            )
        )
    return sorted(rows, key=lambda row: (-row.count, row.name, row.region))


def _edge_key(name: EdgeName) -> SeriesKey:
    callee = (name.child_function or "?", name.child_region, "")
    return edge_name(name.parent_function or "?", channel_of(name), callee)


def _offers(examples: dict[FunctionName, list[Rollup]]) -> list[Offer]:
    """Choose of each function the latest failed one, the slowest and the latest."""
    offers: dict[str, Offer] = {}
    for name in sorted(examples, key=lambda name: (name.function, name.region)):
        newest_first = sorted(examples[name], key=lambda rollup: -rollup.minute)
        for why, found in _examples(newest_first):
            request_id, minute, least_s = found
            known = offers.get(request_id)
            whys: tuple[Why, ...] = (why,)
            if known is not None:
                whys, least_s = (*known.why, why), least_s or known.least_s
            offers[request_id] = Offer(
                request_id, name.function, name.region, whys, minute * MINUTE_S, least_s
            )
    return list(offers.values())


def _examples(
    newest_first: Sequence[Rollup],
) -> Iterable[tuple[Why, tuple[str, int, float | None]]]:
    for rollup in newest_first:
        if FAILED in rollup.examples:
            yield "failed", (rollup.examples[FAILED], rollup.minute, None)
            break
    slowest: tuple[float, str, int] | None = None
    for rollup in newest_first:
        found = rollup.slowest
        if found is not None and (slowest is None or found[0] > slowest[0]):
            slowest = (*found, rollup.minute)
    if slowest is not None:
        least_s, request_id, minute = slowest
        yield "slowest", (request_id, minute, least_s)
    for rollup in newest_first:
        if LATEST in rollup.examples:
            yield "latest", (rollup.examples[LATEST], rollup.minute, None)
            break
