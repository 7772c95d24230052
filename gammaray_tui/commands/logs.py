"""`gammaray-tui logs`: of a function, of one invocation, or of a whole chain."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.acting import acting, given_for_looking, print_line
from gammaray_tui.commands.output import say, write_result
from providers.errors import UserError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from providers.aws_operations import AwsOperations
    from providers.operations import LogLine, LogsOf

_REQUEST_ID = re.compile(r"[0-9a-fA-F]{8}[0-9a-fA-F-]*")
_FIND_S = 30.0  # for the record of an invocation to be read
_QUIET_S = 2.0  # without news, a chain has been read as far as it is


def logs(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="FUNCTION|REQUEST_ID", help="A function, or an invocation.")
    ],
    chain: Annotated[
        bool, typer.Option("--chain", help="Of all that the invocation belongs to, in order.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Of a function: go on as lines come.")
    ] = False,
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="Only lines with this text.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
    ] = None,
    since: options.Since = None,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Print logs of a function, or of an invocation.

    Of an invocation, the lines between its START and REPORT; with --chain, of every invocation of
    its chain, causes before effects, across functions and regions. Invocations are looked for in
    the record tables, from --since on.
    """
    from gammaray_tui.commands.aws import read_since
    from gammaray_tui.config import load_settings

    given = given_for_looking(context, profile, region, table, endpoint_url, config)
    if follow and output is not None:
        raise UserError(
            "--follow never ends, so that --output would never be written.",
            todo="Leave one of them out.",
            kind="usage",
        )
    settings = load_settings(given)
    text = since if since is not None else settings.since
    start = read_since(text, "--since" if since is not None else settings.since_from)
    since_s = start.start_s(time.time()) or 0.0
    operations = acting(given, tells_unfinished=False)
    kept: list[LogLine] = []

    async def run() -> None:
        async with contextlib.aclosing(
            _lines(operations, what, text, since_s, chain=chain, follow=follow)
        ) as lines:
            async for line in lines:
                if search.lower() not in line.text.lower():
                    continue
                if output is not None:
                    kept.append(line)
                else:
                    print_line(_written(line, as_json))

    asyncio.run(run())
    if output is not None:
        data = "".join(_written(line, as_json) + "\n" for line in kept)
        write_result(data.encode(), output)
        from widgets import formats

        say(f"{formats.plural(len(kept), 'line')} written to {output}")


def _written(line: LogLine, as_json: bool) -> str:
    if as_json:
        import msgspec

        return msgspec.json.encode(line).decode()
    from gammaray_tui.log_text import log_line

    return log_line(line)


async def _lines(
    operations: AwsOperations, what: str, since: str, since_s: float, *, chain: bool, follow: bool
) -> AsyncGenerator[LogLine, None]:
    from providers.logs import regions_of, tail

    regions = await regions_of(operations.session, what)
    if regions:
        functions = [(what, region) for region in regions]
        async for line in tail(operations.session, functions, since_s, follow=follow):
            yield line
        return
    if not _REQUEST_ID.fullmatch(what):  # nor worth reading the tables for
        raise UserError(
            f"There is no function {what}, and it is no request id",
            on=f"regions {', '.join(operations.regions)}",
            todo="Check the name, and the regions.",
            kind="unknown-name",
        )
    wanted = await _found(operations, what, since, chain=chain)
    for line in await operations.logs(wanted):
        yield line


async def _found(
    operations: AwsOperations, request_id: str, since: str, *, chain: bool
) -> list[LogsOf]:
    """Find an invocation, and with `chain` all of its chain, in the record tables.

    Raises:
        UserError: it is not there.
    """
    from gammaray_tui.commands.aws import stream_source
    from gammaray_tui.watch import Watch

    model = Watch("logs")
    reader = asyncio.ensure_future(stream_source(operations.session, since)(model.queue))
    try:
        async with asyncio.timeout(_FIND_S):
            while not reader.done():
                wait_s = _QUIET_S if model.logs_wanted(request_id) else _FIND_S
                model.apply(await asyncio.wait_for(model.queue.get(), wait_s))
    except TimeoutError:
        pass  # as far as it has been read
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    wanted = model.logs_wanted(request_id)
    if not wanted:
        raise UserError(
            f"There is no function and no invocation {request_id}",
            on=f"regions {', '.join(operations.regions)}, since {since}",
            todo="Check the id; --since reaches further back, 24 hours at most.",
            kind="unknown-invocation",
        )
    return wanted if chain else [one for one in wanted if one.request_id == request_id]
