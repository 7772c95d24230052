"""`gammaray-tui replay`: recorded files in the screen, as they once came."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.graph_input import collect_files
from gammaray_tui.commands.output import EXIT_FAILED
from gammaray_tui.commands.screen import need_terminal, run_app
from gammaray_tui.past import ArchivePlaces
from providers.errors import UserError
from widgets import formats

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp
    from gammaray_tui.config import Settings
    from gammaray_tui.watch import Watch
    from providers.files import FileSet
    from providers.operations import Report
    from providers.replay import Player

_STDIN = Path("-")


def replay(
    context: typer.Context,
    paths: options.Paths,
    speed: Annotated[
        str,
        typer.Option(
            "--speed", metavar="N|max", help="How many times faster than recorded; max: at once."
        ),
    ] = "1",
    paused: Annotated[
        bool, typer.Option("--paused", help="Stand at the start until a key says go on.")
    ] = False,
    archive: options.ArchiveTo = None,
    profile: options.Profile = None,
    endpoint_url: options.EndpointUrl = None,
    theme: options.Theme = None,
    ascii_only: options.Ascii = None,
    config: options.ConfigFile = None,
) -> None:
    """Show recorded files in the screen, as they once came.

    Files: recordings (*.gammaray), stream records (*.jsonl, also of `tail --json`), the
    original GammaRay's text dumps (*.new), X-Ray documents (*.xray). "-" reads from a pipe,
    as it comes: gammaray-tui tail --json | gammaray-tui replay -

    Profile and endpoint are those of an archive in S3.
    """
    factor = parse_speed(speed)
    of_s3 = ("profile", "endpoint_url") if (archive or "").startswith("s3://") else ()
    given = options.Given(
        profile=profile,
        endpoint_url=endpoint_url,
        theme=theme,
        ascii_only=ascii_only,
        config=config,
    )
    given = given.over(options.given_before(context)).refuse_aws("replay", but=of_s3)
    from gammaray_tui.config import load_settings

    settings = load_settings(given)
    places = ArchivePlaces(archive or "", settings.archive, settings.profile, settings.endpoint_url)
    if _STDIN in paths:
        if len(paths) > 1 or factor != 1.0 or paused:
            raise UserError(
                '"-" shows what comes while it comes: alone, and at no other speed.',
                todo="Write it to a file first, and replay that.",
                kind="usage",
            )
        asyncio.run(_show_pipe(settings, _take_stdin(), places))
        return
    files = collect_files(paths)
    need_terminal("gammaray-tui export")
    title = paths[0].name + (f" +{len(paths) - 1}" if len(paths) > 1 else "")
    asyncio.run(_show_files(settings, files, title, factor, places, paused=paused))


async def _show_files(
    settings: Settings,
    files: FileSet,
    title: str,
    speed: float | None,
    places: ArchivePlaces,
    *,
    paused: bool,
) -> None:
    from gammaray_tui.app import GammarayApp
    from gammaray_tui.watch import Watch
    from providers.replay import Player

    player = Player(speed=speed)
    if paused:
        player.toggle_pause()
    # All that the files hold is kept, so that the graph is the one that `export` writes.
    watch = Watch(title, max_invocations=None, clock=player.now_s)
    watch.playback = player.playback

    async def play() -> None:
        app.main.begin("Reading")
        await play_files(player, files, watch, app.report)

    app = GammarayApp(
        watch,
        title=title,
        read_only=True,
        **settings.appearance,
        sources=(play,),
        player=player,
        archives=places,
    )
    await _archived(watch, app, places)


async def play_files(player: Player, files: FileSet, watch: Watch, report: Report) -> None:
    """Read files behind the screen, saying how far that is, and play them into a watch.

    Raises:
        UserError: a file cannot be read.
    """
    from providers.operations import Step
    from providers.replay import tape_of

    loop = asyncio.get_running_loop()
    step = Step("read", formats.plural(len(files.files), "file"), "", "running", "reading")

    def tell(count: int) -> None:  # called by the thread that reads
        said = replace(step, detail=f"{formats.plural(count, 'record')} so far")
        loop.call_soon_threadsafe(report, said)

    report(step)
    # Behind the first frame: putting large files in order takes longer than the frame.
    player.insert(await asyncio.to_thread(tape_of, files, tell))
    report(replace(step, state="done", detail=""))
    await player.run(watch.queue.put)


async def _show_pipe(settings: Settings, descriptor: int, places: ArchivePlaces) -> None:
    from gammaray_tui.app import GammarayApp
    from gammaray_tui.watch import Watch
    from providers.sources.pipe import NAME, PipeSource

    watch = Watch(NAME)
    source = PipeSource(descriptor)
    app = GammarayApp(
        watch,
        title=NAME,
        read_only=True,
        **settings.appearance,
        sources=(lambda: source.run(watch.queue),),
        archives=places,
    )
    await _archived(watch, app, places)


async def _archived(watch: Watch, app: GammarayApp, places: ArchivePlaces) -> None:
    """Show the screen, and archive what it is given, if that is wanted.

    Raises:
        typer.Exit: the archive could not be written to its end, which was said.
    """
    from gammaray_tui.archiving import archive_of

    archiving = archive_of(
        places.watched or None, profile=places.profile, endpoint_url=places.endpoint_url
    )
    with archiving.of(watch):
        await run_app(app)
    if archiving.failure is not None:
        raise typer.Exit(EXIT_FAILED)


def _take_stdin() -> int:
    """Put the terminal in the place of standard input, and give what stood there.

    Raises:
        UserError: nothing is piped in, or there is no terminal.
    """
    if sys.stdin.isatty():
        raise UserError(
            "Nothing is piped in.",
            todo="Pipe records to it: gammaray-tui tail --json | gammaray-tui replay -",
            kind="usage",
        )
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise UserError(
            "The screen needs a terminal, and this is none.",
            todo="Run it in a terminal, or use gammaray-tui export.",
            kind="no-terminal",
        ) from error
    piped = os.dup(0)
    os.dup2(terminal, 0)
    os.close(terminal)
    need_terminal("gammaray-tui export")
    return piped


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
