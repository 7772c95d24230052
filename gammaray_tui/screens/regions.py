"""How reading goes in each region, and what to do where it does not."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from causality.snapshot import RegionState, Snapshot
from gammaray_tui import screen_keys
from gammaray_tui.screens.dialog import Dialog
from widgets import formats
from widgets.growing_list import GrowingList
from widgets.look import Look
from widgets.painted_list import Item, blank_item, pieces_item
from widgets.wrapping import wrapped


class RegionsScreen(Dialog[None]):
    """State, lag, shards, message and advice of each region."""

    TITLE_TEXT = "regions"
    KEYS_TEXT = "y copy · esc close"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.COPY]
    SAFE = "#regions"

    def __init__(self, look: Look, snapshot: Snapshot) -> None:
        super().__init__(look)
        self._snapshot = snapshot
        self._list = GrowingList(look, id="regions")
        self._shown: tuple[RegionState, ...] | None = None

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self._list

    def copied(self) -> str:
        """Give what is said of each region, and what to do."""
        lines = []
        for state in self._shown or ():
            lines.append(f"{state.region} {state.phase}")
            lines += [text for text in (state.message, state.todo) if text]
        return "\n".join(lines)

    def on_mount(self) -> None:
        """Show the regions."""
        super().on_mount()
        self.show_snapshot(self._snapshot)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the regions of a snapshot."""
        states = snapshot.header.regions
        if states == self._shown:
            return
        self._shown = states
        items: list[Item] = []
        for state in states:
            if items:
                items.append(blank_item())
            items += self._items(state)
        if not items:
            items = [pieces_item([("No region is read.", self.look.palette.muted)])]
        self._list.show_items(items)

    def _items(self, state: RegionState) -> list[Item]:
        look = self.look
        palette = look.palette
        style = {"live": palette.ok, "retrying": palette.warn, "down": palette.error}.get(
            state.phase, palette.muted
        )
        shards = formats.plural(state.shards, "shard") if state.shards else ""
        # What it was when reading stopped is no lag.
        lagging = state.phase == "live" and state.lag_s is not None
        lag = f"  lag {formats.lag(state.lag_s)}" if lagging else ""
        retry = f"  again in {state.retry_in_s:.0f}s" if state.retry_in_s is not None else ""
        items = [
            pieces_item(
                [
                    (f" {look.glyphs.region[state.phase]} ", style),
                    (look.left(look.safe(state.region), 16), look.region_style(state.region)),
                    (f"{state.phase:<11}", style),
                    (f"{shards}{lag}{retry}", palette.text),
                ]
            )
        ]
        width = max(20, min(66, self.app.size.width - 14))
        for text, text_style in ((state.message, palette.text), (state.todo, palette.muted)):
            items += [
                pieces_item([("   ", palette.text), (line, text_style)])
                for paragraph in text.splitlines()
                for _, line in wrapped(look.safe(paragraph), width)
            ]
        return items
