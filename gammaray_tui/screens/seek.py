"""Where in a replay to go."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input

from causality.snapshot import Playback
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from widgets import formats
from widgets.look import Look

_UNITS_S: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SPAN: Final = re.compile(rf"([+-]?)((?:{_PART.pattern})+)")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")


class SeekScreen(Dialog[float]):
    """Asks for a place and gives it as epoch second."""

    TITLE_TEXT = "go to"
    KEYS_TEXT = "enter go · esc cancel"
    SAFE = "#place"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, look: Look, playback: Playback) -> None:
        super().__init__(look)
        self._playback = playback

    def content(self) -> ComposeResult:
        """Compose the form."""
        start, end = (
            formats.instant(at)[:19] for at in (self._playback.start_s, self._playback.end_s)
        )
        yield plain(f"The replay goes from {start} to {end} UTC.", classes="label")
        with Horizontal(classes="row gap"):
            yield plain("go to", classes="label")
            yield Input(placeholder="12:03:22   1m30s   +10s   -10s   50%", id="place")
        yield plain(
            "a clock's time (UTC), a time since the start, from here on or back, or a part",
            classes="label gap",
        )

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("go", "go", kind="go")

    @on(Input.Submitted, "#place")
    @on(Button.Pressed, "#go")
    def action_go(self) -> None:
        """Go there, if it can be read."""
        text = self.query_one("#place", Input).value
        try:
            place = place_of(text, self._playback)
        except ValueError as error:
            self.show_trouble(UserError(str(error)))
            self.query_one("#place", Input).focus()
            return
        self.dismiss(place)


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
