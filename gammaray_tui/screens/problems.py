"""Everything that the user should know of: orphans, gaps, unreadable records and the like."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from causality.snapshot import NodeId, ProblemRow, Snapshot
from gammaray_tui import screen_keys
from gammaray_tui.actions import BY_ID
from gammaray_tui.screens.dialog import Dialog, plain
from widgets import formats
from widgets.growing_list import GrowingList
from widgets.header_bar import problem_counts
from widgets.line_list import LineList
from widgets.look import Look
from widgets.painted_list import Item, pieces_item

_KIND = 16


class ProblemsScreen(Dialog[NodeId]):
    """The problems, newest last; Enter goes to the invocation that one is about."""

    TITLE_TEXT = "problems"
    KEYS_TEXT = "enter go to it · y copy · esc close"
    WIDE = True
    SAFE = "#problems"
    DEFAULT_CSS = """
    ProblemsScreen #problems { max-height: 45vh; }
    ProblemsScreen #whole { height: auto; max-height: 5; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.COPY]

    def __init__(self, look: Look, snapshot: Snapshot) -> None:
        super().__init__(look)
        self._shown: object = None  # what the list was made of
        self._snapshot = snapshot
        self._list = GrowingList(look, picks=True, id="problems")

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield plain("", id="counts", classes="label")
        yield self._list
        yield plain("", id="whole")

    def on_mount(self) -> None:
        """Show the problems."""
        super().on_mount()
        self.show_snapshot(self._snapshot)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the problems of a snapshot."""
        self._snapshot = snapshot
        if not self.query("#counts"):
            return  # not composed yet: mounting shows it
        problems = list(snapshot.problems)
        shown = (problems, snapshot.header.problem_kinds, snapshot.after_s)
        if shown == self._shown:
            return
        self._shown = shown
        self.query_one("#counts", Static).update(Content(self._counts(snapshot)))
        items = [self._item(problem) for problem in problems]
        if not snapshot.header.problems:
            items = self._nothing()
        self._list.show_items(items)
        self._show_whole()

    def _nothing(self) -> list[Item]:
        """Say so, and where that is told which nobody should miss here: what failed by itself."""
        palette, keys = self.look.palette, self.gammaray.keymap.shown(BY_ID["next-error"])
        errors = f"Errors of functions: {keys} in the tree goes to them."
        return [
            pieces_item([("No problems: all that was read fits together.", palette.ok)]),
            pieces_item([(errors, palette.muted)]),
        ]

    @on(LineList.Moved)
    def _show_whole(self) -> None:
        """Show the problem under the cursor in full: its line may be cut."""
        self.query_one("#whole", Static).update(Content(self.look.safe(self.copied())))

    def copied(self) -> str:
        """Give the problem under the cursor."""
        items, at = self._list.items, self._list.cursor
        return items[at].value if at < len(items) else ""

    def _counts(self, snapshot: Snapshot) -> str:
        """Say how many there are of each kind, and how many of all fit the filter."""
        header = snapshot.header
        text = problem_counts(header.problem_kinds, self.look)
        left_out = header.problems - len(snapshot.problems)
        if left_out > 0:
            text += f"; {formats.count(left_out)} of them do not fit the filter"
        if text and snapshot.after_s is not None:
            text += f"; also of chains that began before {formats.clock(snapshot.after_s)}"
        return text

    def _item(self, problem: ProblemRow) -> Item:
        look = self.look
        palette = look.palette
        return pieces_item(
            [
                (f" {look.glyphs.text(formats.clock(problem.at_s)):<9}", palette.muted),
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
        elif self._snapshot.problems:
            self.app.notify("this one is about no single invocation", timeout=3)
