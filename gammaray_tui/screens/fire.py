"""What to fire, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from gammaray_tui.screens.applications import application_choices
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from providers.operations import Application, Operations
from widgets.choice_list import ChoiceList
from widgets.look import Look

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Shot:
    """What to fire."""

    application: str
    count: int


class FireScreen(Dialog[Shot]):
    """Chooses an application and a number; the firing itself goes on behind the dialog."""

    TITLE_TEXT = "fire"
    KEYS_TEXT = "enter fire · esc cancel"
    SAFE = "#fire"  # firing again is what the dialog is opened for, and destroys nothing
    DEFAULT_CSS = """
    FireScreen #what { padding-left: 15; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fire", "fire", id="fire.fire", show=False),
    ]

    def __init__(self, look: Look, operations: Operations, last: Shot | None) -> None:
        super().__init__(look)
        self._operations = operations
        self._last = last
        self._applications: Sequence[Application] = ()

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("application", classes="label")
            yield ChoiceList(self.look, id="application")
        yield plain("looking for applications …", id="what", classes="label")
        with Horizontal(classes="row gap"):
            yield plain("how often", classes="label")
            count = self._last.count if self._last is not None else 1
            yield Input(str(count), id="count", type="integer", max_length=4)

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("fire", "fire", disabled=True, kind="go")

    def on_mount(self) -> None:
        """Look for applications."""
        self.query_one("#cancel", Button).focus()
        self.run_worker(self.trying(self._load()), exit_on_error=False)

    async def _load(self) -> None:
        self._applications = await self._operations.applications()
        choices = application_choices(self._applications)
        if not choices:
            raise UserError(
                "There is no application to fire.",
                todo="Deploy one first (i).",
                kind="nothing-to-fire",
            )
        last = [self._last.application] if self._last is not None else []
        ready = [app.name for app in self._applications if app.deployed is not False]
        self.query_one(ChoiceList).set_choices(choices, last or ready[:1])
        self.query_one("#fire", Button).disabled = False
        self._describe()
        self.focus_safe()

    @on(ChoiceList.Changed)
    def _describe(self) -> None:
        chosen = self.query_one(ChoiceList).choice
        application = next((a for a in self._applications if a.name == chosen), None)
        if application is None:
            return
        fires = self.look.safe(application.fires)
        missing = "" if application.deployed is not False else "\nnot deployed yet: press i first"
        self.query_one("#what", Static).update(Content(fires + missing))

    @on(Input.Submitted, "#count")
    @on(Button.Pressed, "#fire")
    def action_fire(self) -> None:
        """Fire, if the form is in order."""
        if not self._applications:
            return
        text = self.query_one("#count", Input).value
        count = int(text) if text.isdecimal() else 0
        if not 1 <= count <= _MOST:
            self.show_trouble(UserError(f"How often: a number from 1 to {_MOST}."))
            self.query_one("#count", Input).focus()
            return
        self.dismiss(Shot(self.query_one(ChoiceList).choice, count))
