"""The command line: its commands, and the one place where errors become exit codes."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gammaray_tui import __version__
from gammaray_tui.commands import options
from gammaray_tui.commands.analyze import analyze
from gammaray_tui.commands.archive import archive
from gammaray_tui.commands.chains import chain, chains
from gammaray_tui.commands.cleanup import cleanup
from gammaray_tui.commands.collected import Collected, watch_collected
from gammaray_tui.commands.compare import compare
from gammaray_tui.commands.completion import completion
from gammaray_tui.commands.demo import demo
from gammaray_tui.commands.deploy import deploy
from gammaray_tui.commands.doctor import doctor
from gammaray_tui.commands.export import export
from gammaray_tui.commands.fire import fire
from gammaray_tui.commands.init import init
from gammaray_tui.commands.instrument import instrument, uninstrument
from gammaray_tui.commands.keys import keys
from gammaray_tui.commands.latency import latency
from gammaray_tui.commands.logs import logs
from gammaray_tui.commands.output import EXIT_FAILED, EXIT_REFUSED, say, say_error
from gammaray_tui.commands.overhead import overhead
from gammaray_tui.commands.recordings import recordings
from gammaray_tui.commands.relation import relation
from gammaray_tui.commands.replay import replay
from gammaray_tui.commands.serve import serve
from gammaray_tui.commands.setup import setup
from gammaray_tui.commands.sources import Sources
from gammaray_tui.commands.tail import tail
from gammaray_tui.commands.unfinished import unfinished
from gammaray_tui.commands.watch import watch
from providers.errors import UserError

# Objects allocated between collections: at Python's defaults, a graph of 100,000 invocations
# stalls the screen for a third of a second again and again. The first two numbers keep a
# collection of young objects, which a burst of records brings about, below 20 ms.
GC_THRESHOLDS = (10_000, 5, 1600)


class _Commands(TyperGroup):
    """The commands, with an option whose value may be left out, which Typer does not know."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give `--resume` without a file the empty one."""
        for place, argument in enumerate(args):
            if argument in self.commands or argument == "--":
                break
            following = (args[place + 1 :] or ["-"])[0]
            if argument == "--resume" and (following[:1] == "-" or following in self.commands):
                args = [*args[:place], "--resume=", *args[place + 1 :]]
        return super().parse_args(ctx, args)


# Plain help: typer's other kind imports rich, which would more than double what --help costs.
app = typer.Typer(
    name="gammaray-tui",
    cls=_Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS: tuple[Callable[..., None], ...] = (
    demo,
    tail,
    replay,
    export,
    deploy,
    fire,
    cleanup,
    doctor,
    setup,
    init,
    instrument,
    uninstrument,
    unfinished,
    logs,
    completion,
    overhead,
    keys,
    chains,
    chain,
    latency,
    relation,
    compare,
    archive,
    analyze,
)
for command in _COMMANDS:
    app.command()(command)
app.add_typer(recordings)
# All that it does not know belongs to the command that it serves.
app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(serve)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gammaray-tui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    since: options.Since = None,
    theme: options.Theme = None,
    ascii_only: options.Ascii = None,
    read_only: options.ReadOnly = False,
    config: options.ConfigFile = None,
    record: options.Record = None,
    archive_to: options.ArchiveTo = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="[FILE]",
            help="Go on where a recording stopped; without FILE, the one that --record names, "
            "or the latest of the same account.",
        ),
    ] = None,
    source: Sources = None,
    collected: Collected = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Show which AWS Lambda invocation caused which, live, across services and regions.

    Without a command it opens the screen and watches AWS with the given profile.
    To see it without an AWS account: gammaray-tui demo
    """
    given = options.Given(
        profile=profile,
        regions=options.split_regions(region),
        table=table,
        endpoint_url=endpoint_url,
        since=since,
        theme=theme,
        ascii_only=ascii_only,
        read_only=read_only,
        config=config,
    )
    context.obj = given
    if any(name.startswith("GAMMARAY_") for name in os.environ):
        from gammaray_tui.config import misspelt

        for line in misspelt():
            say(line)
    of_records = {
        "--record": record is not None,
        "--resume": resume is not None,
        "--archive": archive_to is not None,
        "--source": bool(source),
    }
    option = next((name for name, said in of_records.items() if said), "")
    if context.invoked_subcommand is None and not collected:
        watch(given, record=record, resume=resume, sources=source, archive=archive_to)
    elif context.invoked_subcommand is None:
        if option:
            raise UserError(
                f"{option} is about single records, which --collected does not read.",
                todo="Leave out one of the two.",
                kind="usage",
            )
        watch_collected(given)
    elif option or collected:
        option = option or "--collected"
        raise UserError(
            f"{option} belongs to the screen over AWS, not to `{context.invoked_subcommand}`.",
            todo=f"Leave {option} out before the command's name.",
            kind="usage",
        )


def main() -> None:
    """Run the command line; end the process with the command's exit code.

    0: done. 1: tried, and something failed. 2: the user has to change something first.
    130: interrupted.
    """
    gc.set_threshold(*GC_THRESHOLDS)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started us: what is written goes nowhere
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    try:
        app(prog_name="gammaray-tui")
    except UserError as error:
        say_error(error)
        sys.exit(EXIT_REFUSED)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        traceback.print_exc()
        say(
            f"gammaray-tui {__version__} has a defect, shown above. Please report it together with"
            " those lines, at the place you have gammaray-tui from."
        )
        sys.exit(EXIT_FAILED)
