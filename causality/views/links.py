"""Collecting the edges of a view: each line once, with what it stands for."""

from __future__ import annotations

from collections.abc import Mapping

from causality.snapshot import Evidence
from causality.views.model import ViewEdge

_WEAKEST: Mapping[Evidence | None, int] = {
    None: 0,
    "exact": 1,
    "content": 2,
    "order": 3,
    "ambiguous": 4,
}


class Links:
    """Lines between nodes; one added twice is drawn once, with both counted."""

    def __init__(self) -> None:
        """Begin without lines."""
        self._edges: dict[tuple[str, str], ViewEdge] = {}
        self._delays: dict[tuple[str, str], list[tuple[float, int]]] = {}

    def add(self, edge: ViewEdge) -> None:
        """Add a line, or what it stands for to one that is there."""
        ends = (edge.source, edge.target)
        known = self._edges.setdefault(ends, edge)
        if edge.delay_s is not None:
            # Of clocks that disagree, one that is an hour off would outweigh all others.
            self._delays.setdefault(ends, []).append((max(0.0, edge.delay_s), edge.count))
        if known is not edge:
            self._edges[ends] = ViewEdge(
                *ends,
                max(known.evidence, edge.evidence, key=_WEAKEST.__getitem__),
                max(known.candidates, edge.candidates),
                known.count + edge.count,
            )

    def in_order(self, nodes: Mapping[str, object]) -> tuple[ViewEdge, ...]:
        """Give the lines in the order of the nodes that they join."""
        place = {node: number for number, node in enumerate(nodes)}
        count = len(place)
        order = sorted(
            self._edges.values(), key=lambda edge: place[edge.source] * count + place[edge.target]
        )
        return tuple([edge if edge.count == 1 else self._with_delay(edge) for edge in order])

    def _with_delay(self, edge: ViewEdge) -> ViewEdge:
        delays = self._delays.get((edge.source, edge.target))
        if not delays:
            return edge
        return ViewEdge(
            edge.source,
            edge.target,
            edge.evidence,
            edge.candidates,
            edge.count,
            sum(delay_s * count for delay_s, count in delays) / sum(count for _, count in delays),
        )
