"""`gammaray-tui deploy`: create or update example applications."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import completion, options
from gammaray_tui.commands.acting import (
    StepPrinter,
    acting,
    given_for_acting,
    given_for_looking,
)

if TYPE_CHECKING:
    from providers.operations import Operations


def deploy(
    context: typer.Context,
    applications: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="APP",
            autocompletion=completion.applications,
            help="Applications by name, or paths of manifests (app.toml, the original's *.json); "
            "without one, lists them.",
        ),
    ] = None,
    configuration: options.Configuration = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Create or update an example application.

    Its functions with the recorder, tables, buckets and triggers, in all its regions, or only
    in those given with --region. Without a name, lists the applications.
    """
    configuration, config = options.letter_and_file(configuration, config)
    put_together = given_for_looking if dry_run or not applications else given_for_acting
    given = put_together(context, profile, region, table, endpoint_url, config)
    printer = StepPrinter(as_json=as_json)
    ids = _ids(applications or [], configuration)
    asyncio.run(_deploy(acting(given), ids, given.regions, dry_run, printer))
    printer.end()


def _ids(applications: list[str], configuration: str) -> list[str]:
    """Give the ids of applications in a configuration.

    Raises:
        UserError: there is no such configuration.
    """
    from providers.configurations import configuration_of

    letter = configuration_of(configuration).letter
    return [options.in_configuration(application, letter) for application in applications]


async def _deploy(
    operations: Operations,
    applications: list[str],
    regions: tuple[str, ...],
    dry_run: bool,
    printer: StepPrinter,
) -> None:
    if not applications:
        for application in await operations.applications():
            printer.item(application, f"{application.name:<12} {application.title}")
    for name in applications:
        if dry_run:
            plan = await operations.plan(name, regions=regions)
            for step in plan.steps:
                printer.planned(step)
        else:
            await operations.deploy(name, printer.step, regions=regions)
