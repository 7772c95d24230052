"""Logs of the selected invocation, or of its whole chain in causal order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from rich.cells import chop_cells
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from gammaray_tui import screen_keys
from gammaray_tui.commands.output import write_result
from gammaray_tui.log_text import log_text
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from gammaray_tui.screens.file_dialog import FileDialog
from providers.errors import UserError
from providers.operations import Inspections, LogLine, LogsOf
from widgets import formats
from widgets.growing_list import GrowingList
from widgets.look import Look
from widgets.painted_list import Item, pieces_item

_AGAIN_EVERY_S = 3.0
_BESIDE = 16  # cells of the clock before a line, and of the scrollbar behind it
_LEAST = 20


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
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.LOGS]

    def __init__(
        self,
        look: Look,
        inspections: Inspections,
        own: LogsOf,
        chain: Callable[[], Sequence[LogsOf]],
    ) -> None:
        """Take the invocation, and what gives its chain: that may grow while it is looked at."""
        super().__init__(look)
        self._inspections = inspections
        self._own, self._chain_now = own, chain
        self._chain: Sequence[LogsOf] = (own,)
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

    def on_resize(self) -> None:
        """Fold the lines anew."""
        if self._lines:
            self._show()

    def _again(self) -> None:
        if self._tails:
            self._fetch()

    def _fetch(self) -> None:
        if not self._lines:
            self._say("fetching the logs …")
        self.run_worker(self.looking(self._load()), exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        self._chain = self._chain_now() or self._chain
        own = [one for one in self._chain if one.request_id == self._own.request_id]
        self._lines = await self._inspections.logs(self._chain if self._whole else own)
        self.show_trouble(None)
        self._show()

    @on(Input.Changed, "#search")
    def _show(self) -> None:
        wanted, lines = self._wanted, self._fitting
        self._list.show_items(self._items(lines))
        what = f"chain of {len(self._chain)}" if self._whole else "this invocation"
        text = f"{formats.plural(len(lines), 'line')} of {what}"
        if wanted:
            text += f" with {wanted}"
        if not self._lines:
            text = "No lines yet: CloudWatch shows them some seconds late. t looks again."
        self._say(text + (", tailing" if self._tails else ""))

    @property
    def _wanted(self) -> str:
        return self.query_one("#search", Input).value.lower()

    @property
    def _fitting(self) -> list[LogLine]:
        """The lines that are shown."""
        wanted = self._wanted
        return [line for line in self._lines if wanted in line.text.lower()]

    def _items(self, lines: Sequence[LogLine]) -> list[Item]:
        look = self.look
        palette = look.palette
        items: list[Item] = []
        before = ""
        room = max(_LEAST, self._list.line_width - _BESIDE)
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
                # Lambda's own lines are full of tabs, and hold what matters at their end.
                shown = look.safe(text.replace("\t", "  "))
                for part in chop_cells(shown, room) or [""]:
                    pieces = [(f" {clock} ", palette.muted), (part, palette.text)]
                    items.append(pieces_item(pieces, text))
                    clock = " " * len(clock)
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
        """Write the lines that are shown to a file."""
        if not self._fitting:
            self.gammaray.notify("there is nothing to save", timeout=3)
            return
        name = f"{self._own.function}-{self._own.request_id[:8]}"
        name += "-chain.log" if self._whole else ".log"
        await self.app.push_screen(SaveLogsScreen(self.look, name), self._save)

    async def _save(self, path: Path | None) -> None:
        if path is None:
            return
        try:
            await asyncio.to_thread(write_result, log_text(self._fitting).encode(), path)
        except UserError as error:
            self.show_trouble(error)
        else:
            self.gammaray.notify(f"saved {path}", markup=False)

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


class SaveLogsScreen(FileDialog[Path]):
    """Asks where the lines go; asks again before a file is replaced."""

    TITLE_TEXT = "save the lines that are shown"
    KEYS_TEXT = "enter save · esc cancel"

    def __init__(self, look: Look, name: str) -> None:
        super().__init__(look)
        self._name = name

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("to", classes="label")
            yield Input(self._name, id="file")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("save", "export", kind="go")

    def write(self, path: Path) -> None:
        """Give the file."""
        self.dismiss(path)
