"""Calls that boto3 tried again: what an earlier try sent has an id that no call shows."""

from __future__ import annotations

from itertools import permutations
from typing import Any, NamedTuple

import pytest

from causality.document import graph_document
from tests.unit.causality.story import Story, T

_QUEUE = "arn:aws:sqs:us-west-2:123456789012:work"
_TOPIC = "arn:aws:sns:us-west-2:123456789012:news"
_STREAM = "arn:aws:kinesis:us-west-2:123456789012:stream/clicks"


class _Kind(NamedTuple):
    """A service's calls and events: what they name, and the kind of their ids."""

    called: str
    given: str
    ids: str


_KINDS = {
    "sqs": _Kind(_QUEUE, _QUEUE, "sqs_message"),
    "sns": _Kind(_TOPIC, _TOPIC, "sns_message"),
    "kinesis": _Kind(_STREAM, f"{_STREAM}/consumer/c:1", "kinesis"),
    "events": _Kind("default", "shop", "event_id"),
}


def _call(service: str, answered: str, *, retries: int = 1, **fields: Any) -> dict[str, Any]:
    kind = _KINDS[service]
    output = {"res": kind.called, "ids": {kind.ids: answered}}
    call = {"k": "c", "i": "c1", "t": T, "d": 61.0, "s": service, "o": "Send", "try": retries}
    return {**call, "g": "us-west-2", "res": kind.called, "out": [output], **fields}


def _given(service: str, shown: str, at_s: float, **fields: Any) -> dict[str, Any]:
    kind = _KINDS[service]
    cause = {"s": service, "res": kind.given, "t": at_s, "g": "us-west-2", "ids": {kind.ids: shown}}
    return {**cause, **fields}


@pytest.mark.parametrize("service", _KINDS)
def test_what_an_earlier_try_sent_may_be_of_the_call(service: str) -> None:
    told: list[tuple[str, dict[str, Any]]] = [
        ("sender", {"function": "sender"}),
        ("first try", {"causes": (_given(service, "1", T + 0.1),)}),
        ("last try", {"causes": (_given(service, "2", T + 60.9),)}),
        ("before", {"causes": (_given(service, "3", T - 30),)}),
        ("after", {"causes": (_given(service, "4", T + 70),)}),
    ]
    graphs = []
    for order in permutations(told):
        story = Story()
        for request_id, rest in order:
            events = (_call(service, "2"),) if request_id == "sender" else ()
            story.invocation(request_id, T, *events, **rest)
        assert story.edge("last try").evidence == "exact"
        edge = story.edge("first try")
        assert (edge.evidence, [call.id for call in edge.candidates]) == ("ambiguous", ["c1"])
        why = story.why("first try")
        assert "an earlier try" in why.summary
        assert why.candidates == (
            "Send by sender sender: made 0.000 s before the invocation began, "
            "tried 2 times, any of which may have worked",
        )
        waiting = {cause.invocation.request_id for cause in story.engine.waiting}
        assert waiting == {"before", "after"}
        graphs.append(graph_document(story.engine))
    assert all(graph == graphs[0] for graph in graphs)


@pytest.mark.parametrize("service", _KINDS)
@pytest.mark.parametrize("called_first", [True, False])
def test_what_a_call_without_an_answer_sent_may_be_of_it(service: str, called_first: bool) -> None:
    lost = _call(service, "", retries=0, err="ReadTimeoutError")
    lost["out"] = [{"res": _KINDS[service].called}]
    story = Story()
    given = (_given(service, "1", T + 0.1),)
    for name in ("sender", "child")[:: 1 if called_first else -1]:
        if name == "sender":
            story.invocation(name, T, lost, function=name)
        else:
            story.invocation(name, T, causes=given, function=name)
    edge = story.edge("child")
    assert (edge.evidence, [call.id for call in edge.candidates]) == ("ambiguous", ["c1"])
    why = story.why("child")
    assert "it was not answered" in why.summary
    assert "it was not answered, and may have taken effect" in why.candidates[0]


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (_call("sqs", "2", retries=0), _given("sqs", "1", T)),
        (_call("sqs", "2"), _given("sqs", "1", T, res=f"{_QUEUE}2")),
        (_call("sqs", "2"), _given("sqs", "1", T, name="destination:Success", caller="r")),
        (_call("kinesis", "2"), _given("kinesis", "1", T, g="eu-west-1")),
        (_call("events", "2"), _given("events", "1", T, res="aws.ec2")),
        (_call("events", "2"), {"s": "events", "res": "shop", "ids": {"event_id": "1"}}),
    ],
    ids=["tried once", "queue", "result", "region", "of AWS", "no time told"],
)
def test_what_it_cannot_have_sent_is_not_of_it(call: dict[str, Any], cause: dict[str, Any]) -> None:
    story = Story()
    story.invocation("sender", T, call, function="sender")
    story.invocation("child", T, causes=(cause,))
    (found,) = story.engine.invocations["child"].causes
    assert found.edge is None


def test_a_call_of_which_more_comes_to_be_known_is_no_candidate_any_more() -> None:
    story = Story()
    story.invocation("child", T, causes=(_given("sqs", "1", T),))
    story.invocation("sender", T, _call("sqs", "2"), function="sender")
    assert story.edge("child").evidence == "ambiguous"
    story.invocation("other", T, _call("sqs", "1"), function="other")
    assert story.edge("child").evidence == "exact"
    assert story.engine.sizes()["retried"] == 4  # both calls, in the two minutes that they lasted
