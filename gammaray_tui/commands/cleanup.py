"""`gammaray-tui cleanup`: list what this tool made, and delete it after asking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gammaray_tui.commands import completion, options
from gammaray_tui.commands.acting import (
    StepPrinter,
    acting,
    confirm_by_typing,
    given_for_acting,
    given_for_looking,
)
from gammaray_tui.commands.output import say, say_error
from providers.errors import UserError

if TYPE_CHECKING:
    from providers.operations import Operations, Resource

# What a running function made meanwhile, or what a service listed late, goes in the next round.
_ROUNDS = 4


def cleanup(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Resources to delete, by name or id."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Delete everything that this tool made.")
    ] = False,
    applications: Annotated[
        list[str] | None,
        typer.Option(
            "--app",
            metavar="APP",
            autocompletion=completion.applications,
            help="Delete what belongs to this application.",
        ),
    ] = None,
    yes: options.Yes = False,
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

    Without --all, --app or names it only lists. It looks in every region that the account has
    enabled, or only in those given with --region, and says where it looked. Nothing that this
    tool did not make is deleted, unless it is named. What fails is told with its reason; the
    command can be repeated.
    """
    if sum(map(bool, (everything, names, applications))) > 1:
        raise UserError(
            "--all, --app and names exclude each other.",
            todo="Give one of them.",
            kind="usage",
        )
    deletes = not dry_run and bool(everything or names or applications)
    put_together = given_for_acting if deletes else given_for_looking
    given = put_together(context, profile, region, table, endpoint_url, config)
    printer = StepPrinter(as_json=as_json)
    choice = Choice(tuple(names or ()), tuple(applications or ()), given.regions)
    asyncio.run(clean_up(acting(given), choice, printer, deletes=deletes, dry_run=dry_run, yes=yes))
    printer.end()


class Choice:
    """Which resources are meant: those named, those of applications, or all of ours."""

    def __init__(
        self, names: Sequence[str], applications: Sequence[str], regions: Sequence[str] = ()
    ) -> None:
        """Take what is meant; and where, () for all regions that the account has enabled."""
        self.names = names
        self.regions: Sequence[str] | Literal["all"] = regions or "all"
        self._applications = applications

    def of(self, found: Sequence[Resource]) -> list[Resource]:
        """Give the resources that are meant.

        Raises:
            UserError: a name is not among them.
        """
        if self.names:
            return chosen_of(found, self.names)
        ours = [one for one in found if one.managed]
        if not self._applications:
            return ours
        known = {one.application for one in ours}
        for name in self._applications:
            if name not in known:
                raise UserError(
                    f"Nothing of an application {name} is there.",
                    todo=f"There is something of: {', '.join(sorted(filter(None, known)))}."
                    if any(known)
                    else "Nothing is deployed.",
                    kind="unknown-name",
                )
        return [one for one in ours if one.application in self._applications]


async def clean_up(
    operations: Operations,
    choice: Choice,
    printer: StepPrinter,
    *,
    deletes: bool = True,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """List what is meant, and delete it after asking.

    Raises:
        UserError: a name is not among what there is, or there is no one to ask.
    """
    refused: list[UserError] = []
    resources = await operations.resources(
        refused.append, regions=choice.regions, on_scope=lambda scope: say(str(scope))
    )
    chosen = choice.of(resources)
    for resource in chosen:
        printer.item(resource, resource_line(resource, time.time()))
    for error in refused:
        say_error(error)
        printer.failed("What is there of this kind is not known, and is left out.")
    if not chosen:
        say("There is nothing to delete.")
    elif not deletes and not dry_run:
        say(f"{_count(chosen)}. Nothing was deleted: name some of them, or give --all.")
    elif dry_run:
        say(f"{_count(chosen)} would be deleted. Nothing was deleted.")
    else:
        if not yes:
            await ask_to_delete(operations, chosen)
        await _delete(operations, choice, chosen, printer)


async def _delete(
    operations: Operations, choice: Choice, chosen: Sequence[Resource], printer: StepPrinter
) -> None:
    """Delete what was chosen, then what is found of the same choice, until nothing is left."""
    gone: set[tuple[str, str, str]] = set()
    failed: Sequence[tuple[Resource, str]] = ()
    for _round in range(_ROUNDS):
        result = await operations.delete(chosen, printer.step)
        gone |= {_key(one) for one in result.deleted}
        failed = result.failed
        if choice.names or not result.deleted:
            break
        there = await operations.resources(lambda _: None, regions=choice.regions)
        left = [one for one in there if one.managed]
        # Only what was not tried before: what failed has been tried again and again already.
        tried = {_key(one) for one, _reason in failed}
        mine = {one.application for one in chosen}
        chosen = [one for one in left if _key(one) not in tried and one.application in mine]
        if not chosen:
            break
    say(f"{len(gone)} resource{'' if len(gone) == 1 else 's'} deleted.")
    for resource, reason in failed:
        printer.failed(f"not deleted: {resource_line(resource, time.time())}: {reason}")


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


async def ask_to_delete(operations: Operations, chosen: Sequence[Resource]) -> None:
    """Ask the person to type the number of resources.

    Raises:
        UserError: there is no one to ask.
        typer.Exit: the answer was another one.
    """
    regions = ", ".join(dict.fromkeys(one.region for one in chosen if one.region))
    where = f" in {regions}" if regions else ""
    account = await operations.account()
    confirm_by_typing(
        f"This deletes {_count(chosen)}{where} of account {account}, for ever.", str(len(chosen))
    )


def resource_line(resource: Resource, now_s: float) -> str:
    """Give a resource as one line: where, what, whose, how large, how old."""
    from widgets.formats import lag, size

    more = [
        resource.application,
        resource.detail,
        size(resource.size_bytes) if resource.size_bytes is not None else "",
        f"{lag(now_s - resource.created_at_s)} old" if resource.created_at_s is not None else "",
        "" if resource.managed else "not made by this tool",
    ]
    told = ", ".join(filter(None, more))
    where = resource.region or "everywhere"
    return f"{where:<12} {resource.kind:<12} {resource.name}{f'  ({told})' if told else ''}"


def _key(resource: Resource) -> tuple[str, str, str]:
    return resource.kind, resource.region, resource.id


def _count(resources: Sequence[Resource]) -> str:
    return f"{len(resources)} resource{'' if len(resources) == 1 else 's'}"
