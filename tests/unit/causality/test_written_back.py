"""Writes that leave no record, for the item is so already: none of them is taken for a cause."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from gammaray_recorder import wire
from tests.unit.causality.story import Story, T, changed, update

_KEY = wire.attribute_hash("id", {"S": "a"})
_RECORD = changed(t=int(T), hash="h", ids={"ddb_event": "e", "ddb_seq": "3"})
_QUEUE = "arn:aws:sqs:us-west-2:123456789012:work"


def _put(name: str, at_s: float, **fields: Any) -> dict[str, Any]:
    output = {"res": "orders", "hash": "h", "ah": {"id": _KEY}}
    call = {"k": "c", "i": name, "t": at_s, "d": 0.01, "s": "dynamodb", "o": "PutItem"}
    return {**call, "g": "us-west-2", "res": "orders", "out": [output], **fields}


def _sent(name: str, at_s: float) -> dict[str, Any]:
    call = {"k": "c", "i": name, "t": at_s, "d": 0.01, "s": "sqs", "o": "SendMessage"}
    output = {"res": _QUEUE, "ids": {"sqs_message": "m"}}
    return {**call, "g": "us-west-2", "res": _QUEUE, "out": [output]}


def _told(story: Story, name: str) -> None:
    """Tell of a writer, of one who writes the item back as it found it, and of a third one."""
    if name == "writer":
        story.invocation(name, T, update("u", T + 0.05), function="writer")
    elif name == "back":
        story.invocation(name, T + 0.3, _put("p", T + 0.5), causes=(_RECORD,), function="back")
    elif name == "sends":
        story.invocation(name, T + 0.3, _sent("s", T + 0.35), causes=(_RECORD,), function="sends")
    elif name == "worker":
        message = {"s": "sqs", "res": _QUEUE, "ids": {"sqs_message": "m"}}
        story.invocation(name, T + 0.5, _put("p", T + 0.6), causes=(message,), function="worker")
    else:
        story.invocation(name, T + 0.4, causes=(_RECORD,), function="other")


@pytest.mark.parametrize(
    "names", [("back", "other"), ("writer", "back", "other"), ("sends", "worker", "other")]
)
def test_who_was_given_a_record_or_was_called_for_it_did_not_write_it(
    names: tuple[str, ...],
) -> None:
    for order in permutations(names):
        story = Story()
        for name in order:
            _told(story, name)
        story.engine.finish()
        (cause,) = story.engine.invocations["other"].causes
        if "writer" not in names:
            assert cause.edge is None
            continue
        edge = story.edge("other")
        assert edge.parent is not None
        assert (edge.evidence, edge.parent.request_id) == ("order", "writer")
        assert [line.rpartition(": ")[2] for line in story.why("other").rivals] == [
            "made by an invocation that was given this record, too"
        ]


def test_what_followed_from_a_record_is_named_so() -> None:
    story = Story()
    _told(story, "writer")
    story.invocation("other", T + 0.3, _sent("s", T + 0.35), causes=(_RECORD,), function="other")
    _told(story, "worker")
    story.engine.finish()
    assert [line.rpartition(": ")[2] for line in story.why("other").rivals] == [
        "made by what this invocation led to"
    ]


@pytest.mark.parametrize("explained", [False, True])
def test_a_write_before_may_have_given_an_item_its_content(explained: bool) -> None:
    story = Story()
    for number, name in enumerate(("one", "two")):
        story.invocation(name, T, update(name, T + 0.05 * number), function="writer")
    story.invocation("last", T, _put("p", T + 0.2), function="last")
    for number in (1, 2) if explained else ():
        ids = {"ddb_event": f"e{number}", "ddb_seq": str(number)}
        record = changed(t=int(T), hash=f"h{number}", ids=ids)
        story.invocation(f"child {number}", T + 0.3, causes=(record,))
    story.invocation("child", T + 0.4, causes=(_RECORD,))
    story.engine.finish()
    edge = story.edge("child")
    if explained:  # which of both wrote which is open, but both wrote
        assert (edge.evidence, edge.parent and edge.parent.request_id) == ("content", "last")
    else:
        assert edge.evidence == "ambiguous"
        assert {call.id for call in edge.candidates} == {"one", "two", "p"}


def test_a_call_that_was_tried_again_may_have_written_twice() -> None:
    story = Story()
    tried = {**update("u", T + 0.05), "try": 1}
    story.invocation("writer", T, tried, function="writer")
    story.invocation("last", T, _put("p", T + 0.2), function="last")
    first = changed(t=int(T), hash="h1", ids={"ddb_event": "e1", "ddb_seq": "1"})
    story.invocation("first", T + 0.3, causes=(first,))
    story.invocation("child", T + 0.4, causes=(_RECORD,))
    story.engine.finish()
    assert story.edge("child").evidence == "ambiguous"


@pytest.mark.parametrize("updated", [False, True])
def test_what_others_of_equal_content_exclude_counts_where_an_update_may_be_theirs(
    updated: bool,
) -> None:
    """The first put's record was filtered; the second record of its content is an update's."""
    names = ("filtered", "put", "update", "child 1", "child 2")
    found = set()
    for order in permutations(names):
        story = Story()
        for name in order:
            if name.startswith("child"):
                number = int(name[-1])
                ids = {"ddb_event": f"e{number}", "ddb_seq": str(number)}
                record = changed(t=int(T) + number, hash="h", ids=ids)
                story.invocation(name, T + number + 0.5, causes=(record,))
            elif name != "update":
                at_s = T + (0.57 if name == "filtered" else 1.02)
                story.invocation(name, at_s, _put(name, at_s), function=name)
            elif updated:
                story.invocation(name, T + 2.3, update(name, T + 2.3), function=name)
        story.engine.finish()
        edge = story.edge("child 1")
        found.add((edge.evidence, tuple(call.id for call in edge.candidates)))
    assert found == {("ambiguous", names[:2]) if updated else ("order", names[:1])}
