"""`gammaray-tui setup`: the record table of every region; collector and roles when asked for."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.acting import (
    StepPrinter,
    acting,
    confirm_by_typing,
    given_for_acting,
    given_for_looking,
    print_line,
)
from gammaray_tui.commands.output import say
from providers.errors import UserError

if TYPE_CHECKING:
    from providers.aws_operations import AwsOperations


def setup(
    context: typer.Context,
    reset: Annotated[
        bool, typer.Option("--reset", help="Delete each table with all records first.")
    ] = False,
    collector: Annotated[
        bool,
        typer.Option("--collector", help="Make the collector as well: it joins records on AWS."),
    ] = False,
    wheel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --collector: msgspec for Lambda, if the installed one cannot run there.",
            exists=True,
            dir_okay=False,
            resolve_path=True,
        ),
    ] = None,
    role: Annotated[
        bool, typer.Option("--role", help="Make an execution role and a policy for operators.")
    ] = False,
    print_only: Annotated[
        bool, typer.Option("--print", help="With --role: print them, and make nothing.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    yes: options.Yes = False,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Make the record table in every region.

    Billed on demand, with a stream of both images, expiry and tags; waits until it can be used.
    A table that is there is completed. --collector makes the function, its mapping and its queue
    in every region, and one table for what it finds, in the first. --role shows the role and the
    policy before it makes them.
    """
    if print_only and not role:
        raise UserError(
            "--print goes with --role.", todo="Give both: setup --role --print.", kind="usage"
        )
    if role and collector:
        raise UserError(
            "--role and --collector exclude each other.",
            todo="Run setup once with each; the collector makes its own role.",
            kind="usage",
        )
    if wheel is not None and not collector:
        raise UserError("--wheel goes with --collector.", todo="Give both.", kind="usage")
    only_looks = print_only or dry_run
    put_together = given_for_looking if only_looks else given_for_acting
    given = put_together(context, profile, region, table, endpoint_url, config)
    operations = acting(given)
    printer = StepPrinter(as_json=as_json)
    if role:
        asyncio.run(_roles(operations, only_looks, yes, printer))
    elif dry_run:
        asyncio.run(_plan(operations, Wanted(reset, collector, wheel), printer))
    else:
        asyncio.run(_make(operations, Wanted(reset, collector, wheel), yes, printer))
    printer.end()


class Wanted(NamedTuple):
    """What is set up beside tables that are missing."""

    reset: bool
    collector: bool
    wheel: Path | None


async def _plan(operations: AwsOperations, wanted: Wanted, printer: StepPrinter) -> None:
    steps = await operations.plan_setup(
        reset=wanted.reset, collector=wanted.collector, wheel=wanted.wheel
    )
    for step in steps:
        printer.planned(step)


async def _make(operations: AwsOperations, wanted: Wanted, yes: bool, printer: StepPrinter) -> None:
    if wanted.reset and not yes:
        account = await operations.account()
        regions = ", ".join(operations.regions)
        confirm_by_typing(
            f"This deletes the table {operations.table} with all its records in {regions}, "
            f"account {account}, for ever, and makes it anew.",
            operations.table,
        )
    await operations.set_up(
        printer.step, reset=wanted.reset, collector=wanted.collector, wheel=wanted.wheel
    )
    if wanted.collector:
        say(
            f"The collector reads the records of {', '.join(operations.regions)} and keeps what it "
            f"finds in {operations.regions[0]}. Watch it with `gammaray-tui --collected`."
        )


async def _roles(
    operations: AwsOperations, only_looks: bool, yes: bool, printer: StepPrinter
) -> None:
    wanted = await operations.wanted_policies()
    if only_looks:
        print_line(json.dumps(wanted, indent=2))
        return
    del wanted["collector_role"]  # is made with the collector
    text = json.dumps(wanted, indent=2)
    if not yes:
        for line in text.splitlines():
            say(line)
        name = wanted["execution_role"]["name"]
        confirm_by_typing("This role and this policy would be made in IAM.", name)
    await operations.make_roles(printer.step)
    policy = wanted["operator_policy"]
    say(f"Attach the policy {policy['path']}{policy['name']} to those who use gammaray-tui.")
