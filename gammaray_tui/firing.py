"""Firing from the screen: what was fired is followed until its chains are complete."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp
    from gammaray_tui.model import Followed
    from gammaray_tui.screens.fire import Shot

_LOOK_EVERY_S, _LOOKS = 0.5, 240  # at the chains of a firing, and how often at most


async def fire_and_follow(app: GammarayApp, shot: Shot) -> None:
    """Fire, mark the roots that come of it, and tell in the end how it went.

    Where some of the firings failed, it is told how many and why; the others are followed.

    Raises:
        UserError: all of them failed.
    """
    operations = app.need_operations()
    app.main.begin("Firing")
    if app.before_firing is not None:
        app.before_firing()
    # Before anything is sent: what comes of it is compared with what was before.
    app.watched.mark("fired", f"{shot.application} × {shot.count}")
    try:
        fired = await operations.fire(
            shot.application, shot.count, app.report, rate=shot.rate, payload=shot.payload
        )
    finally:
        app.main.begin("Firing")  # what became of it is told below, or in the error
    if fired.errors:
        app.show_error(
            UserError(
                f"{len(fired.errors)} of {shot.count} firings of {fired.application} failed: "
                f"{fired.errors[0]}",
                on=app.account_name,
                todo="See whether the application is deployed (i), then fire again (F).",
                kind="fire-failed",
            )
        )
    app.notify(f"fired {fired.application} × {len(fired.request_ids)}", timeout=3)
    await _follow(app, app.watched.follow(fired))


async def _follow(app: GammarayApp, followed: Followed) -> None:
    summary = followed.look()
    for _ in range(_LOOKS):
        if summary.complete:
            break
        await asyncio.sleep(_LOOK_EVERY_S)
        summary = followed.look()
    app.refresh_views()
    text = summary.text if summary.complete else f"{summary.text}; not complete yet"
    app.notify(text, severity="error" if summary.failed else "information", markup=False)
