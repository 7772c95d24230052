"""The main screen: header, causal tree, latency, selection, keys; three layouts by size."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Static

from causality.service_map import edge_filter, node_filter
from causality.snapshot import Header, Mode, NodeId, Snapshot
from causality.tree.grouping import Grouping
from gammaray_tui.actions import Pane, key_bindings
from gammaray_tui.hints import chosen_away, empty_hints, footer_hints, in_trouble
from gammaray_tui.screens.app_screen import AppScreen
from gammaray_tui.screens.filtering import FilterLine
from gammaray_tui.screens.main_css import MAIN_CSS
from widgets import formats
from widgets.causal_tree import CausalTree
from widgets.detail_pane import DetailPane
from widgets.header_bar import HeaderBar
from widgets.key_bar import KeyBar
from widgets.latency_table import LatencyTable
from widgets.line_list import LineList
from widgets.look import Look
from widgets.replay_bar import ReplayBar
from widgets.start_panel import StartPanel

if TYPE_CHECKING:
    from providers.operations import Step

Layout: TypeAlias = Literal["mono", "stack", "side"]
PANES: tuple[Pane, ...] = ("tree", "latency", "detail")
_LAYOUTS: tuple[Layout, ...] = ("mono", "stack", "side")
_STACK_COLUMNS, _STACK_ROWS, _SIDE_COLUMNS = 100, 30, 160
_LEAST_COLUMNS, _LEAST_ROWS = 60, 15
_COUNTED_EVERY_S = 0.9


class MainScreen(AppScreen[None]):
    """What is on screen nearly always."""

    DEFAULT_CSS = MAIN_CSS
    BINDINGS: ClassVar[list[BindingType]] = key_bindings()
    AUTO_FOCUS = "#tree"

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.causal_tree = CausalTree(look, id="tree", classes="pane")
        self.latency = LatencyTable(look, id="latency", classes="pane")
        self.detail = DetailPane(look, id="detail", classes="pane")
        self.all_folded = False
        self.grouping: Grouping | None = None
        self.levels: int | None = None
        self._look = look
        self._header = HeaderBar(look, id="header")
        self._start = StartPanel(look, id="start")
        self._keys = KeyBar(look, id="keys")
        self._replay = ReplayBar(look, id="replay")
        self._filter = FilterLine(look)
        self._chosen_layout: Layout | None = None
        self._shown_layout: Layout = "stack"
        self._pane: Pane = "tree"
        self._taken: NodeId | None = None  # what of the tree the detail shows
        self._maximised = False
        self._counted_at_s = float("-inf")

    def compose(self) -> ComposeResult:
        """Compose the screen."""
        self.causal_tree.border_title = self._tree_title
        self._name_latency()
        self.detail.border_title = "3 invocation"
        yield self._header
        with Container(id="panes"):
            with Container(id="top"):
                yield self.causal_tree
                yield self._start
            with Container(id="lower"):
                yield self.latency
                yield self.detail
        if self.gammaray.player is not None:
            yield self._replay
        yield self._filter
        yield self._keys
        yield Static("", id="too-small", markup=False)

    def on_mount(self) -> None:
        """Take up the size and the glyphs."""
        self.set_class(self._look.glyphs.ascii_only, "-ascii")
        self._arrange()

    # What is shown

    @property
    def ticks(self) -> bool:
        """Whether something on screen changes as time passes."""
        return self.causal_tree.ticks

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand each pane its part."""
        header = snapshot.header
        self._look.know_regions(state.region for state in header.regions)
        self._header.show_header(header, self._mode)
        self.causal_tree.show_rows(snapshot.rows, snapshot.now_s)
        self.latency.show_latency(snapshot.functions, snapshot.edges)
        if snapshot.window_s != self.latency.window_s:
            self.latency.window_s = snapshot.window_s
            self._name_latency()
        self.detail.show_detail(snapshot.detail, passing=self._mode == "follow")
        if header.playback is not None:
            before = self._replay.state
            self._replay.show_playback(header.playback)
            if self._replay.state != before:
                self.show_hints()
        if self.causal_tree.border_title != self._tree_title:
            self.causal_tree.border_title = self._tree_title
            self._name_latency()
        empty = len(snapshot.rows) == 0
        for name, holds in (("-empty", empty), ("-troubled", in_trouble(header))):
            if holds != self.has_class(name):
                self.set_class(holds, name)
                self.show_hints()
        if empty:
            self._explain_emptiness(snapshot)
        self._count(header)

    @property
    def _tree_title(self) -> str:
        title = "1 causal tree" + (f" by {self.grouping}" if self.grouping is not None else "")
        if self.levels is not None:
            title += f", {formats.plural(self.levels, 'level') if self.levels else 'headings only'}"
        after_s = self.gammaray.snapshot.after_s
        return title if after_s is None else f"{title}, since {formats.clock(after_s)}"

    def _explain_emptiness(self, snapshot: Snapshot) -> None:
        app, header = self.gammaray, snapshot.header
        why = chosen_away(snapshot, app.keymap, self.filter_text) if header.invocations else None
        if why is not None:
            self._start.show_state((), (), why.hints, why.title)
            return
        hints = empty_hints(
            header,
            app.keymap,
            can_operate=app.operations is not None,
            can_look=app.can_look,
            can_switch=app.switching is not None,
        )
        title = "There was no record" if self._replay.state == "ended" else "No records yet"
        self._start.show_state(header.regions, snapshot.notes, hints, title)

    def _count(self, header: Header) -> None:
        # Assigning a title paints the whole pane again: not more often than it can be read.
        now_s = time.monotonic()
        if now_s - self._counted_at_s >= _COUNTED_EVERY_S:
            self._counted_at_s = now_s
            chains = formats.plural(header.chains, "chain")
            text = self._look.glyphs.text(f"{formats.count(header.invocations)} inv · {chains}")
            if self.causal_tree.border_subtitle != text:
                self.causal_tree.border_subtitle = text

    def begin(self, doing: str) -> None:
        """Name what the next steps belong to; those of before are shown no more."""
        self._start.begin(doing)

    def report(self, step: Step) -> None:
        """Show a step in the place of the empty tree."""
        self._start.report(step)

    @property
    def _mode(self) -> Mode:
        if self.gammaray.live is not None:
            return "history"
        if self.gammaray.paused:
            return "paused"
        return "follow" if self.causal_tree.following else "hold"

    def show_hints(self) -> None:
        """Show the keys that matter now."""
        app = self.gammaray
        self._keys.show_hints(
            footer_hints(
                self._pane,
                app.keymap,
                can_operate=app.operations is not None,
                paused=app.paused or self._replay.state == "paused",
                ended=self._replay.state == "ended",
                empty=self.has_class("-empty") and not self.filter_text,
                troubled=self.has_class("-troubled"),
                filtered=bool(self.filter_text),
                replaying=app.player is not None,
                past=app.live is not None,
            )
        )

    def copy_value(self) -> str:
        """Give what the pane in focus points at, as text to copy."""
        if self._pane == "latency":
            row = self.latency.current
            return "" if row is None else row.name
        if self._pane == "detail" and self.detail.current_value:
            return self.detail.current_value
        detail = self.gammaray.snapshot.detail
        return "" if detail is None else detail.request_id

    # Panes and layouts

    @property
    def maximised(self) -> bool:
        """Whether one pane is shown alone though there is room for all."""
        return self._maximised

    def set_maximised(self, maximised: bool) -> None:
        """Show the pane in focus alone, or all of them."""
        self._maximised = maximised
        self._arrange()

    def go_to_pane(self, pane: Pane) -> None:
        """Bring a pane to the front and let keys move in it."""
        self._pane = pane
        self._pane_widget(pane).focus(scroll_visible=False)
        self._arrange()

    def step_pane(self, step: int) -> None:
        """Go to the next or previous pane."""
        self.go_to_pane(PANES[(PANES.index(self._pane) + step) % len(PANES)])

    async def back(self) -> bool:
        """Leave a pane that is shown alone, else take the filter off; say whether it was one."""
        if self._maximised:
            self.set_maximised(False)
        elif self._shown_layout == "mono" and self._pane != "tree":
            self.go_to_pane("tree")
        elif self._filter.is_open:
            await self._filter.give_up()
        else:
            return False
        return True

    def next_layout(self) -> str:
        """Choose the next layout; after the last, the size decides again."""
        choices: list[Layout | None] = [None, *_LAYOUTS]
        at = choices.index(self._chosen_layout)
        self._chosen_layout = choices[(at + 1) % len(choices)]
        self._arrange()
        return self._chosen_layout or f"by size ({self._shown_layout})"

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the new size."""
        self._arrange()

    def _pane_widget(self, pane: Pane) -> LineList:
        return {"tree": self.causal_tree, "latency": self.latency, "detail": self.detail}[pane]

    def _arrange(self) -> None:
        width, height = self.app.size
        if self._chosen_layout is not None:
            layout = self._chosen_layout
        elif width < _STACK_COLUMNS or height < _STACK_ROWS:
            layout = "mono"
        else:
            layout = "side" if width >= _SIDE_COLUMNS else "stack"
        self._shown_layout = layout
        is_alone = self._maximised or (layout == "mono" and self._pane != "tree")
        alone = self._pane if is_alone else None
        for name in _LAYOUTS:
            self.set_class(name == layout, f"-{name}")
        for pane in PANES:
            self.set_class(pane == alone, f"-alone-{pane}")
        self.detail.set_brief(layout == "mono" and alone is None)
        too_small = width < _LEAST_COLUMNS or height < _LEAST_ROWS
        self.set_class(too_small, "-too-small")
        if too_small:
            self.query_one("#too-small", Static).update(
                f"This terminal has {width}x{height} cells;\n"
                f"gammaray-tui needs {_LEAST_COLUMNS}x{_LEAST_ROWS}.\n"
                "Make it larger, or press q."
            )
        self.show_hints()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Note which pane the keys move in."""
        for pane in PANES:
            if event.widget is self._pane_widget(pane) and pane != self._pane:
                self._pane = pane
                self._arrange()

    # What panes ask for

    @on(CausalTree.Selected)
    def take_selection(self) -> None:
        """Show what the tree's cursor stands on; a key may come before the tree's message does."""
        node, app = self.causal_tree.selected, self.gammaray
        if node != self._taken:
            self._taken = node
            app.model.select(node)
            # A frame for this alone, while it follows, would be another for each frame.
            (app.refresh_soon if self.causal_tree.following else app.refresh_views)()

    @on(CausalTree.FoldAsked)
    def _fold_asked(self, event: CausalTree.FoldAsked) -> None:
        self.gammaray.model.set_folded(event.folded, event.node)
        self.gammaray.refresh_views()

    @on(CausalTree.FollowChanged)
    def _follow_changed(self) -> None:
        self.gammaray.refresh_views()

    @on(LineList.Chosen, "#tree")
    def _opened(self) -> None:
        row = self.causal_tree.current
        if row is not None and self._fetches(row.node):
            return
        self._pane = "detail"
        self._maximised = self._shown_layout != "mono"
        self.go_to_pane("detail")

    @on(LineList.Chosen, "#detail")
    def _went(self, event: LineList.Chosen) -> None:
        self.go_to_node(self.detail.node_at(event.index))

    @on(LineList.Chosen, "#latency")
    async def _picked(self) -> None:
        row = self.latency.current
        if row is not None:
            of = edge_filter if self.latency.view == "edges" else node_filter
            await self.start_filter(of(row.key))
            self.go_to_pane("tree")

    @on(LatencyTable.ViewChanged)
    def _name_latency(self) -> None:
        window_s = self.latency.window_s
        window = "" if window_s is None else f", last {window_s / 60:g} min"
        counted = ", filtered" if self.filter_text else ""
        if (after_s := self.gammaray.snapshot.after_s) is not None:
            counted += f", also before {formats.clock(after_s)}"
        self.latency.border_title = f"2 latency of {self.latency.view}{window}{counted}"

    @on(LatencyTable.WindowAsked)
    def _window_asked(self, event: LatencyTable.WindowAsked) -> None:
        self.gammaray.model.set_latency_window(event.window_s)
        self.gammaray.refresh_views()

    @on(LatencyTable.HeatAsked)
    async def _heat_asked(self, event: LatencyTable.HeatAsked) -> None:
        from gammaray_tui.screens.heat import HeatScreen

        await self.app.push_screen(HeatScreen(self._look, event.view, event.row.key))

    def go_to_node(self, node: NodeId | None) -> None:
        """Put the tree's cursor on an invocation and show it; None does nothing."""
        if node is None or self._fetches(node):
            return
        self._maximised = False
        self.go_to_pane("tree")
        if not self.causal_tree.go_to(node):
            self.gammaray.model.select(node)
            self.gammaray.refresh_views()
            if self.gammaray.snapshot.detail is None:
                self.notify("no invocation here has this request id", timeout=3)

    def _fetches(self, node: NodeId) -> bool:
        """Fetch the chain of an invocation that is not here, then go there; say whether."""
        fetch = self.gammaray.model.opening(node)
        if fetch is None:
            return False

        async def open_it() -> None:
            await fetch()
            self.gammaray.refresh_views()
            self.go_to_node(node)

        self.gammaray.add_source(open_it)
        return True

    # The filter

    @property
    def filter_text(self) -> str:
        """The filter that is on; "" for none."""
        return self._filter.text

    async def start_filter(self, text: str | None = None) -> None:
        """Open the filter's line, with `text` in it when given."""
        await self._filter.start(text)

    @on(FilterLine.Applied)
    def _filtered(self) -> None:
        self._name_latency()
        self.gammaray.refresh_views()
        self.show_hints()

    @on(FilterLine.Left)
    def _left_filter(self) -> None:
        self.go_to_pane("tree")
