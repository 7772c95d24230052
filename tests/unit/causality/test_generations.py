"""Both recorders in one application, and calls of the original's that look alike."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from causality.document import EdgeEntry, graph_document
from causality.engine import Engine
from causality.records import decode_page
from causality.why import explain
from gammaray_recorder import causes, wire
from gammaray_recorder.invocation import Invocation
from tests.unit.causality import world_records
from tests.unit.causality.story import T

Item = dict[str, Any]
_BY_PERSON = ":es:ext:invokeCLI"
_TOPIC = "arn:aws:sns:us-west-2:123456789012:news"


def _arn(function: str, region: str = "us-west-2") -> str:
    return f"arn:aws:lambda:{region}:123456789012:function:{function}"


def _original(key: str, payload: str, at_s: float) -> Item:
    return {"reqID": {"S": key}, "payload": {"S": payload}, "ts": {"N": str(int(at_s * 1000))}}


def _entry(request_id: str, function: str, trigger: str, at_s: float, region: str = "us-west-2"
           ) -> Item:  # fmt: skip
    return _original(f"{request_id}:entry00000000", f"pl:{_arn(function, region)}{trigger}", at_s)


def _sdk(request_id: str, call_id: str, text: str, at_s: float) -> Item:
    said = {"id": call_id, "start_time": at_s, "gr_payload": f"pl:{text}"}
    return _original(f"{request_id}:{call_id}", json.dumps(said), at_s)


def _ours(request_id: str, function: str, at_s: float, event: Any, *calls: Item) -> Item:
    class Context:
        aws_request_id = request_id
        invoked_function_arn = _arn(function)
        function_name = function

    invocation = Invocation(Context(), "us-west-2")
    start = {"k": "s", "t": at_s, "arn": _arn(function), "src": causes.read(event, invocation)}
    events = [start, *calls]
    return wire.encode_item(request_id, "n", 0, events, at_s, 3600, "us-west-2")


def _edges(*items: Item) -> dict[str, EdgeEntry]:
    """Give the edges, by their children; the order in which records come is all the same."""
    found = []
    for told in (items, items[::-1]):
        engine = Engine()
        for item in told:
            page = world_records.page([{"dynamodb": {"NewImage": item}}])
            engine.apply_records(decode_page(page).records)
            engine.settle()
        engine.finish()
        assert not engine.unreadable
        for edge in engine.edges():
            assert explain(engine.matcher, edge).summary
        found.append(graph_document(engine))
    assert found[0] == found[1]
    return {edge.child_request_id: edge for edge in found[0].edges}


def _invoke(callee: str, answer: str) -> Item:
    output = {"res": callee, "hash": "h", "ids": {"lambda_request": answer}}
    call = {"k": "c", "i": "c1", "t": T + 0.1, "d": 0.1, "s": "lambda", "o": "Invoke"}
    return {**call, "g": "us-west-2", "res": callee, "out": [output]}


def test_ours_invokes_the_originals() -> None:
    edges = _edges(_ours("p", "ours", T, {}, _invoke("old", "c")), _entry("c", "old", "", T + 0.2))
    assert (edges["c"].evidence, edges["c"].parent_request_id, edges["c"].call_id) == (
        *("exact", "p"),
        "c1",
    )


def test_the_originals_invokes_ours() -> None:
    event = {"eventSource": "lib:invokeCLI:old:p", "n": 1}
    entry = _entry("p", "old", _BY_PERSON, T)
    call = _sdk("p", "a1", "Invoke:us-west-2:FunctionName:ours:InvocationType:Event", T + 0.1)
    child = _ours("c", "ours", T + 0.2, event)
    for items, call_id in (((entry, call, child), "a1"), ((entry, child), None)):
        edge = _edges(*items)["c"]
        assert (edge.evidence, edge.parent_request_id, edge.call_id) == ("exact", "p", call_id)


def test_an_event_that_is_handed_on_comes_from_who_handed_it_on() -> None:
    """The original's p calls ours, which calls a third one with the event that it was given."""
    event = {"eventSource": "lib:invokeCLI:old:p", "n": 1}
    edges = _edges(
        _entry("p", "old", _BY_PERSON, T - 1),
        _sdk("p", "a1", "Invoke:us-west-2:FunctionName:ours:InvocationType:Event", T - 0.9),
        _ours("d", "ours", T, event, _invoke("third", "c")),
        _ours("c", "third", T + 0.2, event),
    )
    assert (edges["d"].parent_request_id, edges["c"].parent_request_id) == ("p", "d")
    assert (edges["c"].operation, edges["c"].resource) == ("Invoke", "third")


def test_functions_of_one_name_in_two_regions_are_told_apart() -> None:
    regions = ("us-west-2", "us-east-1")
    text = "Invoke:{}:FunctionName:worker:InvocationType:Event"
    edges = _edges(
        _entry("p", "old", _BY_PERSON, T),
        *(_sdk("p", f"to {r}", text.format(r), T + 0.1) for r in regions),
        *(_entry(f"in {r}", "worker", ":es:lib:invokeCLI:old:p", T + 0.3, r) for r in regions),
    )
    for region in regions:
        edge = edges[f"in {region}"]
        assert (edge.evidence, edge.call_id) == ("exact", f"to {region}")


@pytest.mark.parametrize("known", [True, False])
def test_a_result_that_lambda_hands_on_comes_from_its_invocation(known: bool) -> None:
    context = {"requestId": "p", "functionArn": _arn("ours"), "condition": "Success"}
    told = _ours("c", "done", T + 1, {"requestContext": context, "responsePayload": {}})
    edges = _edges(told, *([_ours("p", "ours", T, {"n": 1})] if known else []))
    if known:
        edge = edges["c"]
        assert (edge.evidence, edge.parent_request_id, edge.operation) == ("exact", "p", None)
    else:
        assert not edges


def _published(request_id: str, at_s: float, message: str) -> list[Item]:
    text = f"Publish:us-west-2:TopicArn:{_TOPIC}:Message:{message}"
    return [_entry(request_id, "old", _BY_PERSON, at_s), _sdk(request_id, "c1", text, at_s + 0.1)]


def _notified(request_id: str, at_s: float, subject: str) -> Item:
    return _entry(request_id, "child", f":es:sns:sub:{subject}:op:{_TOPIC}", at_s)


def test_a_less_likely_reading_counts_until_the_likelier_one_is_proven() -> None:
    """A message can hold ":Subject:s", or be followed by a subject: the records tell."""
    plain, perhaps = _published("p", T, "m"), _published("q", T + 0.1, "m:Subject:s")
    one, other = _notified("one", T + 0.4, "None"), _notified("other", T + 0.5, "None")
    told = _notified("told", T + 0.5, "s")
    for items in permutations([*plain, *perhaps, one, told]):
        edges = _edges(*items)
        found = [edges[name].parent_request_id for name in ("one", "told")]
        assert found == ["p", "q"]
    # A filter, or a loss, may have kept the message of either from the function.
    for items in permutations([*plain, *perhaps, one]):
        (edge,) = _edges(*items).values()
        assert (edge.evidence, edge.candidates) == ("ambiguous", ["p", "q"])
    for edge in _edges(*plain, *perhaps, one, other).values():
        assert (edge.evidence, edge.candidates) == ("ambiguous", ["p", "q"])


def test_what_proved_a_reading_can_become_doubtful_again() -> None:
    engine = _applied([*_published("p", T, "m"), *_published("q", T + 0.1, "m:Subject:s")])

    def then(*items: Item) -> list[str | None]:
        page = world_records.page([{"dynamodb": {"NewImage": item}} for item in items])
        engine.apply_records(decode_page(page).records)
        engine.finish()
        return [edge.parent_request_id for edge in graph_document(engine).edges]

    assert then(_notified("one", T + 0.4, "None")) == [None]
    assert then(_notified("told", T + 0.5, "s")) == ["p", "q"]
    # Either of two calls may have told the subject: so the other one may have told none.
    assert then(*_published("r", T + 0.2, "m:Subject:s")) == [None, None]
    # But both did, if it was told twice.
    assert then(_notified("told too", T + 0.6, "s")) == ["p", None, None]


def test_messages_of_one_maker_prove_each_other_read() -> None:
    """Which of two alike messages came of which call is open, but not that they came of both."""
    edges = _edges(
        *_published("p", T, "m"),
        *(
            _sdk("q", f"c{n}", f"Publish:us-west-2:TopicArn:{_TOPIC}:Message:m:Subject:s", T + n)
            for n in (0.1, 0.11)
        ),
        _notified("one", T + 0.4, "None"),
        *(_notified(f"told {n}", T + 0.5 + n, "s") for n in (0, 0.01)),
    )
    assert [edge.parent_request_id for edge in edges.values()] == ["p", "q", "q"]


@pytest.mark.parametrize("others", [False, True])
def test_a_burst_is_of_who_made_all_of_it(others: bool) -> None:
    """Sixty messages without a subject, quicker than they are delivered: whose is each?"""
    items = []
    for number in range(60):
        maker = "q" if others and number == 30 else "p"
        at_s = T + 0.05 * number
        text = f"Publish:us-west-2:TopicArn:{_TOPIC}:Message:m"
        items.append(_sdk(maker, f"call {number}", text, at_s))
        items.append(_notified(f"child {number}", at_s + 0.3, "None"))
    edges = _edges(*items)
    assert len(edges) == 60
    assert {edge.parent_request_id for edge in edges.values()} == {None if others else "p"}
    assert not others or "q" in edges["child 30"].candidates


def _alike(count: int) -> list[Item]:
    """Give one invocation of the original's that calls a function so often, and its callees."""
    items = [_entry("p", "old", _BY_PERSON, T)]
    for number in range(count):
        at_s = T + 0.01 * number
        items.append(_sdk("p", f"a{number}", "Invoke:us-west-2:FunctionName:worker", at_s))
        items.append(_entry(f"c{number}", "worker", ":es:lib:invokeCLI:old:p", at_s + 0.3))
    return items


def _applied(items: list[Item], bound: int | None = None) -> Engine:
    engine = Engine(max_invocations=bound)
    for item in items:
        page = world_records.page([{"dynamodb": {"NewImage": item}}])
        engine.apply_records(decode_page(page).records)
        engine.settle()
        engine.touched.clear()
    return engine


def test_a_document_does_not_grow_with_the_square_of_alike_calls() -> None:
    edges = graph_document(_applied(_alike(150))).edges
    assert {edge.parent_request_id for edge in edges} == {"p"}
    assert {tuple(edge.call_candidates) for edge in edges} == {tuple(f"a{n}" for n in range(100))}


@pytest.mark.parametrize("order", [1, -1])
def test_calls_that_nothing_tells_apart_share_what_they_led_to(order: int) -> None:
    engine = _applied(_alike(9)[::order])
    calls = engine.invocations["p"].calls
    for edge in engine.edges():
        assert edge.parent is engine.invocations["p"]
        assert (edge.call, [call.id for call in edge.candidates]) == (None, list(calls)[::order])
    for call in calls.values():
        assert {cause.invocation.request_id for cause in call.edges} == {f"c{n}" for n in range(9)}


@pytest.mark.parametrize("count", [2, 5])
def test_an_answer_that_xray_saw_tells_one_of_them_apart(count: int) -> None:
    engine = _applied(_alike(count))
    aws = {"operation": "Invoke", "function_name": "worker", "request_id": "c0"}
    seen: Item = {
        "id": "a0",
        "name": "Lambda",
        "namespace": "aws",
        "start_time": T,
        "end_time": T + 0.1,
    }
    function: Item = {
        "id": "f",
        "name": "old",
        "origin": "AWS::Lambda::Function",
        "trace_id": "1-a-b",
    }
    function |= {"aws": {"request_id": "p"}, "start_time": T, "subsegments": [{**seen, "aws": aws}]}
    engine.apply_documents([json.dumps(function)])
    engine.settle()
    told = {edge.cause.invocation.request_id: edge for edge in engine.edges()}
    assert told["c0"].call is engine.invocations["p"].calls["a0"]
    calls = engine.invocations["p"].calls
    for name, edge in told.items():
        for call_id, call in calls.items():
            means = edge.cause in call.edges
            assert means == (call in edge.candidates), (name, call_id)


def test_alike_calls_leave_with_all_that_they_led_to() -> None:
    engine = _applied([*_alike(9), *(_entry(f"r{n}", "f", _BY_PERSON, T + n) for n in range(9))], 9)
    assert not {f"c{n}" for n in range(9)} & set(engine.invocations)
    assert engine.sizes()["ids"] == engine.sizes()["groups"] == 0
