"""Jumping: letters on what is in sight; a letter goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeAlias

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from widgets.line_list import LineList

Go: TypeAlias = Callable[[], object]
# Those under the fingers first.
LETTERS = "asdfghjklqwertyuiopzxcvbnmASDFGHJKLQWERTYUIOPZXCVBNM"


class Target(NamedTuple):
    """Something that can be gone to, and where it is on screen."""

    at: Offset
    go: Go


def targets(screen: Screen[object]) -> list[Target]:
    """Find what can be gone to: what takes keys, then the lines of the list in focus."""
    found = [
        Target(widget.region.offset, partial(screen.set_focus, widget))
        for widget in screen.focus_chain
        if widget.region.area
    ]
    focused = screen.focused
    if isinstance(focused, LineList) and focused.shows_cursor:
        found += _lines(focused)
    return found[: len(LETTERS)]


def _lines(lines: LineList) -> Iterator[Target]:
    left, top = lines.content_region.offset
    for place, index in enumerate(lines.window):
        yield Target(Offset(left, top + lines.HEAD_LINES + place), partial(lines.move_to, index))


class JumpScreen(ModalScreen[Go]):
    """The screen below with a letter on each target; gives what goes to the one chosen."""

    DEFAULT_CSS = """
    JumpScreen {
        background: transparent;
        Static {
            position: absolute;
            width: 3;
            height: 1;
            color: $background;
            background: $accent;
            text-style: bold;
            text-align: center;
        }
        &:ansi Static { color: ansi_default; text-style: bold reverse; }
    }
    """

    def __init__(self, found: list[Target]) -> None:
        super().__init__()
        self._by_letter = dict(zip(LETTERS, found, strict=False))

    def compose(self) -> ComposeResult:
        """Compose the letters."""
        for letter, target in self._by_letter.items():
            label = Static(Content(letter), markup=False)
            label.styles.offset = target.at
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go where the letter stands; any other key goes nowhere."""
        event.stop()
        event.prevent_default()
        target = self._by_letter.get(event.character or "")
        self.dismiss(None if target is None else target.go)
