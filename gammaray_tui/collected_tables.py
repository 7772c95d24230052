"""What a watch over rollups shows beside its tree: latencies, the map, problems, examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from causality import names
from causality.heat import HeatMap, heat_map
from causality.latency import SeriesKey, Tally, View
from causality.service_map import OUTSIDE, FlowKey, MapEdge, MapNodeId, ServiceMap, map_node
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
from gammaray_tui.collected_minutes import RECENT, Minutes, window_start
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
from widgets import formats

_PROBLEMS = 1000
_SEVERAL = ("one of several functions", OUTSIDE)


@dataclass
class _Series:
    """A row of a latency table before it is one."""

    sketch: Sketch = field(default_factory=Sketch)
    count: int = 0
    errors: int = 0
    cold: int = 0
    counts: dict[int, int] = field(default_factory=dict)  # by minute, of the newest ones


@dataclass
class _Flow:
    count: int = 0
    ambiguous: int = 0
    lately: int = 0  # in the window that rates are of


class CollectedTables:
    """The tables of what was told.

    Attributes:
        functions, edges, problems, offers: the rows as they were made last.
        invocations: how many began, in all that is counted.
    """

    def __init__(self) -> None:
        """Begin with nothing told."""
        self.functions: list[LatencyRow] = []
        self.edges: list[LatencyRow] = []
        self.problems: list[ProblemRow] = []
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
        flows: dict[FlowKey, _Flow] = {}
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
                    series = functions.setdefault((name.function, name.region), _Series())
                    ended, started = (rollup.counts.get(w, 0) for w in ("ended", "started"))
                    _add(series, rollup, ended, started, current)
                    examples.setdefault(name, []).append(rollup)
            elif isinstance(name, EdgeName):
                if shown and self._has_delays(name, rollup):
                    series = edges.setdefault(_edge_key(name), _Series())
                    _add(series, rollup, rollup.sketch.count, rollup.sketch.count, current)
                _add_flow(flows, name, rollup, self._ambiguous(name, rollup), current)
            elif isinstance(name, ProblemName):
                known = problems.setdefault(name, Rollup(name, rollup.minute))
                known.merge(rollup)
        for key, series in functions.items():
            series.sketch = self._sketches.get(("functions", key), series.sketch)
        for key, series in edges.items():
            series.sketch = self._sketches.get(("edges", key), series.sketch)
        self.functions = _rows(functions, now_s, first, current)
        self.edges = _rows(edges, now_s, first, current)
        self._map = _service_map(flows, self.functions, now_s)
        self.problems = [*_problems(problems.values()), *_behind(self._lags, now_s)]
        self.offers = _offers(examples)
        return True

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
            return "functions", (name.function, name.region)
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
        return bool(rollup.sketch.count) and not self._ambiguous(name, rollup)


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
                *key,
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
    callee = (name.child_function or "?", name.child_region)
    return edge_name(name.parent_function or "?", _channel(name), callee)


def _channel(name: EdgeName) -> str:
    if name.service == "lambda":
        return "Invoke"
    return names.last_part(name.resource) or name.service


def _add_flow(
    flows: dict[FlowKey, _Flow], name: EdgeName, rollup: Rollup, doubted: bool, current: int
) -> None:
    counts = rollup.counts
    ambiguous = counts.get("ambiguous", 0)
    count = ambiguous + sum(counts.get(grade, 0) for grade in ("exact", "content", "order"))
    if count <= 0:
        return
    source: MapNodeId = _SEVERAL
    if name.parent_function:
        source = (name.parent_function, name.parent_region)
    target = (name.child_function or "(unknown function)", name.child_region)
    flow = flows.setdefault((source, target, _channel(name)), _Flow())
    flow.count += count
    flow.ambiguous += count if doubted else ambiguous
    flow.lately += count if rollup.minute >= current - 1 else 0


def _service_map(
    flows: dict[FlowKey, _Flow], functions: Sequence[LatencyRow], now_s: float
) -> ServiceMap:
    known = {(row.name, row.region): row for row in functions}
    ids = dict.fromkeys([*known, *(node for key in flows for node in key[:2])])
    length_s = now_s - (int(now_s) // MINUTE_S - 1) * MINUTE_S
    return ServiceMap(
        tuple(map_node(node, known.get(node)) for node in sorted(ids)),
        tuple(
            MapEdge(*key, flow.count, 0, flow.ambiguous, flow.lately / length_s)
            for key, flow in sorted(flows.items())
        ),
    )


def _behind(lags: Mapping[str, float], now_s: float) -> list[ProblemRow]:
    return [
        ProblemRow(
            "collector-behind",
            f"{region}: what is counted is {formats.lag(lag_s)} old; doctor (d) tells why",
            None,
            now_s,
        )
        for region, lag_s in sorted(lags.items())
    ]


def _problems(found: Iterable[Rollup]) -> list[ProblemRow]:
    rows = []
    for rollup in found:
        name, count = rollup.name, rollup.counts.get("count", 0)
        if not isinstance(name, ProblemName) or count <= 0:
            continue
        where = f"{name.function} in {name.region}" if name.function else name.region
        text = f"{where}: {name.detail}" if name.detail else where
        times = "" if count == 1 else f"{count:,} times "
        node = rollup.examples.get(LATEST)
        rows.append(ProblemRow(name.problem, times + text, node, rollup.minute * MINUTE_S))
    return sorted(rows, key=lambda row: (row.at_s or 0.0, row.kind, row.text))[-_PROBLEMS:]


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
    slowest: tuple[int, str, int] | None = None
    for rollup in newest_first:
        powers = [int(what[1:]) for what in rollup.examples if what not in (LATEST, FAILED)]
        power, request_id = max(powers, default=None), rollup.slowest
        if power is not None and request_id and (slowest is None or power > slowest[0]):
            slowest = (power, request_id, rollup.minute)
    if slowest is not None:
        yield "slowest", (slowest[1], slowest[2], 2.0 ** slowest[0])
    for rollup in newest_first:
        if LATEST in rollup.examples:
            yield "latest", (rollup.examples[LATEST], rollup.minute, None)
            break
