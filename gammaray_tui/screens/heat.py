"""The latencies of one function or edge over the last minutes, as a heat map."""

from __future__ import annotations

import time

from textual.app import ComposeResult

from causality.latency import SeriesKey, View
from causality.snapshot import Snapshot
from gammaray_tui.screens.dialog import Dialog
from widgets.growing_list import GrowingList
from widgets.heat_lines import heat_lines, legend
from widgets.look import Look
from widgets.painted_list import Item, blank_item

_EVERY_S = 1.0  # it is for reading


class HeatScreen(Dialog[None]):
    """How many took how long when; it goes on while it is open."""

    KEYS_TEXT = "esc close"
    WIDE = True
    SAFE = "#heat"
    DEFAULT_CSS = """
    HeatScreen {
        #heat, #heat:focus { max-height: 100%; background: $surface; }
        #buttons { display: none; }
    }
    """

    def __init__(self, look: Look, view: View, key: SeriesKey) -> None:
        super().__init__(look)
        self._view: View = view
        self._key = key
        self._shown_at_s = float("-inf")

    def title_text(self) -> str:
        """Name the row."""
        what = "duration" if self._view == "functions" else "delay"
        return " ".join((what, "of", *filter(None, self._key)))

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield GrowingList(self.look, id="heat")

    def on_mount(self) -> None:
        """Show the heat map of now."""
        super().on_mount()
        self._take()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the heat map of now, not more often than it can be read."""
        if self.is_mounted and time.monotonic() - self._shown_at_s >= _EVERY_S:
            self._take()

    def _take(self) -> None:
        self._shown_at_s = time.monotonic()
        heat = self.gammaray.model.heat(self._view, self._key)
        look = self.look

        def line(index: int) -> Item:
            return Item(lambda width: heat_lines(heat, width, look)[index])

        count = len(heat_lines(heat, 0, look))
        items = [line(index) for index in range(count)]
        items += [blank_item(), Item(lambda _: legend(heat, look))]
        self.query_one(GrowingList).show_items(items)
