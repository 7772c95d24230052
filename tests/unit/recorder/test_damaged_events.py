"""Events that no service sends: whatever they hold, reading them never raises."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.recorder.events import (
    ALB,
    BY_KIND,
    HTTP,
    IMAGE,
    KEY,
    REST,
    STREAM_IDS,
    WEBSOCKET,
    bridged,
    change,
    notification,
    published,
    queued,
    read,
    streamed,
)


def test_a_malformed_record_costs_neither_the_event_nor_the_other_records() -> None:
    event = {
        "Records": [
            {"eventSource": "aws:dynamodb", "dynamodb": "gone"},
            "nonsense",
            change("INSERT", {"id": {"X": {}}, "more": 7}, {"id": {}}),
            queued("hello", "q-1"),
        ]
    }
    first, second, third, fourth = read(event)
    assert first == {"s": "dynamodb"}
    assert second == {"s": "unknown"}
    assert "hash" not in third
    assert third["ids"] == STREAM_IDS
    assert fourth["ids"]["sqs_message"] == "q-1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SAMPLES: list[Any] = [
    {"Records": [change("INSERT", KEY, IMAGE)]},
    {"Records": [notification("a.jpg")]},
    {"Records": [published(json.dumps({"Records": [notification("a.jpg")]}))]},
    {"Records": [queued(json.dumps(published("x")["Sns"]))]},
    {"Records": [streamed("1")]},
    bridged("aws.s3", "Object Created", {"bucket": {"name": "b"}, "object": {"key": "k"}}),
    REST, HTTP, ALB, WEBSOCKET, *(event for event, _ in BY_KIND),
]  # fmt: skip


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        children: Any = value.items()
    else:
        children = enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        found += paths(child, (*path, name))
    return found


@settings(max_examples=60)
@given(data=st.data(), replacement=JSON)
def test_no_event_however_damaged_raises(data: st.DataObject, replacement: Any) -> None:
    event = copy.deepcopy(data.draw(st.sampled_from(SAMPLES)))
    *way, last = data.draw(st.sampled_from(paths(event)))
    place = event
    for step in way:
        place = place[step]
    place[last] = replacement
    for cause in read(event):
        assert isinstance(cause["s"], str)
        json.dumps(cause)


@settings(max_examples=60)
@given(JSON)
def test_no_event_of_any_shape_raises(event: Any) -> None:
    assert read(event)


def test_objects_that_are_not_json_have_an_unknown_cause() -> None:
    assert read(object()) == [{"s": "unknown"}]
    assert read({"Records": {1: object()}}) == [{"s": "unknown"}]


def test_reading_leaves_the_event_as_it_was() -> None:
    for sample in SAMPLES:
        before = copy.deepcopy(sample)
        read(sample)
        assert sample == before
