"""The problems of a watch over rollups: those that were counted, and what the counts show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from causality.latency import SeriesKey
from causality.service_map import FlowKey
from causality.snapshot import ProblemRow
from gammaray_collector.evidence import CROWD
from gammaray_collector.rollups import LATEST, ProblemName, Rollup
from gammaray_tui.collected_flows import Flow, circles
from providers.collected import MINUTE_S
from widgets import formats

_PROBLEMS = 1000
_CIRCLES = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A problem.

    Attributes:
        row: how it is shown.
        functions: those that it concerns; none of one that concerns all.
    """

    row: ProblemRow
    functions: frozenset[SeriesKey] = frozenset()


def problems_of(
    counted: Iterable[Rollup],
    flows: Mapping[FlowKey, Flow],
    lags: Mapping[str, float],
    now_s: float,
) -> list[Told]:
    """Give the problems, the latest last.

    Args:
        counted: rollups of problems, one of each name.
        flows: of edges.
        lags: how far behind the collector's reading is: seconds by region.
        now_s: epoch seconds.
    """
    told = [*_counted(counted), *_ambiguous(flows), *_loops(flows)]
    told.sort(key=lambda one: (one.row.at_s or 0.0, one.row.kind, one.row.text))
    return [*told[-_PROBLEMS:], *map(Told, _behind(lags, now_s))]


def _counted(found: Iterable[Rollup]) -> Iterator[Told]:
    for rollup in found:
        name, count = rollup.name, rollup.counts.get("count", 0)
        if not isinstance(name, ProblemName) or count <= 0:
            continue
        where = f"{name.function} in {name.region}" if name.function else name.region
        text = f"{where}: {name.detail}" if where and name.detail else where or name.detail
        node = rollup.examples.get(LATEST)
        row = ProblemRow(name.problem, _times(count) + text, node, rollup.minute * MINUTE_S)
        yield Told(row, frozenset({(name.function, name.region, "")} if name.function else ()))


def _ambiguous(flows: Mapping[FlowKey, Flow]) -> Iterator[Told]:
    for key, flow in flows.items():
        if flow.lasting > 0:
            text = f"{_way([key])}: another call may have caused it"
            if flow.crowded > 0:
                text += f"; {flow.crowded:,} of them share a key with more than {CROWD} others"
            at_s = flow.doubted * MINUTE_S
            row = ProblemRow("ambiguous", _times(flow.lasting) + text, flow.example, at_s)
            yield Told(row, frozenset(key[:2]))


def _loops(flows: Mapping[FlowKey, Flow]) -> Iterator[Told]:
    for way in circles(flows, _CIRCLES):
        members = [flows[key] for key in way]
        latest = max(members, key=lambda flow: flow.minute)
        count = min(flow.count - flow.ambiguous for flow in members)
        if len(way) == 1:
            text = f"{_times(count)}{_way(way)}: it started itself again"
        else:
            text = (
                f"{_way(way)}: they start each other in a circle, up to {count:,} times; "
                "whether one chain does shows when it is opened"
            )
        row = ProblemRow("loop", text, latest.latest, latest.minute * MINUTE_S)
        yield Told(row, frozenset(target for _, target, _ in way))


def _way(keys: list[FlowKey]) -> str:
    parts = [keys[0][0][0]]
    for _source, target, channel in keys:
        parts += [target[0]] if channel == "Invoke" else [channel, target[0]]
    return f"{' → '.join(parts)} in {keys[-1][1][1]}"


def _times(count: int) -> str:
    return "" if count == 1 else f"{count:,} times "


def _behind(lags: Mapping[str, float], now_s: float) -> Iterator[ProblemRow]:
    for region, lag_s in sorted(lags.items()):
        lag = formats.lag(lag_s)
        text = (
            f"{region}: in the last minutes, records up to {lag} old were counted; after setup "
            "these are what the stream held before; if it lasts, see doctor (d)"
        )
        yield ProblemRow("collector-behind", text, None, now_s)
