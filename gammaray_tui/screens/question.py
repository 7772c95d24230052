"""The base of the dialogs that ask for one line."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from gammaray_tui.screens.app_screen import Result
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError


class Question(Dialog[Result]):
    """Asks for a line, and gives what a subclass makes of it."""

    LABEL: ClassVar[str]
    EXAMPLE: ClassVar[str]
    NOTE: ClassVar[str]
    GO: ClassVar[str] = "go"
    SAFE = "#line"

    @abstractmethod
    def answer(self, line: str) -> Result:
        """Make the answer of what was typed.

        Raises:
            UserError: nothing can be made of it; this is shown, and asked again.
        """

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain(self.LABEL, classes="label")
            yield Input(placeholder=self.EXAMPLE, id="line")
        yield plain(self.NOTE, classes="label gap")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button(self.GO, "go", kind="go")

    @on(Input.Submitted, "#line")
    @on(Button.Pressed, "#go")
    def action_go(self) -> None:
        """Give the answer, if there is one."""
        try:
            answer = self.answer(self.query_one("#line", Input).value.strip())
        except UserError as error:
            self.show_trouble(error)
            self.focus_safe()
        else:
            self.dismiss(answer)
