"""`gammaray-tui unfinished`: what was stopped half-way, finished, undone or forgotten."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.acting import (
    StepPrinter,
    acting,
    given_for_acting,
    given_for_looking,
)
from gammaray_tui.commands.output import say
from providers.errors import UserError

if TYPE_CHECKING:
    from providers.acts import Unfinished
    from providers.operations import Operations

_What: TypeAlias = Literal["list", "finish", "undo", "forget"]


def unfinished(
    context: typer.Context,
    id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Which, by how its id begins. Default: all."),
    ] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Do again what never ended.")] = False,
    undo: Annotated[
        bool,
        typer.Option("--undo", help="Take back a deployment (by cleanup) or an instrumentation."),
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Leave it as it is, and speak of it no more.")
    ] = False,
    yes: options.Yes = False,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """List what was stopped half-way, finish it, or undo it.

    Deployments, instrumentations, setups and cleanups whose process was interrupted or killed,
    with how far each came.
    """
    said: dict[_What, bool] = {"finish": finish, "undo": undo, "forget": forget}
    chosen = [what for what, wanted in said.items() if wanted]
    if len(chosen) > 1:
        raise UserError(
            "--finish, --undo and --forget exclude each other.",
            todo="Give one of them.",
            kind="usage",
        )
    put_together = given_for_acting if finish or undo else given_for_looking
    given = put_together(context, profile, region, table, endpoint_url, config)
    printer = StepPrinter(as_json=as_json)
    what: _What = chosen[0] if chosen else "list"
    asyncio.run(_unfinished(acting(given, tells_unfinished=False), id or "", what, yes, printer))
    printer.end()


async def _unfinished(
    operations: Operations, id: str, what: _What, yes: bool, printer: StepPrinter
) -> None:
    stopped = [one for one in await operations.unfinished() if one.id.startswith(id)]
    if not stopped:
        if id:
            raise UserError(
                f'Nothing unfinished has an id that begins with "{id}".',
                todo="Run `gammaray-tui unfinished` to see what there is.",
                kind="unknown-name",
            )
        say("Nothing was stopped half-way.")
    for one in stopped:
        printer.item(one, _line(one))
        if what == "finish":
            await _finish(operations, one, yes, printer)
        elif what == "forget":
            await operations.forget(one)
        elif what == "undo":
            await _undo(operations, one, yes, printer)


async def _finish(
    operations: Operations, unfinished: Unfinished, yes: bool, printer: StepPrinter
) -> None:
    if unfinished.act.kind == "cleanup":
        from gammaray_tui.commands.cleanup import ask_to_delete, resource_line

        for resource in unfinished.act.resources:
            printer.item(resource, resource_line(resource, time.time()))
        if not yes:  # whoever finishes a cleanup need not be who agreed to it
            await ask_to_delete(operations, unfinished.act.resources)
    await operations.finish(unfinished, printer.step)
    await operations.forget(unfinished)


async def _undo(
    operations: Operations, unfinished: Unfinished, yes: bool, printer: StepPrinter
) -> None:
    if unfinished.undone_by == "uninstrument":
        await operations.uninstrument(unfinished.act.names, printer.step)
    elif unfinished.undone_by == "cleanup":
        from gammaray_tui.commands.cleanup import Choice, clean_up

        choice = Choice((), (unfinished.act.application,))
        try:
            await clean_up(operations, choice, printer, yes=yes)
        except UserError as error:
            if error.kind != "unknown-name":
                raise
            say(f"Nothing of {unfinished.act.application} is there any more.")
    else:
        printer.failed(f"{unfinished.act} cannot be undone; --finish completes it.")


def _line(one: Unfinished) -> str:
    from widgets.formats import lag

    ago = lag(time.time() - one.began_at_s)
    undone = f"; undone by {one.undone_by}" if one.undone_by else ""
    return f"{one.id[:8]}  {one.act}, begun {ago} ago: {one.progress}{undone}"
