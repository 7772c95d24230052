"""Events that a function hands on by an Invoke whose answer does not name whom it started."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from causality.document import graph_document
from tests.unit.causality.story import Story, T

_QUEUE = "arn:aws:sqs:us-west-2:123456789012:work"
_GIVEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "object": (
        {"s": "s3", "o": "PutObject", "res": "photos", "key": "a", "ids": {"s3_etag": "e"}},
        {"s": "s3", "res": "photos", "key": "a", "ids": {"s3_etag": "e", "s3_seq": "01"}},
    ),
    "item": (
        {"s": "dynamodb", "o": "PutItem", "res": "orders", "hash": "h"},
        {"s": "dynamodb", "res": "orders", "key": '[["id","S","a"]]', "hash": "h"}
        | {"name": "INSERT", "ids": {"ddb_event": "e1"}},
    ),
    "message": (
        {"s": "sqs", "o": "SendMessage", "res": _QUEUE, "ids": {"sqs_message": "m"}},
        {"s": "sqs", "res": _QUEUE, "ids": {"sqs_message": "m"}},
    ),
    "event": (
        {"s": "events", "o": "PutEvents", "res": "default", "ids": {"event_id": "e"}},
        {"s": "events", "res": "shop", "ids": {"event_id": "e"}},
    ),
}


def _sent(what: str) -> dict[str, Any]:
    output = dict(_GIVEN[what][0])
    call = {"k": "c", "i": "sent", "t": T, "d": 0.01, "g": "us-west-2", "local": 1}
    return {**call, "s": output.pop("s"), "o": output.pop("o"), "out": [output]}


def _invoke(**fields: Any) -> dict[str, Any]:
    output = {"res": "worker", "hash": "p", "ids": {"lambda_request": "another"}}
    call = {"k": "c", "i": "invoke", "t": T + 0.4, "d": 0.01, "s": "lambda", "o": "Invoke"}
    return {**call, "g": "us-west-2", "res": "worker", "out": [output], **fields}


def _tell(story: Story, name: str, what: str, invoke: dict[str, Any]) -> None:
    given = _GIVEN[what][1]
    if name == "sender":
        story.invocation(name, T, _sent(what), function=name)
    elif name == "router":
        story.invocation(name, T + 0.3, invoke, causes=(given,), function=name)
    elif name == "called":
        payload = {"s": "lambda", "res": "worker", "hash": "p", "ids": {"lambda_request": name}}
        story.invocation(name, T + 0.5, causes=(payload,), function="worker")
    else:
        story.invocation(name, T + 0.6, causes=(given,), function="worker")


@pytest.mark.parametrize("what", _GIVEN)
@pytest.mark.parametrize("fields", [{"local": 1}, {"try": 1}, {"err": "ReadTimeoutError"}])
def test_who_was_given_the_same_and_called_may_have_handed_it_on(
    what: str, fields: dict[str, Any]
) -> None:
    graphs = []
    for order in permutations(("sender", "router", "worker")):
        story = Story()
        for name in order:
            _tell(story, name, what, _invoke(**fields))
        story.engine.finish()
        router, edge = story.edge("router"), story.edge("worker")
        assert router.parent is not None
        assert router.parent.request_id == "sender"
        assert (edge.evidence, {call.id for call in edge.candidates}) == (
            "ambiguous",
            {"sent", "invoke"},
        )
        (why,) = [line for line in story.why("worker").candidates if line.startswith("Invoke")]
        assert "it called this function, and its caller was given the same" in why
        graphs.append(graph_document(story.engine))
    assert all(graph == graphs[0] for graph in graphs)


@pytest.mark.parametrize("what", _GIVEN)
def test_a_call_that_started_another_one_handed_on_nothing(what: str) -> None:
    for order in permutations(("sender", "router", "worker", "called")):
        story = Story()
        for name in order:
            _tell(story, name, what, _invoke(local=1))
        story.engine.finish()
        edge, called = story.edge("worker"), story.edge("called")
        assert [e.parent and e.parent.request_id for e in (edge, called)] == ["sender", "router"]


@pytest.mark.parametrize(
    "invoke", [_invoke(), _invoke(local=1, t=T + 9), _invoke(local=1, g="eu-west-1")]
)
def test_a_call_that_cannot_have_handed_it_on_is_none(invoke: dict[str, Any]) -> None:
    story = Story()
    for name in ("sender", "router", "worker"):
        _tell(story, name, "object", invoke)
    story.engine.finish()
    parent = story.edge("worker").parent
    assert parent is not None
    assert parent.request_id == "sender"


def test_where_nobody_else_sent_it_the_call_is_all_that_could_be_meant() -> None:
    story = Story()
    for name in ("router", "worker"):
        _tell(story, name, "message", _invoke(local=1))
    story.engine.finish()
    why = story.why("worker")
    assert why.summary == (
        "One call could be meant, but its answer does not tell whether it started this."
    )


_EXECUTION = "arn:aws:states:us-west-2:123456789012:execution:flow:1"


@pytest.mark.parametrize("order", permutations(("starter", "watcher", "worker")))
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("same", [True, False])
def test_an_execution_may_be_named_by_who_invokes_locally(
    order: tuple[str, ...], known: bool, same: bool
) -> None:
    story = Story()
    start = {"k": "c", "i": "start", "t": T, "d": 0.01, "s": "stepfunctions", "local": 1}
    start |= {"o": "StartExecution", "out": [{"res": "flow", "ids": {"execution_arn": _EXECUTION}}]}
    ids = {"execution_arn": _EXECUTION, "lambda_request": "worker"}
    payload = {"s": "stepfunctions", "res": "worker", "hash": "p" if same else "q", "ids": ids}
    for name in order:
        if name == "starter":
            story.invocation(name, T, *([start] if known else ()), function=name)
        elif name == "watcher":
            story.invocation(name, T + 0.3, _invoke(local=1), function=name)
        else:
            story.invocation(name, T + 0.5, causes=(payload,), function=name)
    story.engine.finish()
    (cause,) = story.engine.invocations["worker"].causes
    edge = cause.edge
    if not (known or same):
        assert edge is None
        return
    assert edge is not None
    meant = [call.id for call in edge.candidates]
    assert meant == ["start"] * known + ["invoke"] * same
    if known and same:
        assert edge.evidence == "ambiguous"
        assert "same content" in story.why("worker").candidates[1]
    else:
        assert edge.evidence == ("exact" if known else "content")
