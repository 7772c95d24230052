"""The service map: frames and lines, a cursor that goes from frame to frame."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from causality.service_map import MapNodeId, ServiceMap
from widgets.look import Look
from widgets.map import Picture

_MARGIN = 1
# Enough around the cursor that a neighbour and the line to it are in sight.
_AROUND = Spacing(1, 8, 1, 8)


class MapView(ScrollView, can_focus=True, inherit_bindings=False):
    """Draws a map; it is laid out again only when nodes, edges or the width change."""

    DEFAULT_CSS = """
    MapView {
        background: transparent;
        scrollbar-size: 1 1;
        scrollbar-color: $border-blurred;
        scrollbar-background: $background;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "go(-1, 0)", "left", id="map.left", show=False),
        Binding("j,down", "go(0, 1)", "down", id="map.down", show=False),
        Binding("k,up", "go(0, -1)", "up", id="map.up", show=False),
        Binding("l,right", "go(1, 0)", "right", id="map.right", show=False),
        Binding("enter", "choose", "choose", id="map.choose", show=False),
    ]

    class Moved(Message):
        """The cursor is on another node."""

        def __init__(self, node: MapNodeId) -> None:
            super().__init__()
            self.node = node

    class Chosen(Message):
        """The user chose the node under the cursor."""

        def __init__(self, node: MapNodeId) -> None:
            super().__init__()
            self.node = node

    def __init__(self, look: Look, *, rates: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = look
        self._rates = rates
        self._map = ServiceMap()
        self._picture: Picture | None = None
        self._cursor: MapNodeId | None = None

    @property
    def cursor(self) -> MapNodeId | None:
        """The node under the cursor."""
        return self._cursor

    def show_map(self, service_map: ServiceMap) -> None:
        """Show this map; the cursor stays on its node."""
        if service_map == self._map and self._picture is not None:
            return
        self._map = service_map
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width - 2 * _MARGIN
        picture = Picture(self._map, self._look, width, rates=self._rates)
        self._picture = picture
        nodes = [node.id for node in self._map.nodes]
        if self._cursor not in nodes:
            self._cursor = next(iter(nodes), None)
            if self._cursor is not None:
                self.post_message(self.Moved(self._cursor))
        size = Size(picture.drawing.width + 2 * _MARGIN, picture.drawing.height)
        if self.virtual_size != size:
            self.virtual_size = size
        self.refresh()

    def on_resize(self) -> None:
        """Lay the map out for the new width."""
        self._draw()

    def action_go(self, dx: int, dy: int) -> None:
        """Go to the next node in a direction."""
        if self._picture is not None and self._cursor is not None:
            self._go_to(self._picture.nearest(self._cursor, dx, dy))

    def action_choose(self) -> None:
        """Choose the node under the cursor."""
        if self._cursor is not None:
            self.post_message(self.Chosen(self._cursor))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the node that was clicked; a second click chooses it."""
        at = event.get_content_offset(self)
        if at is None or self._picture is None:
            return
        node = self._picture.node_at(
            at.x + self.scroll_offset.x - _MARGIN, at.y + self.scroll_offset.y
        )
        if node is not None:
            event.stop()
            self._go_to(node)
            if event.chain > 1:
                self.action_choose()

    def _go_to(self, node: MapNodeId) -> None:
        if self._picture is None:
            return
        self._cursor = node
        self.post_message(self.Moved(node))
        frame = self._picture.frame(node)
        if frame is not None:
            place = Region(frame.x + _MARGIN, frame.y, frame.width, frame.height)
            self.scroll_to_region(place, spacing=_AROUND, animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint line `y` of the widget (Textual's line interface)."""
        width = self.size.width
        left, top = self.scroll_offset
        if self._picture is None or top + y >= self._picture.drawing.height:
            return Strip.blank(width, self.rich_style)
        segments = [Segment(" " * _MARGIN), *self._picture.row(top + y, self._cursor)]
        strip = Strip(segments).adjust_cell_length(max(width + left, 0))
        return strip.crop(left, left + width).apply_style(self.rich_style)
