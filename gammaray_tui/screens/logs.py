"""Logs of the selected invocation, or of its whole chain in causal order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from gammaray_tui.commands.output import write_result
from gammaray_tui.log_text import log_text
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from providers.operations import Inspections, LogLine, LogsOf
from widgets import formats
from widgets.growing_list import GrowingList
from widgets.look import Look
from widgets.painted_list import Item, pieces_item

_AGAIN_EVERY_S = 3.0


class LogsScreen(Dialog[None]):
    """Shows lines as they are found; looks again by itself while something still runs."""

    WIDE = True
    SAFE = "#lines"
    KEYS_TEXT = "c chain · / search · s save · t tail · esc close"
    DEFAULT_CSS = """
    LogsScreen {
        #lines { max-height: 26; margin-top: 1; }
        #search { display: none; margin-top: 1; }
        &.-searching #search { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "chain", "whole chain", id="logs.chain", show=False),
        Binding("slash", "search", "search", id="logs.search", show=False),
        Binding("s", "save", "save", id="logs.save", show=False),
        Binding("t", "tail", "tail", id="logs.tail", show=False),
    ]

    def __init__(
        self,
        look: Look,
        inspections: Inspections,
        own: LogsOf,
        chain: Sequence[LogsOf],
    ) -> None:
        super().__init__(look)
        self._inspections = inspections
        self._own, self._chain = own, chain
        self._whole = False
        self._tails = False
        self._lines: Sequence[LogLine] = ()
        self._list = GrowingList(look, id="lines")

    def title_text(self) -> str:
        """Give the title."""
        return f"logs of {self._own.function}"

    def content(self) -> ComposeResult:
        """Compose the lines."""
        yield plain("", id="state", classes="label")
        yield Input(id="search", placeholder="only lines with this text")
        yield self._list

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("close", "cancel")

    def on_mount(self) -> None:
        """Fetch the lines, and again while that is wanted."""
        super().on_mount()
        self._fetch()
        self.set_interval(_AGAIN_EVERY_S, self._again)

    def _again(self) -> None:
        if self._tails:
            self._fetch()

    def _fetch(self) -> None:
        if not self._lines:
            self._say("fetching the logs …")
        self.run_worker(self.trying(self._load()), exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        wanted = self._chain if self._whole else [self._own]
        self._lines = await self._inspections.logs(wanted)
        self.show_trouble(None)
        self._show()

    @on(Input.Changed, "#search")
    def _show(self) -> None:
        wanted = self.query_one("#search", Input).value.lower()
        lines = [line for line in self._lines if wanted in line.text.lower()]
        self._list.show_items(self._items(lines))
        what = f"chain of {len(self._chain)}" if self._whole else "this invocation"
        text = f"{formats.plural(len(lines), 'line')} of {what}"
        if wanted:
            text += f" with {wanted}"
        if not self._lines:
            text = "No lines yet: CloudWatch shows them some seconds late. t looks again."
        self._say(text + (", tailing" if self._tails else ""))

    def _items(self, lines: Sequence[LogLine]) -> list[Item]:
        look = self.look
        palette = look.palette
        items: list[Item] = []
        before = ""
        for line in lines:
            if line.request_id != before:
                before = line.request_id
                pieces = [
                    (f" {look.safe(line.function)} ", palette.strong),
                    (look.safe(line.region), look.region_style(line.region)),
                    (f" {look.safe(line.request_id)}", palette.muted),
                ]
                items.append(pieces_item(pieces, line.request_id))
            clock = f"{datetime.fromtimestamp(line.at_s, UTC):%H:%M:%S.%f}"[:-3]
            for text in line.text.splitlines() or [""]:
                pieces = [(f" {clock} ", palette.muted), (look.safe(text), palette.text)]
                items.append(pieces_item(pieces, text))
        return items

    def action_chain(self) -> None:
        """Show the whole chain, or the one invocation again."""
        self._whole = not self._whole
        self._lines = ()
        self._fetch()

    def action_tail(self) -> None:
        """Look again by itself, or no longer."""
        self._tails = not self._tails
        self._fetch()

    def action_search(self) -> None:
        """Show only lines with a text."""
        self.add_class("-searching")
        self.query_one("#search", Input).focus()

    @on(Input.Submitted, "#search")
    def _searched(self) -> None:
        self._list.focus()

    async def action_save(self) -> None:
        """Write the lines to a file in the present folder."""
        path = Path(f"{self._own.function}-{self._own.request_id[:8]}.log")
        try:
            await asyncio.to_thread(write_result, log_text(self._lines).encode(), path)
        except UserError as error:
            self.show_trouble(error)
        else:
            self.gammaray.notify(f"saved {path} in the present folder", markup=False)

    def action_cancel(self) -> None:
        """Take the search away first, then leave."""
        if self.has_class("-searching"):
            self.remove_class("-searching")
            self.query_one("#search", Input).value = ""
            self._list.focus()
        else:
            super().action_cancel()

    def _say(self, text: str) -> None:
        self.query_one("#state", Static).update(Content(self.look.safe(text)))
