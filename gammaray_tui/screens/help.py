"""Keys and signs, made from the registry of actions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import TypeAlias

from rich.cells import cell_len
from rich.style import Style
from textual.app import ComposeResult

from causality.snapshot import Evidence
from gammaray_tui.actions import ACTIONS, GROUPS, Group
from gammaray_tui.keymap import Keymap
from gammaray_tui.screens.dialog import Dialog
from widgets.glyphs import EVIDENCE_LETTERS, STATE_WORDS
from widgets.growing_list import GrowingList
from widgets.look import Look
from widgets.painted_list import pieces_item

_KEYS = 12
_TEXT = 35
_COLUMN = _KEYS + _TEXT
_EVIDENCE: dict[Evidence, str] = {
    "exact": "an id that AWS gave proves it",
    "content": "the content proves it",
    "order": "the order in time suggests it",
    "ambiguous": "several calls could be meant",
}
_WORDS = 24
_FILTERS = (
    ("checkout", "any name or id with it"),
    ("function:Image*", "also region request"),
    ("operation:PutItem", "also service resource"),
    ("key:d1.jpg", "also trace error"),
    ("error  cold  running", "also ok timeout retry"),
    ("duration>200ms", "also init delay calls"),
    ("ambiguous  order", "also exact content"),
    ("-cold", "what does not fit"),
)
_Line: TypeAlias = list[tuple[str, Style]]


class HelpScreen(Dialog[None]):
    """All keys, grouped, and what the signs mean; in two columns where there is room."""

    TITLE_TEXT = "keys and signs"
    KEYS_TEXT = "↑ ↓ scroll · esc close"
    WIDE = True
    SAFE = "#help"
    DEFAULT_CSS = """
    HelpScreen {
        #help, #help:focus { max-height: 100%; background: $surface; }
        #buttons { display: none; }
    }
    """

    def __init__(
        self,
        look: Look,
        keymap: Keymap,
        *,
        can_operate: bool,
        replaying: bool = False,
        first: Group | None = None,
    ) -> None:
        super().__init__(look)
        self._keymap = keymap
        self._can_operate = can_operate
        self._replaying = replaying
        self._first = first

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield GrowingList(self.look, id="help")

    def on_mount(self) -> None:
        """Show it."""
        super().on_mount()
        self.on_resize()

    def on_resize(self) -> None:
        """Use the room that there is."""
        blocks = [*self._keys(), self._filters(), *self._signs()]
        width, height = self.app.size
        self.query_one(GrowingList).styles.max_height = max(5, height * 92 // 100 - 4)
        if width < 2 * _COLUMN + 12:
            lines = [line for block in blocks for line in block]
        else:
            lines = _side_by_side(blocks)
        self.query_one(GrowingList).show_items([pieces_item(line) for line in lines])

    def _keys(self) -> Iterable[list[_Line]]:
        palette = self.look.palette
        # A stable sort: the rest stays as it is.
        for group in sorted(GROUPS, key=lambda group: group != self._first):
            block: list[_Line] = [[(group, palette.strong)]]
            for action in ACTIONS:
                offered = action.is_offered(
                    can_operate=self._can_operate, replaying=self._replaying
                )
                if action.group != group or not offered:
                    continue
                keys = self.look.glyphs.text(self._keymap.shown(action))
                block.append(
                    [
                        (f"{keys:<{_KEYS - 1}} ", palette.key),
                        (self.look.cut(action.text, _TEXT), palette.text),
                    ]
                )
            if len(block) > 1:
                block.append([])
                yield block

    def _filters(self) -> list[_Line]:
        palette = self.look.palette
        lines: list[_Line] = [[("Filters, joined by spaces", palette.strong)]]
        for words, meaning in _FILTERS:
            lines.append([(f"{words:<{_WORDS - 1}} ", palette.key), (meaning, palette.text)])
        return [*lines, []]

    def _signs(self) -> Iterable[list[_Line]]:
        palette, glyphs = self.look.palette, self.look.glyphs
        states: list[_Line] = [[("States", palette.strong)]]
        for state, word in STATE_WORDS.items():
            sign = f"{glyphs.state[state]:<{_KEYS - 1}} "
            states.append([(sign, palette.state(state)), (word, palette.text)])
        states.append(
            [(f"{glyphs.cold:<{_KEYS - 1}} ", palette.running), ("cold start", palette.text)]
        )
        yield [*states, []]
        evidence: list[_Line] = [[("Evidence of an edge", palette.strong)]]
        for grade, meaning in _EVIDENCE.items():
            rail = glyphs.branch + 2 * glyphs.evidence_rail[grade]
            sign = f"{EVIDENCE_LETTERS[grade]}  {rail:<{_KEYS - 4}} "
            evidence.append([(sign, palette.muted), (f"{grade}: {meaning}", palette.text)])
        yield [*evidence, []]
        bars: list[_Line] = [[("Time line", palette.strong)]]
        for sign, meaning in (
            (glyphs.wait, "triggered, waiting to start"),
            (glyphs.init, "cold start's init"),
            (glyphs.run, "ran"),
            (glyphs.running, "still running"),
        ):
            bars.append([(f"{sign * 3:<{_KEYS - 1}} ", palette.running), (meaning, palette.text)])
        yield bars


def _side_by_side(blocks: list[list[_Line]]) -> list[_Line]:
    """Put blocks into two columns of about the same height."""
    total = sum(len(block) for block in blocks)
    left: list[_Line] = []
    right: list[_Line] = []
    for block in blocks:
        if len(left) + len(block) // 2 <= total // 2 and not right:
            left += block
        else:
            right += block
    lines = []
    nothing: _Line = []
    for one, other in zip_longest(left, right, fillvalue=nothing):
        cells = sum(cell_len(text) for text, _ in one)
        lines.append([*one, (" " * max(2, _COLUMN + 3 - cells), Style()), *other])
    return lines
