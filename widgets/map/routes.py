"""Lines between the layers of a map: which cell is part of which line.

Between two layers each node has one vertical track, and its lines branch off from there. Where
lines of two nodes cross, the vertical one is drawn and the other passes beneath: they never look
joined. They join only on the last stretch to a node that both lead to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from widgets.map.layers import Bend, Layers, Node, Stub, rows_above, rows_below

NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8
_ACROSS = EAST | WEST
_UPRIGHT = NORTH | SOUTH


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a node or a stub stands, in cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Label:
    """Text on the line between two nodes."""

    x: int
    y: int
    text: str
    source: Node
    target: Node


@dataclass(slots=True)
class Drawing:
    """A map in cells.

    Attributes:
        frames: where nodes and stubs stand.
        strokes: by (row, column), to which sides a line goes on from there.
        arrows: heads of lines, by (row, column).
        owners: by (row, column), the node whose line is drawn there.
    """

    width: int = 0
    height: int = 0
    frames: dict[Node, Frame] = field(default_factory=dict)
    strokes: dict[tuple[int, int], int] = field(default_factory=dict)
    arrows: set[tuple[int, int]] = field(default_factory=set)
    labels: list[Label] = field(default_factory=list)
    owners: dict[tuple[int, int], Node] = field(default_factory=dict)


def route(
    layers: Layers, widths: Mapping[Node, int], labels: Mapping[tuple[Node, Node], str]
) -> Drawing:
    """Draw the lines of a map.

    Args:
        layers: where everything stands.
        widths: cells that each node needs, and each stub.
        labels: text for lines, by source and target; it is left out where it would not be clear.
    """
    drawing = Drawing(height=layers.height())
    arrivals = _arrivals(layers)
    x = 0
    for index, layer in enumerate(layers.layers):
        width = max((widths.get(node, 0) for node in layer), default=0)
        for node in layer:
            row = layers.port[node]
            if isinstance(node, Bend):
                _across(drawing, node.source, row, x, x + width - 1)
            else:
                height = rows_above(node) + rows_below(node)
                own = widths.get(node, width) if isinstance(node, Stub) else width
                drawing.frames[node] = Frame(x, row - rows_above(node), own, height)
        x += width
        if index + 1 < len(layers.layers):
            x = _gap(drawing, layers, layer, x, arrivals, labels)
    drawing.width = x
    return drawing


def owner(node: Node) -> Node:
    """Give the node whose lines pass through a bend; any other node is its own."""
    return node.source if isinstance(node, Bend) else node


def _arrivals(layers: Layers) -> dict[Node, int]:
    count: dict[Node, int] = {}
    for targets in layers.links.values():
        for target in targets:
            count[target] = count.get(target, 0) + 1
    return count


def _gap(
    drawing: Drawing,
    layers: Layers,
    layer: list[Node],
    x: int,
    arrivals: Mapping[Node, int],
    labels: Mapping[tuple[Node, Node], str],
) -> int:
    """Draw the lines from one layer to the next; give the column where that one begins."""
    sources = [node for node in layer if layers.links.get(node)]
    tracks = _tracks(layers, sources, x + 1)
    shown = {
        (source, target): text
        for source in sources
        for target in layers.links[source]
        if arrivals[target] == 1 and (text := labels.get((owner(source), target), ""))
    }
    room = max((cell_len(text) + 3 for text in shown.values()), default=0)
    turn = x + 2 * len(tracks) + 1
    end = turn + room + 1
    for source in sources:
        row = layers.port[source]
        node = owner(source)
        track = tracks.get(source)
        rows = [layers.port[target] for target in layers.links[source]]
        if track is not None:
            _across(drawing, node, row, x, track - 1)
            _turn(drawing, node, track, row, rows)
        for target, to_row in zip(layers.links[source], rows, strict=True):
            _across(drawing, node, to_row, x if track is None else track + 1, end)
            if not isinstance(target, Bend):
                drawing.arrows.add((to_row, end))
            text = shown.get((source, target), "")
            if text:
                at = end - cell_len(text) - 2
                drawing.labels.append(Label(at, to_row, f" {text} ", node, target))
    return end + 1


def _tracks(layers: Layers, sources: list[Node], x: int) -> dict[Node, int]:
    """Give each node that needs one its own column for going up and down.

    Of lines that turn down the lowest turns first, of those that turn up the highest: so they
    do not cross each other.
    """
    needing = []
    for source in sources:
        row = layers.port[source]
        rows = [layers.port[target] for target in layers.links[source]]
        if any(to_row != row for to_row in rows):
            falls = sum(rows) >= row * len(rows)
            needing.append((falls, -row if falls else row, source))
    ordered = _without_overlaps(layers, [item[2] for item in sorted(needing, key=lambda i: i[:2])])
    return {source: x + 2 * index for index, source in enumerate(ordered)}


def _without_overlaps(layers: Layers, ordered: list[Node]) -> list[Node]:
    """Let a line that leaves in some row turn before another one arrives in that row."""
    found: list[Node] = []
    left = list(ordered)
    while left:
        # Placing saw to it that there is always one to take.
        chosen = next(
            node
            for node in left
            if not any(
                layers.port[other] in {layers.port[t] for t in layers.links[node]}
                for other in left
                if other is not node
            )
        )
        left.remove(chosen)
        found.append(chosen)
    return found


def _across(drawing: Drawing, node: Node, row: int, start: int, end: int) -> None:
    for x in range(start, end + 1):
        _stroke(drawing, node, row, x, _ACROSS)


def _turn(drawing: Drawing, node: Node, x: int, row: int, rows: Sequence[int]) -> None:
    """Draw the column in which a line comes from its own row and goes on to others."""
    top, bottom = min(row, *rows), max(row, *rows)
    for y in range(top, bottom + 1):
        upright = (NORTH if y > top else 0) | (SOUTH if y < bottom else 0)
        across = (WEST if y == row else 0) | (EAST if y in rows else 0)
        _stroke(drawing, node, y, x, upright | across)


def _stroke(drawing: Drawing, node: Node, row: int, x: int, mask: int) -> None:
    at = (row, x)
    known = drawing.strokes.get(at, 0)
    if not known or drawing.owners[at] == node:
        drawing.strokes[at] = known | mask
        drawing.owners[at] = node
        return
    upright, across = (mask, known) if mask & _UPRIGHT else (known, mask)
    joined = upright & EAST and across & EAST and upright & _UPRIGHT != _UPRIGHT
    drawing.strokes[at] = upright | across if joined else upright
    if upright is mask:
        drawing.owners[at] = node
