"""Reading one shard from a cursor to its end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from botocore.exceptions import ClientError

from causality.records import Page, StreamRecord, Unreadable
from providers.aws_errors import error_code
from providers.events import Position, RecordBatch
from providers.record_time import created_s, record_time_s
from providers.streams.context import RETENTION_S, RegionContext
from providers.streams.lineage import Shard
from providers.streams.link import Cursor
from providers.streams.timing import Backoff

_TRIM_HORIZON: Final = Cursor("TRIM_HORIZON")
# A page this full, or records this old, mean that more is waiting.
_FULL_PAGE: Final = 100
_BEHIND_S: Final = 5.0
_AFTER_FEW_S: Final = 0.05
# Empty pages of a closed shard come before its end; nothing new is written, so hurry.
_CLOSED_EMPTY_S: Final = 0.02
# A shard can be listed a moment before, or long after, the service can read it.
_MISSING_TRIES: Final = 4
# The first failures that only ask for a new iterator are nobody's business.
_QUIET_FAILURES: Final = 2


class End(Enum):
    """How reading a shard ended."""

    DRAINED = "drained"
    GONE = "gone"  # the service says that there is no such shard


@dataclass(frozen=True)
class Start:
    """Where a shard's reading starts.

    Attributes:
        latest: with what is written from now on; else with the oldest record held.
        not_before_s: records created earlier are dropped; None keeps all. With `latest` it is
            when the watch started, and used only when the first iterator is lost.
        followed: the shard came up while watching, so that whatever it lost is a gap.
        known_s: all that the shard can hold was written after this (epoch seconds).
    """

    latest: bool = False
    not_before_s: float | None = None
    followed: bool = False
    known_s: float = 0.0


class ShardReader:
    """Reads a shard's pages onto the queue; survives whatever the service answers.

    Attributes:
        last: sequence number of the last record handed on (or dropped as too old).
        known_s: up to this time (epoch seconds) what the shard held is known.
    """

    def __init__(
        self,
        region: RegionContext,
        arn: str,
        shard: Shard,
        start: Start,
        read_before: Position | None,
        *,
        is_closed: Callable[[str], bool],
        on_open: Callable[[str], None],
    ) -> None:
        self.shard = shard
        self.start = start
        self.last = None if read_before is None else read_before.sequence
        self.known_s = start.known_s
        self._region = region
        self._arn = arn
        self._is_closed = is_closed
        self._on_open = on_open
        self._asked_latest = False
        # DynamoDB cuts creation times to whole seconds.
        floor_s = None if start.not_before_s is None else float(math.floor(start.not_before_s))
        self._watch_start_s = floor_s
        self._not_before_s = None if start.latest else floor_s
        self._from_horizon = False
        self._possible_gap: str | None = None
        self._missing = 0
        self._empty_pages = 0
        self._lag_s = 0.0
        self._backoff = Backoff(region.timing)

    async def read(self) -> End:
        """Read until the shard's end; may be called again to go on where it ended."""
        link = self._region.link
        iterator: str | None = None
        self._missing = 0
        while True:
            generation = link.generation
            try:
                if iterator is None:
                    cursor = self._cursor()
                    opening = link.open_iterator(self._arn, self.shard.id, cursor)
                    iterator = await self._region.answered(self.shard.id, opening)
                    self._on_open(self.shard.id)
                    await self._judge_beginning(cursor)
                page = await self._region.answered(self.shard.id, link.read_page(iterator))
            except Exception as error:
                if await self._needs_new_iterator(error):
                    iterator = None
                    if self._missing >= _MISSING_TRIES:
                        return End.GONE
                    if self._backoff.failures < _QUIET_FAILURES:
                        await self._region.timing.sleep(self._backoff.next_s(""))
                        continue
                await self._region.wait_after(error, self.shard.id, self._backoff, generation)
                continue
            self._missing = 0
            self._backoff.reset()
            self._region.board.went_well(self.shard.id)
            await self._region.note_contact()
            await self._deliver(page)
            if not page.next_iterator:
                await self._tell_possible_gap()
                return End.DRAINED
            iterator = page.next_iterator
            wait_s = self._wait_s(page)
            if wait_s:
                await self._region.timing.sleep(wait_s)

    async def tell_gone(self) -> None:
        """Put a gap for a shard whose data is gone, if anything of it was to be seen."""
        if self.start.followed or self.last is not None:
            await self._put_gap("the shard's data was gone before it could be read")

    def _cursor(self) -> Cursor:
        """Say where to go on: after what was read, or at the start."""
        if self._from_horizon:
            return _TRIM_HORIZON
        if self.last is not None:
            return Cursor("AFTER_SEQUENCE_NUMBER", self.last)
        if not self.start.latest:
            return _TRIM_HORIZON
        if not self._asked_latest:
            self._asked_latest = True
            return Cursor("LATEST")
        # Asking for LATEST again would lose what was written since the first time.
        self._not_before_s = self._watch_start_s
        return Cursor("AT_SEQUENCE_NUMBER", self.shard.first) if self.shard.first else _TRIM_HORIZON

    async def _needs_new_iterator(self, error: Exception) -> bool:
        """Say whether the iterator is of no more use, and change the cursor where it is to blame.

        The codes decide: the messages can be empty.
        """
        code = error_code(error)
        if code == "TrimmedDataAccessException":
            await self._restart_at_horizon()
        elif code == "ResourceNotFoundException":
            self._missing += 1
        elif code == "ValidationException":
            opening = isinstance(error, ClientError) and error.operation_name == "GetShardIterator"
            if opening and (self.last is not None or self._asked_latest):
                # The server does not take this sequence number; the repeats are dropped.
                self._not_before_s = self._watch_start_s
                self._from_horizon = True
        elif code != "ExpiredIteratorException":
            return False
        return True

    async def _judge_beginning(self, cursor: Cursor) -> None:
        """Show a gap when a shard is begun so late that its oldest records can be gone.

        The service does not say so: TRIM_HORIZON is whatever is the oldest now.
        """
        if cursor != _TRIM_HORIZON or self.last is not None:
            return
        now_s = self._region.link.now_s()
        known_s, self.known_s = self.known_s, now_s
        is_told = self._region.contact.gap_s >= known_s
        wanted = self.start.followed or self._asked_latest
        if wanted and now_s - known_s > RETENTION_S and not is_told:
            await self._put_gap("read so late that its oldest records may have been trimmed")

    async def _restart_at_horizon(self) -> None:
        """Go on with the oldest record held, and show what lies between as a gap."""
        if self._from_horizon:
            return
        self._from_horizon = True
        if self.last is not None:
            await self._put_gap(f"records after {self.last} were trimmed before they could be read")
            return
        detail = "the shard's oldest records were trimmed before they could be read"
        self._not_before_s = self._watch_start_s
        if self._not_before_s is None:
            await self._put_gap(detail)
        else:
            # What was trimmed may be older than what was asked for: the next record tells.
            self._possible_gap = detail

    async def _deliver(self, page: Page) -> None:
        """Hand the page's new records on, with the position behind them."""
        region = self._region
        if page.records or page.unreadable:
            region.pace.active()
            await self._judge_possible_gap(page)
        else:
            region.board.caught_up(self.shard.id)
            self.known_s = region.link.now_s()
        records, unreadable = self._keep(page)
        newest = _newest_sequence(page)
        moves = newest and (self.last is None or _is_after(newest, self.last))
        position = self._position(newest if moves else self.last, ended=not page.next_iterator)
        if records or unreadable or (position is not None and position.ended):
            received_at_s = region.timing.now_s()
            await region.put(
                RecordBatch(
                    region.name, self.shard.id, records, unreadable, received_at_s, position
                )
            )
        if moves:
            self.last = newest
            self._from_horizon = False
        if page.records or page.unreadable:
            self._lag_s = self._note_lag(page)

    def _position(self, sequence: str | None, *, ended: bool) -> Position | None:
        """Give the position after a page; None as long as no record was read."""
        if sequence is None:
            return None
        return Position(self._arn, self.shard.id, sequence, ended)

    def _keep(self, page: Page) -> tuple[list[StreamRecord], list[Unreadable]]:
        """Drop what is older than asked for and what was handed on before."""
        shard_id = self.shard.id
        records, unreadable = page.records, page.unreadable
        if self._not_before_s is not None:
            records = [record for record in records if not self._is_old(record)]
            if records:
                self._not_before_s = None
        last = self.last
        if last is not None:
            if records and not _is_after(records[0].dynamodb.SequenceNumber, last):
                records = [r for r in records if _is_after(r.dynamodb.SequenceNumber, last)]
            unreadable = [u for u in unreadable if _is_after(u.sequence, last)]
        is_new = self._region.seen.is_new
        return (
            [r for r in records if is_new(r.eventID or f"{shard_id}:{r.dynamodb.SequenceNumber}")],
            [u for u in unreadable if is_new(u.event_id or f"{shard_id}:{u.sequence or u.raw}")],
        )

    def _is_old(self, record: StreamRecord) -> bool:
        created = created_s(record)
        if created is None:
            created = record_time_s(record)
        return (
            created is not None and self._not_before_s is not None and created < self._not_before_s
        )

    async def _judge_possible_gap(self, page: Page) -> None:
        """With a record older than asked for still there, nothing asked for was trimmed."""
        if self._possible_gap and page.records and self._is_old(page.records[0]):
            self._possible_gap = None
        await self._tell_possible_gap()

    async def _tell_possible_gap(self) -> None:
        if self._possible_gap:
            detail, self._possible_gap = self._possible_gap, None
            await self._put_gap(detail)

    async def _put_gap(self, detail: str) -> None:
        await self._region.put_gap(self.shard.id, detail)

    def _note_lag(self, page: Page) -> float:
        written_s = record_time_s(page.records[-1]) if page.records else None
        if written_s is None:
            return 0.0
        self.known_s = max(self.known_s, written_s)
        lag_s = max(0.0, self._region.link.now_s() - written_s)
        self._region.board.behind(self.shard.id, round(lag_s, 1))
        return lag_s

    def _wait_s(self, page: Page) -> float:
        """Say how long to wait before the next page."""
        count = len(page.records) + len(page.unreadable)
        closed = self._is_closed(self.shard.id)
        if count:
            self._empty_pages = 0
            more = closed or count >= _FULL_PAGE or self._lag_s > _BEHIND_S
            return 0.0 if more else _AFTER_FEW_S
        self._empty_pages += 1
        idle_s = self._region.pace.idle_s()
        return min(idle_s, _CLOSED_EMPTY_S * 2.0 ** min(self._empty_pages, 6)) if closed else idle_s


def _newest_sequence(page: Page) -> str:
    """Give the page's highest sequence number, "" when it carries none."""
    candidates = []
    if page.records:
        candidates.append(page.records[-1].dynamodb.SequenceNumber)
    if page.unreadable:
        candidates.append(page.unreadable[-1].sequence)
    newest = ""
    for candidate in candidates:
        if candidate and (not newest or _is_after(candidate, newest)):
            newest = candidate
    return newest


def _is_after(sequence: str, other: str) -> bool:
    """Compare sequence numbers: decimal text of differing length, some with leading zeros.

    What is no number is taken as new: better twice than never.
    """
    if sequence.isdecimal() and other.isdecimal():
        return int(sequence) > int(other)
    return True
