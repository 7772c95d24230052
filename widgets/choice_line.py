"""One of a few words, side by side; the choice shows by sign, not by colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from widgets.look import Look


class ChoiceLine(Widget, can_focus=True):
    """A line of words of which one is chosen."""

    DEFAULT_CSS = """
    ChoiceLine { height: 1; width: 1fr; padding: 0 1; }
    ChoiceLine:focus { background: $cursor-line; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "step(-1)", "word before", show=False),
        Binding("l,right,space", "step(1)", "next word", show=False),
    ]

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, line: ChoiceLine) -> None:
            super().__init__()
            self.line = line

        @property
        def control(self) -> ChoiceLine:
            """The line in which it was chosen."""
            return self.line

    def __init__(self, look: Look, words: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = look
        self._words = tuple(words)
        self._at = 0

    @property
    def choice(self) -> str:
        """The word chosen."""
        return self._words[self._at]

    def choose(self, word: str) -> None:
        """Choose a word; one that is not there changes nothing."""
        if word in self._words and word != self.choice:
            self._at = self._words.index(word)
            self.refresh()
            self.post_message(self.Changed(self))

    def action_step(self, step: int) -> None:
        """Choose the word beside; past the last one comes the first."""
        self.choose(self._words[(self._at + step) % len(self._words)])

    def on_click(self, event: events.Click) -> None:
        """Choose the word that was clicked."""
        at = event.get_content_offset(self)
        edge = 0
        for word, text in self._texts():
            edge += len(text)
            if at is not None and at.x < edge:
                self.choose(word)
                return

    def render_line(self, y: int) -> Strip:
        """Paint the line (Textual's line interface)."""
        palette = self._look.palette
        segments = []
        for word, text in self._texts():
            chosen = word == self.choice
            style = palette.key if chosen else palette.muted
            segments.append(Segment(text, style + Style(underline=chosen and self.has_focus)))
        strip = Strip(segments)
        return strip.adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _texts(self) -> list[tuple[str, str]]:
        glyphs = self._look.glyphs
        marks = {
            word: glyphs.radio_on if word == self.choice else glyphs.radio_off
            for word in self._words
        }
        return [(word, f"{marks[word]} {glyphs.text(word)}  ") for word in self._words]
