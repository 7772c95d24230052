"""What the collector cannot know makes an edge ambiguous, never another one."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from causality.records import StreamRecord
from gammaray_collector.evidence import CROWD
from gammaray_collector.items import PK
from gammaray_collector.waiting import DUE_SHARDS
from tests.unit.causality.test_world import ALL_WORLDS, MASKED_WORLDS
from tests.unit.causality.world import START_S, Options, World
from tests.unit.causality.world_services import IDENTIFIED, TABLES
from tests.unit.collector.fake_table import FakeTable
from tests.unit.collector.runs import (
    NOW_S,
    Found,
    collected,
    collector,
    edges_in,
    edges_live,
    handed_over,
    sweep,
)

_WORLDS = {
    "tables": Options(TABLES, roots=4, keys=5, contents=4, outsiders=0.1),
    "local": Options((*IDENTIFIED, *TABLES), local=True, roots=3, calls=2, keys=6, contents=5),
    "original": Options(("put", "object", "invoke"), 1, roots=5, keys=4),
}
_EVERY = {**ALL_WORLDS, **MASKED_WORLDS}


def _less_sure(found: Found, live: Found) -> Counter[str]:
    """Compare what a reader sees with the live view; whatever differs must be ambiguous."""
    seen = Counter[str]()
    for place in found.keys() | live.keys():
        ours, theirs = found.get(place), live.get(place)
        if ours == theirs:
            seen["same"] += 1
        else:
            assert ours is None or ours[0] == "ambiguous", (ours, theirs)
            seen["ambiguous"] += 1
    return seen


def _impatient(records: list[StreamRecord], chance: random.Random) -> FakeTable:
    """Take records in any order, and look again at once at what should have waited."""
    table = FakeTable()
    one = collector(table)
    given = handed_over(records)
    chance.shuffle(given)
    while given:
        size = chance.randint(1, 20)
        one.take(given[:size], NOW_S)
        del given[:size]
        sweep(one)
    return table


@pytest.mark.parametrize("name", _WORLDS)
def test_calls_that_come_later_than_anyone_waits_leave_doubts_but_no_wrong_edge(name: str) -> None:
    for seed in range(3):
        records = World(seed, _WORLDS[name]).run().records()
        found = edges_in(_impatient(records, random.Random(seed)))
        assert _less_sure(found, edges_live(records))["same"]


@pytest.mark.slow
@pytest.mark.parametrize("name", _EVERY)
def test_late_calls_leave_no_wrong_edge_in_any_world(name: str) -> None:
    for seed in range(4):
        records = World(seed, _EVERY[name]).run().records()
        _less_sure(edges_in(_impatient(records, random.Random(seed))), edges_live(records))


def test_a_busy_key_costs_and_is_ambiguous_only_where_not_all_can_be_read() -> None:
    options = Options(("update",), 1, roots=90, depth=1, keys=1, spread_s=2000.0)
    records = World(0, options).run().records()
    assert edges_in(collected(records, 50)) == edges_live(records)


def test_a_key_that_too_many_share_is_ambiguous_and_no_more_is_written_there() -> None:
    options = Options(("update",), 1, roots=300, depth=1, keys=1, spread_s=90.0)
    records = World(0, options).run().records()
    table = collected(records, 50)
    found = edges_in(table)
    assert _less_sure(found, edges_live(records))
    assert {grade for grade, *_ in found.values()} == {"ambiguous"}
    partitions = Counter(str(item[PK]) for item in table.of("k#"))
    assert CROWD <= max(partitions.values()) < 1.5 * CROWD < len(records)


def test_while_a_stream_lags_nothing_is_taken_for_missing() -> None:
    records = World(0, Options(("update",), 1, keys=9)).run().records()
    given = handed_over(records)
    newest_s = max(int(r.dynamodb.NewImage.ts.N) for r in records if r.dynamodb.NewImage) / 1000
    table = FakeTable()
    one = collector(table)
    one.take(given, newest_s + 1.0)
    waiting = len(table.of("u#"))
    assert waiting
    # Another region's stream brings what was written ten minutes ago.
    late = msgspec.to_builtins(World(1, Options(("update",), 1)).run().records()[0])
    late["awsRegion"] = "eu-west-1"
    late["dynamodb"]["NewImage"]["ts"]["N"] = str(int((newest_s - 500.0) * 1000))
    one.take([late], newest_s + 100.0)
    assert one.sweep(newest_s + 101.0, range(DUE_SHARDS), 1000) == 0
    assert one.sweep(newest_s + 1000.0, range(DUE_SHARDS), 1000) >= waiting
    assert newest_s > START_S
