"""The bottom line: the keys that matter now; a click on one does what its key does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from widgets.look import Look


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key, what it does in a word or two, and the action that a click runs."""

    key: str
    label: str
    action: str


class KeyBar(Widget):
    """Hints side by side, as many as fit, the most important first."""

    DEFAULT_CSS = """
    KeyBar { height: 1; background: $panel-line; }
    """

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = look
        self._hints: tuple[KeyHint, ...] = ()

    @property
    def hints(self) -> tuple[KeyHint, ...]:
        """The hints, whether there is room for them or not."""
        return self._hints

    def show_hints(self, hints: Sequence[KeyHint]) -> None:
        """Show these."""
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint the line (Textual's line interface)."""
        width, palette = self.size.width, self._look.palette
        segments = [Segment(" ")]
        used = 1
        for hint in self._hints:
            key, label = self._look.glyphs.text(hint.key), self._look.glyphs.text(hint.label)
            cells = cell_len(key) + 1 + cell_len(label)
            if used + cells > width:
                break
            click = Style(meta={"@click": hint.action})
            segments += [
                Segment(key, palette.key + click),
                Segment(f" {label}", palette.muted + click),
                Segment("  "),
            ]
            used += cells + 2
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)
