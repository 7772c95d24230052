"""A list of lines that know how to paint themselves: help, problems, regions, an answer to why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType

from causality.snapshot import NodeId
from widgets.line_list import LineList
from widgets.look import Look

Paint: TypeAlias = Callable[[int], list[Segment]]


@dataclass(frozen=True, slots=True)
class Item:
    """One line.

    Attributes:
        paint: paints it at a width.
        value: what copying it gives; "" when it has nothing of its own.
        node: the invocation that it leads to.
    """

    paint: Paint
    value: str = ""
    node: NodeId | None = None


def pieces_item(
    pieces: Sequence[tuple[str, Style]], value: str = "", node: NodeId | None = None
) -> Item:
    """Make a line of pieces of safe text side by side."""
    segments = [Segment(text, style) for text, style in pieces]
    return Item(lambda width: segments, value, node)


def blank_item() -> Item:
    """Make an empty line."""
    return Item(lambda width: [])


class PaintedList(LineList):
    """Shows items; with `picks`, a cursor chooses one while the list is in focus."""

    HEAD_LINES: ClassVar[int] = 0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "choose", id="painted.choose", show=False),
    ]

    def __init__(
        self,
        look: Look,
        *,
        picks: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(look, id=id, classes=classes)
        self._picks = picks
        self._items: Sequence[Item] = ()
        self._generation = 0

    @property
    def items(self) -> Sequence[Item]:
        """The lines."""
        return self._items

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor is marked: only in focus, for it means nothing elsewhere."""
        return self._picks and self.has_focus

    def show_items(self, items: Sequence[Item]) -> None:
        """Show these lines in the place of all."""
        self._items = items
        self._generation += 1
        self.lines_changed()

    def action_choose(self) -> None:
        """Tell that the line under the cursor was chosen."""
        if self._picks and self._items:
            self.post_message(self.Chosen(self, self.cursor))

    def action_step(self, lines: int) -> None:
        """Move the cursor; where nothing is picked, scroll."""
        if self._picks:
            super().action_step(lines)
        else:
            self.scroll_relative(y=lines, animate=False)

    def line_count(self) -> int:
        """Give the number of lines."""
        return len(self._items)

    def line_key(self, index: int) -> object:
        """Give the generation: all lines are new when the content changed."""
        return (self._generation, index)

    def paint_line(self, index: int, width: int) -> list[Segment]:
        """Paint one line."""
        return list(self._items[index].paint(width))
