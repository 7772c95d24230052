"""What to remember this moment by."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from gammaray_tui.screens.dialog import Dialog, plain, push_button


class MarkScreen(Dialog[str]):
    """Asks for a few words and gives them; none at all will do."""

    TITLE_TEXT = "mark this moment"
    KEYS_TEXT = "enter mark · esc cancel"
    SAFE = "#words"

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("what happens", classes="label")
            yield Input(placeholder="new version is out", id="words")
        text = "Time lines and recordings keep it; a comparison begins with before and after it."
        yield plain(text, classes="label gap")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("mark", "go", kind="go")

    @on(Input.Submitted, "#words")
    @on(Button.Pressed, "#go")
    def action_go(self) -> None:
        """Give the words."""
        self.dismiss(self.query_one("#words", Input).value.strip())
