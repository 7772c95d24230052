"""X-Ray's documents in the shapes that AWS, its SDKs and OpenTelemetry write."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from causality.document import GraphDocument, InvocationEntry, graph_document
from causality.engine import Engine
from causality.records import decode_page
from gammaray_recorder import wire
from tests.unit.causality import world_records

ARN = "arn:aws:lambda:us-west-2:123456789012:function:fn"
TRACE = "1-6b02fb49-a714bdd317cd48fbb76dead8"
T = 1_795_000_000.0

Document = dict[str, Any]


def _about(value: float) -> Any:
    return pytest.approx(value, abs=1e-6)


def _part(name: str, begin: float, end: float, **more: Any) -> Document:
    return {"id": f"{name}-id", "name": name, "start_time": T + begin, "end_time": T + end} | more


def _service(*parts: Document, **more: Any) -> Document:
    document = _part("fn", -0.5, 1.0) | {"id": "service", "subsegments": list(parts)}
    document |= {"trace_id": TRACE, "origin": "AWS::Lambda", "resource_arn": ARN}
    return document | {"aws": {"request_id": "r1"}} | more


def _function(*parts: Document, **more: Any) -> Document:
    document = _part("fn", 0.0, 0.9) | {"id": "function", "subsegments": list(parts)}
    document |= {"trace_id": TRACE, "parent_id": "service", "origin": "AWS::Lambda::Function"}
    return document | {"aws": {"function_arn": ARN}} | more


def _call(begin: float, end: float, **more: Any) -> Document:
    aws = {"operation": "GetItem", "table_name": "orders", "region": "us-west-2"}
    return _part("DynamoDB", begin, end) | {"namespace": "aws", "aws": aws} | more


def _graph(*documents: Document | str, original: bool = False, ended: bool = True) -> GraphDocument:
    """Give what is known of one invocation that a recorder saw begin at T and end 0.8 s later."""
    engine = Engine()
    if original:
        items = [_original("r1:entry00000000", f"pl:{ARN}:es:ext:invokeCLI")]
    else:
        start = {"k": "s", "t": T, "arn": ARN, "g": "us-west-2", "trace": TRACE}
        events = [start, {"k": "e", "t": T + 0.8, "st": "ok"}] if ended else [start]
        items = [wire.encode_item("r1", "a", 0, events, T, 3600, "us-west-2")]
    page = world_records.page([{"dynamodb": {"NewImage": item}} for item in items])
    engine.apply_records(decode_page(page).records)
    engine.apply_documents(d if isinstance(d, str) else json.dumps(d) for d in documents)
    engine.settle()
    engine.finish()
    assert not engine.unreadable
    return graph_document(engine)


def _original(key: str, payload: str) -> Document:
    return {"reqID": {"S": key}, "payload": {"S": payload}, "ts": {"N": str(int(T * 1000))}}


def _entry(*documents: Document | str, original: bool = False) -> InvocationEntry:
    (entry,) = _graph(*documents, original=original).invocations
    return entry


# --- Lambda's own two segments --------------------------------------------------------------

INITIALISED = ["Initialization", "Init", "Restore", "Restore Runtime"]


@pytest.mark.parametrize("name", INITIALISED)
def test_a_cold_start_is_known_in_the_old_and_the_new_structure(name: str) -> None:
    entry = _entry(_service(), _function(_part(name, -0.3, -0.05)), original=True)
    assert (entry.init_s, entry.cold_start) == (_about(0.25), True)
    assert _entry(_service(), _function(), original=True).cold_start is False


def test_without_an_invocation_subsegment_the_handler_ends_where_overhead_begins() -> None:
    """The new structure: the function's own subsegments stand in the segment itself."""
    annotations = {"aws:responseLatency": 600.0, "aws:runtimeOverhead": 40.0}
    parts = [_part("Init", -0.3, -0.05), _call(0.1, 0.2), _part("Overhead", 0.6, 0.9)]
    entry = _entry(_service(), _function(*parts, annotations=annotations))
    assert (entry.started_at, entry.duration_s) == (T, _about(0.6))
    assert (entry.init_s, entry.sdk_s) == (_about(0.25), _about(0.1))


def test_initialisation_within_the_segment_is_no_part_of_the_handler() -> None:
    entry = _entry(_service(), _function(_part("Init", 0.0, 0.3), _part("Overhead", 0.8, 0.9)))
    assert (entry.init_s, entry.started_at) == (_about(0.3), _about(T + 0.3))
    assert entry.duration_s == _about(0.5)


def test_initialisation_that_was_repeated_counts_twice() -> None:
    again = _part("Init", 0.0, 0.2) | {"id": "again"}
    for parts in itertools.permutations([_part("Init", -10.0, -0.1), again]):
        assert _entry(_service(), _function(*parts)).init_s == _about(10.1)


def test_initialisation_that_is_not_over_is_of_no_known_length() -> None:
    begun = {"id": "i", "name": "Init", "start_time": T - 0.1, "in_progress": True}
    assert _entry(_service(), _function(begun)).init_s is None


@pytest.mark.parametrize("order", [1, -1])
def test_a_request_waited_until_its_first_try(order: int) -> None:
    parts = [
        _part("Dwell Time", -0.5, -0.2),
        _part("Attempt #1", -0.2, 0.0, fault=True),
        _part("Dwell Time", 0.0, 0.6) | {"id": "again"},
        _part("Attempt #2", 0.6, 1.0),
    ]
    engine = Engine()
    engine.apply_documents([json.dumps(_service(*parts[::order]))])
    document = _function(aws={"request_id": "r1"})
    engine.apply_documents([json.dumps(document)])
    page = world_records.page(
        [{"dynamodb": {"NewImage": _original("r1:entry00000000", f"pl:{ARN}")}}]
    )
    engine.apply_records(decode_page(page).records)
    engine.finish()
    (segment,) = engine.invocations["r1"].segments
    assert segment.dwell_s == _about(0.3)


def test_what_does_not_say_its_origin_is_told_by_what_it_has() -> None:
    service, function = _service(), _function(_part("Init", -0.3, -0.05))
    del service["origin"], function["origin"]
    entry = _entry(service, function)
    assert (entry.duration_s, entry.init_s) == (_about(0.9), _about(0.25))


def test_a_trace_id_is_not_needed_where_ids_lead_on() -> None:
    service, function = _service(), _function()
    del service["trace_id"], function["trace_id"]
    assert _entry(service, function).duration_s == _about(0.9)
    assert _entry(service, function, original=True).trace_id is None


def test_segments_without_ids_are_not_taken_for_each_others_parts() -> None:
    nameless = _service(_part("Attempt #1", 0.0, 1.0, id=""), id="")
    assert _entry(nameless, _function(parent_id=None, name="other")).duration_s == _about(0.8)


@pytest.mark.parametrize("values", [str, lambda value: f"{value:.12E}"])
def test_numbers_and_truths_are_read_as_text_too(values: Any) -> None:
    function = _function(_part("Init", -0.3, -0.05), in_progress="false", fault="true")
    function["http"] = {"response": {"status": "500"}}
    function |= {name: values(function[name]) for name in ("start_time", "end_time")}
    entry = _entry(_service(), function, original=True)
    assert entry.status == "error"
    assert entry.duration_s == pytest.approx(0.9, abs=1e-3)


def test_members_that_nobody_knows_are_left_out() -> None:
    links = [{"trace_id": TRACE, "id": "1", "attributes": {"reference_type": "child"}}]
    more = {"links": links, "metadata": {"a": [1]}, "annotations": {"b": 1}, "user": "u"}
    more |= {"service": {"version": "1"}, "precursor_ids": ["x"]}
    function = _function(**more)
    function["aws"]["cloudwatch_logs"] = [{"log_group": "g"}]
    function["aws"]["xray"] = {"sdk": "X-Ray for Python"}
    assert _entry(_service(**more), function).duration_s == _about(0.9)


def test_a_try_of_another_time_is_another_one() -> None:
    """Of the first try the record is lost, of the second one the document is on its way."""
    shift = -60.0
    first = _function(fault=True, start_time=T + shift, end_time=T + shift + 1.0)
    entries = _graph(_service(), first).invocations
    assert [(e.status, e.started_at) for e in entries] == [("error", T - 60.0), ("ok", T)]


# --- several versions of one segment --------------------------------------------------------


def test_of_two_unfinished_documents_that_counts_which_says_more() -> None:
    def unfinished(*parts: Document) -> Document:
        document = _function(*parts, in_progress=True)
        del document["end_time"]
        return document

    versions = [
        unfinished(),
        unfinished(_call(0.1, 0.2)),
        unfinished(_call(0.1, 0.2), _call(0.3, 0.4, id="z")),
    ]
    for order in itertools.permutations(versions):
        assert len(_graph(_service(), *order).calls) == 2


def test_an_unfinished_segment_does_not_say_that_there_were_no_calls() -> None:
    unfinished = _function(in_progress=True)
    del unfinished["end_time"]
    assert _entry(_service(), unfinished, original=True).sdk_s is None
    assert _entry(_service(), _function(), original=True).sdk_s == 0.0


# --- what is traced within a function -------------------------------------------------------

OWN = {"trace_id": TRACE, "parent_id": "function", "origin": "AWS::Lambda::Function"}


@pytest.mark.parametrize("known", [{}, {"request_id": "r1"}])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_opentelemetrys_own_segment_is_a_part_and_no_try(
    order: tuple[int, ...], known: dict[str, str]
) -> None:
    handler = _part("fn.handler", 0.05, 0.75, subsegments=[_call(0.1, 0.2)])
    inner = handler | OWN | {"aws": {"account_id": "123456789012"} | known}
    documents = [_service(), _function(), inner]
    graph = _graph(*(documents[place] for place in order))
    (entry,) = graph.invocations
    assert (entry.attempt, entry.duration_s, entry.sdk_s) == (1, _about(0.9), _about(0.1))
    assert [call.operation for call in graph.calls] == ["GetItem"]


def test_time_in_calls_counts_once_where_they_overlap_or_stand_in_each_other() -> None:
    inner = _part("requests", 0.12, 0.18, namespace="remote")
    calls = [
        _call(0.1, 0.2, subsegments=[inner]),
        _call(0.15, 0.3, id="overlaps"),
        _call(0.5, 0.6, id="apart"),
    ]
    own = _part("my part", 0.05, 0.7, subsegments=calls)
    assert _entry(_service(), _function(own)).sdk_s == _about(0.3)


def test_an_extension_or_ones_own_part_is_no_call() -> None:
    parts = [_part("Extension - agent", -0.2, -0.1), _part("## handler", 0.0, 0.5)]
    assert not _graph(_service(), _function(*parts)).calls


@pytest.mark.parametrize("operation", ["PutItem", "putItem", "put_item"])
@pytest.mark.parametrize("namespace", ["aws", "remote"])
@pytest.mark.parametrize("name", ["DynamoDB", "dynamodb", "Amazon DynamoDB"])
def test_a_call_is_known_however_it_is_spelled(operation: str, namespace: str, name: str) -> None:
    aws = {"operation": operation, "table_name": "orders"}
    part = _call(0.1, 0.2, aws=aws, namespace=namespace, name=name)
    (call,) = _graph(_service(), _function(part)).calls
    assert (call.service, call.operation, call.resource) == ("dynamodb", "PutItem", "orders")


def test_a_batch_names_its_tables() -> None:
    aws = {"operation": "BatchWriteItem", "table_names": ["orders", "stock"]}
    (call,) = _graph(_service(), _function(_call(0.1, 0.2, aws=aws))).calls
    assert call.resource == "orders,stock"


def test_a_database_is_no_place_of_the_web() -> None:
    sql = {"url": "jdbc:postgresql://db:5432/orders", "database_type": "PostgreSQL"}
    part = _part("orders@db.example", 0.1, 0.2, namespace="remote", sql=sql)
    (call,) = _graph(_service(), _function(part)).calls
    assert (call.service, call.operation, call.resource) == ("sql", None, "orders@db.example")


def test_a_url_shows_neither_user_nor_query() -> None:
    request = {"method": "GET", "url": "https://me:secret@example.com/a?b=c#d"}
    part = _part("example.com", 0.1, 0.2, namespace="remote", http={"request": request})
    (call,) = _graph(_service(), _function(part)).calls
    assert call.resource == "example.com/a"


def test_a_cause_can_be_the_id_of_an_exception_further_down() -> None:
    told = {"exceptions": [{"id": "e1", "type": "Other"}, {"id": "e2", "type": "KeyError"}]}
    inner = _part("my part", 0.1, 0.2, fault=True, cause=told)
    parts = [_part("Invocation", 0.0, 0.8, fault=True, cause="e2", subsegments=[inner])]
    engine = Engine()
    item = _original("r1:entry00000000", f"pl:{ARN}")
    page = world_records.page([{"dynamodb": {"NewImage": item}}])
    engine.apply_records(decode_page(page).records)
    engine.apply_documents(json.dumps(d) for d in (_service(), _function(*parts, cause="e2")))
    engine.finish()
    (attempt,) = engine.invocations["r1"].in_order()
    assert (attempt.state, attempt.error) == ("error", "KeyError")
