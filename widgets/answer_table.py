"""A table of any columns: sorted by any of them, searched, with a cursor on one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType

from widgets.line_list import LineList
from widgets.look import Look

Order: TypeAlias = "float | str | None"
_WIDEST, _LEAST = 44, 3
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        title: its heading.
        width: cells that its widest value needs.
        right: whether its values stand flush right, as figures do.
    """

    title: str
    width: int
    right: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row.

    Attributes:
        number: which row of the answer it is.
        texts: what is shown, a text for each column.
        order: what each column is sorted by, all of a column of one type; None comes last.
    """

    number: int
    texts: tuple[str, ...]
    order: tuple[Order, ...]


class AnswerTable(LineList):
    """Rows in the order in which they came, until the user sorts them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "column(-1)", "column before", id="answer.left", show=False),
        Binding("l,right", "column(1)", "next column", id="answer.right", show=False),
        Binding("s", "sort", "sort by this column", id="answer.sort", show=False),
        Binding("S", "sort_reverse", "sort the other way round", id="answer.reverse", show=False),
        Binding("enter", "choose", "open the chain", id="answer.open", show=False),
    ]

    def __init__(self, look: Look, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(look, id=id, classes=classes)
        self._columns: Sequence[Column] = ()
        self._rows: Sequence[Row] = ()
        self._shown: list[Row] = []
        self._sought = ""
        self._column = 0
        self._first = 0  # column at the left edge
        self._sorted_by: int | None = None
        self._descending = False
        self._generation = 0

    def show_answer(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Show these rows in the place of all."""
        self._columns, self._rows = columns, rows
        self._column = self._first = self.cursor = 0
        self._sorted_by, self._descending = None, False
        self.scroll_to(y=0, animate=False)
        self._arrange()

    def seek(self, text: str) -> int:
        """Show only rows with these words in them; give how many there are."""
        self._sought = text.casefold()
        self._arrange()
        return len(self._shown)

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._shown[self.cursor] if self.cursor < len(self._shown) else None

    @property
    def current_value(self) -> tuple[str, str]:
        """The heading and the whole text under the cursor; empty without rows."""
        row = self.current
        if row is None or not self._columns:
            return "", ""
        return self._columns[self._column].title, row.texts[self._column]

    def action_column(self, step: int) -> None:
        """Move the cursor to another column, and tell as of another line."""
        if self._columns:
            self._column = max(0, min(len(self._columns) - 1, self._column + step))
            self._keep_in_sight()
            self.repaint_all()
            self.post_message(self.Moved(self, self.cursor))

    def action_sort(self) -> None:
        """Sort by the column under the cursor; again: the other way round."""
        if self._sorted_by == self._column:
            self.action_sort_reverse()
        elif self._columns:
            self._sorted_by = self._column
            self._descending = self._columns[self._column].right
            self._arrange()

    def action_sort_reverse(self) -> None:
        """Turn the order round."""
        self._descending = not self._descending
        self._arrange()

    def action_choose(self) -> None:
        """Tell that the row under the cursor was chosen."""
        if self.current is not None:
            self.post_message(self.Chosen(self, self.cursor))

    def head_clicked(self, x: int) -> None:
        """Sort by the column whose heading was clicked; a second click turns the order."""
        column = self._column_at(x)
        if column is not None:
            self._column = column
            self.action_sort()

    def line_clicked(self, index: int, x: int, *, again: bool) -> None:
        """Put the cursor on the value that was clicked."""
        column = self._column_at(x)
        if column is not None:
            self._column = column
            self.repaint_all()
        super().line_clicked(index, x, again=again)

    def on_resize(self) -> None:
        """Keep the column under the cursor in sight."""
        self._keep_in_sight()
        super().on_resize()

    def _arrange(self) -> None:
        held = self.current
        words = self._sought.split()
        rows = [
            row
            for row in self._rows
            if not words
            or all(word in text for text in ["\n".join(row.texts).casefold()] for word in words)
        ]
        at = self._sorted_by
        if at is None:
            self._shown = rows[::-1] if self._descending else rows
        else:
            known = [(row.order[at], row) for row in rows if row.order[at] is not None]
            known.sort(key=lambda pair: pair[0], reverse=self._descending)  # type: ignore[arg-type,return-value]
            self._shown = [row for _, row in known]
            self._shown += [row for row in rows if row.order[at] is None]
        if held is not None:
            numbers = [row.number for row in self._shown]
            self.cursor = numbers.index(held.number) if held.number in numbers else 0
        self._generation += 1
        self.lines_changed()
        if self.is_attached:
            self.reveal(self.cursor)

    # Painting

    def line_count(self) -> int:
        """Give the number of rows."""
        return len(self._shown)

    def line_key(self, index: int) -> object:
        """Give the row and where the columns stand."""
        return (self._generation, index, self._first, self._column)

    def head_key(self) -> object:
        """Give what decides the headings."""
        return (self._generation, self._first, self._column, self.line_width)

    def paint_head(self, y: int, width: int) -> list[Segment]:
        """Paint the headings, with the order's sign at the column sorted by."""
        look = self.look
        plain = look.palette.muted + Style(bold=True)
        sign = look.glyphs.down if self._descending else look.glyphs.up
        segments = []
        for at, cells in self._in_sight(width):
            text = look.safe(self._columns[at].title) + (sign if at == self._sorted_by else "")
            style = look.palette.key if at in (self._column, self._sorted_by) else plain
            segments += [self._before(at), Segment(self._fitted(at, text, cells), style)]
        return segments

    def paint_line(self, index: int, width: int) -> list[Segment]:
        """Paint one row."""
        look, row = self.look, self._shown[index]
        palette = look.palette
        segments = []
        for at, cells in self._in_sight(width):
            text = self._fitted(at, look.safe(row.texts[at]), cells)
            mine = at == self._column and index == self.cursor
            style = palette.strong if mine else palette.text
            segments += [self._before(at), Segment(text, style)]
        return segments

    def _before(self, at: int) -> Segment:
        return Segment(" " if at == self._first else _GAP)

    def _fitted(self, at: int, text: str, cells: int) -> str:
        fit = self.look.right if self._columns[at].right else self.look.name
        return fit(text, cells)

    def _cells(self, at: int) -> int:
        column = self._columns[at]
        return max(_LEAST, len(column.title) + 1, min(_WIDEST, column.width))

    def _in_sight(self, width: int) -> list[tuple[int, int]]:
        """Give the columns in sight with their cells; the last one takes what is left over."""
        room = width - 1
        found: list[tuple[int, int]] = []
        for at in range(self._first, len(self._columns)):
            cells = self._cells(at)
            if found and room < min(cells, _WIDEST // 2):
                break
            if at == len(self._columns) - 1:
                cells = max(cells, min(room, self._columns[at].width))
            found.append((at, max(_LEAST, min(cells, room))))
            room -= cells + len(_GAP)
            if room < _LEAST:
                break
        return found

    def _column_at(self, x: int) -> int | None:
        edge = 1
        for at, cells in self._in_sight(self.line_width):
            edge += cells + len(_GAP)
            if x < edge:
                return at
        return None

    def _keep_in_sight(self) -> None:
        self._first = min(self._first, self._column)
        while self._first < self._column:
            if any(at == self._column for at, _ in self._in_sight(self.line_width)):
                return
            self._first += 1
