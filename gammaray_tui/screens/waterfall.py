"""The time line of a chain, across regions: what waited for what, and what its end waited for."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from causality.analysis.critical_path import PartKind
from causality.snapshot import NodeId, Snapshot
from causality.waterfall import Waterfall
from gammaray_tui import screen_keys
from gammaray_tui.actions import Group
from gammaray_tui.hints import screen_hints
from gammaray_tui.screens.app_screen import AppScreen
from widgets import formats
from widgets.key_bar import KeyBar
from widgets.line_list import LineList
from widgets.look import Look
from widgets.waterfall import WaterfallView

_EVERY_S = 0.5
_WORDS: dict[PartKind, str] = {
    "delay": "trigger delay",
    "queue": "queue wait",
    "retry": "retries",
    "init": "init",
    "handler": "handler",
    "sdk": "SDK calls",
}
_HINTS = (
    ("waterfall.in waterfall.out", "zoom"),
    ("waterfall.left waterfall.right", "earlier, later"),
    ("waterfall.leave", "back"),
    ("help", "help"),
    ("waterfall.row", "zoom to line"),
    ("waterfall.fit", "all"),
    ("waterfall.calls", "calls"),
    ("waterfall.open", "go to it"),
)


class WaterfallScreen(AppScreen[NodeId]):
    """A chain as a waterfall; gives the node that was chosen."""

    DEFAULT_CSS = """
    WaterfallScreen {
        layout: vertical;
        background: $background;
        #title, #signs { height: 1; background: $panel-line; color: $text-muted; padding: 0 1; }
        #title, #signs { text-wrap: nowrap; text-overflow: ellipsis; }
        #waterfall { height: 1fr; }
    }
    """

    HELP_GROUP: ClassVar[Group] = "Time line"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.WATERFALL, *screen_keys.ALWAYS]

    def __init__(self, look: Look, node: NodeId) -> None:
        super().__init__()
        self._look = look
        self._node = node
        self._view = WaterfallView(look, id="waterfall")
        self._keys = KeyBar(look, id="keys")
        self._calls = True
        self._shown_at_s = float("-inf")

    def compose(self) -> ComposeResult:
        """Compose the screen."""
        yield Static("", id="title", markup=False)
        yield self._view
        yield Static(Content(self._signs()), id="signs", markup=False)
        yield self._keys

    def on_mount(self) -> None:
        """Show the chain as it is now."""
        self._keys.show_hints(screen_hints(self.gammaray.keymap, *_HINTS))
        self._view.focus()
        self._take(at=self._node)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the chain as it is now, not more often than it can be read."""
        if self.is_mounted and time.monotonic() - self._shown_at_s >= _EVERY_S:
            self._take()

    def _take(self, *, at: NodeId | None = None) -> None:
        self._shown_at_s = time.monotonic()
        waterfall = self.gammaray.model.waterfall(self._node, with_calls=self._calls)
        if waterfall is None:
            self._tell("this chain has left the memory")
            return
        self._view.show_waterfall(waterfall, at=at)
        self._tell(self._summary(waterfall))

    def _tell(self, text: str) -> None:
        shown = self._look.glyphs.text(f"time line · {text}")
        self.query_one("#title", Static).update(Content(shown))

    def _summary(self, waterfall: Waterfall) -> str:
        root = self._look.safe(waterfall.rows[0].name) if waterfall.rows else ""
        parts = [f"{root} {formats.instant(waterfall.began_s)}"]
        for mark in waterfall.marks:
            if mark.offset_s < 0:
                what = self._look.safe(f"{mark.kind} {mark.text}".rstrip())
                parts.append(f"{formats.duration(-mark.offset_s)} after: {what}")
        state = "so far" if waterfall.running else "end to end"
        parts.append(f"{formats.duration(waterfall.latency_s)} {state}")
        totals = dict(waterfall.totals)
        parts += [
            f"{_WORDS[kind]} {formats.duration(totals[kind])}"
            for kind in _WORDS
            if totals.get(kind, 0.0) > 0.0
        ]
        if waterfall.hidden:
            parts.append(f"{formats.count(waterfall.hidden)} further invocations not shown")
        return " · ".join(parts)

    def _signs(self) -> str:
        glyphs = self._look.glyphs
        signs = [
            (glyphs.wait * 2, "waiting"),
            (glyphs.init * 2, "init"),
            (glyphs.run * 2, "handler"),
            (glyphs.sdk * 2, "SDK call"),
            (glyphs.running * 2, "running"),
            (glyphs.critical, "critical path"),
        ]
        return "  ".join(f"{sign} {word}" for sign, word in signs)

    @on(LineList.Chosen)
    def _chosen(self) -> None:
        row = self._view.current
        self.dismiss(None if row is None else row.node)

    def action_calls(self) -> None:
        """Show or hide the lines of calls."""
        self._calls = not self._calls
        self._take()

    def action_leave(self) -> None:
        """Go back to the tree."""
        self.dismiss(None)
