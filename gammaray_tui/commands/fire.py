"""`gammaray-tui fire`: start chains of a deployed application."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.acting import StepPrinter, acting, given_for_acting


def fire(
    context: typer.Context,
    application: Annotated[str, typer.Argument(metavar="APP", help="A deployed application.")],
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, metavar="N", help="How many chains to start.")
    ] = 1,
    configuration: options.Configuration = "",
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Start chains of a deployed application."""
    configuration, config = options.letter_and_file(configuration, config)
    application = options.in_configuration(application, configuration)
    given = given_for_acting(context, profile, region, table, endpoint_url, config)
    printer = StepPrinter(as_json=as_json)
    fired = asyncio.run(acting(given).fire(application, count, printer.step))
    for error in fired.errors:
        printer.failed(error)
    printer.item(fired, f"fired {fired.application}: {' '.join(fired.request_ids)}")
    printer.end()
