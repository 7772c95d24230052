"""The line in which a filter is typed; it stays in sight as long as the filter is on.

While one types, the likeliest way to go on stands in grey behind the cursor, and the right arrow
takes it; the up and down arrows go through what was typed before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from causality.suggestions import suggest
from widgets.filter_keys import FILTER

Seen: TypeAlias = Callable[[], Mapping[str, Iterable[str]]]


class _Completing(Suggester):
    """Completes filter expressions; what occurs changes, so nothing is remembered."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._seen = seen

    async def get_suggestion(self, value: str) -> str | None:
        """Give the likeliest expression that begins so; None for none."""
        if not value or value[-1].isspace():
            return None
        ways = suggest(value, len(value) + 1, self._seen())
        return next((way.text for way in ways if way.text.startswith(value)), None)


class FilterBar(Horizontal):
    """A slash, the expression, and what is wrong with it."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1;
        background: $panel-line;
        #slash { width: 3; color: $accent; text-style: bold; content-align: right middle; }
        Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel-line; }
        Input:focus { border: none; }
        #trouble {
            width: auto; max-width: 80%; color: $error; padding: 0 1;
            text-wrap: nowrap; text-overflow: ellipsis;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*FILTER]

    class Changed(Message):
        """The expression changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Done(Message):
        """The user is done typing; the filter stays."""

    class GivenUp(Message):
        """The user wants no filter."""

    def __init__(self, history: list[str], seen: Seen) -> None:
        """Make the line.

        Args:
            history: what was typed before, the newest last; what is typed here comes to it.
            seen: gives the values that occur, by field, for suggestions.
        """
        super().__init__()
        self._history = history
        self._seen = seen
        self._recalled = len(history)

    def compose(self) -> ComposeResult:
        """Compose the line."""
        yield Static("/ ", id="slash", markup=False)
        yield Input(
            suggester=_Completing(self._seen),
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
        text = event.value.strip()
        if text:
            if text in self._history:
                self._history.remove(text)
            self._history.append(text)
        self._recalled = len(self._history)
        self.post_message(self.Done())

    def action_recall(self, step: int) -> None:
        """Show what was typed before or after what is shown."""
        at = self._recalled + step
        if 0 <= at <= len(self._history):
            self._recalled = at
            text = self._history[at] if at < len(self._history) else ""
            field = self.query_one(Input)
            field.value = text
            field.cursor_position = len(text)

    def action_give_up(self) -> None:
        """Take the filter off."""
        self.post_message(self.GivenUp())
