"""`gammaray-tui demo`: the example application on a local AWS, fired and watched."""

from __future__ import annotations

import asyncio
import importlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.export import Format, FormatName, OutputFile, check_format
from gammaray_tui.commands.output import EXIT_FAILED, ended_pipe_is_fine, say_step, write_result
from gammaray_tui.commands.screen import need_terminal, run_app
from providers.errors import UserError
from providers.operations import Step

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp
    from gammaray_tui.commands.reading import Queue
    from gammaray_tui.config import Settings

_APPLICATION = "imageproc"
_STARTING = Step("demo", "the demo on 127.0.0.1", "", "running", "a few seconds")


def demo(
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="No screen: print the graph and end.")
    ] = False,
    count: Annotated[
        int, typer.Option("--count", min=1, metavar="N", help="How often to fire it.")
    ] = 1,
    fire: Annotated[
        bool, typer.Option("--fire/--no-fire", help="Fire it once everything stands.")
    ] = True,
    timeout_s: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=0,
            metavar="SECONDS",
            help="With --headless: how long to wait for the chains.",
        ),
    ] = 120.0,
    format_name: FormatName = Format.JSON,
    as_json: options.JsonFormat = False,
    output: OutputFile = None,
    record: options.Record = None,
    no_record: Annotated[
        bool,
        typer.Option("--no-record", help="Do not record it, as demo runs otherwise are."),
    ] = False,
    theme: options.Theme = None,
    ascii_only: options.Ascii = None,
    config: options.ConfigFile = None,
) -> None:
    """Watch an example on a local AWS: no account needed.

    Two regions, three functions, one chain from each firing. Everything listens on 127.0.0.1
    only, and all of it is gone when the command ends; but a recording stays, which `recordings`
    lists and `replay` plays.
    """
    given = options.Given(theme=theme, ascii_only=ascii_only, config=config).over(
        options.given_before(context).refuse_aws("demo")
    )
    if headless:
        if not fire:
            raise UserError(
                "--no-fire leaves --headless nothing to wait for.",
                todo="Leave one of them out.",
                kind="usage",
            )
        check_format(format_name, output, as_json=as_json)
        from gammaray_tui.commands.demo_headless import run_headless
        from gammaray_tui.exports import written
        from gammaray_tui.recording import demo_recording

        recording = demo_recording(record, wanted=not no_record)
        engine = asyncio.run(run_headless(_APPLICATION, count, timeout_s, recording))
        with ended_pipe_is_fine():
            write_result(written(engine, "instance", format_name, now_s=time.time()), output)
        if record is not None and recording.failure is not None:
            raise typer.Exit(EXIT_FAILED)
        return

    for option, said in (
        ("--format", format_name is not Format.JSON),
        ("--json", as_json),
        ("--output", output is not None),
    ):
        if said:
            raise UserError(f"{option} goes with --headless.", todo="Give both.", kind="usage")
    need_terminal("gammaray-tui demo --headless")
    from gammaray_tui.config import load_settings

    settings = load_settings(given)
    asyncio.run(_run_interactive(settings, count if fire else 0, record, recorded=not no_record))


async def _run_interactive(
    settings: Settings, count: int, record: Path | None, *, recorded: bool
) -> None:
    from gammaray_tui.app import GammarayApp
    from gammaray_tui.past import ArchivePlaces
    from gammaray_tui.recording import demo_recording
    from gammaray_tui.watch import Watch

    model = Watch("demo (read-only)" if settings.read_only else "demo")
    recording = demo_recording(record, wanted=recorded)
    stage = _Stage(model.queue, count)
    app = GammarayApp(
        model,
        title="demo",
        **settings.appearance,
        read_only=settings.read_only,
        on_start=stage.stand,
        recording=recording,
        archives=ArchivePlaces(
            usual=settings.archive,
            profile=settings.profile,
            endpoint_url=settings.endpoint_url,
        ),
    )
    app.report(_STARTING)  # so that the first frame says it already
    try:
        with recording.of(model):
            await run_app(app)
    finally:
        await stage.take_down()
    if record is not None and recording.failure is not None:
        raise typer.Exit(EXIT_FAILED)


class _Stage:
    """The local AWS under the screen: comes up behind the first frame, goes when it closes.

    One task enters and leaves it, whatever happens to the screen in between.
    """

    def __init__(self, queue: Queue, count: int) -> None:
        self._queue = queue
        self._count = count
        self._keeper: asyncio.Task[None] | None = None

    async def stand(self, app: GammarayApp) -> None:
        """Set everything up and keep it until `take_down`."""
        self._keeper = asyncio.create_task(self._keep(app))
        await asyncio.shield(self._keeper)

    async def take_down(self) -> None:
        """Stop all that was started, also when it was not started wholly."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self, app: GammarayApp) -> None:
        def report(step: Step) -> None:
            if app.is_running:
                app.report(step)
            elif step.state == "failed":
                say_step(step)

        # Importing the AWS clients takes long enough to be felt: keys work meanwhile.
        for room in ("providers.demo", "providers.streams"):
            await asyncio.to_thread(importlib.import_module, room)
        from providers.demo import Demo
        from providers.streams import Since, StreamSource

        try:
            async with Demo(report) as demo:
                app.set_operations(demo.operations)
                source = StreamSource(demo.session, since=Since("all"))
                app.before_firing = source.expect_records
                app.add_source(lambda: source.run(self._queue))
                if self._count:
                    await demo.operations.fire(_APPLICATION, self._count, report)
                report(replace(_STARTING, state="done", detail=""))
                await asyncio.Event().wait()
        except UserError:
            report(replace(_STARTING, state="failed", detail=""))
            raise
