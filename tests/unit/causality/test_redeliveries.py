"""Redeliveries of event sources: another request id, the same record, one trigger."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from causality.document import graph_document
from causality.engine import Engine
from causality.latency import latencies_of
from causality.problems import ProblemIndex, problems
from causality.records import decode_page
from causality.tree.index import TreeIndex
from gammaray_recorder import wire
from tests.unit.causality import world_records

T = 1_795_000_000.0
STREAM = {"s": "dynamodb", "res": "orders", "key": '[["id","S","a"]]', "name": "MODIFY"}
OBJECT = {"s": "s3", "res": "photos", "key": "in/a.jpg", "name": "ObjectCreated:Put"}


def _add(
    engine: Engine,
    request_id: str,
    at_s: float,
    *causes: dict[str, Any],
    function: str = "fn",
    invokes: str = "",
    nonce: str = "n",
) -> None:
    arn = f"arn:aws:lambda:us-west-2:123456789012:function:{function}"
    events: list[dict[str, Any]] = [
        {"k": "s", "t": at_s, "arn": arn, "g": "us-west-2", "src": list(causes)}
    ]
    if invokes:
        output = {"res": function, "ids": {"lambda_request": invokes}}
        call = {"k": "c", "i": "c1", "t": at_s + 0.1, "s": "lambda", "o": "Invoke"}
        events.append({**call, "d": 0.1, "out": [output]})
    item = wire.encode_item(request_id, nonce, 0, events, at_s, 3600, "us-west-2")
    engine.apply_records(
        decode_page(world_records.page([{"dynamodb": {"NewImage": item}}])).records
    )


def _tries(engine: Engine, request_id: str) -> list[str]:
    found = engine.matcher.redeliveries.tries(engine.invocations[request_id])
    return [invocation.request_id for invocation in found]


def _with(cause: dict[str, Any], **ids: str) -> dict[str, Any]:
    return {**cause, "ids": ids}


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (_with(STREAM, ddb_event="e1"), _with(STREAM, ddb_event="e1")),
        (_with(OBJECT, s3_seq="0055AED6DCD90281E5"), _with(OBJECT, s3_seq="0055AED6DCD90281E50")),
        (_with({"s": "sqs", "res": "q"}, sqs_message="m"),) * 2,
        (_with({"s": "sns", "res": "t"}, sns_message="m"),) * 2,
        (_with({"s": "kinesis", "res": "arn:k:stream/s"}, kinesis="shard:1"),) * 2,
    ],
    ids=["stream", "object", "queue", "topic", "kinesis"],
)
def test_a_record_that_comes_again_is_another_try(
    first: dict[str, Any], again: dict[str, Any]
) -> None:
    for order in (1, -1):
        engine = Engine()
        deliveries = [("r1", T, first), ("r2", T + 9, again), ("r3", T + 19, again)]
        for request_id, at_s, cause in deliveries[::order]:
            _add(engine, request_id, at_s, cause)
            engine.settle()
        assert _tries(engine, "r2") == ["r1", "r2", "r3"]
        place = engine.matcher.redeliveries.place(engine.invocations["r2"])
        assert place == (2, 3)


@pytest.mark.parametrize(
    "given",
    [
        _with({**STREAM, "hash": "h"}, ddb_event="e1"),
        _with(OBJECT, s3_seq="01"),
        _with({"s": "sqs", "res": "q"}, sqs_message="m"),
    ],
    ids=["stream", "object", "queue"],
)
def test_an_event_that_a_function_hands_on_to_itself_is_no_try(given: dict[str, Any]) -> None:
    graphs = []
    for order in permutations(("first", "handed on", "again")):
        engine = Engine()
        for name in order:
            if name == "first":
                _add(engine, name, T, given, invokes="handed on")
            else:
                _add(engine, name, T + (9 if name == "again" else 0.3), given)
            engine.settle()
        engine.finish()
        assert _tries(engine, "again") == ["first", "again"]
        graphs.append(graph_document(engine))
        entries = {entry.request_id: entry.redelivery_of for entry in graphs[-1].invocations}
        assert entries == {"first": None, "handed on": None, "again": "first"}
        (edge,) = graphs[-1].edges
        assert (edge.parent_request_id, edge.child_request_id) == ("first", "handed on")
    assert all(graph == graphs[0] for graph in graphs)


def test_what_another_function_was_given_is_no_try() -> None:
    engine = Engine()
    cause = _with({"s": "sns", "res": "t"}, sns_message="m")
    _add(engine, "r1", T, cause)
    _add(engine, "r2", T, cause, function="other")
    _add(engine, "r3", T, _with({"s": "sns", "res": "t"}, sns_message="m2"))
    engine.settle()
    assert [_tries(engine, name) for name in ("r1", "r2", "r3")] == [["r1"], ["r2"], ["r3"]]


def test_a_message_that_comes_by_two_ways_is_no_try() -> None:
    engine = Engine()
    news = {"s": "sns", "res": "t"}
    _add(engine, "direct", T, _with(news, sns_message="m"))
    for name in ("one", "other", "one"):
        _add(engine, f"{name} queue", T, _with(news, sns_message="m", sqs_message=name))
    _add(engine, "again", T + 30, _with(news, sns_message="m", sqs_message="one"))
    engine.settle()
    assert [_tries(engine, name) for name in ("direct", "other queue", "again")] == [
        ["direct"],
        ["other queue"],
        ["one queue", "again"],
    ]


def test_a_sequencer_belongs_to_one_key() -> None:
    engine = Engine()
    _add(engine, "r1", T, _with(OBJECT, s3_seq="01"))
    _add(engine, "r2", T, _with({**OBJECT, "key": "in/b.jpg"}, s3_seq="01"))
    engine.settle()
    assert _tries(engine, "r1") == ["r1"]


@pytest.mark.parametrize("order", [1, -1])
def test_one_sequencer_for_all_events_makes_no_tries_of_them(order: int) -> None:
    engine = Engine()
    told = [("r1", T, "Q1"), ("r2", T + 100, "Q2")]  # as some local servers do
    for request_id, at_s, request in told[::order]:
        ids = {"s3_seq": "0055AED6DCD90281E5", "s3_etag": "e", "s3_request": request}
        _add(engine, request_id, at_s, _with({**OBJECT, "t": at_s - 0.1}, **ids))
    call = {"k": "c", "d": 0.01, "s": "s3", "o": "PutObject", "res": "photos", "local": 1}
    output = {"res": "photos", "key": "in/a.jpg", "ids": {"s3_etag": "e"}}
    for name, at_s in (("one", T - 0.2), ("other", T + 99.8)):
        item = wire.encode_item(
            name, "n", 0, [{**call, "i": "c", "t": at_s, "out": [output]}], T, 9
        )
        page = world_records.page([{"dynamodb": {"NewImage": item}}])
        engine.apply_records(decode_page(page).records)
    engine.finish()
    assert _tries(engine, "r2") == ["r2"]
    edges = {edge.cause.invocation.request_id: edge.parent for edge in engine.edges()}
    assert {name: edge and edge.request_id for name, edge in edges.items()} == {
        "r1": "one",
        "r2": "other",
    }


def test_halves_of_a_batch_are_tries_of_the_whole() -> None:
    engine = Engine()
    one, other = _with(STREAM, ddb_event="e1"), _with(STREAM, ddb_event="e2")
    _add(engine, "half", T + 1, one)
    _add(engine, "rest", T + 2, other)
    engine.settle()
    _add(engine, "whole", T, one, other)
    engine.settle()
    assert _tries(engine, "rest") == ["whole", "half", "rest"]


def test_which_delivery_was_the_first_may_turn_out_later() -> None:
    engine = Engine()
    index = ProblemIndex(engine)
    message = _with({"s": "sqs", "res": "q"}, sqs_message="m")
    for request_id, at_s, nonce in (("r1", T + 2, "b"), ("r2", T + 1, "n"), ("r1", T, "a")):
        _add(engine, request_id, at_s, message, nonce=nonce)
        engine.settle()
        index.update(engine.touched)
        engine.touched.clear()
        assert index.newest(T + 1000, 100) == problems(engine, T + 1000)
    assert _tries(engine, "r1") == ["r1", "r2"]
    repeated = {name: i.causes[0].repeated for name, i in engine.invocations.items()}
    assert repeated == {"r1": False, "r2": True}


@pytest.mark.parametrize("told", list(permutations(range(4))))
def test_a_batch_with_new_messages_is_no_try(told: tuple[int, ...]) -> None:
    engine = Engine()
    batches = [("r1", "ab"), ("r2", "bc"), ("r3", "cd"), ("r4", "d")]
    for place in told:
        request_id, messages = batches[place]
        causes = [_with({"s": "sqs", "res": "q"}, sqs_message=message) for message in messages]
        # A start can come in parts.
        for part in (causes, causes[:1])[:: -1 if place % 2 else 1]:
            _add(engine, request_id, T + 30 * place, *part)
            engine.settle()
    engine.finish()
    assert [_tries(engine, name) for name, _ in batches] == [
        ["r1"],
        ["r2"],
        ["r3", "r4"],
        ["r3", "r4"],
    ]
    repeated = {
        name: [cause.repeated for cause in engine.invocations[name].causes] for name, _ in batches
    }
    assert {name: sum(again) for name, again in repeated.items()} == {
        "r1": 0,
        "r2": 1,
        "r3": 1,
        "r4": 1,
    }
    retries = [p.detail for p in problems(engine, T + 1000) if p.kind == "retry"]
    assert retries == [
        "fn was given 1 of 2 records again, beside new ones: sqs q",
        "fn was given 1 of 2 records again, beside new ones: sqs q",
        "fn was given sqs q 2 times, under other request ids",
    ]


@pytest.mark.parametrize("told", list(permutations(range(4))))
def test_what_held_tries_together_may_turn_out_to_be_none(told: tuple[int, ...]) -> None:
    engine = Engine()
    one, other = ({"s": "kinesis", "res": "k", "ids": {"kinesis": f"s:{n}"}} for n in (1, 2))
    records: list[tuple[str, float, tuple[dict[str, Any], ...], str]] = [
        ("r1", T, (one,), ""),
        ("r2", T + 1, (other,), ""),
        ("handed on", T + 2, (one, other), ""),
        ("relay", T + 1.5, (), "handed on"),
    ]
    for place in told:
        request_id, at_s, shown, invokes = records[place]
        _add(engine, request_id, at_s, *shown, invokes=invokes)
        engine.settle()
    assert [_tries(engine, name) for name in ("r1", "r2", "handed on")] == [
        ["r1"],
        ["r2"],
        ["handed on"],
    ]
    causes = [cause for i in engine.invocations.values() for cause in i.causes]
    assert not any(cause.repeated for cause in causes)


def test_tries_that_leave_are_let_go() -> None:
    engine = Engine(max_invocations=5)
    for number in range(40):
        message = f"m{number // 2}"
        at_s = T + number
        _add(engine, f"r{number}", at_s, _with({"s": "sqs", "res": "q"}, sqs_message=message))
        engine.settle()
        engine.touched.clear()
    assert engine.sizes()["redeliveries"] <= 6


def test_what_a_traceback_shows_of_a_node_is_its_name() -> None:
    engine = Engine()
    _published(engine, T, "m")
    for number in range(50):
        _add(engine, f"r{number}", T + number, _with({"s": "sqs", "res": "q"}, sqs_message="m"))
    engine.settle()
    assert repr(engine.invocations["r7"]) == "<invocation r7 of fn>"
    (sender,) = engine.invocations["sender"].calls.values()
    assert repr(sender.outputs) == ("(<output 0 of <call c1 of <invocation sender of sender>>>,)")
    assert all(len(repr(edge)) < 1000 for edge in engine.edges())


def test_rows_say_which_try_they_are() -> None:
    engine = Engine()
    tree = TreeIndex(engine)
    cause = _with({"s": "sqs", "res": "q"}, sqs_message="m")
    for number in range(3):
        _add(engine, f"r{number}", T + number, cause)
        engine.settle()
        tree.update(engine.touched)
        engine.touched.clear()
    rows = {row.node: row for row in map(tree.row, range(len(tree)))}
    assert [(rows[f"r{n}"].attempt, rows[f"r{n}"].attempts) for n in range(3)] == [
        (1, 3),
        (2, 3),
        (3, 3),
    ]


def _published(engine: Engine, at_s: float, message: str) -> None:
    arn = "arn:aws:lambda:us-west-2:123456789012:function:sender"
    call = {"k": "c", "i": "c1", "t": at_s, "d": 0.1, "s": "sqs", "o": "SendMessage", "res": "q"}
    call |= {"g": "us-west-2", "out": [{"res": "q", "ids": {"sqs_message": message}}]}
    start = {"k": "s", "t": at_s, "arn": arn, "g": "us-west-2", "src": []}
    item = wire.encode_item("sender", "n", 0, [start, call], at_s, 3600, "us-west-2")
    engine.apply_records(
        decode_page(world_records.page([{"dynamodb": {"NewImage": item}}])).records
    )


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_delivered_again_is_no_further_trigger(order: int) -> None:
    engine = Engine()
    _published(engine, T, "m")
    message = _with({"s": "sqs", "res": "q"}, sqs_message="m")
    for request_id, at_s in [("r1", T + 1), ("r2", T + 31), ("r3", T + 61)][::order]:
        _add(engine, request_id, at_s, message)
        engine.settle()
    (row,) = latencies_of(engine.invocations.values()).edges.rows()
    assert row.count == 1
    assert row.max_s == pytest.approx(0.9)
    entries = graph_document(engine).invocations
    assert {entry.request_id: entry.redelivery_of for entry in entries} == {
        "sender": None,
        "r1": None,
        "r2": "r1",
        "r3": "r1",
    }
    assert len([edge for edge in engine.edges() if edge.parent is not None]) == 3
