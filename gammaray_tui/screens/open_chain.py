"""Which chain to go to, by the request id of any of its invocations."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from causality.snapshot import NodeId
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError


class OpenChainScreen(Dialog[NodeId]):
    """Asks for a request id and gives it."""

    TITLE_TEXT = "go to a chain"
    KEYS_TEXT = "enter go · esc cancel"
    SAFE = "#request-id"

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("request id", classes="label")
            yield Input(placeholder="8f6c1a2e-5d0b-4c55-9d1f-0a6f3f3d9c11", id="request-id")
        yield plain("of any invocation of the chain", classes="label gap")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("go", "go", kind="go")

    @on(Input.Submitted, "#request-id")
    @on(Button.Pressed, "#go")
    def action_go(self) -> None:
        """Go there, if anything was typed."""
        text = self.query_one("#request-id", Input).value.strip()
        if not text:
            self.show_trouble(UserError("No request id was given."))
            self.focus_safe()
            return
        self.dismiss(text)
