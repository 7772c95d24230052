"""An error that a user can meet: what happened, on what, and what to do about it."""

from __future__ import annotations

import traceback
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from gammaray_tui import screen_keys
from gammaray_tui.screens.dialog import Dialog, push_button
from providers.errors import UserError
from widgets.growing_list import GrowingList
from widgets.look import Look
from widgets.painted_list import Item, blank_item, pieces_item
from widgets.wrapping import wrapped

_TRACEBACK_LINES = 12


class ErrorScreen(Dialog[None]):
    """One or more errors; those that come while it is open join the first."""

    TITLE_TEXT = "this did not work"
    KEYS_TEXT = "y copy · esc close"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.COPY]
    DESTRUCTIVE = True
    DEFAULT_CSS = """
    ErrorScreen #errors { max-height: 30; }
    """

    def __init__(self, look: Look, error: UserError) -> None:
        super().__init__(look)
        self._errors = [error]

    def content(self) -> ComposeResult:
        """Compose the list of what happened."""
        yield GrowingList(self.look, id="errors")

    def buttons(self) -> ComposeResult:
        """Compose the button."""
        yield push_button("close", "cancel")

    def copied(self) -> str:
        """Give all of them, with what to do."""
        return "\n\n".join(str(error) for error in self._errors)

    def on_mount(self) -> None:
        """Show the errors."""
        super().on_mount()
        self._show()

    def on_resize(self) -> None:
        """Fold the lines anew."""
        self._show()

    def add(self, error: UserError) -> None:
        """Show one more, unless it says the same as one before."""
        if str(error) not in [str(known) for known in self._errors]:
            self._errors.append(error)
            if self.is_mounted:
                self._show()

    def _show(self) -> None:
        items: list[Item] = []
        for error in self._errors:
            if items:
                items.append(blank_item())
            items += self._items(error)
        self.query_one(GrowingList).show_items(items)

    def _items(self, error: UserError) -> list[Item]:
        look = self.look
        palette = look.palette
        width = max(20, min(68, self.app.size.width - 12))
        sign = look.glyphs.state["error"]
        items = [
            pieces_item([(f"{sign if first else ' '} ", palette.error), (line, palette.strong)])
            for first, line in wrapped(look.safe(error.what), width - 2)
        ]
        if error.on:
            items.append(
                pieces_item([("  on ", palette.muted), (look.safe(error.on), palette.text)])
            )
        if error.todo:
            items.append(blank_item())
            items += [
                pieces_item([("  ", palette.text), (line, palette.text)])
                for paragraph in error.todo.splitlines()
                for _, line in wrapped(look.safe(paragraph), width - 2)
            ]
        if error.kind == "defect" and error.__cause__ is not None:
            lines = "".join(traceback.format_exception(error.__cause__)).splitlines()
            items.append(blank_item())
            items += [
                pieces_item([("  " + look.safe(line), palette.muted)])
                for line in lines[-_TRACEBACK_LINES:]
            ]
        return items
