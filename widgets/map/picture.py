"""A map as painted lines: frames with what is known of each node, lines, labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style

from causality.service_map import MapEdge, MapNode, MapNodeId, ServiceMap
from widgets import formats
from widgets.look import Look
from widgets.map.layers import BOX_ROWS, Node, Stub, layered
from widgets.map.routes import Drawing, Frame, route

_ACCOUNT_END = 4  # digits
_INSIDE = 24  # cells of a frame's content, at most
_FRAME = 4  # two edges and two spaces
# What lines tell, from much to nothing: cells for the channel, and whether the rate stands there.
_LABELS = ((24, True), (12, True), (0, True), (0, False))

_LINES = {0: " ", 2: "─", 8: "─", 10: "─", 1: "│", 4: "│", 5: "│", 6: "╭", 12: "╮", 3: "╰", 9: "╯"}
_LINES |= {7: "├", 13: "┤", 14: "┬", 11: "┴", 15: "┼"}
_ASCII_LINES = {
    mask: "-" if mask in (2, 8, 10) else "|" if mask in (1, 4, 5) else "+" for mask in _LINES
}
_FRAMES = {"plain": "╭─╮│╰╯", "chosen": "┏━┓┃┗┛", "ascii": "+-+|++", "ascii-chosen": "#=####"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One sign of a picture."""

    sign: str
    style: Style


class Picture:
    """A map laid out for a width, painted row by row.

    Attributes:
        drawing: where everything stands.
    """

    def __init__(
        self, service_map: ServiceMap, look: Look, width: int, *, rates: bool = True
    ) -> None:
        """Lay a map out; lines tell less where it would not fit the width otherwise.

        Args:
            service_map: what to lay out.
            look: signs and colours.
            width: in cells; more is taken where it must be.
            rates: whether lines tell of starts a second.
        """
        self._rates = rates
        self._map = service_map
        self._look = look
        self._nodes = {node.id: node for node in service_map.nodes}
        self._between: dict[tuple[MapNodeId, MapNodeId], list[MapEdge]] = {}
        for edge in service_map.edges:
            self._between.setdefault((edge.source, edge.target), []).append(edge)
        layers = layered(list(self._nodes), self._between)
        frames = self._widths([node for layer in layers.layers for node in layer])
        for channel, rate in _LABELS:
            labels = self._labels(channel) if rate else {}
            self.drawing: Drawing = route(layers, frames, labels)
            if self.drawing.width <= width:
                break
        self._rows: dict[tuple[int, MapNodeId | None], list[Segment]] = {}
        self._cells: dict[int, dict[int, Cell]] | None = None

    @property
    def shape(self) -> object:
        """What decides where everything stands: equal for maps that look alike."""
        return self.drawing.frames

    def node_at(self, x: int, y: int) -> MapNodeId | None:
        """Give the node in a cell."""
        for node, frame in self.drawing.frames.items():
            inside = frame.x <= x < frame.x + frame.width and frame.y <= y < frame.y + frame.height
            if inside and not isinstance(node, Stub):
                return node  # type: ignore[return-value]
        return None

    def frame(self, node: MapNodeId) -> Frame | None:
        """Give where a node stands."""
        return self.drawing.frames.get(node)

    def nearest(self, node: MapNodeId, dx: int, dy: int) -> MapNodeId:
        """Give the node next to one in a direction; itself where there is none."""
        start = self.drawing.frames[node]
        best, distance = node, float("inf")
        for other, frame in self.drawing.frames.items():
            if other == node or isinstance(other, Stub):
                continue
            across, down = frame.x - start.x, frame.y - start.y
            ahead, aside = (across * dx, abs(down)) if dx else (down * dy, abs(across))
            if ahead <= 0:
                continue
            # Along a column what stands in another one is far; along a row any row is near.
            cost = ahead + aside * (2 if dx else 100)
            if cost < distance:
                best, distance = other, cost  # type: ignore[assignment]
        return best

    def row(self, y: int, chosen: MapNodeId | None) -> list[Segment]:
        """Paint a row of the picture."""
        known = self._rows.get((y, chosen))
        if known is None:
            known = self._rows[y, chosen] = self._paint(y, chosen)
        return known

    # --- what frames and lines tell -----------------------------------------------------------

    def _widths(self, nodes: list[Node]) -> dict[Node, int]:
        widths: dict[Node, int] = {}
        for node in nodes:
            if isinstance(node, Stub):
                widths[node] = cell_len(self._stub(node))
            elif isinstance(node, tuple) and node in self._nodes:
                title, inside = self._texts(self._nodes[node])
                widths[node] = max(cell_len(title) + 2, cell_len(inside)) + _FRAME
        return widths

    def _texts(self, node: MapNode) -> tuple[str, str]:
        """Give what stands in a node's frame, and in the line inside."""
        look = self._look
        if node.outside and node.about is None:
            title, _, inside = look.safe(node.name).partition(" ")
            return look.cut(title, _INSIDE - 2), look.shortened(inside or "outside", _INSIDE)
        sign = f"{look.glyphs.state['error']} " if node.errors else ""
        if node.about is not None:
            title = look.shortened(sign + look.safe(node.name), _INSIDE - 2)
            return title, look.cut(look.glyphs.text(look.safe(node.about)), _INSIDE)
        parts = [look.safe(formats.short_region(node.region))]
        if node.account:  # told by its end: frames must stay narrow
            end = look.safe(node.account[-_ACCOUNT_END:])
            parts.append(end if len(end) < _ACCOUNT_END else f"{look.glyphs.ellipsis}{end}")
        parts.append(f"{formats.rate(node.rate)}/s")
        parts.append(look.glyphs.text(formats.duration(node.p95_s)))
        if node.errors:
            parts.append(f"{sign}{share(node.errors, node.count)}")
        return look.shortened(sign + look.safe(node.name), _INSIDE - 2), " ".join(parts)

    def _stub(self, stub: Stub) -> str:
        name = stub.target[0] if isinstance(stub.target, tuple) else ""
        again = self._look.glyphs.text("↺ ")
        return again + self._look.shortened(self._look.safe(str(name)), _INSIDE - 2)

    def _labels(self, channel: int) -> Mapping[tuple[Node, Node], str]:
        return {pair: self._label(edges, channel) for pair, edges in self._between.items()}

    def _label(self, edges: list[MapEdge], channel: int) -> str:
        look = self._look
        errors, count = sum(e.errors for e in edges), sum(e.count for e in edges)
        parts = []
        if channel:
            channels = list(dict.fromkeys(edge.channel for edge in edges if edge.channel))
            if len(channels) == 1:
                parts.append(look.shortened(look.safe(channels[0]), channel))
            elif channels:
                parts.append(f"{len(channels)} channels")
        if self._rates:
            parts.append(f"{formats.rate(sum(edge.rate for edge in edges))}/s")
        if errors:
            parts.append(f"{look.glyphs.state['error']}{share(errors, count)}")
        if any(edge.ambiguous for edge in edges):
            parts.append("?")
        return " ".join(parts)

    # --- painting -----------------------------------------------------------------------------

    def _paint(self, y: int, chosen: MapNodeId | None) -> list[Segment]:
        cells = dict(self._lines().get(y, {}))
        for node, frame in self.drawing.frames.items():
            if frame.y <= y < frame.y + frame.height:
                self._paint_frame(cells, node, frame, y - frame.y, node == chosen)
        blank = Cell(" ", self._look.palette.text)
        segments: list[Segment] = []
        text, style = "", blank.style
        for x in range(self.drawing.width):
            cell = cells.get(x, blank)
            if cell.style is not style and text:
                segments.append(Segment(text, style))
                text = ""
            text += cell.sign
            style = cell.style
        return [*segments, Segment(text, style)] if text else segments

    def _lines(self) -> dict[int, dict[int, Cell]]:
        if self._cells is not None:
            return self._cells
        palette, glyphs = self._look.palette, self._look.glyphs
        signs = _ASCII_LINES if glyphs.ascii_only else _LINES
        rows: dict[int, dict[int, Cell]] = {}
        for (y, x), mask in self.drawing.strokes.items():
            rows.setdefault(y, {})[x] = Cell(signs[mask], palette.rail)
        for y, x in self.drawing.arrows:
            rows.setdefault(y, {})[x] = Cell(glyphs.selected, palette.rail)
        for label in self.drawing.labels:
            edges = self._between[label.source, label.target]  # type: ignore[index]
            failing = any(edge.errors for edge in edges)
            style = palette.error if failing else palette.muted
            _put(rows.setdefault(label.y, {}), label.x, label.text, style)
        self._cells = rows
        return rows

    def _paint_frame(
        self, cells: dict[int, Cell], node: Node, frame: Frame, line: int, chosen: bool
    ) -> None:
        look, palette = self._look, self._look.palette
        if isinstance(node, Stub):
            _put(cells, frame.x, self._stub(node), palette.warn)
            return
        shown = self._nodes[node]  # type: ignore[index]
        title, inside = self._texts(shown)
        kind = ("ascii-" if look.glyphs.ascii_only else "") + ("chosen" if chosen else "plain")
        corners = _FRAMES[kind.removesuffix("-plain")]
        if chosen:
            style = palette.key
        elif shown.errors:
            style = palette.error
        else:
            style = palette.rail
        width = frame.width
        if line == 0:
            _put(cells, frame.x, corners[0] + corners[1] * (width - 2) + corners[2], style)
            named = palette.muted if shown.outside else look.region_style(shown.region)
            named = palette.error if shown.errors else named
            _put(cells, frame.x + 2, f" {title} ", named + Style(bold=True))
        elif line == BOX_ROWS - 1:
            _put(cells, frame.x, corners[4] + corners[1] * (width - 2) + corners[5], style)
        else:
            _put(cells, frame.x, corners[3] + " " * (width - 2) + corners[3], style)
            _put(cells, frame.x + 2, inside, palette.text if not shown.outside else palette.muted)


def share(part: int, whole: int) -> str:
    """Write a share in at most four cells: <1%, 7%, 100%."""
    if not whole:
        return "0%"
    percent = 100 * part / whole
    return "<1%" if 0 < percent < 1 else f"{percent:.0f}%"


def _put(cells: dict[int, Cell], x: int, text: str, style: Style) -> None:
    """Put text into cells; the second cell of a wide character is left empty."""
    for sign in chop_cells(text, 1) if not text.isascii() else text:
        cells[x] = Cell(sign, style)
        for more in range(1, cell_len(sign)):
            cells[x + more] = Cell("", style)
        x += cell_len(sign)
