"""`gammaray-tui replay`: recorded files in the screen, as they once came."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.graph_input import collect_files
from gammaray_tui.commands.screen import need_terminal, run_app
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.commands.reading import Queue
    from providers.files import FileSet


def replay(
    context: typer.Context,
    paths: options.Paths,
    speed: Annotated[
        str,
        typer.Option(
            "--speed", metavar="N|max", help="How many times faster than recorded; max: at once."
        ),
    ] = "1",
    theme: options.Theme = None,
    ascii_only: options.Ascii = None,
    config: options.ConfigFile = None,
) -> None:
    """Show recorded files in the screen, as they once came.

    Files: stream records (*.jsonl, also of `tail --json`), the original GammaRay's text dumps
    (*.new), X-Ray documents (*.xray).
    """
    factor = parse_speed(speed)
    given = options.Given(theme=theme, ascii_only=ascii_only, config=config).over(
        options.given_before(context).refuse_aws("replay")
    )
    files = collect_files(paths)
    need_terminal("gammaray-tui export")

    from gammaray_tui.app import GammarayApp
    from gammaray_tui.config import load_settings
    from gammaray_tui.watch import Watch

    settings = load_settings(given)
    title = paths[0].name + (f" +{len(paths) - 1}" if len(paths) > 1 else "")
    watch = Watch(title)
    app = GammarayApp(
        watch,
        title=title,
        read_only=True,
        theme=settings.theme,
        ascii_only=settings.ascii_only,
        sources=(lambda: _play(files, watch.queue, factor),),
    )
    asyncio.run(run_app(app))


async def _play(files: FileSet, queue: Queue, speed: float | None) -> None:
    # Imported behind the first frame: what it needs takes as long as the frame itself.
    await asyncio.to_thread(importlib.import_module, "providers.replay")
    from providers.replay import replay as play

    await play(files, queue, speed=speed)


def parse_speed(text: str) -> float | None:
    """Read a speed: a factor, or None for "max", which waits for nothing.

    Raises:
        UserError: it is neither.
    """
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise UserError(
            f'--speed is "{text}", which is no speed.',
            todo="Give a number above 0, such as 10 for ten times as fast, or max for at once.",
            kind="usage",
        )
    return factor
