"""What all readers of one region share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from providers.aws_errors import CREDENTIAL_KINDS, NEEDS_USER, user_error
from providers.errors import UserError
from providers.events import Gap, ProviderEvent
from providers.streams.board import RegionBoard
from providers.streams.link import RegionLink
from providers.streams.pace import Pace
from providers.streams.seen import Seen
from providers.streams.timing import Backoff, Timing

# What is wrong with the region as a whole: when one reader gets through, all try at once.
_REGION_KINDS = CREDENTIAL_KINDS | {"access-denied", "not-aws", "server-error", "unreachable"}

# How long DynamoDB Streams keeps records.
RETENTION_S: Final = 24 * 3600.0
# An answer takes some hundredths of a second; a full page over a slow line, a second or two.
SILENT_AFTER_S = 5.0

Answer = TypeVar("Answer")


@dataclass
class Contact:
    """When the region was last heard of, epoch seconds.

    Attributes:
        gap_s: when it had last been silent for so long that records were lost.
    """

    last_s: float
    gap_s: float = -math.inf


@dataclass(frozen=True)
class RegionContext:
    """The region's connections, board and queue.

    Attributes:
        put: hands an event on; waits while the queue is full.
    """

    name: str
    link: RegionLink
    board: RegionBoard
    pace: Pace
    seen: Seen
    timing: Timing
    contact: Contact
    put: Callable[[ProviderEvent], Awaitable[None]]

    async def note_contact(self) -> None:
        """Note that the service answered; after a silence of a day, records are lost for sure.

        The service need not say so: of shards that came up and were trimmed meanwhile there is
        no trace.
        """
        now_s = self.link.now_s()
        silent_s = now_s - self.contact.last_s
        self.contact.last_s = now_s
        if silent_s > RETENTION_S:
            self.contact.gap_s = now_s
            detail = f"nothing could be read for {silent_s / 3600:.0f} h, and streams hold 24 h"
            await self.put_gap(self.link.table_name, detail)

    async def answered(self, source: str, call: Awaitable[Answer]) -> Answer:
        """Await the answer to a call about `source`; where it is long in coming, the board says so.

        Until a call has failed for good, by its timeout, "live" would be untrue for long.
        """
        retry_in_s = max(0.0, self.link.request_timeout_s - SILENT_AFTER_S)
        timer = asyncio.get_running_loop().call_later(
            SILENT_AFTER_S, self.board.silent, source, SILENT_AFTER_S, retry_in_s
        )
        try:
            return await call
        finally:
            timer.cancel()

    async def put_gap(self, source: str, detail: str) -> None:
        """Tell of records that are known to be lost."""
        await self.put(Gap(self.name, source, detail, self.timing.now_s()))

    async def wait_after(
        self, error: Exception, source: str, backoff: Backoff, generation: int
    ) -> None:
        """Tell the board about a failure and wait until the next try makes sense.

        Args:
            error: what the call about `source` raised.
            source: shard id, stream ARN or table name.
            backoff: the waits of this source.
            generation: the link's generation when the call was made.
        """
        failure = self._explain(error)
        if failure.kind in CREDENTIAL_KINDS:
            try:
                await self.link.renew(generation)
            except UserError as worse:
                failure = worse
        wait_s = backoff.next_s(failure.kind)
        recovered = self.board.recovered
        self.board.failed(source, failure, wait_s)
        if failure.kind in _REGION_KINDS:
            await self.timing.sleep_or(wait_s, recovered)
        else:
            await self.timing.sleep(wait_s)

    def _explain(self, error: Exception) -> UserError:
        table = f"table {self.link.table_name}"
        told = user_error(error, profile=self.link.profile, region=self.name, resource=table)
        if told.kind in NEEDS_USER:
            todo = f"{told.todo} Reading then goes on by itself where it stopped.".lstrip()
            return UserError(told.what, on=told.on, todo=todo, kind=told.kind)
        return told
