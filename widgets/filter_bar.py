"""The line in which a filter is typed; it stays in sight as long as the filter is on."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static


class FilterBar(Horizontal):
    """A slash, the expression, and what is wrong with it."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1;
        background: $panel-line;
        #slash { width: 3; color: $accent; text-style: bold; content-align: right middle; }
        Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel-line; }
        Input:focus { border: none; }
        #trouble { width: auto; max-width: 60%; color: $error; padding: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "take the filter off", id="filter.clear", show=False),
    ]

    class Changed(Message):
        """The expression changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Done(Message):
        """The user is done typing; the filter stays."""

    class GivenUp(Message):
        """The user wants no filter."""

    def compose(self) -> ComposeResult:
        """Compose the line."""
        yield Static("/ ", id="slash", markup=False)
        yield Input(
            placeholder="words, or region:us-east-1 duration>200ms error -cold (? explains)",
            id="expression",
        )
        yield Static("", id="trouble", markup=False)

    @property
    def text(self) -> str:
        """The expression as typed."""
        return self.query_one(Input).value

    def set_text(self, text: str) -> None:
        """Put an expression in the place of what was typed."""
        self.query_one(Input).value = text

    def start(self) -> None:
        """Let the user type."""
        self.query_one(Input).focus()

    def show_trouble(self, text: str) -> None:
        """Say what is wrong with the expression; "" when nothing is."""
        self.query_one("#trouble", Static).update(Content(text))
        self.set_class(bool(text), "-trouble")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Done())

    def action_give_up(self) -> None:
        """Take the filter off."""
        self.post_message(self.GivenUp())
