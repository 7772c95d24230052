"""Calls that X-Ray saw and of which no record was read: order proves nothing beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from causality.engine import Engine
from tests.unit.causality.story import Story, T, changed, update

_TRACE = "1-6b02fb49-a714bdd317cd48fbb76dead8"


def _seen(at_s: float = T + 0.1, **more: Any) -> str:
    aws: dict[str, Any] = {"operation": "UpdateItem", "table_name": "orders", "region": "us-west-2"}
    call: dict[str, Any] = {
        "id": "c9",
        "name": "DynamoDB",
        "namespace": "aws",
        "aws": aws | more.pop("aws", {}),
    }
    call |= {"start_time": at_s, "end_time": at_s + 0.01, **more}
    segment: dict[str, Any] = {"id": "f1", "name": "other", "trace_id": _TRACE}
    segment |= {"origin": "AWS::Lambda::Function"}
    segment |= {"start_time": T, "end_time": T + 1, "aws": {"request_id": "other"}}
    return json.dumps({**segment, "subsegments": [call]})


def _told(document: str, *calls: dict[str, Any], first: bool = False) -> Story:
    story = Story()
    if first:
        story.engine.apply_documents([document])
    story.invocation("writer", T, update("c1", T + 0.05), function="writer")
    story.invocation("other", T, *calls, function="other")
    story.invocation("child", T + 0.4, causes=(changed(t=int(T)),))
    if not first:
        story.engine.apply_documents([document])
    story.engine.finish()
    return story


@pytest.mark.parametrize("first", [True, False])
def test_it_may_have_written_what_another_call_seems_to_have(first: bool) -> None:
    story = _told(_seen(), first=first)
    assert story.edge("child").evidence == "ambiguous"
    assert "X-Ray saw a call" in story.why("child").summary
    # It turns out to have been another item.
    story.invocation("other", T, update("c9", T + 0.1, "b"), function="other")
    assert story.edge("child").evidence == "order"
    assert story.engine.sizes()["unread"] == 0


@pytest.mark.parametrize(
    "document",
    [
        _seen(aws={"operation": "GetItem"}),
        _seen(aws={"table_name": "bills"}),
        _seen(aws={"region": "eu-west-1"}),
        _seen(at_s=T - 30),  # over long before the record was written
        _seen(at_s=T + 30),
        _seen(error=True, http={"response": {"status": 400}}),
    ],
    ids=["read", "table", "region", "before", "after", "refused"],
)
def test_what_it_cannot_have_written_stays_certain(document: str) -> None:
    assert _told(document).edge("child").evidence == "order"


def test_what_was_recorded_is_no_such_call() -> None:
    story = _told(_seen(), update("c2", T + 0.1, "b"))
    assert story.edge("child").evidence == "order"


def test_the_oldest_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("causality.matching.unread._KEPT", 5)
    engine = Engine()
    story = Story()
    story.engine = engine
    for number in range(20):
        name = f"r{number}"
        story.invocation(name, T)
        engine.apply_documents([_seen().replace('"other"', f'"{name}"')])
        engine.settle()
    assert engine.sizes()["unread"] == 5
