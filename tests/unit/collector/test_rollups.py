"""Rollups and doubts as their readers see them."""

from __future__ import annotations

import pytest

from causality.sketch import bucket_of
from gammaray_collector.items import PK, SK, Item
from gammaray_collector.ledger import Conclusion, Count, Ledger
from gammaray_collector.rollups import (
    SHARDS,
    SPLITS,
    Doubts,
    EdgeName,
    FunctionName,
    ProblemName,
    bucket_name,
    doubt_item,
    doubt_partitions,
    power_of,
    read_rollups,
    rollup_key,
    rollup_of,
    rollup_ranges,
)
from gammaray_collector.table import Busy
from tests.unit.collector.fake_table import FakeTable

_NAME = FunctionName("us-west-2", "Resize")


def test_names_come_back_from_their_keys() -> None:
    names = [
        ("f", _NAME),
        ("e", EdgeName("", "a#b", "eu-west-1", 'q"c', "sqs", "queue/1", "order", '["key","x"]')),
        ("p", ProblemName("orphan", "us-west-2", "f", "no call wrote it: ü")),
    ]
    for kind, name in names:
        partition, place = rollup_key(29_922_746, kind, name, 3)  # type: ignore[arg-type]
        assert rollup_of(place) == (29_922_746, name)
        assert partition.startswith("t#498712#")


def test_any_minutes_are_a_fixed_number_of_queries() -> None:
    assert len(rollup_ranges(600, 659)) == SHARDS
    assert len(rollup_ranges(599, 600)) == 2 * SHARDS
    every = {one.partition for one in rollup_ranges(600, 605)}
    for split in range(SPLITS):
        partition, place = rollup_key(605, "f", _NAME, split)
        assert partition in every
        assert "600#" <= place <= "605#~"


def test_writers_that_collide_split_a_rollup_and_readers_see_one() -> None:
    collisions = iter(range(40))

    def collide(what: str) -> None:
        if what == "transact" and next(collisions) % 2 == 0:
            raise Busy("another transaction", collided=True)

    table = FakeTable(collide)
    ledger = Ledger(table, lambda _s: None, map)
    for number in range(12):
        counts = {"ended": 1, "errors": number % 2, bucket_name(0.5): 1, bucket_name(2.0): 1}
        item: Item = {PK: "i#1", SK: f"a#{number}", "j": "{}"}
        count = Count(600, "f", tuple(_NAME), counts)
        examples = {"latest": str(number), power_of(2.0): "slow"}
        assert ledger.write([Conclusion(item, (count,), examples, None)]) == set()
    assert len({item[SK] for item in table.of("t#")}) > 1
    (rollup,) = read_rollups(table.of("t#"))
    assert (rollup.minute, rollup.name) == (600, _NAME)
    assert rollup.counts == {"ended": 12, "errors": 6}
    assert rollup.sketch.count == 24
    assert bucket_of(0.5) in rollup.sketch
    assert rollup.slowest == (2.0, "slow")
    # What changes takes out what it had added, whichever split that was in.
    known = table.get([("i#1", f"a#{n}") for n in range(12)])
    table.before = lambda _what: None
    changed = [Conclusion({**item, "j": "[]"}, (), {}, item) for item in known.values()]
    assert ledger.write(changed) == set()
    assert read_rollups(table.of("t#")) == []


@pytest.mark.parametrize(
    ("doubts", "needs", "left"),
    [
        ([], "order", "order"),
        ([("unexplained", "here")], "order", "ambiguous"),
        ([("unexplained", "there")], "order", "order"),
        ([("unexplained", "here")], "content", "order"),
        ([("unexplained", "here"), ("returning", "here")], "content", "ambiguous"),
        ([("returning", "here")], "order", "order"),
        ([("gap", "")], "order", "ambiguous"),
        ([("gap", "")], "content", "order"),
        ([("unexplained", "here"), ("gap", "")], "", "order"),
    ],
)
def test_a_doubt_leaves_only_what_does_not_need_its_absence(
    doubts: list[tuple[str, str]], needs: str, left: str
) -> None:
    at_s = 7200.0 * 1000
    for away_s, counts in ((0.0, True), (3600.0, True), (-3600.0, True), (7300.0, False)):
        items = [doubt_item(kind, source, at_s + away_s) for kind, source in doubts]  # type: ignore[arg-type]
        grade = Doubts(items).graded("order", needs, "here", at_s)  # type: ignore[arg-type]
        assert grade == (left if counts else "order")
        near = {item[PK] for item in items} <= set(doubt_partitions(at_s, at_s))
        assert near is counts or not items
