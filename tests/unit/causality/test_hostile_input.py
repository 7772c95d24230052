"""Whatever a table or a trace holds: nothing is raised, and what cannot be read is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causality.detail import detail_of
from causality.document import encode
from causality.engine import Engine
from causality.keys import display_key
from causality.latency import LatencyTable, edge_samples, function_samples
from causality.problems import problems
from causality.records import (
    StreamRecord,
    Unreadable,
    decode_dump_line,
    decode_page,
    decode_record,
)
from causality.tree.index import TreeIndex
from tests.unit.causality import oracle, world_records
from tests.unit.causality.world import Options, World
from tests.unit.causality.world_services import SERVICES

_SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "graph.schema.json").read_text())
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)
NOW_S = 1_800_000_000.0

fuzzing = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(max_size=40) | st.sampled_from(
    ["", ":", "::", "NaN", "inf", "-1", "1e400", "\x00", "\ud800", "é" * 9, "[[", '[["a","S","b"]]']
)
numbers = st.integers() | st.floats() | st.sampled_from([1e308, -1e308, 2**70, 0.0, -0.0])
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)


def _show_everything(engine: Engine) -> None:
    """Do with the graph what screens and exports do."""
    engine.settle()
    tree = TreeIndex(engine)
    tree.set_calls_shown(True)
    tree.now_s = NOW_S
    functions, edges = LatencyTable(), LatencyTable()
    for invocation in engine.touched:
        for attempt, sample in function_samples(invocation):
            functions.put(attempt, sample)
        for cause, delay in edge_samples(invocation):
            edges.put(cause, delay)
    tree.update(engine.touched)
    engine.touched.clear()
    functions.rows(NOW_S)
    edges.rows(NOW_S)
    for index in range(len(tree)):
        row = tree.row(index)
        assert tree.index_of(row.node) is not None
        detail_of(engine, tree, row.node, NOW_S)
    problems(engine, NOW_S)
    engine.finish()
    document = json.loads(encode(engine, NOW_S))
    _VALIDATOR.validate(document)


def _record(key: Any, payload: Any, ts: Any, version: Any = None) -> dict[str, Any]:
    image = {"reqID": {"S": key}, "payload": {"S": payload}, "ts": {"N": ts}}
    if version is not None:
        image["v"] = {"N": version}
    return {"dynamodb": {"NewImage": image, "SequenceNumber": "1"}, "eventID": "e"}


def _apply(*records: dict[str, Any]) -> Engine:
    """Bring records in as a page does, and as a dump does."""
    engine = Engine()
    page = decode_page(json.dumps({"Records": records}).encode())
    engine.apply_records(page.records)
    engine.apply_unreadable(page.unreadable)
    for record in records:
        change = record.get("dynamodb") if isinstance(record, dict) else None
        image = change.get("NewImage") if isinstance(change, dict) else None
        read = decode_dump_line(f"1 INSERT:e:{image!r}")
        if isinstance(read, Unreadable):
            engine.apply_unreadable([read])
        else:
            engine.apply_records([read])
    return engine


# --- records --------------------------------------------------------------------------------


@fuzzing
@given(st.lists(values, max_size=3))
def test_any_value_can_stand_in_a_page(records: list[Any]) -> None:
    try:
        body = json.dumps({"Records": records}).encode()
        page = decode_page(body)
    except msgspec.DecodeError:
        return  # no JSON: the reader of the stream deals with that
    assert len(page.records) + len(page.unreadable) == len(records)
    assert all(unreadable.reason for unreadable in page.unreadable)
    engine = Engine()
    engine.apply_records(page.records)
    engine.apply_unreadable(page.unreadable)
    _show_everything(engine)


@fuzzing
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
def test_any_line_can_stand_in_a_file(line: bytes) -> None:
    found = decode_record(line)
    assert isinstance(found, StreamRecord) or found.reason
    dumped = decode_dump_line(line.decode("utf-8", "surrogateescape"))
    assert isinstance(dumped, StreamRecord) or dumped.reason


@fuzzing
@given(key=texts, payload=texts, ts=texts | numbers.map(str), version=st.none() | texts)
def test_any_text_can_stand_in_an_item(key: str, payload: str, ts: str, version: str) -> None:
    _show_everything(_apply(_record(key, payload, ts, version)))


@fuzzing
@given(values, texts)
def test_any_payload_of_generation_2_is_read_or_counted(payload: Any, key: str) -> None:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    engine = _apply(_record(key, text, "1795000000000", "2"))
    assert engine.invocations or engine.unreadable
    _show_everything(engine)


def _world_records() -> list[dict[str, Any]]:
    """Give a chain with every kind of call, as the recorder writes it."""
    kinds = tuple(SERVICES)
    world = World(3, Options(kinds, roots=4, calls=4, depth=2, repeated=0.2, unanswered=0.2)).run()
    return [msgspec.to_builtins(record) for record in world.records()]


_REAL = _world_records()
_PAYLOADS = [json.loads(r["dynamodb"]["NewImage"]["payload"]["S"]) for r in _REAL]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for name, part in inner for place in _places(part, (*path, name)))]


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _replaced(copied[path[0]], path[1:], new)
    return copied


@settings(fuzzing, max_examples=120)
@given(data=st.data())
def test_any_part_of_a_real_record_can_be_anything(data: st.DataObject) -> None:
    records = []
    for index in data.draw(st.lists(st.integers(0, len(_REAL) - 1), min_size=1, max_size=6)):
        payload = _PAYLOADS[index]
        for _ in range(data.draw(st.integers(0, 3))):
            payload = _replaced(
                payload, data.draw(st.sampled_from(_places(payload))), data.draw(values)
            )
        text = payload if isinstance(payload, str) else json.dumps(payload)
        records.append(_record("r:a:0", text, "1795000000000", "2"))
    _show_everything(_apply(*records))


# --- generation 1 ---------------------------------------------------------------------------

_ORIGINAL = [
    (record.dynamodb.NewImage.reqID.S, record.dynamodb.NewImage.payload.S)
    for case in oracle.CASES
    for record in oracle.readable(oracle.json_records(case))
    if record.dynamodb.NewImage is not None
]


@settings(fuzzing, max_examples=120)
@given(data=st.data())
def test_any_change_of_a_text_of_the_original_is_read_or_counted(data: st.DataObject) -> None:
    key, payload = data.draw(st.sampled_from(_ORIGINAL))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(payload)))
        end = data.draw(st.integers(start, min(len(payload), start + 30)))
        new = data.draw(
            texts | st.sampled_from([":es:", ":esARN:", ":op:", ":Key:", ":Item:{", "'", '"', "\\"])
        )
        payload = payload[:start] + new + payload[end:]
    engine = _apply(_record(key, payload, "1795000000000"))
    assert engine.invocations or engine.unreadable
    _show_everything(engine)


@fuzzing
@given(st.sampled_from(["PutItem", "UpdateItem", "Publish", "Invoke", "PutObject", "HTTP"]), texts)
def test_any_keywords_of_the_original_are_read_or_counted(operation: str, text: str) -> None:
    segment = {"id": "c", "gr_payload": f"pl:{operation}:us-west-2{text}", "start_time": 1.0}
    _show_everything(_apply(_record("r:1", json.dumps(segment), "1795000000000")))


# --- X-Ray ----------------------------------------------------------------------------------

_DOCUMENTS = [json.loads(d) for case in oracle.APPLICATIONS for d in oracle.documents(case)]


@fuzzing
@given(st.lists(values.map(json.dumps) | texts, max_size=3))
def test_any_text_can_be_a_document(documents: list[str]) -> None:
    engine = Engine()
    engine.apply_documents(documents)
    _show_everything(engine)


@settings(fuzzing, max_examples=120)
@given(data=st.data())
def test_any_part_of_a_real_document_can_be_anything(data: st.DataObject) -> None:
    engine = Engine()
    engine.apply_records(oracle.readable(oracle.json_records("webapp"))[:40])
    for document in data.draw(st.lists(st.sampled_from(_DOCUMENTS), min_size=1, max_size=5)):
        changed = document
        for _ in range(data.draw(st.integers(0, 3))):
            place = data.draw(st.sampled_from(_places(changed)))
            changed = _replaced(changed, place, data.draw(values))
        engine.apply_documents([json.dumps(changed)])
    _show_everything(engine)


# --- what it costs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        "[" * 200_000,
        '{"e":' * 100_000,
        json.dumps({"r": "r", "a": "a", "e": [[[]]] * 50_000}),
    ],
)
def test_deep_and_long_payloads_are_counted(payload: str) -> None:
    engine = _apply(_record("r:a:0", payload, "1795000000000", "2"))
    assert engine.unreadable == 2
    _show_everything(engine)


def test_a_page_keeps_its_readable_records() -> None:
    page = json.loads(world_records.page(_REAL))
    page["Records"].insert(1, {"dynamodb": {"NewImage": {"reqID": {"S": 5}}}, "eventID": "bad"})
    decoded = decode_page(json.dumps(page).encode())
    assert len(decoded.records) == len(_REAL)
    (unreadable,) = decoded.unreadable
    assert unreadable.event_id == "bad"
    assert "reqID" in unreadable.reason


_GOOD = json.dumps(
    _record("r1:entry00000000", "pl:" + "arn:aws:lambda:us-west-2:1:function:f", "5")
)
_DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "damaged",
    [
        '{"eventID": "a\x01b", "dynamodb": {}}',
        '{"eventID": "a\nb", "dynamodb": {}}',
        '{"eventID": "\\ud800", "dynamodb": {}}',
        '{"eventID": "\udcff\udcfe", "dynamodb": {}}',
        '{"dynamodb": {"ApproximateCreationDateTime": NaN}}',
        '{"dynamodb": {"ApproximateCreationDateTime": -Infinity}}',
        '{"dynamodb": {"NewImage": null}, "more": ' + _DEEP + "}",
        _DEEP,
        '{"dynamodb": [1, "],[", {"a": "\\"]"}], "x": 01}',
        '{"eventName": "INSERT", "dynamodb": {"Keys": {"reqID": {"S": "a"}}}}',
        '{"eventName": "MODIFY", "dynamodb": {"NewImage": {"reqID": {"S": "a"}}}}',
        '{"dynamodb": {"NewImage": {"reqID": {"S": "a"}, "payload": {"B": "YQ=="}, "ts": {}}}}',
        json.dumps(_record("r:1", "x" * 2_000_000, "5")),
        json.dumps(_record("r:1", "end", "9" * 400)),
    ],
    ids=lambda damaged: damaged[:40],
)
def test_a_damaged_record_costs_nothing_but_itself(damaged: str) -> None:
    text = f'{{"NextShardIterator": "next,]}}", "Records": [{_GOOD}, {damaged}, {_GOOD}]}}'
    page = decode_page(text.encode("utf-8", "surrogateescape"))
    assert page.next_iterator == "next,]}"
    assert len(page.records) + len(page.unreadable) == 3
    engine = Engine()
    engine.apply_records(page.records)
    engine.apply_unreadable(page.unreadable)
    engine.settle()
    (lost,) = engine.lost
    assert (engine.unreadable, lost.kind, list(engine.invocations)) == (1, "unreadable", ["r1"])
    assert lost.detail
    _show_everything(engine)


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_page_that_is_cut_off_is_no_page(cut: int) -> None:
    """It is asked for again: nobody knows what is missing."""
    body = f'{{"Records": [{_GOOD}, {{"a": NaN}}]}}'.encode()
    with pytest.raises(msgspec.DecodeError):
        decode_page(body[:-cut])
    with pytest.raises(msgspec.DecodeError):
        decode_page(body + b" more")


def test_an_item_that_left_its_table_is_nothing_unreadable() -> None:
    service = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    image = {"reqID": {"S": "a"}, "payload": {"S": "end"}, "ts": {"N": "1"}}
    change = {"Keys": {"reqID": {"S": "a"}}, "OldImage": image}
    removed = {"eventName": "REMOVE", "userIdentity": service, "dynamodb": change}
    engine = _apply(removed)
    assert (engine.records, engine.unreadable) == (2, 1)  # as a dump's line it is an INSERT


def test_a_key_that_nobody_can_read_is_shown_as_it_is() -> None:
    key = f'[["a", "S", {_DEEP}]]'
    assert display_key(key) == key
