"""From the live watch to a chain of an archive, in the same views, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp
    from gammaray_tui.model import Model
    from gammaray_tui.screens.main import MainScreen
    from providers.replay import Player


@dataclass(frozen=True, slots=True)
class ArchivePlaces:
    """Where the History screen finds archives.

    Attributes:
        watched: the archive that this watch is added to; "" for none.
        usual: the one that the configuration names.
        profile: of ~/.aws, for archives in S3.
        endpoint_url: instead of AWS's own.
        region: the first that is watched; Athena works there.
    """

    watched: str = ""
    usual: str = ""
    profile: str | None = None
    endpoint_url: str | None = None
    region: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """What the screen showed before the past was opened; its model is kept up to date."""

    model: Model
    main: MainScreen
    player: Player | None
    paused: bool
    calls_shown: bool


async def history(app: GammarayApp) -> None:
    """Ask an archive; from a chain that was opened there, go back to that."""
    from gammaray_tui.screens.history import HistoryScreen

    if app.live is not None:
        leave(app)
    else:
        await app.push_screen(HistoryScreen(app.look, app.archives))


async def show(app: GammarayApp, model: Model, node: str) -> None:
    """Show another model in a main screen of its own, over everything else.

    Args:
        app: whose model it stands for until `leave`.
        model: holds a chain of the past; nothing comes to it.
        node: the invocation that the cursor goes to.
    """
    from gammaray_tui.screens.main import MainScreen

    if app.live is None:
        app.live = Live(app.model, app.main, app.player, app.paused, app.calls_shown)
    app.model, app.main = model, MainScreen(app.look)
    app.player, app.paused, app.calls_shown = None, False, True
    await app.push_screen(app.main)
    app.refresh_views()
    app.main.go_to_node(node)
    app.main.show_hints()


def leave(app: GammarayApp) -> None:
    """Go back to what was there before; everything stands as it was left."""
    live, app.live = app.live, None
    if live is None:
        return
    app.model, app.main = live.model, live.main
    app.player, app.paused, app.calls_shown = live.player, live.paused, live.calls_shown
    app.pop_screen()
    app.refresh_views()
