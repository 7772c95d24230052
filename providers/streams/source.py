"""The record tables of all watched regions, as one source of events."""

from __future__ import annotations

import asyncio

from providers.events import ProviderEvent
from providers.session import READ_TIMEOUT_S, AwsSession
from providers.streams.board import RegionBoard
from providers.streams.context import Contact, RegionContext
from providers.streams.link import RegionLink
from providers.streams.pace import Pace
from providers.streams.region import RegionReader
from providers.streams.resume import Resume
from providers.streams.seen import Seen
from providers.streams.since import Since
from providers.streams.timing import Timing


class StreamSource:
    """Tails the record table's stream in every region of a session.

    One task watches each region, one reads each shard; what goes wrong in one region never
    touches another. Each record is delivered once, a shard's after its parent's, and what is
    known to be lost comes as a Gap.
    """

    def __init__(
        self,
        session: AwsSession,
        *,
        since: Since,
        resume: Resume | None = None,
        timing: Timing | None = None,
        request_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        """Prepare; nothing is called before `run`.

        Args:
            session: whose credentials, regions and table.
            since: where reading starts.
            resume: what an earlier watch has read; regions that it watched go on from there,
                whatever `since` says.
            timing: other clocks than this machine's.
            request_timeout_s: how long an answer may take before it is asked for again.
        """
        self._session = session
        self._since = since
        self._resume = resume
        self._timing = timing or Timing()
        self._request_timeout_s = request_timeout_s
        self._pace = Pace(self._timing.monotonic_s)

    async def run(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        """Put events on the queue until cancelled; waits while the queue is full."""
        async with asyncio.TaskGroup() as group:
            for region in self._session.regions:
                group.create_task(self._reader(region, queue).run())

    def expect_records(self) -> None:
        """Poll quickly for a while: something was fired that will write records."""
        self._pace.active()

    def _reader(self, region: str, queue: asyncio.Queue[ProviderEvent]) -> RegionReader:
        context = self._context(region, queue)
        resume = self._resume
        if resume is None or region not in resume.positions:
            return RegionReader(context, self._since)
        context.contact.last_s = resume.stopped_at_s
        since = Since("all") if resume.start_s is None else Since("at", at_s=resume.start_s)
        return RegionReader(context, since, resume.positions[region])

    def _context(self, region: str, queue: asyncio.Queue[ProviderEvent]) -> RegionContext:
        timing = self._timing
        link = RegionLink(self._session, region, timing, self._request_timeout_s)
        return RegionContext(
            name=region,
            link=link,
            board=RegionBoard(region, timing),
            pace=self._pace,
            seen=Seen(),
            timing=timing,
            contact=Contact(link.now_s()),
            put=queue.put,
        )
