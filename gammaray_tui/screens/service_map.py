"""The service map: which function starts which, how often, and how it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from causality.service_map import MapEdge, MapNode, MapNodeId, ServiceMap
from causality.snapshot import Snapshot
from gammaray_tui import screen_keys
from gammaray_tui.actions import Group
from gammaray_tui.hints import screen_hints
from gammaray_tui.screens.app_screen import AppScreen
from widgets import formats
from widgets.key_bar import KeyBar
from widgets.line_list import LineList
from widgets.look import Look
from widgets.map import share
from widgets.map_view import MapView
from widgets.painted_list import Item, PaintedList

_EVERY_S = 1.0  # it is for reading: faster than that nothing can be
_LEAST_COLUMNS = 100  # below, an indented tree tells more than frames that must be scrolled
_NEIGHBOURS = 4
_NAME_KEPT = 20  # cells that a name leaves to no figures
_HINTS = (
    ("map.left map.down map.up map.right", "move"),
    ("map.choose", "show its chains"),
    ("map.leave", "back"),
    ("help", "help"),
    ("quit", "quit"),
)


class ServiceMapScreen(AppScreen[MapNodeId]):
    """The whole screen as a map; gives the node that was chosen."""

    DEFAULT_CSS = """
    ServiceMapScreen {
        layout: vertical;
        background: $background;
        #title { height: 1; background: $panel-line; color: $text-muted; padding: 0 1; }
        #title, #about { text-wrap: nowrap; text-overflow: ellipsis; }
        #map, #list { height: 1fr; }
        #list { display: none; }
        #about { height: 4; padding: 0 1; border-top: solid $border-blurred; }
        &.-narrow #map { display: none; }
        &.-narrow #list { display: block; }
        &.-ascii #about { border-top: ascii $border-blurred; }
    }
    """

    HELP_GROUP: ClassVar[Group] = "Map"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.MAP, *screen_keys.ALWAYS]

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._map = ServiceMap()
        self._view = MapView(look, id="map")
        self._list = PaintedList(look, picks=True, id="list")
        self._keys = KeyBar(look, id="keys")
        self._listed: list[MapNodeId | None] = []
        self._shown_at_s = float("-inf")
        self.set_class(look.glyphs.ascii_only, "-ascii")

    def compose(self) -> ComposeResult:
        """Compose the screen."""
        yield Static("", id="title", markup=False)
        yield self._view
        yield self._list
        yield Static("", id="about", markup=False)
        yield self._keys

    def on_mount(self) -> None:
        """Show the map of now."""
        self._keys.show_hints(screen_hints(self.gammaray.keymap, *_HINTS))
        self._arrange()
        self._take_map()

    def on_resize(self) -> None:
        """Choose map or tree for the new width."""
        self._arrange()

    def _arrange(self) -> None:
        narrow = self.app.size.width < _LEAST_COLUMNS
        self.set_class(narrow, "-narrow")
        (self._list if narrow else self._view).focus()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the map of now, not more often than it can be read."""
        if time.monotonic() - self._shown_at_s >= _EVERY_S:
            self._take_map()

    def _take_map(self) -> None:
        self._shown_at_s = time.monotonic()
        self._map = self.gammaray.model.service_map()
        self._view.show_map(self._map)
        self._show_list()
        nodes = formats.plural(len(self._map.nodes), "node")
        edges = formats.plural(len(self._map.edges), "edge")
        legend = "frame: region, rate of the last minute, p95, errors · line: channel, rate, errors"
        fitting = self.gammaray.main.filter_text
        parts = [f"service map of {self._look.safe(fitting)}" if fitting else "service map"]
        after_s = self.gammaray.snapshot.after_s
        if after_s is not None:
            parts.append(f"also before {formats.clock(after_s)}")
        title = " · ".join((*parts, nodes, edges, legend))
        if not self._map.nodes:
            nothing = "fits the filter" if fitting else "has been seen yet"
            title = f"service map · nothing {nothing}"
        self.query_one("#title", Static).update(Content(self._look.glyphs.text(title)))
        self._show_about()

    # --- the tree of narrow terminals ---------------------------------------------------------

    def _show_list(self) -> None:
        rows = list(_indented(self._map))
        self._listed = [node.id for _, node, _ in rows]
        items = [self._item(depth, node, again) for depth, node, again in rows]
        self._list.show_items(items)

    def _item(self, depth: int, node: MapNode, again: bool) -> Item:
        look, palette = self._look, self._look.palette
        name = look.safe(node.name)
        style = palette.muted if node.outside else look.region_style(node.region)
        indent = "  " * depth + " "
        if again:
            name, figures, style = look.glyphs.text(f"↺ {name}"), "", palette.muted
        else:
            figures = f"  {self._figures(node)}"
            style = palette.error if node.errors else style

        def paint(width: int) -> list[Segment]:
            room = max(_NAME_KEPT, width - len(indent) - cell_len(figures))
            return [
                Segment(indent, palette.rail),
                Segment(look.shortened(name, room), style),
                Segment(figures, palette.muted),
            ]

        return Item(paint, node.name)

    # --- what is known of the node under the cursor -------------------------------------------

    def _figures(self, node: MapNode) -> str:
        if node.outside:
            return "outside"
        parts = [
            self._look.safe(f"{node.region} {node.account}".rstrip()),
            f"{formats.rate(node.rate)}/s",
            f"p95 {formats.duration(node.p95_s)}",
            formats.plural(node.count, "invocation"),
        ]
        if node.errors:
            sign = self._look.glyphs.state["error"]
            parts.append(f"{sign} {formats.plural(node.errors, 'error')}")
        return self._look.glyphs.text(" · ".join(parts))

    @property
    def _cursor(self) -> MapNodeId | None:
        if not self.has_class("-narrow"):
            return self._view.cursor
        return self._listed[self._list.cursor] if self._list.cursor < len(self._listed) else None

    def _show_about(self) -> None:
        cursor = self._cursor
        node = next((node for node in self._map.nodes if node.id == cursor), None)
        lines = [""]
        if node is not None:
            lines = [f"{self._look.safe(node.name)}  {self._figures(node)}"]
            lines += self._neighbours(
                "started by", [e for e in self._map.edges if e.target == cursor]
            )
            lines += self._neighbours("starts", [e for e in self._map.edges if e.source == cursor])
        self.query_one("#about", Static).update(Content("\n".join(lines)))

    def _neighbours(self, what: str, edges: list[MapEdge]) -> Iterator[str]:
        if not edges:
            return
        look = self._look
        texts = []
        for edge in sorted(edges, key=lambda edge: -edge.count)[:_NEIGHBOURS]:
            other = edge.source if what == "started by" else edge.target
            through = f" through {look.safe(edge.channel)}" if edge.channel else ""
            name = look.safe(f"{other[0]} {other[2]}".rstrip())
            text = f"{name}{through} {formats.count(edge.count)}{look.glyphs.times}"
            if edge.errors:
                text += f" {look.glyphs.state['error']}{share(edge.errors, edge.count)}"
            if edge.ambiguous:
                text += f" ({formats.count(edge.ambiguous)} ambiguous)"
            texts.append(text)
        more = len(edges) - _NEIGHBOURS
        if more > 0:
            texts.append(f"{more} more")
        yield f"{what} " + look.glyphs.text(" · ").join(texts)

    # --- keys ---------------------------------------------------------------------------------

    @on(MapView.Moved)
    @on(LineList.Moved)
    def _moved(self) -> None:
        self._show_about()

    @on(MapView.Chosen)
    @on(LineList.Chosen)
    def action_choose(self) -> None:
        """Leave, and show the chains of the node under the cursor."""
        self.dismiss(self._cursor)

    def action_leave(self) -> None:
        """Go back to the tree."""
        self.dismiss(None)


def _indented(service_map: ServiceMap) -> Iterator[tuple[int, MapNode, bool]]:
    """Give each node once below each root, with its depth; True where it was given before."""
    nodes = {node.id: node for node in service_map.nodes}
    targets: dict[MapNodeId, dict[MapNodeId, None]] = {}
    entered: set[MapNodeId] = set()
    for edge in service_map.edges:
        targets.setdefault(edge.source, {})[edge.target] = None
        if edge.source != edge.target:
            entered.add(edge.target)
    given: set[MapNodeId] = set()
    # Roots first; what only a loop leads to begins wherever it is met first.
    for root in sorted(nodes, key=lambda node: node in entered):
        if root in given:
            continue
        stack = [(0, root)]
        while stack:
            depth, node = stack.pop()
            again = node in given
            yield depth, nodes[node], again
            if not again:
                given.add(node)
                stack += [(depth + 1, target) for target in reversed(targets.get(node, {}))]
