"""`gammaray-tui cleanup`: list what this tool made, and delete it after asking."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.acting import StepPrinter, acting, given_for_acting
from gammaray_tui.commands.output import EXIT_FAILED, say
from providers.errors import UserError

if TYPE_CHECKING:
    from providers.operations import Operations, Resource


def cleanup(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Resources to delete, by name or id."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Delete everything that this tool made.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be deleted.")
    ] = False,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """List what this tool made, or delete it after asking.

    Without --all or names it only lists. Nothing that this tool did not make is deleted, unless
    it is named.
    """
    if everything and names:
        raise UserError(
            "--all and names were both given.",
            todo="Give --all, or the names of what to delete.",
            kind="usage",
        )
    operations = acting(given_for_acting(context, profile, region, table, endpoint_url, config))
    printer = StepPrinter(as_json=as_json)
    asyncio.run(_cleanup(operations, names or [], everything, yes, dry_run, printer))
    printer.end()


async def _cleanup(
    operations: Operations,
    names: Sequence[str],
    everything: bool,
    yes: bool,
    dry_run: bool,
    printer: StepPrinter,
) -> None:
    found = await operations.resources()
    chosen = chosen_of(found, names) if names else [one for one in found if one.managed]
    for resource in chosen:
        printer.item(resource, _line(resource))
    if not chosen:
        say("There is nothing to delete.")
    elif not (everything or names):
        say(f"{_count(chosen)}. Nothing was deleted: name some of them, or give --all.")
    elif dry_run:
        say(f"{_count(chosen)} would be deleted. Nothing was deleted.")
    else:
        if not yes:
            _ask(chosen)
        deleted = await operations.delete(chosen, printer.step)
        say(f"{_count(deleted.deleted)} deleted.")
        for resource, reason in deleted.failed:
            printer.failed(f"not deleted: {_line(resource)}: {reason}")


def chosen_of(found: Sequence[Resource], names: Sequence[str]) -> list[Resource]:
    """Give the resources that were named.

    Raises:
        UserError: a name is not among them.
    """
    for name in names:
        if not any(name in (one.name, one.id) for one in found):
            raise UserError(
                f'Nothing is named "{name}".',
                todo="Run `gammaray-tui cleanup` without names to see what there is.",
                kind="unknown-name",
            )
    return [one for one in found if one.name in names or one.id in names]


def _ask(chosen: Sequence[Resource]) -> None:
    """Ask the person to type the number of resources.

    Raises:
        UserError: there is no one to ask.
        typer.Exit: the answer was another one.
    """
    if not sys.stdin.isatty():
        raise UserError(
            "Nothing was deleted: there is no terminal to ask at.",
            todo="Give --yes to delete without being asked, or --dry-run to look.",
            kind="no-terminal",
        )
    regions = ", ".join(dict.fromkeys(one.region for one in chosen if one.region))
    say(f"This deletes {_count(chosen)} in {regions}, for ever.")
    answer = typer.prompt(f"Type {len(chosen)} to delete them", default="", show_default=False)
    if answer.strip() != str(len(chosen)):
        say("Nothing was deleted.")
        raise typer.Exit(EXIT_FAILED)


def _line(resource: Resource) -> str:
    owner = "" if resource.managed else "  (not made by this tool)"
    return f"{resource.region:<12} {resource.kind:<12} {resource.name}{owner}"


def _count(resources: Sequence[Resource]) -> str:
    return f"{len(resources)} resource{'' if len(resources) == 1 else 's'}"
