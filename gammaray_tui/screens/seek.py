"""Where in a replay to go."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from textual.app import ComposeResult

from causality.snapshot import Playback
from gammaray_tui.screens.dialog import plain
from gammaray_tui.screens.question import Question
from providers.errors import UserError
from widgets import formats
from widgets.look import Look

_UNITS_S: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SPAN: Final = re.compile(rf"([+-]?)((?:{_PART.pattern})+)")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")


class SeekScreen(Question[float]):
    """Asks for a place and gives it as epoch second."""

    DEFAULT_CSS = "SeekScreen #range { margin-bottom: 1; }"
    TITLE_TEXT = "go to"
    KEYS_TEXT = "enter go · esc cancel"
    LABEL = "go to"
    EXAMPLE = "12:03:22   1m30s   +10s   -10s   50%"
    NOTE = "a clock's time (UTC), a time since the start, from here on or back, or a part"

    def __init__(self, look: Look, playback: Playback) -> None:
        super().__init__(look)
        self._playback = playback

    def content(self) -> ComposeResult:
        """Compose the form below what there is to choose from."""
        start, end = (
            formats.instant(at)[:19] for at in (self._playback.start_s, self._playback.end_s)
        )
        text = f"The replay goes from {start} to {end} UTC."
        yield plain(text, id="range", classes="label")
        yield from super().content()

    def answer(self, line: str) -> float:
        """Read the place."""
        try:
            return place_of(line, self._playback)
        except ValueError as error:
            raise UserError(str(error)) from error


def place_of(text: str, playback: Playback) -> float:
    """Read a place: "12:03:22", an ISO time, "1m30s", "+10s", "-10s", "50%"; UTC throughout.

    Raises:
        ValueError: it is none of these; the message says so.
    """
    wanted = text.strip().lower().replace(" ", "")
    if span := _SPAN.fullmatch(wanted):
        seconds = sum(float(n) * _UNITS_S[unit] for n, unit in _PART.findall(span[2]))
        if span[1]:
            return playback.position_s + (seconds if span[1] == "+" else -seconds)
        return playback.start_s + seconds
    if wanted.endswith("%") and re.fullmatch(r"\d+(\.\d+)?", wanted[:-1]):
        part = float(wanted[:-1]) / 100
        return playback.start_s + part * (playback.end_s - playback.start_s)
    if clock := _CLOCK.fullmatch(wanted):
        hours, minutes, seconds = int(clock[1]), int(clock[2]), float(clock[3] or 0)
        if hours < 24 and minutes < 60 and seconds < 60:
            midnight_s = playback.start_s // 86400 * 86400
            at_s = midnight_s + hours * 3600 + minutes * 60 + seconds
            # Past midnight, a clock's time of the second day is meant.
            return at_s if at_s >= playback.start_s - 1 else at_s + 86400
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f'"{text}" is no place: give 12:03:22, 1m30s, +10s, -10s or 50%.'
        ) from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
