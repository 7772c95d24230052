"""Everything that the user should know of: orphans, gaps, unreadable records and the like."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from causality.snapshot import NodeId, ProblemRow, Snapshot
from gammaray_tui.screens.dialog import Dialog
from widgets import formats
from widgets.growing_list import GrowingList
from widgets.line_list import LineList
from widgets.look import Look
from widgets.painted_list import Item, pieces_item

_KIND = 16


class ProblemsScreen(Dialog[NodeId]):
    """The problems, newest last; Enter goes to the invocation that one is about."""

    TITLE_TEXT = "problems"
    KEYS_TEXT = "enter go to it · esc close"
    WIDE = True
    SAFE = "#problems"

    def __init__(self, look: Look, snapshot: Snapshot) -> None:
        super().__init__(look)
        self._shown: list[ProblemRow] | None = None
        self._snapshot = snapshot
        self._list = GrowingList(look, picks=True, id="problems")

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self._list

    def on_mount(self) -> None:
        """Show the problems."""
        super().on_mount()
        self.show_snapshot(self._snapshot)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the problems of a snapshot."""
        problems = list(snapshot.problems)
        if problems == self._shown:
            return
        self._shown = problems
        none = pieces_item(
            [("No problems: all that was read fits together.", self.look.palette.ok)]
        )
        items = [self._item(problem) for problem in problems] or [none]
        self._list.show_items(items)

    def _item(self, problem: ProblemRow) -> Item:
        look = self.look
        palette = look.palette
        return pieces_item(
            [
                (f" {look.glyphs.text(formats.clock(problem.at_s)):<8}", palette.muted),
                (look.left(look.safe(problem.kind), _KIND) + " ", palette.warn),
                (look.safe(problem.text), palette.text),
            ],
            problem.text,
            problem.node,
        )

    @on(LineList.Chosen)
    def _picked(self, event: LineList.Chosen) -> None:
        node = self._list.items[event.index].node
        if node is not None:
            self.dismiss(node)
