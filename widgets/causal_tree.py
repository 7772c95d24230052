"""The causal tree: which invocation caused which, as many lines as the graph has."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message

from causality.snapshot import NO_ROWS, NodeId, TreeRow, TreeRows
from widgets.line_list import LineList
from widgets.look import Look
from widgets.tree_columns import TreeColumns, tree_columns
from widgets.tree_line import (
    CELLS_A_LEVEL,
    FOLD_MARK_AT,
    LineContext,
    elapsed_s,
    paint_head,
    paint_heading,
    paint_note,
    paint_row,
)

_TICKS_A_SECOND = 2  # of the elapsed time of running invocations
_SCROLL_EVERY_S = 0.45  # faster following cannot be read
_LONGEST_CHAIN_WALK = 5000


class CausalTree(LineList):
    """The tree over a snapshot's rows.

    The cursor stays on its invocation while lines come and go above it. While the tree follows,
    the view keeps to the end and the cursor to the newest chain; moving or scrolling up ends
    that, and `G` takes it up again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "fold_or_parent", "fold, or to the cause", id="tree.left", show=False),
        Binding("l,right", "unfold_or_child", "unfold, or inside", id="tree.right", show=False),
        Binding("{", "chain(-1)", "previous chain", id="tree.previous-chain", show=False),
        Binding("}", "chain(1)", "next chain", id="tree.next-chain", show=False),
        Binding("enter", "open", "the invocation in full", id="tree.open", show=False),
        Binding("G,end", "last", "newest, and follow", id="tree.follow", show=False),
        Binding("b", "bookmark", "bookmark, or take it off", id="tree.bookmark", show=False),
        Binding("B", "next_bookmark", "next bookmark", id="tree.next-bookmark", show=False),
    ]

    MARKS_WHEN_BLURRED: ClassVar[bool] = True

    class Selected(Message):
        """The cursor came to stand on another invocation or call; None in an empty tree."""

        def __init__(self, node: NodeId | None) -> None:
            super().__init__()
            self.node = node

    class FoldAsked(Message):
        """The user wants the lines below an invocation hidden or shown."""

        def __init__(self, node: NodeId, folded: bool) -> None:
            super().__init__()
            self.node = node
            self.folded = folded

    class FollowChanged(Message):
        """The tree began or ceased to follow the newest lines."""

        def __init__(self, following: bool) -> None:
            super().__init__()
            self.following = following

    def __init__(
        self,
        look: Look,
        *,
        id: str | None = None,
        classes: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(look, id=id, classes=classes)
        self._rows: TreeRows = NO_ROWS
        self._revision = -1
        self._now_s = 0.0
        self._following = True
        self._selected: NodeId | None = None
        self._anchor: tuple[NodeId, int] | None = None  # (node above, lines from it to the cursor)
        self._scrolling = False
        self._end_wanted = False
        self._scrolled_at_s = float("-inf")
        self._monotonic = monotonic
        self._bookmarks: set[NodeId] = set()
        self._ticks = False

    # Data

    @property
    def following(self) -> bool:
        """Whether the view keeps to the newest lines."""
        return self._following

    @property
    def current(self) -> TreeRow | None:
        """The row under the cursor."""
        return self._rows.row(self.cursor) if self.cursor < len(self._rows) else None

    @property
    def selected(self) -> NodeId | None:
        """The invocation or call that the cursor stands on."""
        return self._selected

    @property
    def ticks(self) -> bool:
        """Whether a line on screen changes as time passes, as it was shown last."""
        return self._ticks

    def show_rows(self, rows: TreeRows, now_s: float) -> None:
        """Show these rows, at this time; cheap when nothing on screen changed."""
        changed = rows is not self._rows or rows.revision != self._revision
        offset_in_view = self.cursor - self.scroll_offset.y
        in_view = self.cursor in self.window
        self._rows, self._revision, self._now_s = rows, rows.revision, now_s
        to_end = self._following and (changed or self._end_wanted)
        due = to_end and self._monotonic() - self._scrolled_at_s >= _SCROLL_EVERY_S
        if changed and not due:  # until then lines stand still, whatever comes above them
            self._return_to_anchor(offset_in_view if in_view else None)
        self.lines_changed()
        self._end_wanted = to_end and not due
        if due:
            self._keep_to_end()
        self._remember()
        shown = (rows.row(index) for index in self.window)
        self._ticks = any(row.state == "running" and row.kind == "invocation" for row in shown)

    def _return_to_anchor(self, offset_in_view: int | None) -> None:
        if self._anchor is None:
            return
        node, below = self._anchor
        index = self._rows.index_of(node)
        if index is None:
            return
        index = min(index + below, len(self._rows) - 1)
        moved = index - self.cursor
        if moved:
            self.cursor = index
            top = self.scroll_offset.y + moved if offset_in_view is None else index - offset_in_view
            self.fit_lines()
            self._scroll_quietly(top)

    def _keep_to_end(self) -> None:
        self._scrolled_at_s = self._monotonic()
        self._scroll_quietly(self.max_scroll_y)
        self.move_to(self._newest_root(), by_user=False)

    def _newest_root(self) -> int:
        count = len(self._rows)
        lowest = max(0, count - max(1, len(self.window)))
        for index in range(count - 1, lowest - 1, -1):
            if self._rows.row(index).depth == 0:
                return index
        return max(0, count - 1)

    def _remember(self) -> None:
        """Note where the cursor stands, so that it is found again among other lines."""
        row = self.current
        if row is None:
            self._anchor = None
        elif row.kind != "link":
            self._anchor = (row.node, 0)
        else:  # a "see also" line has the name of another line: hold on to one above it
            above = self.cursor - 1
            while above > 0 and self._rows.row(above).kind == "link":
                above -= 1
            self._anchor = (self._rows.row(max(0, above)).node, self.cursor - max(0, above))
        node = row.node if row is not None else None
        if node != self._selected:
            self._selected = node
            self.post_message(self.Selected(node))

    # Cursor and follow

    def move_to(self, index: int, *, by_user: bool = True) -> None:
        """Put the cursor on a line; when the user does it, following ends."""
        if by_user:
            self.set_following(False)
        super().move_to(index, by_user=by_user)
        self._remember()

    def go_to(self, node: NodeId) -> bool:
        """Put the cursor on an invocation or call; False when it has no line now."""
        index = self._rows.index_of(node)
        if index is None:
            return False
        self.move_to(index)
        return True

    def set_following(self, following: bool) -> None:
        """Keep to the newest lines, or stay where the user is."""
        if following == self._following:
            return
        self._following = following
        self._end_wanted = following
        self.post_message(self.FollowChanged(following))

    def action_last(self) -> None:
        """Go to the newest lines and keep to them."""
        self.set_following(True)
        self._scrolled_at_s = float("-inf")
        self._keep_to_end()
        self._remember()

    def action_chain(self, direction: int) -> None:
        """Go to the root of the next or previous chain."""
        start = self.cursor + direction
        steps = range(start, len(self._rows)) if direction > 0 else range(start, -1, -1)
        for index in steps[:_LONGEST_CHAIN_WALK]:
            if self._rows.row(index).depth == 0:
                self.move_to(index)
                return

    def action_open(self) -> None:
        """Ask for the invocation in full; a "see also" line leads to its own line first.

        The heading of a group opens and closes it.
        """
        row = self.current
        if row is not None and row.kind == "link":
            self.go_to(row.node)
        elif row is not None and row.kind == "group":
            self.post_message(self.FoldAsked(row.node, not row.folded))
        elif row is not None and row.kind != "note":
            self.post_message(self.Chosen(self, self.cursor))

    def action_fold_or_parent(self) -> None:
        """Fold the invocation, or go to the one that caused it."""
        row = self.current
        if row is None:
            return
        if not row.folded and self._foldable(self.cursor, row):
            self.post_message(self.FoldAsked(row.node, True))
            return
        for index in range(self.cursor - 1, -1, -1)[:_LONGEST_CHAIN_WALK]:
            if self._rows.row(index).depth < row.depth:
                self.move_to(index)
                return

    def action_unfold_or_child(self) -> None:
        """Unfold the invocation, or go to the first that it caused."""
        row = self.current
        if row is None:
            return
        if row.folded:
            self.post_message(self.FoldAsked(row.node, False))
        elif self._foldable(self.cursor, row):
            self.move_to(self.cursor + 1)

    def action_bookmark(self) -> None:
        """Put a bookmark on the line, or take it off."""
        row = self.current
        if row is not None and row.kind != "group":
            self._bookmarks ^= {row.node}
            self.repaint_changed()

    def action_next_bookmark(self) -> None:
        """Go to the next line with a bookmark; after the last, to the first again."""
        found = sorted(
            index for node in self._bookmarks if (index := self._rows.index_of(node)) is not None
        )
        following = [index for index in found if index > self.cursor] or found
        if following:
            self.move_to(following[0])

    def hold_at_root(self) -> None:
        """Move the cursor to the root of its chain, so that folding all keeps it in sight."""
        if self._following:
            self._scrolled_at_s = float("-inf")  # what the user does is followed at once
        last = min(self.cursor, len(self._rows) - 1)
        for index in range(last, -1, -1)[:_LONGEST_CHAIN_WALK]:
            if self._rows.row(index).depth == 0:
                self.move_to(index, by_user=not self._following)
                return

    def on_resize(self) -> None:
        """Keep the newest lines in the window, or the cursor, whatever its new size."""
        super().on_resize()
        if self._following:
            self._scrolled_at_s = float("-inf")
            self._keep_to_end()
            self._remember()
        else:
            self.reveal(self.cursor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """End following when the user scrolls away from the end."""
        super().watch_scroll_y(old_value, new_value)
        if not self._scrolling and new_value < min(old_value, self.max_scroll_y):
            self.set_following(False)

    def _scroll_quietly(self, y: float) -> None:
        self._scrolling = True
        try:
            self.scroll_to(y=y, animate=False)
        finally:
            self._scrolling = False

    def line_clicked(self, index: int, x: int, *, again: bool) -> None:
        """Select the line; on the fold mark, fold or unfold."""
        row = self._rows.row(index)
        mark = FOLD_MARK_AT + CELLS_A_LEVEL * row.depth
        self.move_to(index)
        if abs(x - mark) <= 1 and self._foldable(index, row):
            self.post_message(self.FoldAsked(row.node, not row.folded))
        elif again:
            self.action_open()

    # Painting

    def line_count(self) -> int:
        """Give the number of visible rows."""
        return len(self._rows)

    def line_key(self, index: int) -> object:
        """Give the row, and the tick of the clock where the row shows one."""
        row = self._rows.row(index)
        elapsed = elapsed_s(row, self._now_s)
        tick = None if elapsed is None else int(elapsed * _TICKS_A_SECOND)
        return (row, tick, self._foldable(index, row), row.node in self._bookmarks)

    def paint_line(self, index: int, width: int) -> list[Segment]:
        """Paint one row."""
        row = self._rows.row(index)
        if row.kind == "group":
            return paint_heading(row, width, self.look)
        if row.kind == "note":
            return paint_note(row, width, self.look)
        context = LineContext(
            self._foldable(index, row), elapsed_s(row, self._now_s), row.node in self._bookmarks
        )
        return paint_row(row, context, self._columns(width), self.look)

    def head_key(self) -> object:
        """Give what decides the titles of the columns."""
        return self._columns(self.line_width)

    def paint_head(self, y: int, width: int) -> list[Segment]:
        """Paint the titles of the columns."""
        return paint_head(self._columns(width), self.look)

    def _columns(self, width: int) -> TreeColumns:
        return tree_columns(width, self.look.short_region_width, self.look.region_width)

    def _foldable(self, index: int, row: TreeRow) -> bool:
        if row.kind == "group":
            return True
        if row.kind != "invocation":
            return False
        if row.children or row.folded:
            return True
        following = index + 1
        return following < len(self._rows) and self._rows.row(following).depth > row.depth
