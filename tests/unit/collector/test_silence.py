"""Calls that started nothing are a problem where calls like them start functions."""

from __future__ import annotations

from causality.engine import Engine
from causality.problems import problems
from causality.records import StreamRecord
from gammaray_collector.items import PK
from gammaray_collector.rollups import ProblemName, read_rollups
from tests.unit.causality.world import START_S, Options, World
from tests.unit.collector.fake_table import FakeTable
from tests.unit.collector.runs import collector, handed_over

_NOW_S = START_S + 600.0


def _silent(table: FakeTable) -> dict[str, int]:
    return {
        rollup.name.detail: rollup.counts["count"]
        for rollup in read_rollups(table.of("t#"))
        if isinstance(rollup.name, ProblemName) and rollup.name.problem == "never-triggered"
    }


def _calls_that_started_nothing(records: list[StreamRecord]) -> int:
    engine = Engine()
    engine.apply_records(records)
    engine.finish()
    return sum(p.kind == "never-triggered" for p in problems(engine, _NOW_S))


def test_calls_that_started_nothing_are_counted_and_taken_back_when_they_do() -> None:
    options = Options(("send",), roots=9, functions=2, subscribers=1, spread_s=30.0)
    whole = World(0, options).run().records()
    table = FakeTable()
    one = collector(table)
    one.take(handed_over(whole), _NOW_S)
    one.tell_silence(_NOW_S)
    assert (_silent(table), _calls_that_started_nothing(whole)) == ({}, 0)

    # The starts of some effects come late.
    late = [r for r in whole if r.dynamodb.NewImage and '"sqs' in r.dynamodb.NewImage.payload.S]
    early = [record for record in whole if record not in late[::2]]
    assert _calls_that_started_nothing(early)
    table = FakeTable()
    one = collector(table)
    one.take(handed_over(early), _NOW_S)
    for _ in range(2):
        one.tell_silence(_NOW_S)
    silent = _silent(table)
    assert silent
    assert all(text.startswith("written to sqs ") for text in silent)
    assert sum(silent.values()) <= len(late)
    one.take(handed_over(late), _NOW_S)
    one.tell_silence(_NOW_S)
    assert _silent(table) == {}


def test_where_nothing_is_ever_started_silence_says_nothing() -> None:
    options = Options(("put",), roots=5, depth=1, drops=1.0)
    table = FakeTable()
    one = collector(table)
    one.take(handed_over(World(0, options).run().records()), _NOW_S)
    one.tell_silence(_NOW_S)
    assert _silent(table) == {}
    assert any(str(item[PK]).startswith("w#") for item in table.of("w#"))
