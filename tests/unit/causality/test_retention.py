"""A bound on memory: whole chains leave, what is decided stays decided, nothing grows."""

from __future__ import annotations

import gc
import json
import random
import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from causality import retention
from causality.document import graph_document
from causality.engine import Engine
from causality.records import StreamRecord, decode_page
from gammaray_recorder import wire
from tests.unit.causality import world_records
from tests.unit.causality.test_world import ALL_WORLDS, wrong_edges
from tests.unit.causality.world import Options, World
from tests.unit.causality.world_services import IDENTIFIED, TABLES

T = 1_795_000_000.0
_TOPIC = "arn:aws:sns:us-west-2:123456789012:t"


def _records(request_id: str, at_s: float, *events: dict[str, Any]) -> list[StreamRecord]:
    item = wire.encode_item(request_id, "a", 0, list(events), at_s, 3600, "us-west-2")
    return decode_page(world_records.page([{"dynamodb": {"NewImage": item}}])).records


def _started(at_s: float, **cause: Any) -> dict[str, Any]:
    arn = "arn:aws:lambda:us-west-2:123456789012:function:fn"
    return {"k": "s", "t": at_s, "arn": arn, "g": "us-west-2", "src": [cause or {"s": "lambda"}]}


def _published(at_s: float, *message_ids: str) -> dict[str, Any]:
    outputs = [{"res": _TOPIC, "ids": {"sns_message": message}} for message in message_ids]
    call = {"k": "c", "i": "c1", "t": at_s, "d": 0.01, "s": "sns", "o": "Publish", "g": "us-west-2"}
    return {**call, "out": outputs}


def _notified(at_s: float, message_id: str) -> dict[str, Any]:
    return _started(at_s, s="sns", res=_TOPIC, ids={"sns_message": message_id})


def _ended(at_s: float) -> dict[str, Any]:
    return {"k": "e", "t": at_s, "st": "ok"}


def _pair(number: int) -> list[StreamRecord]:
    """Give a chain of two."""
    at_s = T + number
    return [
        *_records(f"p{number}", at_s, _started(at_s), _published(at_s, f"m{number}"), _ended(at_s)),
        *_records(f"c{number}", at_s, _notified(at_s + 0.1, f"m{number}"), _ended(at_s + 0.2)),
    ]


def _updated(request_id: str, at_s: float, key: str) -> list[StreamRecord]:
    call = {"k": "c", "i": "c1", "t": at_s, "d": 0.01, "s": "dynamodb", "o": "UpdateItem"}
    call |= {"g": "us-west-2", "res": "t", "out": [{"res": "t", "key": key}]}
    return _records(request_id, at_s, _started(at_s), call, _ended(at_s))


def _pair_of_one_key(number: int) -> list[StreamRecord]:
    """Give a chain of two that only order tells from those before it."""
    at_s, key = T + 5.0 * number, wire.canonical_key({"id": {"S": "k"}})
    change = {"s": "dynamodb", "res": "t", "key": key, "name": "MODIFY", "t": int(at_s)}
    change["ids"] = {"ddb_event": f"{number:032x}", "ddb_seq": str(number)}
    return [
        *_updated(f"p{number}", at_s, key),
        *_records(f"c{number}", at_s, _started(at_s + 0.2, **change), _ended(at_s + 0.3)),
    ]


def _apply(engine: Engine, records: list[StreamRecord]) -> None:
    engine.apply_records(records)
    engine.settle()
    engine.touched.clear()


def test_the_oldest_chains_leave_as_a_whole() -> None:
    engine = Engine(max_invocations=10)
    for number in range(50):
        _apply(engine, _pair(number))
        left = set(engine.invocations)
        assert len(left) <= 10
        assert all((f"p{n}" in left) == (f"c{n}" in left) for n in range(number + 1))
    assert "p49" in engine.invocations


def test_late_news_of_what_has_left_is_not_a_new_invocation() -> None:
    engine = Engine(max_invocations=10)
    for number in range(20):
        _apply(engine, _pair(number))
    _apply(engine, _pair(8))
    assert "p8" not in engine.invocations
    assert not engine.waiting


def test_what_is_decided_stays_decided_when_the_parent_leaves() -> None:
    engine = Engine(max_invocations=4)
    messages = [f"m{n}" for n in range(3000)]
    _apply(engine, _records("root", T, _started(T), _published(T, *messages), _ended(T)))
    for number, message in enumerate(messages):
        _apply(engine, _records(f"c{number}", T, _notified(T + 0.1, message), _ended(T + 1)))
        for edge in engine.edges():
            assert edge.parent is not None
            assert edge.parent.request_id == "root"
    document = graph_document(engine)
    assert not [problem for problem in document.problems if problem.kind == "orphan"]


def test_running_and_waiting_chains_leave_last() -> None:
    engine = Engine(max_invocations=10)
    _apply(engine, _records("running", T, _started(T)))
    _apply(engine, _records("orphan", T, _notified(T, "never"), _ended(T)))
    for number in range(7):
        _apply(engine, _pair(number))
    assert {"running", "orphan"} <= set(engine.invocations)
    for number in range(100):
        _apply(engine, _records(f"r{number}", T, _started(T)))
    assert "running" not in engine.invocations


def test_a_rival_that_left_does_not_make_an_edge_certain() -> None:
    key = wire.canonical_key({"id": {"S": "k"}})
    engine = Engine(max_invocations=4)
    _apply(engine, _updated("first", T, key))
    _apply(engine, _updated("second", T + 0.1, key))
    cause = {"s": "dynamodb", "res": "t", "key": key, "hash": "h", "name": "MODIFY"}
    _apply(engine, _records("child", T, _started(T + 0.2, **cause), _ended(T + 0.3)))
    child = engine.invocations["child"]
    assert child.causes[0].edge is not None
    assert child.causes[0].edge.evidence == "ambiguous"
    for number in range(3):
        _apply(engine, _records(f"r{number}", T + number, _started(T), _ended(T)))
        if "child" in engine.invocations:
            assert child.causes[0].edge is not None
            assert child.causes[0].edge.evidence == "ambiguous"
    assert "first" not in engine.invocations


@pytest.mark.parametrize("left", [True, False])
def test_a_write_that_left_may_be_the_one_that_another_function_is_told_of(left: bool) -> None:
    key = wire.canonical_key({"id": {"S": "k"}})
    engine = Engine(max_invocations=2 if left else None)
    change = {"s": "dynamodb", "res": "t", "key": key, "name": "MODIFY", "t": int(T)}
    _apply(engine, _updated("first", T, key))
    _apply(engine, _records("told", T + 0.2, _started(T + 0.2, **change), _ended(T + 0.3)))
    for number in range(3):
        _apply(engine, _records(f"r{number}", T, _started(T), _ended(T)))
    _apply(engine, _updated("second", T + 0.5, key))
    began_s = T + 1.5
    arn = "arn:aws:lambda:us-west-2:123456789012:function:other"
    start = {**_started(began_s, **change), "arn": arn}
    _apply(engine, _records("late", began_s, start, _ended(began_s + 0.1)))
    _apply(engine, _records("later", T + 60, _ended(T + 60)))
    (cause,) = engine.invocations["late"].causes
    assert cause.edge is not None
    assert cause.edge.evidence == "ambiguous"


@pytest.mark.parametrize("bound", [2, None])
def test_who_started_an_execution_again_is_not_taken_for_who_started_it(bound: int | None) -> None:
    arn = "arn:aws:states:us-west-2:123456789012:execution:flow:1"
    engine = Engine(max_invocations=bound)
    call = {"k": "c", "i": "c1", "d": 0.1, "s": "stepfunctions", "o": "StartExecution"}
    call["out"] = [{"res": "m", "ids": {"execution_arn": arn}}]
    for number in range(4):
        at_s = T + 30 * number
        called = (_started(at_s), {**call, "t": at_s}, _ended(at_s + 1))
        _apply(engine, _records(f"p{number}", at_s, *called))
    step = {"s": "stepfunctions", "res": "fn", "ids": {"execution_arn": arn}}
    _apply(engine, _records("step", T + 100, _started(T + 100, **step), _ended(T + 101)))
    (edge,) = engine.edges()
    assert (edge.parent and edge.parent.request_id) == (None if bound else "p0")


def test_what_stands_in_an_event_that_who_left_handed_on_proves_nothing() -> None:
    engine = Engine(max_invocations=2)
    _apply(engine, _records("relay", T, _started(T)))
    for number in range(3):
        _apply(engine, _records(f"r{number}", T, _started(T)))
    published = (_started(T), _published(T, "m"), _ended(T + 1))
    _apply(engine, _records("sender", T, *published))
    _apply(engine, _records("child", T + 2, _notified(T + 2, "m"), _ended(T + 3)))
    (edge,) = engine.edges()
    assert edge.parent is not None
    invoke = {"k": "c", "i": "c2", "t": T + 1, "d": 0.1, "s": "lambda", "o": "Invoke"}
    invoke["out"] = [{"res": "fn", "ids": {"lambda_request": "child"}}]
    _apply(engine, _records("relay", T + 2, invoke, _ended(T + 2)))
    assert not list(engine.edges())


@pytest.mark.parametrize("bound", [10, 25])
@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("handing on", 1),
        ("local", 0),
        ("local with outsiders", 0),
        ("objects return", 11),
        ("all that can go wrong", 0),
    ],
)
def test_no_edge_becomes_wrong_because_others_have_left(name: str, seed: int, bound: int) -> None:
    world = World(seed, ALL_WORLDS[name]).run()
    late = random.Random(seed)
    # The slowest records come a minute after those of their time.
    records = sorted(world.records(), key=lambda record: _ts(record) + late.uniform(0, 60_000))
    bounded, unbounded = Engine(max_invocations=bound), Engine()
    for start in range(0, len(records), 5):
        _apply(bounded, records[start : start + 5])
        _apply(unbounded, records[start : start + 5])
        assert set(wrong_edges(world, bounded)) <= set(wrong_edges(world, unbounded))


@pytest.mark.parametrize("read", [True, False])
def test_what_leaves_is_freed(monkeypatch: pytest.MonkeyPatch, read: bool) -> None:
    monkeypatch.setattr(retention, "_REMEMBERED", 10)
    assert _grown(_pair, 10, 200, 1000, read=read) < 20_000


def test_what_leaves_a_key_that_is_written_again_and_again_is_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "_REMEMBERED", 10)
    assert _grown(_pair_of_one_key, 300, 300, 900, read=True) < 20_000


def _grown(
    pair: Callable[[int], list[StreamRecord]], bound: int, early: int, late: int, *, read: bool
) -> int:
    """Give the bytes that a bounded graph grows by from so many pairs to so many."""
    engine = Engine(max_invocations=bound)

    def pairs(first: int, last: int) -> int:
        for number in range(first, last):
            engine.apply_records(pair(number))
            if number % 5 == 0:
                engine.settle()
                if read:
                    engine.touched.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = pairs(0, early)
        return pairs(early, late) - before
    finally:
        tracemalloc.stop()


def test_what_left_before_it_was_decided_is_not_waited_for() -> None:
    engine = Engine(max_invocations=2)
    change = {"s": "dynamodb", "res": "t", "key": "k", "name": "MODIFY"}
    for number in range(9):  # all within the time in which a call may still come
        at_s = T + 0.1 * number
        _apply(engine, _records(f"o{number}", at_s, _started(at_s, **change), _ended(at_s)))
    _apply(engine, _records("later", T + 60, _started(T + 60), _ended(T + 60)))
    assert {cause.invocation.request_id for cause in engine.waiting} <= set(engine.invocations)


def test_a_graph_that_is_dropped_is_freed() -> None:
    def held_by_graphs(count: int) -> int:
        for _ in range(count):
            engine = Engine()
            for number in range(100):
                _apply(engine, _pair(number))
            engine.let_go()
            del engine
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = held_by_graphs(1)
        assert held_by_graphs(5) - before < 20_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kinds", [IDENTIFIED, TABLES])
def test_no_index_grows(kinds: tuple[str, ...]) -> None:
    options = Options(
        kinds, roots=250, depth=3, keys=40, spread_s=3000.0, failures=0.1, unanswered=0.1
    )
    world = World(5, options).run()
    records = sorted(world.records(), key=_ts)
    assert len(records) > 2000
    engine = Engine(max_invocations=100)
    largest: defaultdict[str, int] = defaultdict(int)
    for start in range(0, len(records), 20):
        _apply(engine, records[start : start + 20])
        for name, size in engine.sizes().items():
            largest[name] = max(largest[name], size)
    assert largest["invocations"] <= 100
    # A fixed number of ids and keys of those that left.
    del largest["left"], largest["departures"]
    assert max(largest.values()) < 1500, dict(largest)


def _ts(record: StreamRecord) -> float:
    image = record.dynamodb.NewImage
    assert image is not None
    return float(image.ts.N)


def test_segments_leave_with_their_invocation() -> None:
    engine = Engine(max_invocations=10)
    for number in range(100):
        service = {
            "id": f"s{number}",
            "name": "fn",
            "trace_id": "1-6b02fb49-a714bdd317cd48fbb76dead8",
            "origin": "AWS::Lambda",
            "aws": {"request_id": f"p{number}"},
            "subsegments": [{"id": f"a{number}", "name": "Attempt #1"}],
        }
        function = {**service, "id": f"f{number}", "origin": "AWS::Lambda::Function"}
        function |= {"parent_id": f"a{number}", "aws": {}, "subsegments": []}
        engine.apply_documents([json.dumps(function), json.dumps(service)])
        _apply(engine, _pair(number))
    sizes = engine.sizes()
    assert sizes["segments"] <= 20
    assert sizes["fatherless"] == sizes["functions ahead"] == sizes["services ahead"] == 0


@pytest.mark.parametrize("seed", [3, 6])
def test_what_stays_is_looked_at_again_without_what_has_left(seed: int) -> None:
    kinds = (*IDENTIFIED, *TABLES, "forward", "relay", "relay")
    options = Options(kinds, keys=4, contents=5, failures=0.3, drops=0.1, twice=0.2, roots=12)
    records = World(seed, options).run().records()
    random.Random(seed).shuffle(records)
    engine = Engine(max_invocations=40)
    for start in range(0, len(records), 5):
        engine.apply_records(records[start : start + 5])
        engine.settle()
        engine.touched.clear()
    engine.finish()
    assert len(engine.invocations) <= 44
    assert not engine.unreadable
