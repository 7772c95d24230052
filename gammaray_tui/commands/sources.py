"""Where records come from: `--source`, one or several, put together as one source."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.commands.reading import Queue, Source
    from providers.events import ProviderEvent
    from providers.session import AwsSession
    from providers.sources.xray_api import XRaySource
    from providers.streams import Resume, Since, StreamSource

Sources: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="KIND[:WHAT]",
        help="Where records come from: streams (default), logs[:GROUP,...], kinesis:STREAM, "
        "xray[:CALLS], xray-daemon[:PORT]; repeat it for several. See docs/sources.md.",
    ),
]
_KINDS = ("streams", "logs", "kinesis", "xray", "xray-daemon")
_RECORDS = ("streams", "logs", "kinesis")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source as the user named it."""

    kind: str
    what: str = ""


def parse_sources(texts: Sequence[str] | None) -> tuple[Wanted, ...]:
    """Read `--source`; X-Ray alone has nothing to join its traces to, so streams come with it.

    Raises:
        UserError: a source is not known, or lacks what it needs.
    """
    wanted = tuple(dict.fromkeys(map(_parse, texts or ())))
    if not any(source.kind in _RECORDS for source in wanted):
        return (Wanted("streams"), *wanted)
    return wanted


def _parse(text: str) -> Wanted:
    kind, colon, what = text.partition(":")
    if kind not in _KINDS:
        raise _unknown(text, f"Known are: {', '.join(_KINDS)}.")
    if kind == "kinesis" and not what:
        raise _unknown(text, "Name the stream: --source kinesis:STREAM.")
    if kind == "streams" and colon:
        raise _unknown(text, "The record table has its own option: --table.")
    if kind in ("xray", "xray-daemon") and colon:
        most = 65535 if kind == "xray-daemon" else 10**9
        if not (what.isascii() and what.isdecimal() and 0 < int(what) <= most):
            raise _unknown(text, f"Give a number: --source {kind}:2000.")
    return Wanted(kind, what)


class OpenSources:
    """Several sources put together as one, whose events come as they come."""

    def __init__(
        self,
        wanted: Sequence[Wanted],
        session: AwsSession,
        since: Since,
        resume: Resume | None = None,
    ) -> None:
        """Prepare; nothing is called before `run`.

        Args:
            wanted: at least one that brings records.
            session: whose credentials and regions.
            since: where reading starts.
            resume: where reading of the record table's streams goes on.
        """
        self._sources: list[tuple[str, Source]] = []
        self._streams: StreamSource | None = None
        self._xray: XRaySource | None = None
        for source in wanted:
            if source.kind == "streams":
                from providers.streams import StreamSource

                self._streams = StreamSource(session, since=since, resume=resume)
                self._sources.append((source.kind, self._streams.run))
            elif source.kind == "logs":
                from providers.sources.cloudwatch_logs import ALL_FUNCTIONS, LogsSource

                groups = tuple(filter(None, source.what.split(","))) or (ALL_FUNCTIONS,)
                self._sources.append((source.kind, LogsSource(session, groups, since=since).run))
            elif source.kind == "kinesis":
                from providers.sources.kinesis import KinesisSource

                self._sources.append(
                    (source.kind, KinesisSource(session, source.what, since=since).run)
                )
            elif source.kind == "xray-daemon":
                from providers.sources.xray_daemon import PORT, DaemonSource

                self._sources.append((source.kind, DaemonSource(int(source.what or PORT)).run))
            else:
                from providers.sources import xray_api

                budget = int(source.what or xray_api.CALLS)
                self._xray = xray_api.XRaySource(session, budget=budget)
                self._sources.append((source.kind, self._xray.run))

    def expect_records(self) -> None:
        """Poll quickly for a while: something was fired that will write records."""
        if self._streams is not None:
            self._streams.expect_records()

    async def run(self, queue: Queue) -> None:
        """Put events on the queue until cancelled; a source that fails stops no other."""
        target = queue if self._xray is None else _Noting(queue, self._xray)
        async with asyncio.TaskGroup() as tasks:
            for kind, source in self._sources:
                tasks.create_task(_guarded(kind, source, target))


async def _guarded(kind: str, source: Source, queue: Queue) -> None:
    from providers.events import RegionStatus

    try:
        await source(queue)
    except UserError as error:
        await queue.put(RegionStatus(kind, "down", error.kind, error.what, error.todo))


class _Noting(asyncio.Queue["ProviderEvent"]):
    """A queue before the queue: shows X-Ray's source what records come."""

    def __init__(self, queue: Queue, xray: XRaySource) -> None:
        super().__init__()
        self._target = queue
        self._xray = xray

    async def put(self, item: ProviderEvent) -> None:
        self._xray.note(item)
        await self._target.put(item)


def _unknown(text: str, todo: str) -> UserError:
    return UserError(f'--source is "{text}", which is no source.', todo=todo, kind="usage")
