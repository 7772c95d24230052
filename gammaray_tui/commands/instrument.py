"""`gammaray-tui instrument` and `uninstrument`: the recorder for functions that exist already."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.acting import (
    StepPrinter,
    acting,
    given_for_acting,
    given_for_looking,
)
from providers.operations import KnownFunction, Step

_Functions = Annotated[
    list[str], typer.Argument(metavar="FUNCTION", help="Functions, by name or ARN.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def instrument(
    context: typer.Context,
    functions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FUNCTION", help="Functions, by name or ARN; without one, lists them."
        ),
    ] = None,
    grant: Annotated[
        bool, typer.Option("--grant", help="Let the functions' roles write records.")
    ] = False,
    dry_run: _DryRun = False,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Attach the recorder to Python functions that exist.

    Adds a layer and swaps the handler; the code stays as it is. `uninstrument` restores all of
    it. --grant adds an inline policy of one statement to the function's role. Without a name,
    lists the functions and what the recorder has to do with each.
    """
    put_together = given_for_looking if dry_run or not functions else given_for_acting
    given = put_together(context, profile, region, table, endpoint_url, config)
    printer = StepPrinter(as_json=as_json)
    if not functions:
        for known in asyncio.run(acting(given).functions()):
            printer.item(known, _function_line(known))
        return
    done = acting(given).instrument(
        functions,
        _quiet if dry_run else printer.step,
        grant=grant,
        only_look=dry_run,
    )
    steps = asyncio.run(done)
    for step in steps if dry_run else ():
        printer.planned(step)
    printer.end()


def uninstrument(
    context: typer.Context,
    functions: _Functions,
    dry_run: _DryRun = False,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Detach the recorder from functions, and restore them."""
    put_together = given_for_looking if dry_run else given_for_acting
    given = put_together(context, profile, region, table, endpoint_url, config)
    printer = StepPrinter(as_json=as_json)
    done = acting(given).uninstrument(
        functions, _quiet if dry_run else printer.step, only_look=dry_run
    )
    steps = asyncio.run(done)
    for step in steps if dry_run else ():
        printer.planned(step)
    printer.end()


def _function_line(known: KnownFunction) -> str:
    told = f"{known.runtime:<14} {known.state}{f': {known.detail}' if known.detail else ''}"
    return f"{known.region:<12} {known.name:<32} {told}"


def _quiet(_step: Step) -> None:
    """Tell nothing: a plan is printed whole."""
