"""X-Ray's documents of the traces that records name, asked for in every watched region.

A trace is not there at once, and grows: what is missing or in progress is asked for again, at
growing intervals. Each call is billed, so that there is a budget, which is shown.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from providers.events import ProviderEvent, RecordBatch, RegionStatus, TraceBatch
from providers.session import AwsSession
from providers.sources.polling import ServiceReader
from providers.streams.board import RegionBoard
from providers.streams.timing import Timing

NAME: Final = "xray"
CALLS: Final = 1000
_IDS_A_CALL: Final = 5  # of BatchGetTraces and StartTraceRetrieval
_TRACE_ID: Final = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_FIRST_S: Final = 3.0
_TRIES: Final = 7  # the last one six minutes after the first
_LOOK_EVERY_S: Final = 0.5
_MOST_AWAITED: Final = 10_000
# A retrieval looks at a stretch of time; the trace's id says when it began.
_BEFORE_S: Final = 60.0
_AFTER_S: Final = 3600.0
_RETRIEVING: Final = ("SCHEDULED", "RUNNING")


@dataclass
class _Awaited:
    """A trace that is asked for in one region."""

    due_s: float
    tries: int = 0
    known: set[str] = field(default_factory=set)


class XRaySource:
    """Asks for traces; `note` tells it which.

    Attributes:
        calls: calls made so far, in all regions.
    """

    def __init__(
        self, session: AwsSession, *, budget: int = CALLS, timing: Timing | None = None
    ) -> None:
        """Prepare; nothing is called before `run`.

        Args:
            session: whose credentials and regions.
            budget: calls that may be made in all.
            timing: other clocks than this machine's.
        """
        self.calls = 0
        self._session = session
        self._budget = budget
        self._timing = timing or Timing()
        # What goes wrong is told under one name: reading records may go well meanwhile.
        self._boards = {region: RegionBoard(region, self._timing) for region in session.regions}
        self._noted: OrderedDict[str, None] = OrderedDict()
        self._awaited: dict[str, OrderedDict[str, _Awaited]] = {
            region: OrderedDict() for region in session.regions
        }

    def note(self, event: ProviderEvent) -> None:
        """Take note of the traces that records name."""
        if not isinstance(event, RecordBatch):
            return
        due_s = self._timing.monotonic_s() + _FIRST_S
        for trace_id in _traces_of(event):
            if trace_id in self._noted:
                continue
            self._noted[trace_id] = None
            if len(self._noted) > _MOST_AWAITED:
                self._noted.popitem(last=False)
            for awaited in self._awaited.values():
                awaited[trace_id] = _Awaited(due_s)
                if len(awaited) > _MOST_AWAITED:
                    awaited.popitem(last=False)

    async def run(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        """Put documents on the queue until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell(queue))
            for region in self._session.regions:
                tasks.create_task(self._ask_region(region, queue))

    async def _tell(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        """Show what is left of the budget, whenever it changed."""
        told: RegionStatus | None = None
        while True:
            status = self._status()
            if status != told:
                await queue.put(status)
                told = status
            await self._timing.sleep(_LOOK_EVERY_S)

    def _status(self) -> RegionStatus:
        waiting = max((len(awaited) for awaited in self._awaited.values()), default=0)
        used = f"{self.calls:,} of {self._budget:,} calls used, {waiting:,} traces awaited"
        if self.calls >= self._budget:
            return RegionStatus(
                NAME,
                "down",
                "budget",
                f"X-Ray is not asked any more: {used}",
                "Start again with a larger budget: --source xray:CALLS.",
                brings="traces",
            )
        for board in self._boards.values():
            status = board.status()
            if status.phase in ("retrying", "down"):
                return replace(status, region=NAME, brings="traces")
        return RegionStatus(NAME, "live", message=used, brings="traces")

    async def _ask_region(self, region: str, queue: asyncio.Queue[ProviderEvent]) -> None:
        board = self._boards[region]
        reader = ServiceReader(self._session, "xray", region, self._timing, board=board)
        awaited = self._awaited[region]
        retrieves: bool | None = None

        async def ask(client: Any) -> float:
            nonlocal retrieves
            due = self._due(awaited)
            if not due or self.calls >= self._budget:
                return _LOOK_EVERY_S
            if retrieves is None:
                retrieves = await self._is_searched(client)
            get = self._retrieve if retrieves else self._batch_get
            found = await get(client, due)
            for trace_id in due:
                new = self._settle(awaited, trace_id, found.get(trace_id, ()))
                if new:
                    await queue.put(TraceBatch(NAME, new, region))
            return 0.0

        try:
            await reader.repeat("X-Ray", ask)
        finally:
            await reader.close()

    def _due(self, awaited: OrderedDict[str, _Awaited]) -> list[str]:
        now_s = self._timing.monotonic_s()
        due = (trace_id for trace_id, trace in awaited.items() if trace.due_s <= now_s)
        return [trace_id for trace_id, _ in zip(due, range(_IDS_A_CALL), strict=False)]

    def _settle(
        self, awaited: OrderedDict[str, _Awaited], trace_id: str, documents: Sequence[str]
    ) -> list[str]:
        """Give the documents that are new, and plan the next time, if one is needed."""
        trace = awaited.pop(trace_id, None)
        if trace is None:
            return []
        new = [document for document in documents if document not in trace.known]
        trace.known.update(new)
        trace.tries += 1
        # Segments of one trace come one by one, from every service: one look is never enough.
        settled = documents and not new and not any(map(_in_progress, documents))
        if not settled and trace.tries < _TRIES:
            trace.due_s = self._timing.monotonic_s() + _FIRST_S * 2.0**trace.tries
            awaited[trace_id] = trace
        return new

    async def _is_searched(self, client: Any) -> bool:
        """Say whether Transaction Search is on, under which BatchGetTraces finds nothing."""
        self.calls += 1
        try:
            answer = await client.get_trace_segment_destination()
        except ClientError:
            return False  # the permission may be missing, and local servers do not know it
        return bool(answer.get("Destination") == "CloudWatchLogs")

    async def _batch_get(self, client: Any, ids: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        more: dict[str, Any] = {}
        while True:
            self.calls += 1
            answer = await client.batch_get_traces(TraceIds=list(ids), **more)
            _collect(found, answer.get("Traces") or (), "Segments")
            token = answer.get("NextToken")
            if not token or self.calls >= self._budget:
                return found
            more = {"NextToken": token}

    async def _retrieve(self, client: Any, ids: Sequence[str]) -> dict[str, list[str]]:
        begins = [int(trace_id[2:10], 16) for trace_id in ids]
        self.calls += 1
        started = await client.start_trace_retrieval(
            TraceIds=list(ids),
            StartTime=datetime.fromtimestamp(min(begins) - _BEFORE_S, UTC),
            EndTime=datetime.fromtimestamp(max(begins) + _AFTER_S, UTC),
        )
        wanted = {"RetrievalToken": started["RetrievalToken"], "TraceFormat": "XRAY"}
        found: dict[str, list[str]] = {}
        more: dict[str, Any] = {}
        while self.calls < self._budget:
            self.calls += 1
            answer = await client.list_retrieved_traces(**wanted, **more)
            _collect(found, answer.get("Traces") or (), "Spans")
            token = answer.get("NextToken")
            more = {"NextToken": token} if token else {}
            if token:
                continue
            if answer.get("RetrievalStatus") not in _RETRIEVING:
                break
            found.clear()  # the list begins anew
            await self._timing.sleep(_LOOK_EVERY_S)
        return found


def _collect(found: dict[str, list[str]], traces: Iterable[Any], parts: str) -> None:
    for trace in traces:
        documents = [part["Document"] for part in trace.get(parts) or () if part.get("Document")]
        found.setdefault(trace["Id"], []).extend(documents)


def _traces_of(batch: RecordBatch) -> Iterator[str]:
    """Give the trace ids in payloads of either generation."""
    for record in batch.records:
        image = record.dynamodb.NewImage
        if image is not None:
            yield from dict.fromkeys(_TRACE_ID.findall(image.payload.S))


def _in_progress(document: str) -> bool:
    return '"in_progress":true' in document.replace(" ", "")
