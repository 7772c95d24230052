"""The line of a replay: whether it plays, how fast, and where it is."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from causality.snapshot import Playback
from widgets import formats
from widgets.look import Look

_LEAST_TRACK = 8


class ReplayBar(Widget):
    """One line above the keys."""

    DEFAULT_CSS = """
    ReplayBar { height: 1; background: $panel-line; }
    """

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = look
        self._playback: Playback | None = None

    @property
    def state(self) -> str:
        """Whether it plays; "" before anything is known."""
        return "" if self._playback is None else self._playback.state

    def show_playback(self, playback: Playback) -> None:
        """Show this."""
        if playback != self._playback:
            self._playback = playback
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint the line (Textual's line interface)."""
        playback, width = self._playback, self.size.width
        if playback is None:
            return Strip.blank(width, self.rich_style)
        pieces = self._pieces(playback, width)
        strip = Strip(Segment(text, style) for text, style in pieces)
        return strip.adjust_cell_length(width).apply_style(self.rich_style)

    def _pieces(self, playback: Playback, width: int) -> list[tuple[str, Style]]:
        palette, glyphs = self._look.palette, self._look.glyphs
        word, style = {
            "playing": (f"{glyphs.mode['follow']} replay", palette.ok),
            "paused": (f"{glyphs.mode['paused']} paused", palette.warn),
            "seeking": (f"{glyphs.mode['hold']} seeking", palette.running),
            "ended": (f"{glyphs.mode['hold']} ended", palette.strong),
        }[playback.state]
        speed = "max" if playback.speed is None else f"{playback.speed:g}{glyphs.times}"
        passed_s = playback.position_s - playback.start_s
        whole_s = playback.end_s - playback.start_s
        at = formats.instant(playback.position_s)[11:21]
        place = f"{_minutes(passed_s)} / {_minutes(whole_s)}"
        left = [
            (f" {word:<9} ", style),
            (f"{speed:<5} ", palette.key),
            (f"{at} UTC  " if width >= 100 else "", palette.muted),
            (f"{place} ", palette.text),
        ]
        room = width - sum(cell_len(text) for text, _ in left) - 1
        if room < _LEAST_TRACK:
            return left
        done = min(room, round(room * passed_s / whole_s)) if whole_s > 0 else room
        return [
            *left,
            (glyphs.run * done, palette.running),
            (glyphs.wait * (room - done), palette.muted),
        ]


def _minutes(seconds: float) -> str:
    """Write a place on the tape: 0:01.5, 12:05, 1:02:03."""
    if seconds < 60:
        return f"0:{int(seconds * 10) / 10:04.1f}"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
