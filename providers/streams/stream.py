"""Reading one stream: all its shards, each after its parent, children followed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from providers.aws_errors import error_code
from providers.events import Position
from providers.streams.context import RETENTION_S, RegionContext
from providers.streams.horizon import find_old_shards
from providers.streams.lineage import Lineage, Shard
from providers.streams.link import Listing
from providers.streams.shard import End, ShardReader, Start
from providers.streams.since import Since
from providers.streams.timing import Backoff

# Children are looked for at once when a shard ends, then less and less often, then only by the
# listings made now and then, which also find what no single look-up shows.
_CHILD_WAIT_S: Final = 0.05
_CHILD_WAIT_MAX_S: Final = 1.0
_CHILD_TRIES: Final = 8
# With more shards ended at once than this, listing everything costs fewer calls.
_SINGLE_LOOKUPS: Final = 3
_LISTING_INTERVAL_S: Final = 60.0
_LISTING_INTERVAL_IDLE_S: Final = 5.0
_MISSING_TRIES: Final = 5


class StreamReader:
    """Reads a stream until it is over: disabled or deleted, and drained.

    Attributes:
        arn: the stream's ARN.
    """

    def __init__(
        self,
        region: RegionContext,
        arn: str,
        since: Since | None,
        read_before: Mapping[str, Position] | None = None,
    ) -> None:
        """Prepare reading.

        Args:
            region: what the region's readers share.
            arn: the stream.
            since: where to start; None for a stream that came up while watching, of which
                everything is wanted.
            read_before: shard id -> how far an earlier watch, which this one goes on with, has
                read it.
        """
        self.arn = arn
        self._region = region
        self._latest = since is not None and since.kind == "now"
        self._followed = since is None or read_before is not None
        self._known_s = region.contact.last_s
        self._start_s = None if since is None else since.start_s(region.link.now_s())
        self._read_before = read_before or {}
        self._lineage = Lineage()
        self._readers: dict[str, ShardReader] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._childless: dict[str, int] = {}  # ended shard -> times that children were sought
        self._unopened: set[str] = set()
        self._news = asyncio.Event()
        self._backoff = Backoff(region.timing)
        self._listing_lock = asyncio.Lock()
        self._listings = 0
        self._listing: Listing | None = None  # None once the stream is gone
        self._relist_at_s = 0.0

    def is_gone(self) -> bool:
        """Say whether the service did not know the stream when it was last asked."""
        return self._listing is None

    async def run(self) -> None:
        """Read until the stream is over."""
        try:
            await self._begin()
            while not self._is_over():
                self._start_ready()
                self._forget_parents()
                if self._childless:
                    await self._seek_children()
                elif self._region.timing.monotonic_s() >= self._relist_at_s:
                    await self._relist()
                else:
                    wait_s = self._relist_at_s - self._region.timing.monotonic_s()
                    await self._region.timing.sleep_or(wait_s, self._news)
                self._news.clear()
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self) -> None:
        """List the shards and decide where reading starts."""
        await self._relist()
        lineage = self._lineage
        if self._latest:
            skipped = {shard.id for shard in lineage if lineage.is_closed(shard.id)}
        elif self._start_s is not None:
            link = self._region.link
            skipped = await find_old_shards(link, self.arn, lineage, self._start_s)
        else:
            skipped = set()
        for shard_id in skipped - self._read_before.keys() | self._had_before():
            lineage.drain(shard_id)
        initial = lineage.ready()
        self._unopened = {shard.id for shard in initial}
        for shard in initial:
            known_s = self._region.link.now_s() if self._latest else self._known_s
            self._start(shard, Start(self._latest, self._start_s, self._followed, known_s))
        if not initial and self._listing is not None:
            self._region.board.live()

    def _had_before(self) -> set[str]:
        """Give the shards of which an earlier watch left nothing to read.

        One that is not listed may still be there: reading it tells.
        """
        lineage = self._lineage
        unlisted = self._read_before.keys() - {shard.id for shard in lineage}
        lineage.add(Shard(shard_id) for shard_id in unlisted)
        had = {shard_id for shard_id, position in self._read_before.items() if position.ended}
        for shard in lineage:
            if shard.id in self._read_before:
                # It was read, so its ancestors had been read before.
                had |= lineage.ancestors(shard) - self._read_before.keys()
        return had

    def _start_ready(self) -> None:
        """Start reading what has become ready: from its oldest record, so that none is lost."""
        for shard in self._lineage.ready():
            # After LATEST shards come only records that were written during the watch.
            not_before_s = None if self._latest else self._start_s
            parent = self._readers.get(shard.parent or "")
            followed = self._followed or self._latest or parent is not None
            known_s = self._known_s if parent is None else parent.known_s
            self._start(shard, Start(False, not_before_s, followed, known_s))

    def _start(self, shard: Shard, start: Start) -> None:
        self._readers[shard.id] = ShardReader(
            self._region,
            self.arn,
            shard,
            start,
            self._read_before.get(shard.id),
            is_closed=self._lineage.is_closed,
            on_open=self._note_open,
        )
        self._resume(shard.id)

    def _resume(self, shard_id: str) -> None:
        self._lineage.start(shard_id)
        reading = self._read(self._readers[shard_id])
        self._tasks[shard_id] = asyncio.create_task(reading, name=f"read {shard_id}")

    async def _read(self, reader: ShardReader) -> None:
        """Read a shard to its end, whatever comes up."""
        region, shard_id = self._region, reader.shard.id
        backoff = Backoff(region.timing)
        region.pace.readers += 1
        region.board.count_shards(1)
        try:
            while True:
                try:
                    end = await reader.read()
                except Exception as error:
                    # A defect of ours must cost no record, and must be seen.
                    await region.wait_after(error, shard_id, backoff, region.link.generation)
                    continue
                if end is End.DRAINED or await self._is_gone(reader):
                    break
                await region.timing.sleep(backoff.next_s("unreachable"))
        finally:
            region.pace.readers -= 1
            region.board.count_shards(-1)
        region.board.forget(shard_id)
        self._lineage.drain(shard_id)
        self._note_open(shard_id)
        self._childless[shard_id] = 0
        del self._tasks[shard_id]
        self._news.set()

    async def _is_gone(self, reader: ShardReader) -> bool:
        """Say whether a shard that the service does not find is gone, and show it if so."""
        await self._relist()
        if self._listing is None:
            # With the table, which the region's status says, or while nobody looked.
            if self._read_before or self._region.link.now_s() - reader.known_s > RETENTION_S:
                await reader.tell_gone()
            return True
        shard_id = reader.shard.id
        listed = any(shard.id == shard_id for shard in self._listing.shards)
        if listed and not self._lineage.is_closed(shard_id):
            return False
        await reader.tell_gone()
        return True

    def _note_open(self, shard_id: str) -> None:
        self._unopened.discard(shard_id)
        if not self._unopened:
            self._region.board.live()

    def _forget_parents(self) -> None:
        """Stop seeking children of shards whose children are known."""
        for shard_id in [i for i in self._childless if self._lineage.children(i)]:
            del self._childless[shard_id]

    async def _seek_children(self) -> None:
        """Look for the children of ended shards, one by one or by listing everything."""
        tries = min(self._childless.values())
        if tries:
            wait_s = min(_CHILD_WAIT_MAX_S, _CHILD_WAIT_S * 2.0 ** (tries - 1))
            await self._region.timing.sleep_or(wait_s, self._news)
        wanted = list(self._childless)
        last_try = max(self._childless.values()) >= _CHILD_TRIES - 1
        if last_try or len(wanted) > _SINGLE_LOOKUPS:
            await self._relist()
        else:
            for shard_id in wanted:
                await self._look_up_children(shard_id)
        for shard_id in wanted:
            self._childless[shard_id] += 1
            if self._childless[shard_id] >= _CHILD_TRIES:
                del self._childless[shard_id]
                self._resume_if_open(shard_id)

    async def _look_up_children(self, shard_id: str) -> None:
        link = self._region.link
        generation = link.generation
        try:
            self._lineage.add(await link.list_children(self.arn, shard_id))
        except Exception as error:
            if error_code(error) != "ResourceNotFoundException":
                await self._region.wait_after(error, self.arn, self._backoff, generation)
            return
        self._note_answer()

    def _resume_if_open(self, shard_id: str) -> None:
        """Go on with a shard that ended, by the answer of one call, but is open by the listing."""
        listing = self._listing
        if listing is None or listing.disabled or self._lineage.is_closed(shard_id):
            return
        if any(shard.id == shard_id for shard in listing.shards):
            self._resume(shard_id)

    async def _relist(self) -> None:
        """List all shards, unless another task does so after we asked."""
        asked = self._listings
        async with self._listing_lock:
            if self._listings > asked:
                return
            self._listings += 1
            self._listing = await self._list()
            if self._listing is not None:
                self._lineage.add(self._listing.shards)
                for shard in self._lineage.forget_unlisted(self._listing.shards):
                    self._readers.pop(shard.id, None)
        self._news.set()
        interval_s = _LISTING_INTERVAL_S if self._tasks else _LISTING_INTERVAL_IDLE_S
        self._relist_at_s = self._region.timing.monotonic_s() + interval_s

    async def _list(self) -> Listing | None:
        """List the stream's shards, however long it takes; None when there is no such stream."""
        link = self._region.link
        missing = 0
        while True:
            generation = link.generation
            try:
                listing = await link.list_shards(self.arn)
            except Exception as error:
                missing += error_code(error) == "ResourceNotFoundException"
                if missing >= _MISSING_TRIES:
                    self._region.board.went_well(self.arn)
                    return None
                await self._region.wait_after(error, self.arn, self._backoff, generation)
                continue
            self._note_answer()
            await self._region.note_contact()
            return listing

    def _note_answer(self) -> None:
        self._backoff.reset()
        self._region.board.went_well(self.arn)

    def _is_over(self) -> bool:
        if self._tasks:
            return False
        if self._listing is None:
            return True
        # Listings can be behind, so even a disabled stream's last shards are asked for children.
        return self._listing.disabled and not self._childless and not self._lineage.unread()
