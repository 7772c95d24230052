"""A message to many functions, without an id: solved in pairs, as a group would solve it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causality.document import GraphDocument, graph_document
from causality.engine import Engine
from causality.matching import group_index
from causality.records import StreamRecord, decode_page
from tests.unit.causality import world_records

T = 1_795_000_000.0
TOPIC = "arn:aws:sns:us-west-2:123456789012:orders"
FUNCTIONS = ("Mail", "Stock", "Audit", "Ship")
LAST = 3  # seconds, of what is drawn

_publish = st.tuples(st.just("publish"), st.integers(0, LAST))
_start = st.tuples(st.sampled_from(FUNCTIONS), st.integers(0, LAST))


def _records(number: int, event: tuple[str, int]) -> list[StreamRecord]:
    what, second = event
    at_s = T + second + number / 1000
    function = "Api" if what == "publish" else what
    trigger = "ext:invokeCLI" if what == "publish" else f"sns:sub:new:op:{TOPIC}"
    entry = f"pl:arn:aws:lambda:us-west-2:123456789012:function:{function}:es:{trigger}"
    payloads = {f"r{number}:entry00000000": entry}
    if what == "publish":
        text = f"pl:Publish:us-west-2:TopicArn:{TOPIC}:Message:m:Subject:new"
        call = {"id": f"c{number}", "start_time": at_s, "gr_payload": text}
        payloads[f"r{number}:1"] = json.dumps(call)
    items = [
        {"reqID": {"S": key}, "payload": {"S": payload}, "ts": {"N": str(int(at_s * 1000))}}
        for key, payload in payloads.items()
    ]
    page = world_records.page([{"dynamodb": {"NewImage": item}} for item in items])
    return decode_page(page).records


def _graph(records: list[StreamRecord], pauses: frozenset[int], limit: int | None) -> GraphDocument:
    engine = Engine(max_invocations=limit)
    for index, record in enumerate(records):
        engine.apply_records([record])
        if index in pauses:
            engine.settle()
    engine.finish()
    return graph_document(engine)


@settings(max_examples=60)
@given(data=st.data())
@pytest.mark.parametrize("limit", [None, 3])
def test_pairs_decide_what_a_group_does(limit: int | None, data: st.DataObject) -> None:
    events = data.draw(st.lists(st.one_of(_publish, _start), min_size=2, max_size=7))
    records = [record for number, event in enumerate(events) for record in _records(number, event)]
    records = data.draw(st.permutations(records))
    pauses = data.draw(st.frozensets(st.integers(0, len(records)), max_size=4))
    in_pairs = _graph(records, pauses, limit)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(group_index, "_FEW", 1)
        assert _graph(records, pauses, limit) == in_pairs


def test_each_function_is_given_the_one_message() -> None:
    events = [("publish", 0), *((function, 1) for function in FUNCTIONS)]
    records = [record for number, event in enumerate(events) for record in _records(number, event)]
    engine = Engine()
    engine.apply_records(records)
    engine.finish()
    made = engine.invocations["r0"]
    edges = [engine.invocations[f"r{number}"].causes[0].edge for number in range(1, len(events))]
    assert [edge.parent if edge is not None else None for edge in edges] == [made] * len(FUNCTIONS)
