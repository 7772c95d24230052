"""A collector that dies at any single operation, and what expires meanwhile, change no count."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress

import pytest

from gammaray_collector.items import PK, SK
from gammaray_collector.table import Write
from tests.unit.causality.world import World
from tests.unit.collector.fake_table import FakeTable
from tests.unit.collector.runs import (
    NOW_S,
    collected,
    collector,
    conclusions,
    counted,
    counted_again,
    edges_in,
    handed_over,
    sweep,
)
from tests.unit.collector.test_collecting import SMALL

_RECORDS = 8


class _Died(Exception):
    pass


class _Dying(FakeTable):
    """The same table, as a process sees it that dies at an operation, before or after it is done.

    Attributes:
        count: of operations that were begun.
    """

    def __init__(self, table: FakeTable, last: int, *, done: bool) -> None:
        super().__init__(self._step)
        self.items = table.items
        self.count = 0
        self._last, self._done = last, done

    def _step(self, _what: str) -> None:
        self.count += 1
        if self.count > self._last or (self.count == self._last and not self._done):
            raise _Died

    def transact(self, writes: Sequence[Write]) -> frozenset[int]:
        late = super().transact(writes)
        if self.count == self._last:
            raise _Died  # it is written, and its answer is lost
        return late


@pytest.mark.parametrize(
    "size", [_RECORDS, pytest.param(20, marks=pytest.mark.slow)], ids=["", "more"]
)
@pytest.mark.parametrize("name", SMALL)
def test_dying_at_any_operation_changes_nothing(name: str, size: int) -> None:
    records = World(0, SMALL[name]).run().records()[:size]
    given, once = handed_over(records), collected(records, size)
    chance = random.Random(0)
    probe = _Dying(FakeTable(), 1_000_000, done=True)
    collector(probe).take(given, NOW_S)
    sweep(collector(probe))
    for last in range(1, probe.count + 1):
        table = FakeTable()
        dying = _Dying(table, last, done=last % 2 == 0)
        with suppress(_Died):
            one = collector(dying)
            one.take(given, NOW_S)
            sweep(one)
        # It comes again in two halves, to one whose clock is another.
        middle, now_s = chance.randrange(len(given)), NOW_S + chance.uniform(-300.0, 300.0)
        for part in (given[middle:], given[:middle]):
            collector(table).take(part, now_s)
        sweep(collector(table))
        assert conclusions(table) == conclusions(once), last
        assert counted(table) == counted(once) == counted_again(table), last


@pytest.mark.parametrize("name", SMALL)
def test_halves_that_expire_between_two_deliveries_change_nothing(name: str) -> None:
    records = World(1, SMALL[name]).run().records()
    once, chance = collected(records, len(records)), random.Random(1)
    table = collected(records, 4)
    waiting = table.of("k#", "u#", "n#", "p#", "lag")
    table.delete((str(item[PK]), str(item[SK])) for item in waiting if chance.random() < 0.5)
    collector(table).take(handed_over(records), NOW_S)
    sweep(collector(table))
    assert conclusions(table) == conclusions(once)
    assert counted(table) == counted(once)
    assert edges_in(table) == edges_in(once)
