"""`gammaray-tui setup`: the record table of every region; roles and policies when asked for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

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
    A table that is there is completed. --role shows the role and the policy before it makes them.
    """
    if print_only and not role:
        raise UserError(
            "--print goes with --role.", todo="Give both: setup --role --print.", kind="usage"
        )
    only_looks = print_only or dry_run
    put_together = given_for_looking if only_looks else given_for_acting
    given = put_together(context, profile, region, table, endpoint_url, config)
    operations = acting(given)
    printer = StepPrinter(as_json=as_json)
    if role:
        asyncio.run(_roles(operations, only_looks, yes, printer))
    elif dry_run:
        asyncio.run(_plan(operations, reset, printer))
    else:
        asyncio.run(_tables(operations, reset, yes, printer))
    printer.end()


async def _plan(operations: AwsOperations, reset: bool, printer: StepPrinter) -> None:
    for step in await operations.plan_setup():
        printer.planned(step)
    if reset:
        say("--reset would delete what is there first.")


async def _tables(operations: AwsOperations, reset: bool, yes: bool, printer: StepPrinter) -> None:
    if reset and not yes:
        account = await operations.account()
        regions = ", ".join(operations.regions)
        confirm_by_typing(
            f"This deletes the table {operations.table} with all its records in {regions}, "
            f"account {account}, for ever, and makes it anew.",
            operations.table,
        )
    await operations.set_up(printer.step, reset=reset)


async def _roles(
    operations: AwsOperations, only_looks: bool, yes: bool, printer: StepPrinter
) -> None:
    wanted = await operations.wanted_policies()
    text = json.dumps(wanted, indent=2)
    if only_looks:
        print_line(text)
        return
    if not yes:
        for line in text.splitlines():
            say(line)
        name = wanted["execution_role"]["name"]
        confirm_by_typing("This role and this policy would be made in IAM.", name)
    await operations.make_roles(printer.step)
    policy = wanted["operator_policy"]
    say(f"Attach the policy {policy['path']}{policy['name']} to those who use gammaray-tui.")
