"""`gammaray-tui serve`: the same screen in a browser of this machine."""

from __future__ import annotations

import shlex
import sys
import webbrowser
from typing import Annotated

import typer

from gammaray_tui.commands.output import say
from providers.errors import UserError

_SCREENS = ("demo", "replay")


def serve(
    context: typer.Context,
    port: Annotated[
        int, typer.Option("--port", help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
) -> None:
    """Show the screen in a browser, on 127.0.0.1 only.

    Whoever has the link that is printed can see it. What follows is the command to show:
    gammaray-tui serve demo, or gammaray-tui serve -- --profile testuser. Each page that is opened
    runs its own.
    """
    given = context.args
    if given and not given[0].startswith("-") and given[0] not in _SCREENS:
        raise UserError(
            f"`{given[0]}` has no screen to show.",
            todo="Serve `demo`, `replay FILE...`, or -- followed by the options of a watch.",
            kind="usage",
        )
    try:
        from gammaray_tui.web import WebServer
    except ModuleNotFoundError as error:
        raise UserError(
            f"Serving needs a package that is not installed: {error.name}.",
            todo='Install it with: pip install "gammaray-tui[web]"',
            kind="missing-extra",
        ) from error
    server = WebServer(shlex.join([sys.executable, "-m", "gammaray_tui", *given]), port)
    say(f"gammaray-tui serves {server.link} until Ctrl-C. Whoever has this link has the screen.")
    if open_browser:
        webbrowser.open(server.link)
    server.run()
