"""Latencies and flows of the invocations that fit the filter, kept as the graph changes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from causality.accounts import Place
from causality.filters import Filter
from causality.graph import Invocation
from causality.latency import (
    Latencies,
    LatencyTable,
    edge_samples,
    function_samples,
)
from causality.links import meaning
from causality.service_map import OUTSIDE, FlowTable, MapNode, MapNodeId, ServiceMap
from causality.snapshot import LatencyRow
from widgets import formats


class FittingTables:
    """What is counted of the invocations that fit by themselves.

    Words about quantiles (`p95>200ms`) choose among the rows instead, as `gammaray-tui latency`
    does. The map has the invocations that fit, what started them, and what they started.

    Attributes:
        filter: another one may be put in its place when only its words about quantiles changed.
        latencies: what was counted, all rows.
    """

    def __init__(self, wanted: Filter, members: Iterable[Invocation]) -> None:
        """Begin with nothing counted.

        Args:
            wanted: the filter.
            members: the graph's invocations; `fill` counts them.
        """
        self.filter = wanted
        self.latencies = Latencies(LatencyTable(), LatencyTable())
        self._flows = FlowTable()
        self._fitting: set[Invocation] = set()
        self._uncounted = iter(list(members))

    def __contains__(self, invocation: Invocation) -> bool:
        """Say whether an invocation that was counted fits."""
        return invocation in self._fitting

    def fill(self, count: int) -> bool:
        """Count some of what was there before the filter; False when all of it is counted."""
        some = list(islice(self._uncounted, count))
        self.update(some)
        return bool(some)

    def update(self, touched: Iterable[Invocation]) -> None:
        """Take over what changed in the graph; what has left it stays counted."""
        for invocation in touched:
            if invocation.gone:
                self._fitting.discard(invocation)
                for table in self.latencies:
                    table.forget(invocation)
                self._flows.update((invocation,))
                continue
            fits = self.filter.fits_itself(invocation)
            changed = fits != (invocation in self._fitting)
            if changed:
                (self._fitting.add if fits else self._fitting.discard)(invocation)
            if fits or changed:
                self._count(invocation, fits=fits)
            self._flow(invocation)
            if changed:  # what it started is on the map with it
                for child in _started_by(invocation):
                    self._flow(child)

    def _count(self, invocation: Invocation, *, fits: bool) -> None:
        durations = [sample for _, sample in function_samples(invocation) if sample]
        self.latencies.functions.replace(invocation, durations if fits else ())
        delays = [sample for _, sample in edge_samples(invocation) if sample]
        self.latencies.edges.replace(invocation, delays if fits else ())

    def _flow(self, invocation: Invocation) -> None:
        shown = invocation in self._fitting or any(
            cause.edge is not None and cause.edge.parent in self._fitting
            for cause in invocation.causes
        )
        self._flows.update((invocation,), counted=shown)

    # --- rows -------------------------------------------------------------------------------

    def chosen(
        self, functions: Iterable[LatencyRow], edges: Iterable[LatencyRow]
    ) -> tuple[list[LatencyRow], list[LatencyRow]]:
        """Choose the rows that fit the words about quantiles."""
        return (
            [row for row in functions if self.filter.fits_function(row.key)],
            [row for row in edges if self.filter.fits_edge(row.key)],
        )

    def map(
        self, functions: Iterable[LatencyRow], now_s: float, shared: Container[Place]
    ) -> ServiceMap:
        """Give the map of what fits and of its neighbours, with the chosen rows' figures."""
        whole = self._flows.map(functions, now_s, shared)
        nodes, edges = [_neighbour(node) for node in whole.nodes], list(whole.edges)
        if self.filter.slow:
            edges = [e for e in edges if self._is_slow(e.source) or self._is_slow(e.target)]
            joined = {end for edge in edges for end in (edge.source, edge.target)}
            nodes = [n for n in nodes if n.id in joined or self._is_slow(n.id)]
        return ServiceMap(tuple(nodes), tuple(edges))

    def _is_slow(self, node: MapNodeId) -> bool:
        return node[1] != OUTSIDE and self.filter.fits_function(node)


def _neighbour(node: MapNode) -> MapNode:
    """Give a node without figures where nothing of it was counted."""
    if node.outside or node.count:
        return node
    return replace(node, about=f"{formats.short_region(node.region)} {node.account}".rstrip())


def _started_by(invocation: Invocation) -> Iterator[Invocation]:
    return (cause.invocation for cause in (*invocation.triggered, *meaning(invocation)))
