"""What is in order in the account and its regions, what is not, and what to do about it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Button, Static

from gammaray_tui import screen_keys
from gammaray_tui.leaving import ACTS
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from providers.operations import Check, Inspections, Operations
from widgets.growing_list import GrowingList
from widgets.look import Look
from widgets.painted_list import Item, pieces_item
from widgets.wrapping import wrapped


class DoctorScreen(Dialog[None]):
    """Shows each check as it is known; offers to set up the tables that are missing.

    Args:
        look: signs and colours.
        inspections: what looks.
        operations: what sets up; None where nothing may be changed.
    """

    WIDE = True
    TITLE_TEXT = "doctor"
    KEYS_TEXT = "r check again · esc close"
    SAFE = "#checks"
    DEFAULT_CSS = """
    DoctorScreen {
        #checks { max-height: 55vh; margin-top: 1; }
        &.-trouble #checks { max-height: 40vh; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.DOCTOR]

    def __init__(self, look: Look, inspections: Inspections, operations: Operations | None) -> None:
        super().__init__(look)
        self._inspections = inspections
        self._operations = operations
        self._checks: list[Check] = []
        self._busy = False
        self._list = GrowingList(look, id="checks")

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield plain("", id="state", classes="label")
        yield self._list

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("close", "cancel")
        yield push_button("set up the tables", "set-up", disabled=True, kind="go")

    def on_mount(self) -> None:
        """Begin to check."""
        super().on_mount()
        self.query_one("#set-up", Button).display = self._operations is not None
        self.action_again()

    def action_again(self) -> None:
        """Check everything once more."""
        if not self._busy:
            self._busy = True
            self.run_worker(self.trying(self._examine()), exit_on_error=False)

    async def _examine(self) -> None:
        self._checks = []
        self._say("looking …")
        self._list.show_items([])
        try:
            await self._inspections.examine(self._found)
        finally:
            self._busy = False
        counts = [
            f"{sum(check.state == state for check in self._checks)} {word}"
            for state, word in (("ok", "in order"), ("warning", "to note"), ("failed", "wrong"))
        ]
        self._say(", ".join(counts))
        missing = any(
            check.state != "ok" and check.id.endswith(("/table", "/stream", "/expiry"))
            for check in self._checks
        )
        self.query_one("#set-up", Button).disabled = not missing

    def _found(self, check: Check) -> None:
        self._checks.append(check)
        self._list.show_items([item for check in self._checks for item in self._items(check)])

    def _items(self, check: Check) -> list[Item]:
        look = self.look
        palette = look.palette
        signs = {
            "ok": (look.glyphs.step["done"], palette.ok),
            "warning": ("!", palette.warn),
            "failed": (look.glyphs.step["failed"], palette.error),
            "skipped": (look.glyphs.step["skipped"], palette.muted),
        }
        sign, style = signs[check.state]
        region = f"{check.region} " if check.region else ""
        width = max(30, min(104, self.app.size.width - 12))
        text = look.safe(f"{check.text}: {check.detail}")
        first = [(f" {sign} ", style), (look.safe(region), look.region_style(check.region))]
        lines = [line for _, line in wrapped(text, width - len(region) - 3)]
        items = [pieces_item([*first, (lines[0], palette.text)], check.detail)]
        rest = [(line, palette.text) for line in lines[1:]]
        rest += [(line, palette.muted) for _, line in wrapped(look.safe(check.todo), width - 5)]
        items += [pieces_item([("     ", style), piece], check.todo) for piece in rest if piece[0]]
        return items

    @on(Button.Pressed, "#set-up")
    def _set_up(self) -> None:
        operations = self._operations
        if operations is None or self._busy:
            return
        self._busy = True
        self._say("setting up the record tables …")
        # The application runs it: closing the doctor stops nothing half-way.
        self.gammaray.run_worker(
            self._make(operations), name="setting up", group=ACTS, exit_on_error=False
        )

    async def _make(self, operations: Operations) -> None:
        try:
            await operations.set_up(lambda step: self._say(f"{step.region} {step.text} …"))
        except UserError as error:
            if self.is_attached:
                self.show_trouble(error)
            else:
                self.gammaray.show_error(error)
        finally:
            self._busy = False
        if self.is_attached:
            self.action_again()

    def _say(self, text: str) -> None:
        if self.is_attached:
            self.query_one("#state", Static).update(Content(self.look.safe(text)))
