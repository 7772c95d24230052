"""`gammaray-tui tail`: one line a record, as it is read."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.interrupt import until_interrupted
from gammaray_tui.commands.output import ended_pipe_is_fine, say
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.commands.reading import Source
    from gammaray_tui.commands.record_lines import RecordLines
    from providers.events import RegionStatus


def tail(
    context: typer.Context,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    since: options.Since = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Print one line a record as it is read, until Ctrl-C.

    Each line of --json carries the record itself: a file of them can be exported and replayed.
    """
    from gammaray_tui.commands.aws import open_session, stream_source
    from gammaray_tui.commands.record_lines import RecordLines
    from gammaray_tui.config import load_settings

    given = options.Given(
        profile=profile,
        regions=options.split_regions(region),
        table=table,
        endpoint_url=endpoint_url,
        since=since,
        config=config,
    )
    settings = load_settings(given.over(options.given_before(context)))
    session = open_session(settings)
    source = stream_source(session, settings.since, settings.since_from)
    lines = RecordLines(as_json=as_json)
    with ended_pipe_is_fine():
        asyncio.run(until_interrupted(print_lines(source, session.regions, lines)))
    say(summary(lines))


async def print_lines(source: Source, regions: tuple[str, ...], lines: RecordLines) -> None:
    """Print a source's records until it ends; what else it says goes to stderr.

    Raises:
        UserError: no region can be read unless the user changes something.
    """
    from gammaray_tui.commands.reading import events_of
    from providers.events import Gap, RecordBatch, RegionStatus

    states: dict[str, RegionStatus] = {}
    async with contextlib.aclosing(events_of(source, asyncio.Queue(maxsize=64))) as events:
        async for event in events:
            if isinstance(event, RecordBatch):
                for line in lines.of(event):
                    sys.stdout.write(line + "\n")
                sys.stdout.flush()
            elif isinstance(event, Gap):
                say(f"{event.region}: records were lost: {event.detail}")
            elif isinstance(event, RegionStatus):
                before = states.get(event.region)
                states[event.region] = event
                _refuse_when_all_down(states, regions)
                _say_change(before, event)


def summary(lines: RecordLines) -> str:
    """Say what was printed, in one line."""
    parts = [f"{lines.told} record{'' if lines.told == 1 else 's'}"]
    for count, name in (
        (lines.unreadable, "unreadable"),
        (lines.repeated, "delivered again and left out"),
        (lines.removed, "deleted from the table"),
    ):
        if count:
            parts.append(f"{count} {name}")
    return ", ".join(parts)


def _say_change(before: RegionStatus | None, now: RegionStatus) -> None:
    if before is not None and (before.phase, before.kind) == (now.phase, now.kind):
        return
    reason = f": {now.message}" if now.message else ""
    say(f"{now.region}: {now.phase}{reason}")


def _refuse_when_all_down(states: dict[str, RegionStatus], regions: tuple[str, ...]) -> None:
    down = [states[name] for name in regions if name in states and states[name].phase == "down"]
    if down and len(down) == len(regions):
        raise UserError(down[0].message, todo=down[0].todo, kind=down[0].kind)
