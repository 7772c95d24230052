"""Latency by function or by edge: quantiles, counts, rate, sorted as the user likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message

from causality.latency import SeriesKey, View
from causality.snapshot import LatencyRow
from widgets import formats
from widgets.line_list import LineList
from widgets.look import Look

_WINDOWS_S: tuple[float | None, ...] = (None, 60.0, 300.0, 900.0)
_NAME_LEAST = 10
_NAME_CAP = 40
_LONG_NAMES = 16  # cells more for names, where they are long; those of edges always are
_SPARK_LEAST, _SPARK_CAP = 5, 15
_FAILING_SHARE = 0.05  # from this share of errors on, a name carries the error sign
_PLACE_LEAST = 8  # cells of region and account behind a name
_MARKS = 2  # cursor, error sign


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of figures.

    Attributes:
        title: its heading.
        width: cells.
        needs: the width of the table under which the column is left out.
        value: what to sort by; None sorts last.
    """

    title: str
    width: int
    needs: int
    value: Callable[[LatencyRow], float | None]


_COLUMNS: tuple[_Column, ...] = (
    _Column("n", 5, 39, lambda row: row.count),
    _Column("err", 4, 0, lambda row: row.errors),
    _Column("cold", 5, 67, lambda row: row.cold),
    _Column("p50", 6, 0, lambda row: row.p50_s),
    _Column("p95", 6, 0, lambda row: row.p95_s),
    _Column("p99", 6, 47, lambda row: row.p99_s),
    _Column("max", 6, 75, lambda row: row.max_s),
    _Column("/s", 4, 57, lambda row: row.rate),
)
_RATE = len(_COLUMNS) - 1
_NAME_COLUMN = -1


class LatencyTable(LineList):
    """The table; its order and its cursor survive every refresh."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort_next", "sort by the next column", id="latency.sort", show=False),
        Binding("S", "sort_reverse", "sort the other way round", id="latency.reverse", show=False),
        Binding("v,h,l,left,right", "switch", "functions or edges", id="latency.view", show=False),
        Binding(
            "W", "window", "all, or the last 1, 5, 15 minutes", id="latency.window", show=False
        ),
        Binding("H", "heat", "heat map: how long when", id="latency.heat", show=False),
        Binding(
            "enter", "choose", "filter by this function or edge", id="latency.filter", show=False
        ),
    ]

    class ViewChanged(Message):
        """The table shows functions where it showed edges, or the other way round."""

        def __init__(self, view: View) -> None:
            super().__init__()
            self.view = view

    class WindowAsked(Message):
        """The user wants another stretch of time to be counted; None: all there was."""

        def __init__(self, window_s: float | None) -> None:
            super().__init__()
            self.window_s = window_s

    class HeatAsked(Message):
        """The user wants to see how a row's latencies went over time."""

        def __init__(self, view: View, row: LatencyRow) -> None:
            super().__init__()
            self.view: View = view
            self.row = row

    def __init__(self, look: Look, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(look, id=id, classes=classes)
        self.window_s: float | None = None  # what the rows count
        self.view: View = "functions"
        self.sorted_by: int = 0  # index of a column, or _NAME_COLUMN
        self.descending = True
        self._functions: Sequence[LatencyRow] = ()
        self._edges: Sequence[LatencyRow] = ()
        self._sorted: list[LatencyRow] = []
        self._elsewhere: set[str] = set()  # names that occur in several regions
        self._longest = 0  # cells of the longest name
        self._held: SeriesKey | None = None

    def show_latency(self, functions: Sequence[LatencyRow], edges: Sequence[LatencyRow]) -> None:
        """Show these rows; cheap when they are the ones that are shown."""
        if functions is self._functions and edges is self._edges:
            return
        self._functions, self._edges = functions, edges
        self._arrange()

    @property
    def current(self) -> LatencyRow | None:
        """The row under the cursor."""
        return self._sorted[self.cursor] if self.cursor < len(self._sorted) else None

    def action_switch(self) -> None:
        """Show edges instead of functions, or functions again."""
        self.view = "edges" if self.view == "functions" else "functions"
        self._held = None
        self.cursor = 0
        self._arrange()
        self.post_message(self.ViewChanged(self.view))

    def action_window(self) -> None:
        """Ask for the next stretch of time."""
        at = _WINDOWS_S.index(self.window_s) if self.window_s in _WINDOWS_S else 0
        self.post_message(self.WindowAsked(_WINDOWS_S[(at + 1) % len(_WINDOWS_S)]))

    def action_heat(self) -> None:
        """Ask for the heat map of the row under the cursor."""
        if self.current is not None:
            self.post_message(self.HeatAsked(self.view, self.current))

    def action_sort_next(self) -> None:
        """Sort by the next column that is shown."""
        shown = [_NAME_COLUMN, *self._shown(self.line_width)]
        at = shown.index(self.sorted_by) if self.sorted_by in shown else 0
        self._sort_by(shown[(at + 1) % len(shown)])

    def action_sort_reverse(self) -> None:
        """Turn the order round."""
        self.descending = not self.descending
        self._arrange()

    def action_choose(self) -> None:
        """Tell that the row under the cursor was chosen."""
        if self.current is not None:
            self.post_message(self.Chosen(self, self.cursor))

    def head_clicked(self, x: int) -> None:
        """Sort by the column whose heading was clicked; a second click turns the order."""
        at = _MARKS + self._name_width(self.line_width)
        clicked = _NAME_COLUMN
        for index in self._shown(self.line_width):
            if x >= at + 1:
                clicked = index
            at += _COLUMNS[index].width + 1
        if clicked == self.sorted_by:
            self.action_sort_reverse()
        else:
            self._sort_by(clicked)

    def move_to(self, index: int, *, by_user: bool = True) -> None:
        """Put the cursor on a line and hold on to its row."""
        super().move_to(index, by_user=by_user)
        row = self.current
        self._held = None if row is None else row.key

    def _sort_by(self, column: int) -> None:
        self.sorted_by = column
        self.descending = column != _NAME_COLUMN
        self._arrange()

    def _arrange(self) -> None:
        rows = self._functions if self.view == "functions" else self._edges
        by_name = sorted(rows, key=lambda row: row.key)
        self._elsewhere = {
            a.name for a, b in pairwise(by_name) if a.name == b.name and a.region != b.region
        }
        self._longest = max((cell_len("".join(self._told_name(row))) for row in rows), default=0)
        if self.sorted_by == _NAME_COLUMN:
            self._sorted = by_name[::-1] if self.descending else by_name
        else:
            value = _COLUMNS[self.sorted_by].value
            known = [row for row in by_name if value(row) is not None]
            unknown = [row for row in by_name if value(row) is None]
            known.sort(key=lambda row: value(row) or 0, reverse=self.descending)
            self._sorted = known + unknown
        if self._held is not None:
            for index, row in enumerate(self._sorted):
                if row.key == self._held:
                    self.cursor = index
                    break
        self.lines_changed()

    # Painting

    def line_count(self) -> int:
        """Give the number of rows."""
        return len(self._sorted)

    def line_key(self, index: int) -> object:
        """Give the row, whether its region is told, and the cells that names get more."""
        row = self._sorted[index]
        return row, row.name in self._elsewhere, self._more_for_names(self.line_width)

    def head_key(self) -> object:
        """Give what decides the headings."""
        more = self._more_for_names(self.line_width)
        return (self.view, self.sorted_by, self.descending, self.line_width, more)

    def paint_head(self, y: int, width: int) -> list[Segment]:
        """Paint the headings, with the order's sign at the column sorted by."""
        look = self.look
        plain = look.palette.muted + Style(bold=True)
        chosen = look.palette.key
        sign = look.glyphs.down if self.descending else look.glyphs.up

        def heading(index: int, title: str) -> tuple[str, Style]:
            return (title + sign, chosen) if index == self.sorted_by else (title, plain)

        text, style = heading(_NAME_COLUMN, self.view[:-1])
        name_width = self._name_width(width)
        segments = [Segment(" " * _MARKS), Segment(look.left(text, name_width), style)]
        for index in self._shown(width):
            column = _COLUMNS[index]
            text, style = heading(index, column.title)
            segments += [Segment(" "), Segment(look.right(text, column.width), style)]
        return segments

    def paint_line(self, index: int, width: int) -> list[Segment]:
        """Paint one row."""
        row, look = self._sorted[index], self.look
        palette = look.palette
        failing = row.count > 0 and row.errors / row.count >= _FAILING_SHARE
        mark = look.glyphs.state["error"] if failing else " "
        segments = [
            Segment(" "),
            Segment(mark, palette.error),
            *self._named(row, self._name_width(width)),
        ]
        for at in self._shown(width):
            column = _COLUMNS[at]
            text, style = self._cell(row, at)
            segments += [Segment(" "), Segment(look.right(text, column.width), style)]
        spark = self._spark_width(width)
        if spark:
            bars = formats.sparkline(row.recent, spark, look.glyphs.bars) if row.recent else ""
            segments += [Segment(" "), Segment(look.left(bars, spark), palette.spark)]
        return segments

    def _told_name(self, row: LatencyRow) -> tuple[str, str]:
        """Give a name and, where others have the same, its region and account."""
        safe = self.look.safe
        places = [formats.short_region(row.region)] if row.name in self._elsewhere else []
        places += [row.account] if row.account else []
        return safe(row.name), safe("".join(f" {place}" for place in places))

    def _named(self, row: LatencyRow, width: int) -> list[Segment]:
        """Paint a name, with its place where others have the same."""
        look = self.look
        name, place = self._told_name(row)
        # Accounts are long, and tell most at their end.
        place = look.shortened(place, max(_PLACE_LEAST, width // 4))
        name = look.shortened_path(name, width - cell_len(place))
        rest = " " * (width - cell_len(name) - cell_len(place))
        return [
            Segment(name, look.palette.text),
            Segment(place, look.region_style(row.region)),
            Segment(rest),
        ]

    def _cell(self, row: LatencyRow, at: int) -> tuple[str, Style]:
        palette, nothing = self.look.palette, self.look.glyphs.nothing
        column = _COLUMNS[at]
        if column.title == "n":
            return formats.short_count(row.count), palette.text
        if column.title == "err":
            if not row.errors:
                return nothing, palette.faint
            return formats.short_count(row.errors), palette.error
        if column.title == "cold":
            if not row.cold:
                return nothing, palette.faint
            return formats.short_count(row.cold), palette.running
        if column.title == "/s":
            return formats.rate(row.rate), palette.running if row.rate else palette.faint
        value = column.value(row)
        if value is None:
            return self.look.glyphs.text(formats.UNKNOWN), palette.faint
        return formats.duration(value), palette.muted if column.title == "max" else palette.text

    def _shown(self, width: int) -> list[int]:
        least = min(width, _COLUMNS[0].needs)  # it never costs the number of samples
        return self._fitting(max(least, width - self._more_for_names(width)))

    def _fitting(self, room: int) -> list[int]:
        return [index for index, column in enumerate(_COLUMNS) if room >= column.needs]

    def _more_for_names(self, width: int) -> int:
        """Give the cells that columns of figures leave to names which would be cut otherwise."""
        if self.view == "edges":
            return _LONG_NAMES
        return _LONG_NAMES if self._longest > self._rest(width, self._fitting(width)) else 0

    def _name_width(self, width: int) -> int:
        most = _NAME_CAP + self._more_for_names(width)
        return max(_NAME_LEAST, min(most, self._rest(width, self._shown(width))))

    def _rest(self, width: int, shown: Sequence[int]) -> int:
        figures = sum(_COLUMNS[index].width + 1 for index in shown)
        return width - _MARKS - figures - (_SPARK_LEAST if _RATE in shown else 0)

    def _spark_width(self, width: int) -> int:
        if _RATE not in self._shown(width):
            return 0
        figures = sum(_COLUMNS[index].width + 1 for index in self._shown(width))
        return min(_SPARK_CAP, width - _MARKS - self._name_width(width) - figures - 1)
