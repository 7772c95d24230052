"""`gammaray-tui fire`: start chains, follow them, and say what came of them."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import completion, options
from gammaray_tui.commands.acting import StepPrinter, acting, given_for_acting
from gammaray_tui.commands.output import say
from providers.errors import UserError
from widgets import formats

if TYPE_CHECKING:
    from gammaray_tui.following import Summary
    from providers.aws_operations import AwsOperations
    from providers.operations import Fired

_LOOK_EVERY_S = 0.25
# Reading begins so long before the firing: clocks differ.
_BEFORE_S = 60.0


def fire(
    context: typer.Context,
    application: Annotated[
        str,
        typer.Argument(
            metavar="APP|FUNCTION|TARGET",
            autocompletion=completion.applications,
            help="A deployed application, a function, an ARN, s3://BUCKET/KEY, sns:TOPIC, "
            "sqs:QUEUE, dynamodb:TABLE, events:BUS, kinesis:STREAM, states:MACHINE or a URL.",
        ),
    ],
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, metavar="N", help="How often to fire.")
    ] = 1,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.001, metavar="R", help="How many to begin a second."),
    ] = None,
    payload: Annotated[
        str | None,
        typer.Option(
            "--payload",
            metavar="FILE|-",
            help="What to send, - for stdin; {run} and {number} in it differ each time.",
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow the chains to their end.")
    ] = True,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=0, metavar="SECONDS", help="How long to follow them.")
    ] = 60.0,
    configuration: options.Configuration = "",
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Start chains of an application, and follow them.

    Ends with 1 when a firing was refused, or an invocation of its chains failed; that the chains
    were not complete in time is told, and no failure.
    """
    configuration, config = options.letter_and_file(configuration, config)
    application = options.in_configuration(application, configuration)
    given = given_for_acting(context, profile, region, table, endpoint_url, config)
    operations = acting(given)
    printer = StepPrinter(as_json=as_json)
    text = read_payload(payload)
    fired, summary = asyncio.run(
        _fire(operations, application, count, rate, text, timeout_s if wait else 0.0, printer)
    )
    for error in fired.errors:
        printer.failed(error)
    if summary is not None:
        if as_json:
            printer.item(summary, "")
        say(summary.text + ("" if summary.complete else f"; not complete after {timeout_s:g} s"))
        if summary.failed:
            printer.failed(f"{formats.plural(summary.failed, 'invocation')} failed.")
    printer.item(fired, f"fired {fired.application}: {' '.join(fired.request_ids)}")
    printer.end()


def read_payload(source: str | None) -> str | None:
    """Read a payload from a file, or ("-") from stdin; None when none is given.

    Raises:
        UserError: the file cannot be read.
    """
    if source is None:
        return None
    if source == "-":
        return sys.stdin.read()
    try:
        return Path(source).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise UserError(
            f"The payload cannot be read: {why}.",
            on=source,
            todo="Name a text file after --payload, or - for stdin.",
            kind="usage",
        ) from error


async def _fire(
    operations: AwsOperations,
    application: str,
    count: int,
    rate: float | None,
    payload: str | None,
    follow_s: float,
    printer: StepPrinter,
) -> tuple[Fired, Summary | None]:
    fired = await operations.fire(application, count, printer.step, rate=rate, payload=payload)
    if not follow_s or not fired.request_ids:
        return fired, None
    return fired, await _followed(operations, fired, follow_s)


async def _followed(operations: AwsOperations, fired: Fired, follow_s: float) -> Summary:
    """Read the record tables until the chains that were fired are complete, or for a time."""
    from gammaray_tui.commands.aws import stream_source
    from gammaray_tui.watch import Watch

    model = Watch("fire")
    following = model.follow(fired)
    since = f"{math.ceil(time.time() - fired.began_at_s + _BEFORE_S)}s"
    reader = asyncio.ensure_future(stream_source(operations.session, since)(model.queue))
    until_s = time.monotonic() + follow_s
    try:
        while True:
            model.drain()
            summary = following.look()
            if summary.complete or reader.done() or time.monotonic() >= until_s:
                return summary
            with contextlib.suppress(TimeoutError):
                model.apply(await asyncio.wait_for(model.queue.get(), _LOOK_EVERY_S))
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
