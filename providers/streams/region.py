"""Watching the record table of one region, whatever becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from providers.aws_errors import ACCESS_CODES, error_code
from providers.errors import UserError
from providers.events import Position
from providers.streams.context import RegionContext
from providers.streams.link import Table
from providers.streams.since import Since
from providers.streams.stream import StreamReader
from providers.streams.timing import Backoff

# The table is looked at this often: to find it made, deleted, or its stream turned off and on.
_LOOK_INTERVAL_S: Final = 10.0
_LIST_TRIES: Final = 3


class RegionReader:
    """Reads the streams that the region's record table has, had, and will have."""

    def __init__(
        self, region: RegionContext, since: Since, positions: Iterable[Position] | None = None
    ) -> None:
        """Prepare reading.

        Args:
            region: what the region's readers share.
            since: where to start.
            positions: what an earlier watch has read; this one goes on with it.
        """
        self._region = region
        self._since = since
        self._resumed = positions is not None
        self._read_before: dict[str, dict[str, Position]] = {}  # stream ARN -> shard id
        for position in positions or ():
            self._read_before.setdefault(position.stream_arn, {})[position.shard_id] = position
        self._known: set[str] = set()  # ARNs that need not be followed (any more)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended = asyncio.Event()
        self._looked = False

    async def run(self) -> None:
        """Watch until cancelled; problems are told and tried again, never raised."""
        publishing = asyncio.create_task(self._region.board.publish(self._region.put))
        try:
            await self._follow_table()
        finally:
            tasks = [publishing, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._region.link.close()

    async def _follow_table(self) -> None:
        region = self._region
        backoff = Backoff(region.timing)
        while True:
            generation = region.link.generation
            try:
                table = await region.link.describe_table()
                if not self._looked:
                    await self._start_with(table)
                elif table.stream_arn is not None and table.stream_arn not in self._known:
                    # Between two looks the stream may have been turned off and on repeatedly.
                    self._follow([*await self._all_streams(), table.stream_arn], None)
                self._judge(table)
            except Exception as error:
                # A table that is made later is wanted whole.
                self._looked |= error_code(error) == "ResourceNotFoundException"
                await region.wait_after(error, region.link.table_name, backoff, generation)
                continue
            backoff.reset()
            self._ended.clear()
            await region.timing.sleep_or(_LOOK_INTERVAL_S, self._ended)

    async def _start_with(self, table: Table) -> None:
        """Start with what the table's streams hold at the first look.

        A stream that was turned off stays readable for 24 hours, so whoever asks for the past
        gets it from there too.
        """
        arns = await self._all_streams()
        latest = [] if table.stream_arn is None else [table.stream_arn]
        wanted = [*self._read_before, *arns, *latest]
        if self._since.kind == "now":
            wanted = latest if table.enabled else []
        self._follow(wanted, self._since)
        self._known.update(arns, latest)
        self._looked = True

    async def _all_streams(self) -> list[str]:
        """List the table's streams; none when that is not possible.

        The permission to list is not needed for anything else, so it may be missing; the
        table's latest stream is known without it.
        """
        region = self._region
        backoff = Backoff(region.timing)
        arns: list[str] = []
        while backoff.failures < _LIST_TRIES:
            generation = region.link.generation
            try:
                arns = await region.link.list_streams()
                break
            except Exception as error:
                if error_code(error) in ACCESS_CODES:
                    break
                await region.wait_after(error, "ListStreams", backoff, generation)
        region.board.went_well("ListStreams")
        return arns

    def _follow(self, arns: Iterable[str], since: Since | None) -> None:
        """Start reading streams, except those that are or were read already."""
        for arn in arns:
            if arn in self._known:
                continue
            self._known.add(arn)
            read_before = self._read_before.pop(arn, {}) if self._resumed else None
            stream = StreamReader(self._region, arn, since, read_before)
            self._tasks[arn] = asyncio.create_task(self._read(stream), name=f"follow {arn}")

    async def _read(self, stream: StreamReader) -> None:
        """Read a stream to its end; when a defect of ours stops it, say so and go on."""
        region = self._region
        backoff = Backoff(region.timing)
        while True:
            try:
                await stream.run()
            except Exception as error:
                await region.wait_after(error, stream.arn, backoff, region.link.generation)
                continue
            break
        del self._tasks[stream.arn]
        if stream.is_gone():
            # Should the table name it still, it was not gone for good.
            self._known.discard(stream.arn)
        self._ended.set()

    def _judge(self, table: Table) -> None:
        """Tell what keeps a table from being watched, or that nothing does."""
        name = self._region.link.table_name
        if not table.enabled:
            what = f"The stream of table {name} is turned off"
            todo = (
                f"Turn it on: `aws dynamodb update-table --table-name {name} "
                "--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES`."
            )
            self._tell(UserError(what, todo=todo, kind="stream-disabled"))
        elif not table.has_images:
            what = f"The stream of table {name} carries no new images, so it shows nothing"
            todo = "Turn the stream off and on again with the view type NEW_AND_OLD_IMAGES."
            self._tell(UserError(what, todo=todo, kind="stream-without-images"))
        else:
            self._region.board.went_well(name)

    def _tell(self, problem: UserError) -> None:
        on = f"region {self._region.name}"
        error = UserError(problem.what, on=on, todo=problem.todo, kind=problem.kind)
        self._region.board.failed(self._region.link.table_name, error, _LOOK_INTERVAL_S)
