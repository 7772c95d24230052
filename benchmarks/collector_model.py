"""The collector under load, event by event: shards, lanes, batches, one table for all of them.

A lane is what Lambda calls a concurrent batch of a shard: records go to lanes by their key, a lane
runs one batch at a time. Records come at random (Poisson). A batch closes when it is full, or when
its window is over; it takes what `Work` says, the network's share drawn at random, and longer when
the table takes no more writes. Then it adds to the busiest rollup, as all others do: a transaction
that finds another one at the item is refused, and tried again as the ledger does. While the table
is away, batches fail and are tried again.
"""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from gammaray_collector.rollups import SPLITS

_POLL_S: Final = 0.25  # Lambda asks a shard for records four times a second
_INVOKE_S: Final = 0.010  # from a full batch to the handler, and back
_RETRY_S: Final = 1.0  # after a batch that failed
_PARTITION_UNITS: Final = 1_000  # a second; and so of one item
_SAMPLED: Final = 10  # of the ages, one of so many
# As the ledger does it (gammaray_collector.ledger).
_TRIES, _PAUSE_S, _PAUSES_S = 8, 0.05, 1.0


@dataclass(frozen=True)
class Work:
    """What a batch of n records costs the handler, which takes it in slices.

    Attributes:
        slice: records that are taken together.
        cpu_s, cpu_record_s: a slice and each of its records, on a whole core.
        rounds: calls that wait for one another, a slice.
        requests: HTTP requests a record, all rounds together.
        at_once: of these, side by side.
        units: write units a record.
        units_slice: write units a slice, whatever its size.
        hot: transactions a slice that add to the busiest rollup.
        hot_units: write units of each.
        rollups: write units a slice of the busiest partition of rollups.
        waiting: write units a record of the busiest partition of edges that wait.
    """

    slice: int

    cpu_s: float
    cpu_record_s: float
    rounds: float
    requests: float
    at_once: int
    units: float
    units_slice: float
    hot: float
    hot_units: float
    rollups: float
    waiting: float


@dataclass(frozen=True)
class Setting:
    """How it is set up, and what is assumed of AWS.

    Attributes:
        rate: records a second.
        lanes: batches of a shard at a time (ParallelizationFactor).
        memory_mb: of the function; 1,769 MB are one core.
        request_s: what the table takes for a request, in the mean.
        quota: write units a second of the table.
        concurrency: so many batches at once, in all.
        away_s: from when to when the table refuses everything.
    """

    rate: float
    shards: int
    lanes: int
    batch_size: int = 500
    window_s: float = 1.0
    memory_mb: int = 1_769
    request_s: float = 0.005
    quota: float = 1e9
    concurrency: int = 1_000
    away_s: tuple[float, float] = (0.0, 0.0)


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        backlog: records that came and are not done, at the end of each second.
        ages_s: of a sample of records, when they were done; sorted.
        busy_s: seconds of the function, all batches together.
        refused: transactions that found another one at the same item.
        failed: batches that gave up, and were tried again by Lambda.
    """

    backlog: list[int] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    batches: int = 0
    records: int = 0
    busy_s: float = 0.0
    at_once: int = 0
    units: float = 0.0
    refused: int = 0
    failed: int = 0

    def age_s(self, share: float) -> float:
        """Give the age that this share of the records is done by."""
        return self.ages_s[min(len(self.ages_s) - 1, int(share * len(self.ages_s)))]


class _Lane:
    """What waits in one lane: times of arrival, in order, drawn as they are needed."""

    def __init__(self, rate: float, source: random.Random) -> None:
        self._rate, self._random = rate, source
        self._next_s = source.expovariate(rate)
        self.waiting: deque[float] = deque()

    def until(self, at_s: float) -> None:
        """Let come what comes until then."""
        while self._next_s <= at_s:
            self.waiting.append(self._next_s)
            self._next_s += self._random.expovariate(self._rate)

    def closing_s(self, free_s: float, setting: Setting) -> float:
        """Say when the next batch is closed, if the lane is free from then on."""
        self.until(free_s)
        if not self.waiting:
            self.until(self._next_s)
        seen_s = max(free_s, self.waiting[0] + self._random.uniform(0, _POLL_S))
        self.until(seen_s + setting.window_s)
        if len(self.waiting) >= setting.batch_size:
            return max(seen_s, self.waiting[setting.batch_size - 1])
        return seen_s + setting.window_s


def simulate(setting: Setting, work: Work, seconds: int, seed: int = 1) -> Outcome:
    """Let records come for so long; what waits at the end counts as backlog."""
    return _Run(setting, work, seed).over(seconds)


@dataclass
class _Batch:
    """A batch that runs."""

    size: int
    began_s: float
    adds: int  # transactions at the busiest rollup that are left
    tries: int = 0
    split: int = 0


class _Run:
    def __init__(self, setting: Setting, work: Work, seed: int) -> None:
        self._setting, self._work = setting, work
        self._random = random.Random(seed)
        count = setting.shards * setting.lanes
        self._lanes = [_Lane(setting.rate / count, self._random) for _ in range(count)]
        self._running: dict[int, _Batch] = {}
        self._throttled: deque[int] = deque()
        self._table_free_s = 0.0
        self._hottest_free_s = 0.0  # the partition that is written to most
        self._taken_until_s = [0.0] * SPLITS  # the busiest rollup's items
        self._done: list[tuple[float, int]] = []
        self._events = [
            (lane.closing_s(0.0, setting), number) for number, lane in enumerate(self._lanes)
        ]
        heapq.heapify(self._events)
        self.outcome = Outcome()

    def over(self, seconds: int) -> Outcome:
        """Let time pass."""
        while self._events and self._events[0][0] < seconds:
            now_s, number = heapq.heappop(self._events)
            if number not in self._running:
                self._begin(now_s, number)
            elif self._running[number].adds:
                self._add(now_s, number)
            else:
                self._end(now_s, number)
        self.outcome.ages_s.sort()
        self.outcome.backlog = self._backlog(seconds)
        return self.outcome

    def _begin(self, now_s: float, number: int) -> None:
        setting, work, outcome = self._setting, self._work, self.outcome
        if len(self._running) >= setting.concurrency:
            self._throttled.append(number)
            return
        lane = self._lanes[number]
        lane.until(now_s)
        size = min(setting.batch_size, bisect_right(lane.waiting, now_s))
        share = min(1.0, setting.memory_mb / 1_769)
        slices = math.ceil(size / work.slice)
        cpu_s = (work.cpu_s * slices + work.cpu_record_s * size) / share
        waits = round(work.rounds * slices + work.requests * size / work.at_once)
        network_s = sum(self._random.expovariate(1 / setting.request_s) for _ in range(waits))
        units = work.units * size + work.units_slice * slices
        self._table_free_s = max(self._table_free_s, now_s) + units / setting.quota
        hottest = max(work.rollups * slices, work.waiting * size)
        self._hottest_free_s = max(self._hottest_free_s, now_s) + hottest / _PARTITION_UNITS
        end_s = max(now_s + _INVOKE_S + cpu_s + network_s, self._table_free_s, self._hottest_free_s)
        hot = work.hot * slices
        adds = int(hot) + (self._random.random() < hot % 1)
        self._running[number] = _Batch(size, now_s, max(1, adds))
        outcome.units += units
        outcome.batches += 1
        outcome.at_once = max(outcome.at_once, len(self._running))
        heapq.heappush(self._events, (end_s, number))

    def _add(self, now_s: float, number: int) -> None:
        """Add to the busiest rollup, unless somebody else is at it."""
        batch, setting = self._running[number], self._setting
        away = setting.away_s[0] <= now_s < setting.away_s[1]
        if not away and self._taken_until_s[batch.split] <= now_s:
            took_s = self._random.expovariate(1 / (2 * setting.request_s))  # a transaction
            took_s = max(took_s, self._work.hot_units / _PARTITION_UNITS)
            self._taken_until_s[batch.split] = now_s + took_s
            batch.adds, batch.tries = batch.adds - 1, 0
            heapq.heappush(self._events, (now_s + took_s, number))
            return
        self.outcome.refused += not away
        batch.tries += 1
        if batch.tries == _TRIES:
            self.outcome.failed += 1
            self._over(now_s, number)
            heapq.heappush(self._events, (now_s + _RETRY_S, number))
            return
        batch.split = self._random.randrange(SPLITS)
        pause_s = self._random.uniform(0, min(_PAUSES_S, _PAUSE_S * 2**batch.tries))
        heapq.heappush(self._events, (now_s + pause_s, number))

    def _end(self, now_s: float, number: int) -> None:
        lane, batch = self._lanes[number], self._over(now_s, number)
        for place in range(batch.size):
            came_s = lane.waiting.popleft()
            if (self.outcome.records + place) % _SAMPLED == 0:
                self.outcome.ages_s.append(now_s - came_s)
        self.outcome.records += batch.size
        self._done.append((now_s, batch.size))
        heapq.heappush(self._events, (lane.closing_s(now_s, self._setting), number))

    def _over(self, now_s: float, number: int) -> _Batch:
        """Let a batch end; one that was throttled may begin."""
        batch = self._running.pop(number)
        self.outcome.busy_s += now_s - batch.began_s
        if self._throttled:
            heapq.heappush(self._events, (now_s, self._throttled.popleft()))
        return batch

    def _backlog(self, seconds: int) -> list[int]:
        found = []
        ended = iter([*self._done, (float("inf"), 0)])
        at_s, size = next(ended)
        left = 0.0
        for second in range(1, seconds + 1):
            left += self._setting.rate
            while at_s <= second:
                left -= size
                at_s, size = next(ended)
            found.append(max(0, round(left)))
        return found
