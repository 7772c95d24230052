"""The waterfall: a chain in time, a line for each invocation and call; keys zoom and pan."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType

from causality.snapshot import NodeId, Span
from causality.waterfall import Waterfall, WaterfallRow
from widgets import formats
from widgets.glyphs import EVIDENCE_LETTERS
from widgets.line_list import LineList
from widgets.look import Look
from widgets.timeline import timeline

_FIGURE = 7
_NAME_LEAST, _NAME_CAP = 14, 40
_REGION_FROM = 110  # columns of the terminal; below, the region gives way
_DELAY_FROM = 90
_MARKS = 5  # cursor, on the critical path, state, spaces
_STEP = 0.2  # of what is in sight, for one step of panning
_ZOOM = 2.0
_CLOSEST_S = 0.0005


class WaterfallView(LineList):
    """Draws a chain; what is in sight of its time is the user's choice."""

    HEAD_LINES: ClassVar[int] = 2
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(1)", "zoom in", id="waterfall.in", show=False),
        Binding("minus", "zoom(-1)", "zoom out", id="waterfall.out", show=False),
        Binding("h,left", "pan(-1)", "earlier", id="waterfall.left", show=False),
        Binding("l,right", "pan(1)", "later", id="waterfall.right", show=False),
        Binding("0", "fit", "the whole chain", id="waterfall.fit", show=False),
        Binding("z", "zoom_to_row", "zoom to the line", id="waterfall.row", show=False),
        Binding("enter", "open", "go to it", id="waterfall.open", show=False),
    ]

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(look, id=id)
        self._waterfall: Waterfall | None = None
        self._window: tuple[float, float] | None = None  # start and length; None fits the chain

    @property
    def current(self) -> WaterfallRow | None:
        """The line under the cursor."""
        rows = self._rows
        return rows[self.cursor] if self.cursor < len(rows) else None

    @property
    def _rows(self) -> tuple[WaterfallRow, ...]:
        return self._waterfall.rows if self._waterfall is not None else ()

    def show_waterfall(self, waterfall: Waterfall, *, at: NodeId | None = None) -> None:
        """Show a chain; the cursor stays on its line, or goes to `at`."""
        current = self.current
        node = at if at is not None else current.node if current is not None else None
        self._waterfall = waterfall
        found = (index for index, row in enumerate(waterfall.rows) if row.node == node)
        index = next(found, self.cursor)
        self.lines_changed()
        if index != self.cursor:
            self.move_to(index, by_user=at is not None)

    @property
    def in_sight(self) -> tuple[float, float]:
        """Start and length of the time in sight, in seconds since the chain began."""
        if self._window is not None:
            return self._window
        length_s = self._waterfall.length_s if self._waterfall is not None else 0.0
        return (0.0, length_s or 1.0)

    # --- keys ---------------------------------------------------------------------------------

    def action_zoom(self, direction: int) -> None:
        """Show a shorter or longer time, around the start of the line under the cursor."""
        start_s, length_s = self.in_sight
        row = self.current
        around_s = start_s + length_s / 2
        began_s = row.offset_s if row is not None else None
        if began_s is not None and start_s <= began_s <= start_s + length_s:
            around_s = began_s
        factor = _ZOOM**-direction
        wanted_s = max(_CLOSEST_S, length_s * factor)
        self._show(around_s - (around_s - start_s) * wanted_s / length_s, wanted_s)

    def action_pan(self, direction: int) -> None:
        """Show an earlier or a later time."""
        start_s, length_s = self.in_sight
        self._show(start_s + direction * _STEP * length_s, length_s)

    def action_fit(self) -> None:
        """Show the whole chain."""
        self._window = None
        self.repaint_all()

    def action_zoom_to_row(self) -> None:
        """Show the time of the line under the cursor, with a little around it."""
        row = self.current
        if row is None or not row.spans:
            return
        start_s = min(span.start_s for span in row.spans)
        length_s = max(_CLOSEST_S, max(span.end_s for span in row.spans) - start_s)
        self._show(start_s - length_s / 10, length_s * 1.2)

    def action_open(self) -> None:
        """Tell that the line under the cursor was chosen."""
        if self._rows:
            self.post_message(self.Chosen(self, self.cursor))

    def _show(self, start_s: float, length_s: float) -> None:
        whole_s = self._waterfall.length_s if self._waterfall is not None else 0.0
        if length_s >= whole_s:
            self._window = None
        else:
            self._window = (min(max(0.0, start_s), whole_s - length_s), length_s)
        self.repaint_all()

    # --- painting -----------------------------------------------------------------------------

    def line_count(self) -> int:
        """Give the number of lines."""
        return len(self._rows)

    def line_key(self, index: int) -> object:
        """Give what decides how a line looks."""
        return (self._rows[index], self.in_sight)

    def paint_line(self, index: int, width: int) -> list[Segment]:
        """Paint one line."""
        row, look = self._rows[index], self.look
        palette, glyphs = look.palette, look.glyphs
        name_width, bar = self._layout(width)
        failed = row.state in ("error", "timeout", "throttled")
        state = palette.state(row.state)
        indent = "  " * min(row.depth, name_width // 4)
        name = indent + look.shortened(look.safe(row.name), name_width - 1 - len(indent))
        style = palette.muted if row.is_call else palette.text
        if row.is_call:
            mark = f"{glyphs.state['error']} " if failed else "  "
        else:
            mark = f"{glyphs.state[row.state]} "
        segments = [
            Segment(" "),
            Segment(glyphs.critical if row.critical else " ", palette.key),
            Segment(" "),
            Segment(mark, state if not row.is_call or failed else palette.muted),
            Segment(look.left(name, name_width - 1) + " ", palette.error if failed else style),
        ]
        if self._shows_region:
            region = look.left(look.safe(formats.short_region(row.region)), self._region - 1)
            segments.append(Segment(f"{region} ", look.region_style(row.region)))
        segments += self._bar(row.spans, bar, state if not row.is_call else palette.muted)
        if self._shows_delay:
            delay = "" if row.delay_s is None else formats.offset(max(0.0, row.delay_s))
            segments.append(Segment(look.right(glyphs.text(delay), _FIGURE), palette.muted))
            grade = EVIDENCE_LETTERS[row.evidence] if row.evidence is not None else " "
            doubt = palette.warn if row.evidence == "ambiguous" else palette.muted
            segments.append(Segment(f" {grade}", doubt))
        took = formats.duration(row.duration_s) if row.duration_s is not None else ""
        if row.state == "running":
            took = glyphs.ellipsis
        segments.append(Segment(look.right(took, _FIGURE), palette.error if failed else style))
        return segments

    def head_key(self) -> object:
        """Give what decides how the head looks."""
        return (self.in_sight, self._waterfall, self.line_width)

    def paint_head(self, y: int, width: int) -> list[Segment]:
        """Paint the scale, then the critical path."""
        look, palette = self.look, self.look.palette
        name_width, bar = self._layout(width)
        before = _MARKS + name_width + (self._region if self._shows_region else 0)
        if y == 0:
            after = "  delay  " if self._shows_delay else ""
            return [
                Segment(" " * before),
                *self._scale(bar),
                Segment(f"{after}{'took':>{_FIGURE}}", palette.muted),
            ]
        title = look.left(f" {look.glyphs.critical} critical path", before)
        waterfall = self._waterfall
        if waterfall is None:
            return [Segment(title, palette.key)]
        line = self._bar(waterfall.path, bar, palette.key)
        latency = formats.duration(waterfall.latency_s)
        after = " " * (_FIGURE + 2) if self._shows_delay else ""
        return [
            Segment(title, palette.key),
            *line,
            Segment(after + look.right(latency, _FIGURE), palette.key),
        ]

    def _bar(self, spans: tuple[Span, ...], width: int, run: Style) -> list[Segment]:
        start_s, length_s = self.in_sight
        look = self.look
        return timeline(spans, length_s, width, look.glyphs, look.palette, run, from_s=start_s)

    def _scale(self, width: int) -> list[Segment]:
        """Paint times, and over them what was done then."""
        start_s, length_s = self.in_sight
        text, palette = self._times(width), self.look.palette
        marks = self._waterfall.marks if self._waterfall is not None else ()
        pieces: list[Segment] = []
        at = 0
        for mark in marks:
            place = int(width * (mark.offset_s - start_s) / length_s)
            sign = f"{self.look.glyphs.down}{self.look.safe(mark.kind)}"
            if at <= place and place + cell_len(sign) <= width and mark.offset_s >= 0:
                pieces += [Segment(text[at:place], palette.muted), Segment(sign, palette.key)]
                at = place + cell_len(sign)
        return [*pieces, Segment(text[at:], palette.muted)]

    def _times(self, width: int) -> str:
        start_s, length_s = self.in_sight
        ticks = max(1, min(4, width // 16))
        text = ""
        for tick in range(ticks):
            at = width * tick // ticks
            label = formats.duration(start_s + length_s * tick / ticks)
            text = text.ljust(at)[:at] + label
        end = formats.duration(start_s + length_s)
        return text.ljust(width)[: max(0, width - len(end) - 1)].ljust(width - len(end)) + end

    @property
    def _shows_region(self) -> bool:
        return self.line_width >= _REGION_FROM

    @property
    def _region(self) -> int:
        return self.look.short_region_width + 1

    @property
    def _shows_delay(self) -> bool:
        return self.line_width >= _DELAY_FROM

    def _layout(self, width: int) -> tuple[int, int]:
        """Give the cells of the names and of the bars."""
        deepest = max((2 * row.depth + len(row.name) for row in self._rows), default=0)
        name = max(_NAME_LEAST, min(deepest + 1, _NAME_CAP, width // 3))
        rest = width - _MARKS - name - _FIGURE
        rest -= self._region if self._shows_region else 0
        rest -= _FIGURE + 2 if self._shows_delay else 0
        return name, max(0, rest)
