"""`gammaray-tui tail`: one line a record, as it is read; and expectations about them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.interrupt import until_interrupted
from gammaray_tui.commands.output import EXIT_FAILED, ended_pipe_is_fine, say, write_result
from gammaray_tui.commands.sources import OpenSources, Sources, parse_sources
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.commands.reading import Queue, Source
    from gammaray_tui.commands.record_lines import RecordLines
    from gammaray_tui.expectations.grammar import Expectation
    from gammaray_tui.expectations.judge import Verdict
    from gammaray_tui.recording import WatchRecording
    from providers.events import ProviderEvent, RegionStatus

Expect = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="TEXT",
        help="Something that should hold, such as 'A -> B within 2s', 'no errors' or "
        "'A p95 < 500ms'; repeat it for several. Exit code 1 when one does not.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=0,
        metavar="SECONDS",
        help="The longest to read. Default: 60 with --expect, else for ever.",
    ),
]
Junit = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write what became of --expect as JUnit XML."),
]
_EXPECT_TIMEOUT_S = 60.0


def tail(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Read these files, or folders of them, instead of AWS.",
            show_default=False,
        ),
    ] = None,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    since: options.Since = None,
    source: Sources = None,
    as_json: options.AsJson = False,
    expect: Expect = None,
    timeout_s: Timeout = None,
    junit: Junit = None,
    record: options.Record = None,
    config: options.ConfigFile = None,
) -> None:
    """Print one line a record as it is read; judge expectations.

    It goes on until Ctrl-C, or until it can be told whether all is as --expect says (see
    docs/expectations.md). Each line of --json carries the record itself: a file of them can be
    exported and replayed.
    """
    from gammaray_tui.commands.record_lines import RecordLines
    from gammaray_tui.recording import WatchRecording

    given = options.Given(
        profile=profile,
        regions=options.split_regions(region),
        table=table,
        endpoint_url=endpoint_url,
        since=since,
        config=config,
    )
    expectations = [read_expectation(text) for text in expect or ()]
    if junit is not None and not expectations:
        raise UserError(
            "--junit has nothing to tell without --expect.", todo="Add --expect.", kind="usage"
        )
    given = given.over(options.given_before(context))
    if paths and source:
        raise UserError(
            "--source means nothing where files are read.", todo="Leave it out.", kind="usage"
        )
    if paths and record:
        raise UserError(
            "Files are not recorded: they are there already.",
            todo="Leave --record out.",
            kind="usage",
        )
    recording = WatchRecording()
    if paths:
        reading = _files_source(paths, given)
    else:
        reading, recording = _aws_source(given, source, record)
    lines = RecordLines(as_json=as_json)
    if record is not None:
        recording.start()
    printer = Printer(lines, recording.regions, recording.take)
    verdicts: list[Verdict] = []
    began_s = time.monotonic()
    with ended_pipe_is_fine():
        if expectations:
            longest_s = _EXPECT_TIMEOUT_S if timeout_s is None else timeout_s
            work = _expect(reading, expectations, longest_s, printer, verdicts)
        else:
            work = print_records(reading, printer, timeout_s)
        try:
            asyncio.run(until_interrupted(work))
        finally:
            recording.stop()
    say(summary(lines))
    if expectations:
        _report(verdicts, time.monotonic() - began_s, junit)


def read_expectation(text: str) -> Expectation:
    """Read an expectation.

    Raises:
        UserError: it cannot be read; points at the column.
    """
    from gammaray_tui.expectations.grammar import ExpectationError, parse

    try:
        return parse(text)
    except ExpectationError as error:
        raise UserError(
            f"The expectation cannot be read: {error}",
            on="--expect",
            todo=f"{text}\n{'^':>{error.column}}",
            kind="usage",
        ) from error


class Printer:
    """Prints records on stdout; what else is told goes to stderr.

    Attributes:
        live: whether regions are read; else files.
    """

    def __init__(
        self,
        lines: RecordLines,
        regions: tuple[str, ...],
        tap: Callable[[ProviderEvent], None] = lambda _event: None,
    ) -> None:
        self.live = bool(regions)
        self._lines = lines
        self._regions = regions
        self._tap = tap
        self._states: dict[str, RegionStatus] = {}

    def tell(self, event: ProviderEvent) -> None:
        """Tell an event.

        Raises:
            UserError: no region can be read unless the user changes something.
        """
        from providers.events import Gap, RecordBatch, RegionStatus

        self._tap(event)
        if isinstance(event, RecordBatch):
            for line in self._lines.of(event):
                sys.stdout.write(line + "\n")
            sys.stdout.flush()
        elif isinstance(event, Gap):
            say(f"{event.region}: records were lost: {event.detail}")
        elif isinstance(event, RegionStatus) and self._regions:
            before = self._states.get(event.region)
            self._states[event.region] = event
            _refuse_when_all_down(self._states, self._regions)
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


async def print_records(source: Source, printer: Printer, timeout_s: float | None) -> None:
    """Print a source's records until it ends, or for a time; what else it says goes to stderr.

    Raises:
        UserError: no region can be read unless the user changes something.
    """
    from gammaray_tui.commands.reading import events_of

    try:
        async with (
            asyncio.timeout(timeout_s) as deadline,
            contextlib.aclosing(events_of(source, asyncio.Queue(maxsize=64))) as events,
        ):
            async for event in events:
                printer.tell(event)
    except TimeoutError:
        if not deadline.expired():
            raise


async def _expect(
    source: Source,
    expectations: list[Expectation],
    timeout_s: float,
    printer: Printer,
    verdicts: list[Verdict],
) -> None:
    from gammaray_tui.expectations.watching import watch_until_settled
    from gammaray_tui.watch import Watch

    verdicts += await watch_until_settled(
        expectations,
        source,
        Watch("tail", max_invocations=None),
        timeout_s,
        printer.tell,
        live=printer.live,
    )


def _aws_source(
    given: options.Given, sources: list[str] | None, record: Path | None
) -> tuple[Source, WatchRecording]:
    from gammaray_tui.commands.aws import open_session, origin_of, read_since
    from gammaray_tui.config import load_settings
    from gammaray_tui.recording import WatchRecording

    wanted = parse_sources(sources)
    settings = load_settings(given)
    session = open_session(settings)
    since = read_since(settings.since, settings.since_from)
    recording = WatchRecording(
        title="tail",
        origin=origin_of(session),
        regions=session.regions,
        since_s=since.start_s(time.time()),
        path=record,
    )
    return OpenSources(wanted, session, since).run, recording


def _files_source(paths: list[Path], given: options.Given) -> Source:
    from gammaray_tui.commands.graph_input import collect_files

    given.refuse_aws("tail PATH")
    files = collect_files(paths)

    async def read_files(queue: Queue) -> None:
        from providers.files import read

        events = read(files)
        while (event := await asyncio.to_thread(next, events, None)) is not None:
            await queue.put(event)

    return read_files


def _report(verdicts: list[Verdict], elapsed_s: float, junit: Path | None) -> None:
    """Tell what became of the expectations.

    Raises:
        typer.Exit: one was not met, or the watch was ended before it could be told.
    """
    from gammaray_tui.expectations.report import as_junit, as_text

    if not verdicts:
        say("ended before it could be told whether the expectations hold")
        raise typer.Exit(EXIT_FAILED)
    for line in as_text(verdicts, elapsed_s):
        say(line)
    if junit is not None:
        write_result(as_junit(verdicts, elapsed_s), junit)
    if not all(verdict.met for verdict in verdicts):
        raise typer.Exit(EXIT_FAILED)


def _say_change(before: RegionStatus | None, now: RegionStatus) -> None:
    if before is not None and (before.phase, before.kind) == (now.phase, now.kind):
        return
    reason = f": {now.message}" if now.message else ""
    say(f"{now.region}: {now.phase}{reason}")


def _refuse_when_all_down(states: dict[str, RegionStatus], regions: tuple[str, ...]) -> None:
    down = [states[name] for name in regions if name in states and states[name].phase == "down"]
    if down and len(down) == len(regions):
        raise UserError(down[0].message, todo=down[0].todo, kind=down[0].kind)
