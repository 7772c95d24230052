"""Watching what the collector counted: its rollups, again and again, at a cost of its own.

What is read depends on how many functions and edges there are, and never on how often they run.
The counts of the running minute, which are of one size, are asked for every few seconds, those of
the minutes behind it now and then, for late records and second thoughts. How long things took
takes more room the more things there were: it is asked for when a minute is over, and before that
only so often that it costs the same at any rate.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from gammaray_collector import lags
from gammaray_collector.items import SK, Item
from gammaray_collector.rollups import (
    AMBIGUOUS,
    FAILED,
    LATEST,
    ROLLUPS_KEPT_S,
    Range,
    Rollup,
    doubt_partitions,
    example_name,
    read_rollups,
    rollup_of,
    rollup_ranges,
)
from providers.aws_errors import user_error
from providers.collected_table import CollectedTable
from providers.events import ProviderEvent
from providers.session import AwsSession
from providers.sources.polling import ServiceReader
from providers.streams.since import Since
from providers.streams.timing import Timing

MINUTE_S: Final = 60
# So many minutes are kept apart, for the longest window of the tables.
KEPT_MINUTES: Final = 16
LONGEST_WINDOW_S: Final = (KEPT_MINUTES - 1) * 60.0
_EVERY_S: Final = 5.0
_RESTING_S: Final = 15.0
# A minute's sketches are read when it is over for so long, and later if its counts have changed.
_SETTLED_S: Final = 10.0
# Those of the running minute are read so often that these are so many attributes a second ...
_ATTRIBUTES: Final = 400.0
# ... if that is at least so often; else they wait until the minute is over.
_LONGEST_S: Final = 30.0
# Of a rollup, what is of the same size at any rate.
_COUNTS: Final = (
    *("pk", "sk", "started", "ended", "errors", "cold"),
    *("exact", "content", "order", "ambiguous", "crowded", "failed", "timed", "count"),
    *(example_name(LATEST), example_name(FAILED), example_name(AMBIGUOUS)),
)
_REST_AFTER: Final = 12  # looks at which nothing was new
# A minute is looked at with the running one for so long after its end ...
_YOUNG_S: Final = 30.0
# ... and now and then, as long as calls may still turn up that correct it.
_AGAIN_EVERY_S: Final = 60.0
_AGAIN_MINUTES: Final = 4
_HOUR: Final = 60


@dataclass(frozen=True, slots=True)
class CountedMinutes:
    """All that was counted in some minutes as of now, in the place of what was told before.

    Attributes:
        first, last: epoch minutes, both included.
    """

    first: int
    last: int
    rollups: Sequence[Rollup]


@dataclass(frozen=True, slots=True)
class CountsOnly:
    """What was counted in some minutes as of now, without how long it took."""

    rollups: Sequence[Rollup]


@dataclass(frozen=True, slots=True)
class CountedBefore:
    """What was counted in an hour before those minutes; each is told once."""

    rollups: Sequence[Rollup]


@dataclass(frozen=True, slots=True)
class CollectorLags:
    """How far behind the collector's reading is: seconds by region, of those that lag."""

    by_region: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CountedDoubts:
    """The doubts of some hours, in the place of what was told of them before."""

    partitions: Sequence[str]
    items: Sequence[Item]


class _Full(NamedTuple):
    """A minute as it was read in full.

    Attributes:
        mark: a hash of its counts.
        at_s: when it was, epoch seconds.
        attributes: how much it was.
    """

    mark: int
    at_s: float
    attributes: int


_NEVER: Final = _Full(0, float("-inf"), 0)

Counted: TypeAlias = CountedMinutes | CountsOnly | CountedBefore | CountedDoubts | CollectorLags
Tell: TypeAlias = Callable[[Counted], Awaitable[None]]


class CollectedSource:
    """Reads rollups until it is cancelled.

    Attributes:
        table: the collector's table.
    """

    def __init__(self, session: AwsSession, *, since: Since, timing: Timing | None = None) -> None:
        """Prepare; nothing is called before `run`.

        Args:
            session: whose first region is the collector's home.
            since: what of the past is counted, too.
            timing: other clocks than this machine's.
        """
        self.table = CollectedTable(session)
        self._session = session
        self._since = since
        self._timing = timing or Timing()
        # By minute: a hash of what was counted, as of the last look; and what was read in full.
        self._counted: dict[int, int] = {}
        self._read: dict[int, _Full] = {}
        self._quiet = 0
        self._looked_at_s: float | None = None
        self._again_at_s = float("-inf")

    async def run(self, statuses: asyncio.Queue[ProviderEvent], tell: Tell) -> None:
        """Tell what was counted, newest first, then what is new; how it goes is put on a queue."""
        reader = ServiceReader(self._session, "dynamodb", self.table.region, self._timing)
        async with reader.publishing(statuses):
            past = self._past_hours()

            async def look(client: Any) -> float:
                await self._look(client, tell)
                reader.board.live()
                hour = next(past, None)
                if hour is None:
                    return self._wait_s()
                await self._read_past(client, hour, tell)
                return 0.0

            await reader.repeat(f"table {self.table.name}", look)

    async def once(self) -> list[Counted]:
        """Give what was counted up to now.

        Raises:
            UserError: the table cannot be read.
        """
        told: list[Counted] = []

        async def tell(counted: Counted) -> None:
            told.append(counted)

        table = self.table
        try:
            async with self._session.client("dynamodb", table.region, validate=False) as client:
                await self._look(client, tell)
                for hour in self._past_hours():
                    await self._read_past(client, hour, tell)
        except (BotoCoreError, ClientError, OSError) as error:
            raise user_error(
                error,
                profile=self._session.profile,
                region=table.region,
                resource=f"table {table.name}",
            ) from error
        return told

    def _past_hours(self) -> Iterator[tuple[int, int]]:
        """Give the hours before the minutes that are kept apart, as ranges of minutes."""
        now_s = self._timing.now_s()
        start_s = self._since.start_s(now_s)
        held_from_s = now_s - ROLLUPS_KEPT_S
        first = int(max(held_from_s, start_s or 0.0)) // MINUTE_S
        last = self._minute() - KEPT_MINUTES
        while last >= first:
            begin = max(first, last // _HOUR * _HOUR)
            yield begin, last
            last = begin - 1

    def _minute(self) -> int:
        return int(self._timing.now_s()) // MINUTE_S

    def _wait_s(self) -> float:
        return _RESTING_S if self._quiet >= _REST_AFTER else _EVERY_S

    async def _look(self, client: Any, tell: Tell) -> None:
        """Read the minutes that can have changed since they were read last."""
        now_s, last = self._timing.now_s(), self._minute()
        again = now_s - self._again_at_s >= _AGAIN_EVERY_S
        if self._looked_at_s is None:
            first = last - KEPT_MINUTES + 1
        else:  # also what went by while the table could not be reached
            first = int(min(now_s, self._looked_at_s) - _YOUNG_S) // MINUTE_S
            if again:
                first = min(first, last - _AGAIN_MINUTES)
        rollups = await self._rollups(client, first, last, _COUNTS)
        counted = dict.fromkeys(range(first, last + 1), 0)
        for rollup in rollups:
            for what in rollup.counts.items():
                counted[rollup.minute] ^= hash((rollup.name, what))
        changed = any(self._counted.get(minute, 0) != mark for minute, mark in counted.items())
        self._quiet = 0 if changed else self._quiet + 1
        self._counted.update(counted)
        self._looked_at_s = now_s
        if again:
            self._again_at_s = now_s
            await self._read_doubts(client, first, last, tell)
            behind = await self._queries(client, [Range(lags.PARTITION, "", "~")])
            await tell(CollectorLags(lags.by_region(behind, now_s)))
        await tell(CountsOnly(rollups))
        await self._read_sketches(client, now_s, tell)
        for minute in [minute for minute in self._counted if minute < last - KEPT_MINUTES]:
            del self._counted[minute]
            self._read.pop(minute, None)

    async def _read_sketches(self, client: Any, now_s: float, tell: Tell) -> None:
        """Read in full the minutes whose turn it is."""
        due = sorted(minute for minute in self._counted if self._is_due(minute, now_s))
        for begin, end in _stretches(due):
            items = await self._queries(client, rollup_ranges(begin, end))
            await tell(CountedMinutes(begin, end, read_rollups(items)))
            attributes = Counter[int]()
            for item in items:
                attributes[rollup_of(str(item[SK]))[0]] += len(item)
            for minute in range(begin, end + 1):
                self._read[minute] = _Full(self._counted[minute], now_s, attributes[minute])

    def _is_due(self, minute: int, now_s: float) -> bool:
        read = self._read.get(minute, _NEVER)
        if self._counted[minute] == read.mark:
            return False
        if now_s >= _settled_s(minute):
            return read.at_s < _settled_s(minute) or now_s - read.at_s >= _AGAIN_EVERY_S
        # It will be as much as the minutes before it.
        before = (self._read.get(earlier, _NEVER) for earlier in (minute - 1, minute - 2))
        pause_s = max(read.attributes for read in before) / _ATTRIBUTES
        return pause_s <= _LONGEST_S and now_s - max(read.at_s, minute * MINUTE_S) >= pause_s

    async def _read_past(self, client: Any, hour: tuple[int, int], tell: Tell) -> None:
        rollups = await self._rollups(client, *hour)
        await self._read_doubts(client, *hour, tell)
        await tell(CountedBefore(rollups))

    async def _read_doubts(self, client: Any, first: int, last: int, tell: Tell) -> None:
        partitions = doubt_partitions(first * MINUTE_S, last * MINUTE_S)
        pages = await self._queries(client, [Range(name, "", "~") for name in partitions])
        await tell(CountedDoubts(partitions, pages))

    async def _rollups(
        self, client: Any, first: int, last: int, attributes: Sequence[str] = ()
    ) -> list[Rollup]:
        return read_rollups(await self._queries(client, rollup_ranges(first, last), attributes))

    async def _queries(
        self, client: Any, ranges: Sequence[Range], attributes: Sequence[str] = ()
    ) -> list[Item]:
        queries = (self.table.query(client, one, attributes) for one in ranges)
        return [item for page in await asyncio.gather(*queries) for item in page]


def _settled_s(minute: int) -> float:
    """Say when what happened in a minute is counted, as a rule."""
    return (minute + 1) * MINUTE_S + _SETTLED_S


def _stretches(minutes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Give first and last of those that follow one another."""
    begin = 0
    for place, minute in enumerate(minutes):
        if place + 1 == len(minutes) or minutes[place + 1] != minute + 1:
            yield minutes[begin], minute
            begin = place + 1
