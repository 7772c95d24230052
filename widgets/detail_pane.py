"""The selected invocation: its chain as a time line, its cause, its calls, and why."""

from __future__ import annotations

import time
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from causality.snapshot import Detail, NodeId
from widgets.detail_items import DetailItems
from widgets.look import Look
from widgets.painted_list import PaintedList

_PASSING_EVERY_S: Final = 0.45


class DetailPane(PaintedList):
    """Everything known of the selection; in focus, a cursor picks a line to copy or to go to."""

    DEFAULT_CSS = """
    DetailPane.-brief { overflow-y: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "go to the invocation of this line", id="detail.go", show=False),
    ]

    def __init__(self, look: Look, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(look, picks=True, id=id, classes=classes)
        self._detail: Detail | None = None
        self._shown_at_s = float("-inf")
        self._brief = False

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor is marked: only in focus and among all lines."""
        return super().shows_cursor and not self._brief

    @property
    def current_value(self) -> str:
        """What copying the line under the cursor gives; "" when it has nothing of its own."""
        return self.items[self.cursor].value if self.cursor < len(self.items) else ""

    def node_at(self, index: int) -> NodeId | None:
        """Give the invocation that a line leads to."""
        return self.items[index].node if index < len(self.items) else None

    def show_detail(self, detail: Detail | None, *, passing: bool = False) -> None:
        """Show this; cheap when it is what is shown.

        Args:
            detail: of what is selected; None for nothing.
            passing: the next one comes soon, so show what changes no faster than it can be read.
        """
        other = detail is None or self._detail is None or detail.node != self._detail.node
        now_s = time.monotonic()
        if passing and not other and now_s - self._shown_at_s < _PASSING_EVERY_S:
            return
        if detail == self._detail:
            return
        if other:
            self.cursor = 0
            self.scroll_to(y=0, animate=False)
        self._detail, self._shown_at_s = detail, now_s
        self._make_items()

    def set_brief(self, brief: bool) -> None:
        """Say in four lines what matters most, or say everything."""
        if brief != self._brief:
            self._brief = brief
            self.set_class(brief, "-brief")
            self._make_items()

    def repaint_all(self) -> None:
        """Make the lines again, for they hold styles."""
        self._make_items()
        super().repaint_all()

    def _make_items(self) -> None:
        if self._detail is None:
            self.show_items(())
            return
        items = DetailItems(self._detail, self.look)
        self.show_items(items.brief() if self._brief else items.full())
