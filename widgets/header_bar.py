"""The top line: what is watched, how reading goes, how much comes, and the mode."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from causality.snapshot import Header, Mode, RegionState
from widgets import formats
from widgets.glyphs import MODE_WORDS
from widgets.look import Look

_FIGURES_EVERY_S = 1.0  # lag and rate change all the time; nobody reads them faster
_PHASE_WORDS = {
    "connecting": "connecting",
    "live": "live",
    "retrying": "retry",
    "down": "down",
    "ended": "ended",
}
_SPARK = 10
_Pieces = list[tuple[str, Style]]


class HeaderBar(Widget):
    """One line; repainted when a state changes, and for mere figures once a second at most."""

    DEFAULT_CSS = """
    HeaderBar { height: 1; background: $panel-line; }
    """

    def __init__(
        self,
        look: Look,
        *,
        id: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(id=id)
        self._look = look
        self._header = Header(title="")
        self._mode: Mode = "follow"
        self._monotonic = monotonic
        self._figures_at_s = float("-inf")
        self._line: _Pieces = []

    def show_header(self, header: Header, mode: Mode) -> None:
        """Show this, unless it says the same, or only figures changed a moment ago."""
        states = _states(header), mode
        same_states = states == (_states(self._header), self._mode)
        now = self._monotonic()
        if same_states and now - self._figures_at_s < _FIGURES_EVERY_S:
            return
        self._header, self._mode = header, mode
        self._figures_at_s = now
        line = self._pieces(self.size.width)
        if line != self._line:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint the line (Textual's line interface)."""
        width = self.size.width
        self._line = self._pieces(width)
        strip = Strip(Segment(text, style) for text, style in self._line)
        return strip.adjust_cell_length(width).apply_style(self.rich_style)

    def _pieces(self, width: int) -> _Pieces:
        right = self._right(width, kinds=True)
        if _cells(self._left("full", words=True, brand=width >= 100)) + _cells(right) + 2 > width:
            right = self._right(width, kinds=False)
        room = width - _cells(right) - 2
        for names, words in (("full", True), ("full", False), ("short", False), ("signs", False)):
            left = self._left(names, words=words, brand=width >= 100)
            if _cells(left) <= room:
                break
        spare = width - _cells(left) - _cells(right)
        if spare < 0:
            left, spare = [(self._look.cut(_text(left), room), self._look.palette.text)], 2
        return [*left, (" " * spare, self._look.palette.text), *right]

    def _left(self, names: str, *, words: bool, brand: bool) -> _Pieces:
        look = self._look
        palette, header = look.palette, self._header
        pieces = [(f" {look.glyphs.brand} ", palette.brand)]
        if brand:
            pieces.append(("gammaray ", palette.brand))
        pieces.append((look.safe(header.title), palette.strong))
        for state in header.regions:
            pieces += self._region(state, names, words=words)
        return pieces

    def _region(self, state: RegionState, names: str, *, words: bool) -> _Pieces:
        look = self._look
        palette = look.palette
        sign_style = {
            "live": palette.ok,
            "retrying": palette.warn,
            "down": palette.error,
        }.get(state.phase, palette.muted)
        pieces = [(f"  {look.glyphs.region[state.phase]}", sign_style)]
        if names != "signs":
            name = state.region if names == "full" else formats.short_region(state.region)
            pieces.append((f" {look.safe(name)}", look.region_style(state.region)))
        if words or state.phase != "live":
            pieces.append((f" {_PHASE_WORDS[state.phase]}", sign_style))
        if state.phase == "retrying" and state.retry_in_s is not None:
            pieces.append((f" {state.retry_in_s:.0f}s", palette.warn))
        elif state.phase == "live" and state.lag_s is not None and names != "signs":
            pieces.append((f" {formats.lag(state.lag_s)}", palette.text))
        return pieces

    def _right(self, width: int, *, kinds: bool) -> _Pieces:
        look, header = self._look, self._header
        palette = look.palette
        pieces: _Pieces = []
        if header.problems:
            text = formats.plural(header.problems, "problem")
            if width < 100:
                text = f"! {header.problems}"
            if kinds and header.problem_kinds:
                text += ": " + problem_counts(header.problem_kinds, look)
            pieces.append((f"{text}  ", palette.warn))
        if header.recording:
            name = look.safe(header.recording) if width >= 160 else ""
            pieces.append(
                (f"{look.glyphs.region['live']} REC {name}".rstrip() + "  ", palette.error)
            )
        if width >= 160 and header.running:
            pieces.append((f"{formats.count(header.running)} running  ", palette.running))
        if self._mode != "history":  # nothing comes there
            pieces.append((f"{formats.rate(header.rate)} {header.unit}/s ", palette.text))
        if width >= 100 and self._mode != "history":
            size = 2 * _SPARK if width >= 160 else _SPARK
            bars = formats.sparkline(header.recent, size, look.glyphs.bars)
            pieces.append((bars, palette.spark))
        sign = look.glyphs.mode[self._mode]
        text = f" {sign} {MODE_WORDS[self._mode]}"
        if self._mode == "paused":
            new = header.new_while_paused
            text += f" +{formats.count(new)} " if new else " "
            pieces += [(" ", palette.text), (text, palette.warn_badge)]
        else:
            pieces.append((f" {text} ", palette.key))
        return pieces


def problem_counts(kinds: Iterable[tuple[str, int]], look: Look) -> str:
    """Say how many problems of each kind there are."""
    return ", ".join(f"{formats.count(count)} {look.safe(kind)}" for kind, count in kinds)


def _states(header: Header) -> tuple[object, ...]:
    phases = tuple((state.region, state.phase) for state in header.regions)
    return header.title, phases, header.problem_kinds, header.new_while_paused, header.recording


def _cells(pieces: _Pieces) -> int:
    return cell_len(_text(pieces))


def _text(pieces: _Pieces) -> str:
    return "".join(text for text, _ in pieces)
