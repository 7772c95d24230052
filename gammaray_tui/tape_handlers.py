"""What the actions of recordings and replays do; each gets the application."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp
    from providers.replay import Player

_SKIP = 1 / 20  # of the whole replay


def record(app: GammarayApp) -> None:
    """Start to record, or stop it."""
    recording = app.recording
    if recording is None:
        played = "a replay is not recorded: it is one"
        counted = "no records are read here, so that there is nothing to record"
        app.notify(played if app.player is not None else counted, timeout=3)
        return
    path = recording.stop()
    if path is not None:
        app.notify(f"recorded to {path}", timeout=5, markup=False)
    else:
        app.notify(f"recording to {recording.start()}", timeout=5, markup=False)
    app.refresh_views()


def _player(app: GammarayApp) -> Player:
    if app.player is None:
        raise UserError("This is no replay.", todo="Start one: gammaray-tui replay FILE.")
    return app.player


def _change_speed(app: GammarayApp, step: int) -> None:
    _player(app).change_speed(step)
    app.refresh_views()


slower = functools.partial(_change_speed, step=-1)
faster = functools.partial(_change_speed, step=1)


def step_record(app: GammarayApp) -> None:
    """Stand still and give the next record."""
    _player(app).step("record")


def step_page(app: GammarayApp) -> None:
    """Stand still and give the next page, as it once arrived."""
    _player(app).step("page")


def _skip(app: GammarayApp, direction: int) -> None:
    player = _player(app)
    playback = player.playback()
    player.seek(playback.position_s + direction * _SKIP * (playback.end_s - playback.start_s))
    app.refresh_views()


skip_back = functools.partial(_skip, direction=-1)
skip_forward = functools.partial(_skip, direction=1)


async def seek(app: GammarayApp) -> None:
    """Ask where to go, and go there."""
    from gammaray_tui.screens.seek import SeekScreen

    player = _player(app)

    def go(at_s: float | None) -> None:
        if at_s is not None:
            player.seek(at_s)
            app.refresh_views()

    await app.push_screen(SeekScreen(app.look, player.playback()), go)
