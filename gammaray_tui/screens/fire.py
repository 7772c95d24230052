"""What to fire, how often and how fast, and with which payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from gammaray_tui import screen_keys
from gammaray_tui.fire_history import Entry, FireHistory
from gammaray_tui.screens.applications import application_choices
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from providers.fire_targets import checked_payload, target_of
from providers.manifest import find_application
from providers.operations import Application, Operations
from widgets.choice_list import ChoiceList
from widgets.look import Look

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Shot:
    """What to fire.

    Attributes:
        rate: how many to begin a second; None: as many at once as makes sense.
        payload: None for the application's own.
    """

    application: str
    count: int
    rate: float | None = None
    payload: str | None = None


class FireScreen(Dialog[Shot]):
    """Chooses an application or another target; the firing itself goes on behind the dialog."""

    TITLE_TEXT = "fire"
    WIDE = True
    KEYS_TEXT = "enter fire · PgUp PgDn payloads of before · esc cancel"
    SAFE = "#fire"  # firing again is what the dialog is opened for, and destroys nothing
    DEFAULT_CSS = """
    FireScreen {
        #what { padding-left: 15; }
        #numbers #count { width: 8; }
        #numbers #rate { width: 12; }
        #numbers .between { width: auto; padding: 0 1 0 3; }
        #payload {
            height: 5; width: 1fr; border: none; padding: 0 1; background: $panel;
            &:focus { border: none; background: $cursor-line; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.FIRE]

    def __init__(
        self,
        look: Look,
        operations: Operations,
        last: Shot | None,
        history: FireHistory | None = None,
    ) -> None:
        super().__init__(look)
        self._operations = operations
        self._last = last
        self._applications: Sequence[Application] = ()
        self._history = history or FireHistory()
        self._entries: list[Entry] = []
        self._back = 0  # how many entries back; 0: what the user types

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("application", classes="label")
            yield ChoiceList(self.look, id="application")
        yield plain("looking for applications …", id="what", classes="label")
        with Horizontal(classes="row"):
            yield plain("or", classes="label")
            yield Input(
                id="target",
                placeholder="function, s3://bucket/key, sns:topic, URL, app.toml …",
            )
        with Horizontal(classes="row", id="numbers"):
            yield plain("how often", classes="label")
            count = self._last.count if self._last is not None else 1
            # Firing judges what they hold: Textual's own verdict is a frame, three lines high.
            yield Input(str(count), id="count", type="integer", max_length=4, validate_on=())
            yield plain("per second", classes="label between")
            rate = self._last.rate if self._last is not None else None
            yield Input(
                f"{rate:g}" if rate else "",
                id="rate",
                type="number",
                max_length=6,
                placeholder="no limit",
                validate_on=(),
            )
        with Horizontal(classes="row"):
            yield plain("payload", classes="label")
            yield TextArea(id="payload", tab_behavior="focus", show_line_numbers=False)

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("fire", "fire", disabled=True, kind="go")

    def on_mount(self) -> None:
        """Look for applications."""
        self.query_one("#cancel", Button).focus()
        self._entries = self._history.entries()
        self.run_worker(self.looking(self._load(), "#what"), exit_on_error=False)

    async def _load(self) -> None:
        self._applications = await self._operations.applications()
        choices = application_choices(self._applications)
        if not choices:
            raise UserError(
                "There is no application to fire.",
                todo="Deploy one first (i).",
                kind="nothing-to-fire",
            )
        last = self._last
        ready = [app.name for app in self._applications if app.deployed is not False]
        self.query_one(ChoiceList).set_choices(
            choices, [last.application] if last is not None else ready[:1]
        )
        if last is not None and all(last.application != app.name for app in self._applications):
            self.query_one("#target", Input).value = last.application
        self.query_one("#fire", Button).disabled = False
        self._describe()
        if last is not None and last.payload is not None:
            self._editor.text = last.payload
        self.focus_safe()

    @property
    def _editor(self) -> TextArea:
        return self.query_one("#payload", TextArea)

    @property
    def _chosen(self) -> Application | None:
        choice = self.query_one(ChoiceList).choice
        return next((app for app in self._applications if app.name == choice), None)

    @property
    def _target(self) -> str:
        typed = self.query_one("#target", Input).value.strip()
        return typed or self.query_one(ChoiceList).choice

    @property
    def _own_payload(self) -> str:
        """The payload that is sent when none is given."""
        chosen = self._chosen
        typed = self.query_one("#target", Input).value.strip()
        return chosen.payload if chosen is not None and not typed else ""

    @on(ChoiceList.Changed)
    def _describe(self) -> None:
        application = self._chosen
        if application is None:
            return
        fires = self.look.safe(application.fires)
        missing = "" if application.deployed is not False else "\nnot deployed yet: press i first"
        self.query_one("#what", Static).update(Content(fires + missing))
        self._back = 0
        self._editor.text = self._own_payload

    @on(Input.Changed, "#target")
    def _other_target(self) -> None:
        self._back = 0
        if self._editor.text in ("", *(app.payload for app in self._applications)):
            self._editor.text = self._own_payload

    def action_before(self, step: int) -> None:
        """Put a payload that this target got before into the editor."""
        payloads = [entry.payload for entry in self._entries if entry.target == self._target]
        payloads = [self._own_payload, *(text for text in payloads if text)]
        self._back = max(0, min(len(payloads) - 1, self._back + step))
        self._editor.text = payloads[self._back]

    @on(Input.Changed, "#target")
    @on(TextArea.Changed, "#payload")
    def _validate(self) -> None:
        try:
            self._checked()
        except UserError as error:
            self.show_trouble(error)
        else:
            self.show_trouble(None)

    def _checked(self) -> str | None:
        """Give the payload to send; None for the application's own.

        Raises:
            UserError: the target or its payload cannot be used.
        """
        text = self._editor.text
        typed = self.query_one("#target", Input).value.strip()
        kind = self._kind_of(typed)
        if text.strip():
            checked_payload(kind, text)
        return None if text == self._own_payload or not text.strip() else text

    def _kind_of(self, typed: str) -> str:
        """Give the kind of what was typed: applications, by their manifests as well, are invoked.

        Raises:
            UserError: it is nothing that can be fired.
        """
        if not typed or any(typed == app.name for app in self._applications):
            return "function"
        try:
            return target_of(typed).kind
        except UserError as error:
            try:
                find_application(typed)
            except UserError as of_manifest:
                raise error if of_manifest.kind == "unknown-application" else of_manifest from None
        return "function"

    @on(Input.Submitted)
    @on(Button.Pressed, "#fire")
    def action_fire(self) -> None:
        """Fire, if the form is in order."""
        if not self._applications:
            return
        text = self.query_one("#count", Input).value
        count = int(text) if text.isdecimal() else 0
        if not 1 <= count <= _MOST:
            self._refuse(f"How often: a number from 1 to {_MOST}.", "#count")
            return
        rate = self.query_one("#rate", Input).value.strip()
        try:
            per_second = float(rate) if rate else None
        except ValueError:
            per_second = 0.0
        if per_second is not None and not 0.001 <= per_second <= _MOST:
            self._refuse(f"Per second: a number up to {_MOST}, or nothing.", "#rate")
            return
        try:
            payload = self._checked()
        except UserError as error:
            self.show_trouble(error)
            self._editor.focus()
            return
        self._history.add(Entry(self._target, payload or ""))
        self.dismiss(Shot(self._target, count, per_second, payload))

    def _refuse(self, why: str, field: str) -> None:
        self.show_trouble(UserError(why))
        self.query_one(field, Input).focus()
