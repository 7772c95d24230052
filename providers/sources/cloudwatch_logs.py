"""Records from CloudWatch Logs, for functions whose recorder writes to standard output."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from causality.records import StreamRecord, Unreadable, parse_log_line
from gammaray_recorder import wire
from providers.events import ProviderEvent, RecordBatch
from providers.session import AwsSession
from providers.sources.polling import ServiceReader
from providers.streams.seen import Seen
from providers.streams.since import Since
from providers.streams.timing import Timing

ALL_FUNCTIONS: Final = "/aws/lambda/*"
# FilterLogEvents takes 5 to 10 calls a second and account, in all groups together.
_BUSY_S: Final = 1.0
_IDLE_S: Final = 3.0
_GROUPS_EVERY_S: Final = 60.0
# Events can be found some time after their own: so far back is looked again each time.
_OVERLAP_MS: Final = 60_000
_PATTERN: Final = f'"{wire.LOG_MARK}"'


class LogsSource:
    """Polls the log groups that fit names or patterns, in every region of a session.

    A user pays for what FilterLogEvents scans by nothing but its rate limit; the stretch that
    is looked at again is a minute.
    """

    def __init__(
        self,
        session: AwsSession,
        groups: Sequence[str] = (ALL_FUNCTIONS,),
        *,
        since: Since,
        timing: Timing | None = None,
    ) -> None:
        """Prepare; nothing is called before `run`.

        Args:
            session: whose credentials and regions.
            groups: names of log groups; * stands for anything.
            since: where reading starts.
            timing: other clocks than this machine's.
        """
        self._session = session
        self._groups = tuple(groups)
        self._since = since
        self._timing = timing or Timing()

    async def run(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        """Put events on the queue until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for region in self._session.regions:
                tasks.create_task(self._read_region(region, queue))

    async def _read_region(self, region: str, queue: asyncio.Queue[ProviderEvent]) -> None:
        reader = ServiceReader(self._session, "logs", region, self._timing)
        start_s = self._since.start_s(self._timing.now_s()) or 0.0
        known: set[str] = set()
        async with reader.publishing(queue), asyncio.TaskGroup() as tasks:

            async def find_groups(client: Any) -> float:
                for name in await _groups(client, self._groups):
                    if name not in known:
                        known.add(name)
                        group = _Group(reader, name, int(start_s * 1000), queue)
                        tasks.create_task(reader.repeat(f"log group {name}", group.poll))
                reader.board.live()
                return _GROUPS_EVERY_S

            await reader.repeat("log groups", find_groups)


class _Group:
    """One log group, read from a time on."""

    def __init__(
        self,
        reader: ServiceReader,
        name: str,
        start_ms: int,
        queue: asyncio.Queue[ProviderEvent],
    ) -> None:
        self._reader = reader
        self._name = name
        self._start_ms = start_ms
        self._newest_ms = start_ms
        self._queue = queue
        self._seen = Seen()
        reader.board.count_shards(1)

    async def poll(self, client: Any) -> float:
        """Read what came since the last time; give the seconds to wait."""
        found = False
        more: dict[str, Any] = {}
        start_ms = max(self._start_ms, self._newest_ms - _OVERLAP_MS)
        while True:
            answer = await client.filter_log_events(
                logGroupName=self._name, startTime=start_ms, filterPattern=_PATTERN, **more
            )
            found |= await self._deliver(answer.get("events") or ())
            token = answer.get("nextToken")
            if not token:
                return _BUSY_S if found else _IDLE_S
            more = {"nextToken": token}

    async def _deliver(self, events: Sequence[dict[str, Any]]) -> bool:
        records: list[StreamRecord] = []
        unreadable: list[Unreadable] = []
        region = self._reader.region
        for event in events:
            if not self._seen.is_new(str(event.get("eventId") or event)):
                continue
            self._newest_ms = max(self._newest_ms, int(event.get("timestamp") or 0))
            for item in parse_log_line(str(event.get("message") or ""), region):
                if isinstance(item, StreamRecord):
                    records.append(item)
                else:
                    unreadable.append(item)
        if not records and not unreadable:
            return False
        now_s = self._reader.timing.now_s()
        self._reader.board.behind(self._name, round(max(0.0, now_s - self._newest_ms / 1000), 1))
        await self._queue.put(RecordBatch(region, self._name, records, unreadable, now_s))
        return True


async def _groups(client: Any, wanted: Sequence[str]) -> list[str]:
    """Find the log groups that fit; names without a pattern are taken as they are."""
    names: list[str] = []
    for pattern in wanted:
        prefix, star, _ = pattern.partition("*")
        if not star:
            names.append(pattern)
            continue
        more: dict[str, Any] = {"logGroupNamePrefix": prefix} if prefix else {}
        while True:
            answer = await client.describe_log_groups(**more)
            found = [group["logGroupName"] for group in answer.get("logGroups") or ()]
            names += [name for name in found if fnmatchcase(name, pattern)]
            token = answer.get("nextToken")
            if not token:
                break
            more["nextToken"] = token
    return list(dict.fromkeys(names))
