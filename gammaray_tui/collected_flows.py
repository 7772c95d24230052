"""Who starts whom through what, of what was counted: the map, and what is doubtful in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from causality import names
from causality.service_map import OUTSIDE, FlowKey, MapEdge, MapNodeId, ServiceMap, map_node
from causality.snapshot import LatencyRow
from gammaray_collector.rollups import AMBIGUOUS, LATEST, EdgeName, Rollup
from providers.collected import MINUTE_S

SEVERAL: MapNodeId = ("one of several functions", OUTSIDE, "")
"""Stands for the source of edges that calls of several functions may have caused."""

# Until late calls had their time, what order tells is ambiguous: it is none of our business.
_YOUNG_MINUTES = 4


@dataclass
class Flow:
    """How often a function started another one through something.

    Attributes:
        ambiguous: of `count`, those that another call may have caused.
        lasting: of these, those that will stay so; `crowded` of them because too many share a key.
        errors: those whose invocation failed.
        lately: those in the window that rates are of.
        minute: the latest in which any came; `doubted` in which a lasting ambiguous one did.
        latest, example: a request id of each of these minutes.
    """

    count: int = 0
    ambiguous: int = 0
    lasting: int = 0
    crowded: int = 0
    errors: int = 0
    lately: int = 0
    minute: int = 0
    doubted: int = 0
    latest: str | None = None
    example: str | None = None

    def add(self, rollup: Rollup, *, doubted: bool, current: int) -> None:
        """Add what was counted in a minute.

        Args:
            rollup: of edges.
            doubted: whether all of it is ambiguous.
            current: the running minute.
        """
        counts = rollup.counts
        ambiguous = counts.get("ambiguous", 0)
        count = ambiguous + sum(counts.get(grade, 0) for grade in ("exact", "content", "order"))
        if count <= 0:
            return
        ambiguous = count if doubted else ambiguous
        self.count += count
        self.ambiguous += ambiguous
        self.errors += counts.get("failed", 0)
        self.lately += count if rollup.minute >= current - 1 else 0
        if rollup.minute >= self.minute:
            self.minute, self.latest = rollup.minute, rollup.examples.get(LATEST)
        if ambiguous > 0 and rollup.minute <= current - _YOUNG_MINUTES:
            self.lasting += ambiguous
            self.crowded += counts.get("crowded", 0)
            if rollup.minute >= self.doubted:
                self.doubted = rollup.minute
                self.example = rollup.examples.get(AMBIGUOUS, rollup.examples.get(LATEST))


def flow_key(name: EdgeName) -> FlowKey:
    """Give the edge of the map that counted edges belong to."""
    source = SEVERAL
    if name.parent_function:
        source = (name.parent_function, name.parent_region, "")
    target = (name.child_function or "(unknown function)", name.child_region, "")
    return source, target, channel_of(name)


def channel_of(name: EdgeName) -> str:
    """Name what is between two functions, as the live view does."""
    if name.service == "lambda":
        return "Invoke"
    return names.last_part(name.resource) or name.service


def map_of(
    flows: Mapping[FlowKey, Flow], functions: Sequence[LatencyRow], now_s: float
) -> ServiceMap:
    """Draw the map of functions and what they start."""
    known = {row.key: row for row in functions}
    drawn = {key: flow for key, flow in sorted(flows.items()) if flow.count}
    ids = dict.fromkeys([*known, *(node for key in drawn for node in key[:2])])
    length_s = now_s - (int(now_s) // MINUTE_S - 1) * MINUTE_S
    return ServiceMap(
        tuple(map_node(node, known.get(node)) for node in sorted(ids)),
        tuple(
            MapEdge(*key, flow.count, flow.errors, flow.ambiguous, flow.lately / length_s)
            for key, flow in drawn.items()
        ),
    )


def circles(flows: Mapping[FlowKey, Flow], most: int) -> Iterator[list[FlowKey]]:
    """Find ways along which functions start each other in a circle, by edges that are certain.

    Each has an edge that none of those before it has.

    Args:
        flows: by edge.
        most: stop after so many.
    """
    into: dict[MapNodeId, dict[MapNodeId, FlowKey]] = {}
    for key, flow in sorted(flows.items()):
        if flow.count > flow.ambiguous and key[0] != SEVERAL:
            into.setdefault(key[1], {}).setdefault(key[0], key)
    for _ in range(most):
        try:
            TopologicalSorter(into).prepare()
        except CycleError as error:
            nodes: list[MapNodeId] = error.args[1]
            found = [into[b][a] for a, b in pairwise(nodes)]
            first = min(range(len(found)), key=lambda place: found[place])
            yield found[first:] + found[:first]
            source, target, _ = found[first]
            del into[target][source]
        else:
            return
