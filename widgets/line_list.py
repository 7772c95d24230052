"""A list painted line by line: a fixed head, a cursor, a scrollbar, and as many lines as you like.

Only lines on screen are ever asked for, and after a change of the data only those whose content
differs from what was painted are painted again. That is what keeps a hundred thousand lines,
changing ten times a second, cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget

from widgets.look import Look


class LineList(ScrollView, can_focus=True, inherit_bindings=False):
    """Base of the tree, the tables and the lists of dialogs.

    A subclass gives `line_count`, `line_key` and `paint_line`, and calls `lines_changed` when
    its data changed. Every painted line is exactly as wide as `line_width` says.
    """

    DEFAULT_CSS = """
    LineList {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-color: $border-blurred;
        scrollbar-color-hover: $primary;
        scrollbar-color-active: $primary;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        background: transparent;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "step(1)", "down", id="list.down", show=False),
        Binding("k,up", "step(-1)", "up", id="list.up", show=False),
        Binding("ctrl+d", "half_page(1)", "half a page down", id="list.half-down", show=False),
        Binding("ctrl+u", "half_page(-1)", "half a page up", id="list.half-up", show=False),
        Binding("pagedown", "page(1)", "page down", id="list.page-down", show=False),
        Binding("pageup", "page(-1)", "page up", id="list.page-up", show=False),
        Binding("g,home", "first", "first line", id="list.first", show=False),
        Binding("G,end", "last", "last line", id="list.last", show=False),
    ]

    HEAD_LINES: ClassVar[int] = 1
    """Lines at the top that do not scroll."""

    MARKS_WHEN_BLURRED: ClassVar[bool] = False
    """Whether the cursor keeps its mark out of focus: it is a selection then."""

    GROWS: ClassVar[bool] = False
    """Whether the height follows the number of lines, as in dialogs; costs a layout each time."""

    class Moved(Message):
        """The user moved the cursor."""

        def __init__(self, lines: LineList, index: int) -> None:
            super().__init__()
            self.lines = lines
            self.index = index

        @property
        def control(self) -> LineList:
            """The list whose cursor moved."""
            return self.lines

    class Chosen(Message):
        """The user chose the line under the cursor, with Enter or a second click."""

        def __init__(self, lines: LineList, index: int) -> None:
            super().__init__()
            self.lines = lines
            self.index = index

        @property
        def control(self) -> LineList:
            """The list whose line was chosen."""
            return self.lines

    def __init__(
        self,
        look: Look,
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.look = look
        self.cursor = 0
        self._painted: dict[int, object] = {}
        self._ground = Style()
        self._bar_shown = (0, 0)
        self._head_painted: object = None

    # What subclasses give

    def line_count(self) -> int:
        """Give the number of lines."""
        raise LookupError("a list without lines")

    def line_key(self, index: int) -> object:
        """Give what decides how line `index` looks: when it changes, the line is painted."""
        raise LookupError(index)

    def paint_line(self, index: int, width: int) -> list[Segment]:
        """Paint line `index`, without the cursor, in about `width` cells."""
        raise LookupError(index)

    def head_key(self) -> object:
        """Give what decides how the head looks."""
        return None

    def paint_head(self, y: int, width: int) -> list[Segment]:
        """Paint line `y` of the head."""
        return []

    # The cursor

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor's line is marked at all; a list may mark it only in focus."""
        return True

    @property
    def window(self) -> range:
        """The lines that are on screen now."""
        top = self.scroll_offset.y
        height = max(0, self.scrollable_content_region.height - self.HEAD_LINES)
        return range(top, min(self.line_count(), top + height))

    @property
    def line_width(self) -> int:
        """Cells of a line, without the border and the scrollbar."""
        return self.scrollable_content_region.width

    def move_to(self, index: int, *, by_user: bool = True) -> None:
        """Put the cursor on a line (the nearest there is) and scroll it into view."""
        count = self.line_count()
        index = max(0, min(count - 1, index)) if count else 0
        before, self.cursor = self.cursor, index
        if by_user:
            self.reveal(index)
        if before != index:
            self.repaint_changed()
        if by_user and count:
            self.post_message(self.Moved(self, index))

    def reveal(self, index: int) -> None:
        """Scroll as little as needed to bring a line on screen."""
        height = self.scrollable_content_region.height - self.HEAD_LINES
        if height <= 0:
            return
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=index, animate=False)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False)

    def action_step(self, lines: int) -> None:
        """Move the cursor by some lines."""
        self.move_to(self.cursor + lines)

    def action_half_page(self, direction: int) -> None:
        """Move the cursor by half of what is on screen."""
        self.move_to(self.cursor + direction * max(1, len(self.window) // 2))

    def action_page(self, direction: int) -> None:
        """Move the cursor by what is on screen."""
        self.move_to(self.cursor + direction * max(1, len(self.window) - 1))

    def action_first(self) -> None:
        """Move the cursor to the first line."""
        self.move_to(0)

    def action_last(self) -> None:
        """Move the cursor to the last line."""
        self.move_to(self.line_count() - 1)

    # Painting

    def lines_changed(self) -> None:
        """Take up a change of the data: fix size and cursor, paint what looks different."""
        self.fit_lines()
        self.repaint_changed()

    def fit_lines(self) -> None:
        """Fix size and cursor after a change of the data, and paint nothing yet."""
        count = self.line_count()
        height = count + self.HEAD_LINES
        if self.virtual_size.height != height:
            # Assigning virtual_size would lay the whole screen out again. The scrollbar is
            # always there, so that nothing but its length depends on the number of lines.
            self.set_reactive(Widget.virtual_size, Size(0, height))
            if self.is_attached:
                bar = self.vertical_scrollbar
                if not self._bar_changes(height, self.scroll_y):
                    bar.set_reactive(ScrollBar.window_virtual_size, height)
                bar.window_virtual_size = height
                if self.scroll_y > self.max_scroll_y:
                    self.scroll_to(y=self.max_scroll_y, animate=False)
                if self.GROWS:
                    self.refresh(layout=True)
        if self.cursor >= count:
            self.cursor = max(0, count - 1)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paint what changed on screen: lines that others moved and that stand still do not."""
        if self.show_vertical_scrollbar:
            bar = self.vertical_scrollbar
            if not self._bar_changes(bar.window_virtual_size, new_value):
                bar.set_reactive(ScrollBar.position, bar.validate_position(new_value))
            bar.position = new_value
        if round(old_value) != round(new_value):
            self.repaint_changed()

    def _bar_changes(self, height: int, y: float) -> bool:
        """Say whether the scrollbar looks otherwise over so many lines, for it is painted whole.

        Its handle is drawn in eighths of a cell, each of which can stand for hundreds of lines.
        """
        size = self.size.height
        handle = max(1.0, size * size / max(1, height))
        place = y / max(1, height - size)
        look = (round(8 * handle), round(8 * (size - handle) * place))
        changes, self._bar_shown = look != self._bar_shown, look
        return changes

    def repaint_changed(self) -> None:
        """Paint those lines on screen that no longer look as they were painted."""
        if not self.is_attached:
            return
        width = self.size.width
        if self.HEAD_LINES and self.head_key() != self._head_painted:
            self.refresh(Region(0, 0, width, self.HEAD_LINES))
        top = self.scroll_offset.y
        height = self.scrollable_content_region.height
        count = self.line_count()
        dirty = [
            Region(0, y, width, 1)
            for y in range(self.HEAD_LINES, height)
            if self._painted.get(y) != self._painting_of(top + y - self.HEAD_LINES, count)
        ]
        if dirty:
            self.refresh(*dirty)

    def repaint_all(self) -> None:
        """Paint everything, as after a change of theme."""
        self._painted.clear()
        self.refresh()

    def _painting_of(self, index: int, count: int) -> object:
        if index >= count:
            return None
        return (index == self.cursor and self.shows_cursor, self.line_key(index))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint lines of the widget; they have their ground in common."""
        self._ground = self.rich_style  # which all that the widget stands in has a part in
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Paint line `y` of the widget (Textual's line interface)."""
        return self._render_line(y, self.line_width).apply_style(self._ground)

    def _render_line(self, y: int, width: int) -> Strip:
        if y < self.HEAD_LINES:
            self._head_painted = self.head_key()
            return Strip(self.paint_head(y, width)).adjust_cell_length(width)
        index = self.scroll_offset.y + y - self.HEAD_LINES
        count = self.line_count()
        self._painted[y] = self._painting_of(index, count)
        if index >= count:
            return Strip.blank(width)
        segments = self.paint_line(index, width)
        if index == self.cursor and self.shows_cursor:
            segments = self._with_cursor(segments)
            end_style = self._cursor_style
        else:
            end_style = None
        strip = Strip(segments)
        if strip.cell_length > width:
            kept = list(strip.crop(0, width - 1))
            style = kept[-1].style if kept else None
            strip = Strip([*kept, Segment(self.look.glyphs.ellipsis, style)])
        return strip.adjust_cell_length(width, end_style)

    @property
    def _cursor_style(self) -> Style:
        palette = self.look.palette
        return palette.cursor if self.has_focus else palette.blurred_cursor

    def _with_cursor(self, segments: Sequence[Segment]) -> list[Segment]:
        # Strip.apply_style would put the cursor under the segments' own styles.
        cursor = self._cursor_style
        marked = [
            Segment(text, cursor if style is None else style + cursor)
            for text, style, _ in segments
        ]
        if marked and marked[0].text[:1] == " " and (self.has_focus or self.MARKS_WHEN_BLURRED):
            mark = self.look.glyphs.cursor
            rest = Segment(marked[0].text[1:], marked[0].style)
            marked[:1] = [Segment(mark, self.look.palette.cursor_mark + cursor), rest]
        return marked

    # Events

    def on_focus(self) -> None:
        """Show the cursor as the one that keys move."""
        self.repaint_all()

    def on_blur(self) -> None:
        """Show the cursor as one that keys do not move."""
        self.repaint_all()

    def on_resize(self) -> None:
        """Keep the cursor in the window when the window was cut."""
        self.lines_changed()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a click on the cursor's line chooses it."""
        at = event.get_content_offset(self)
        if at is None:
            return
        if at.y < self.HEAD_LINES:
            self.head_clicked(at.x)
            return
        index = self.scroll_offset.y + at.y - self.HEAD_LINES
        if index < self.line_count():
            event.stop()
            self.line_clicked(index, at.x, again=event.chain > 1)

    def head_clicked(self, x: int) -> None:
        """Take a click on the head."""

    def line_clicked(self, index: int, x: int, *, again: bool) -> None:
        """Take a click on a line; `again` when it is the second of a double click."""
        self.move_to(index)
        if again:
            self.post_message(self.Chosen(self, index))
