"""`gammaray-tui doctor`: what is in order, what is not, and what to do about it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.acting import acting, given_for_looking, print_line
from gammaray_tui.commands.output import EXIT_FAILED, escaped, say
from providers.errors import UserError

if TYPE_CHECKING:
    from providers.operations import Check

_MARKS = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "-"}


def doctor(
    context: typer.Context,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Check profile, permissions, tables, streams and functions.

    Also layer, triggers, X-Ray, logs and the clock. It changes nothing. Each finding comes with
    what to do. Ends with 1 when something keeps records from being written or read, with 0 when
    nothing does; warnings do not count.
    """
    from providers.doctor import unopened, worst

    def report(check: Check) -> None:
        print_line(_json(check) if as_json else _text(check))

    given = given_for_looking(context, profile, region, table, endpoint_url, config)
    try:
        operations = acting(given, tells_unfinished=False)
    except UserError as error:
        report(unopened(error))
        raise typer.Exit(EXIT_FAILED) from None
    checks = asyncio.run(operations.examine(report))
    counts = {mark: sum(check.state == mark for check in checks) for mark in _MARKS}
    say(f"{counts['ok']} in order, {counts['warning']} to note, {counts['failed']} wrong.")
    if worst(checks) == "failed":
        raise typer.Exit(EXIT_FAILED)


def _text(check: Check) -> str:
    where = f"{check.region:<10} " if check.region else ""
    line = escaped(f"{_MARKS[check.state]} {where}{check.text}: {check.detail}")
    return f"{line}\n    {escaped(check.todo)}" if check.todo else line


def _json(check: Check) -> str:
    import msgspec

    return msgspec.json.encode(check).decode()
