"""X-Ray's documents joined to what the recorders wrote."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from causality.document import CallEntry, GraphDocument, InvocationEntry, graph_document
from causality.engine import Engine
from causality.records import StreamRecord, decode_page
from gammaray_recorder import wire
from tests.unit.causality import oracle

ARN = "arn:aws:lambda:us-west-2:123456789012:function:fn"
TRACE = "1-6b02fb49-a714bdd317cd48fbb76dead8"
T = 1_795_000_000.0


def _about(value: float) -> Any:
    return pytest.approx(value, abs=1e-6)


def _records(*events: dict[str, Any], nonce: str = "a") -> list[StreamRecord]:
    item = wire.encode_item("r1", nonce, 0, list(events), T, 3600, "us-west-2")
    page = {"Records": [{"dynamodb": {"NewImage": item}, "eventID": "e"}]}
    return decode_page(json.dumps(page).encode()).records


def _start(at_s: float = T, **more: Any) -> dict[str, Any]:
    return {"k": "s", "t": at_s, "arn": ARN, "g": "us-west-2", "trace": TRACE, **more}


def _service(**more: Any) -> dict[str, Any]:
    document = {
        "id": "0000000000000001",
        "name": "fn",
        "trace_id": TRACE,
        "origin": "AWS::Lambda",
        "start_time": T - 0.5,
        "end_time": T + 1.0,
        "aws": {"request_id": "r1"},
        "resource_arn": ARN,
        "subsegments": [
            {"id": "d1", "name": "Dwell Time", "start_time": T - 0.5, "end_time": T - 0.3},
            {"id": "a1", "name": "Attempt #1", "start_time": T - 0.3, "end_time": T + 1.0},
        ],
    }
    return document | more


def _function(**more: Any) -> dict[str, Any]:
    document = {
        "id": "0000000000000002",
        "name": "fn",
        "trace_id": TRACE,
        "parent_id": "a1",
        "origin": "AWS::Lambda::Function",
        "start_time": T - 0.01,
        "end_time": T + 0.9,
        "aws": {"function_arn": ARN},
        "subsegments": [
            {"id": "i", "name": "Initialization", "start_time": T - 0.25, "end_time": T - 0.05}
        ],
    }
    return document | more


def _graph(records: list[StreamRecord], *documents: dict[str, Any]) -> GraphDocument:
    engine = Engine()
    engine.apply_records(records)
    engine.apply_documents([json.dumps(document) for document in documents])
    engine.settle()
    engine.finish()
    assert not engine.unreadable
    return graph_document(engine)


def _invocation(*documents: dict[str, Any]) -> InvocationEntry:
    ended = {"k": "e", "t": T + 0.8, "st": "ok"}
    (entry,) = _graph(_records(_start(), ended), *documents).invocations
    return entry


def test_without_documents_the_recorders_times_stay() -> None:
    entry = _invocation()
    assert (entry.started_at, entry.duration_s) == (T, _about(0.8))
    assert entry.init_s is entry.queue_s is None


def test_times_are_those_of_the_function_segment() -> None:
    entry = _invocation(_service(), _function())
    assert entry.started_at == T - 0.01
    assert entry.duration_s == _about(0.91)
    assert entry.init_s == _about(0.2)
    assert entry.queue_s == _about(0.2)


def test_restoring_a_snapshot_is_the_start_of_a_function_that_has_one() -> None:
    restore = {"id": "r", "name": "Restore", "start_time": T - 0.35, "end_time": T - 0.05}
    assert _invocation(_service(), _function(subsegments=[restore])).init_s == _about(0.3)


def test_a_part_of_the_users_own_is_no_initialisation() -> None:
    mine = {"id": "i", "name": "Initialization", "start_time": T + 0.1, "end_time": T + 0.2}
    outer = {"id": "m", "name": "my part", "start_time": T, "subsegments": [mine]}
    entry = _invocation(_service(), _function(subsegments=[outer]))
    assert entry.init_s is None


def test_newer_documents_time_the_handler_within_invocation() -> None:
    parts = [
        {"id": "i", "name": "Init", "start_time": T - 0.25, "end_time": T - 0.05},
        {"id": "v", "name": "Invocation", "start_time": T, "end_time": T + 0.7, "subsegments": []},
        {"id": "o", "name": "Overhead", "start_time": T + 0.7, "end_time": T + 0.9},
    ]
    entry = _invocation(_service(), _function(subsegments=parts))
    assert (entry.started_at, entry.duration_s) == (T, _about(0.7))


def test_null_is_what_is_left_out() -> None:
    nothing: dict[str, Any] = dict.fromkeys(("parent_id", "http", "fault", "throttle", "cause"))
    part = {"id": "i", "name": "Initialization", "start_time": T - 0.25, "end_time": T - 0.05}
    segment = _function(subsegments=[part | nothing | {"subsegments": None}], fault=None)
    assert _invocation(_service(**nothing), segment).init_s == _about(0.2)


def test_a_service_segment_alone_leaves_the_recorders_times() -> None:
    assert _invocation(_service()).duration_s == _about(0.8)


def test_an_unfinished_document_is_replaced_by_the_finished_one() -> None:
    unfinished = _function(in_progress=True)
    del unfinished["end_time"]
    for documents in ([unfinished, _function()], [_function(), unfinished, _function()]):
        entry = _invocation(_service(), *documents)
        assert entry.duration_s == _about(0.91)


def test_the_recorder_knows_how_it_ended_before_the_document_is_finished() -> None:
    unfinished = _function(in_progress=True)
    del unfinished["end_time"]
    entry = _invocation(_service(), unfinished)
    assert entry.status == "ok"
    assert entry.duration_s == _about(0.8)  # never one clock's start and another's end


def test_a_retry_has_an_attempt_for_each_function_segment() -> None:
    tries = [
        {"id": "a1", "name": "Attempt #1", "start_time": T, "end_time": T + 1.0},
        {"id": "a2", "name": "Attempt #2", "start_time": T + 60, "end_time": T + 61},
    ]
    second = _function(
        id="3", parent_id="a2", start_time=T + 60.0, end_time=T + 60.5, fault=True, subsegments=[]
    )
    records = [
        *_records(_start(), {"k": "e", "t": T + 0.8, "st": "error", "err": "KeyError"}),
        *_records(_start(T + 60.1), {"k": "e", "t": T + 60.4, "st": "ok"}, nonce="b"),
    ]
    document = _graph(records, second, _function(), _service(subsegments=tries))
    assert [(entry.attempt, entry.status) for entry in document.invocations] == [
        (1, "error"),
        (2, "ok"),
    ]
    assert document.invocations[1].duration_s == _about(0.5)


def test_an_attempt_that_only_x_ray_saw_is_added() -> None:
    tries = [
        {"id": "a1", "name": "Attempt #1", "start_time": T - 60, "end_time": T - 59},
        {"id": "a2", "name": "Attempt #2", "start_time": T, "end_time": T + 1},
    ]
    failed = _function(
        id="3", parent_id="a1", start_time=T - 60, end_time=T - 59.5, fault=True, subsegments=[]
    )
    records = _records(_start(), {"k": "e", "t": T + 0.8, "st": "ok"})
    document = _graph(records, _service(subsegments=tries), failed, _function(parent_id="a2"))
    assert [entry.status for entry in document.invocations] == ["error", "ok"]


def test_a_throttled_request_is_told() -> None:
    throttled = _service(throttle=True, error=True, http={"response": {"status": 429}})
    (entry,) = _graph(_records(_start()), throttled, _function(throttle=True)).invocations
    assert entry.status == "throttled"


def test_a_segment_with_its_own_request_id_needs_no_parent() -> None:
    own = _function(parent_id=None, aws={"request_id": "r1", "function_arn": ARN})
    assert _invocation(own).duration_s == _about(0.91)


def test_a_segment_without_its_parent_belongs_to_who_ran_in_its_trace_then() -> None:
    assert _invocation(_function()).duration_s == _about(0.91)
    assert _invocation(_function(trace_id=TRACE[:-1] + "0")).duration_s == _about(0.8)
    assert _invocation(_function(name="other")).duration_s == _about(0.8)
    later = _function(start_time=T + 60, end_time=T + 61)
    assert _invocation(later).duration_s == _about(0.8)


def test_attempts_that_were_refused_are_told() -> None:
    refused = {"http": {"response": {"status": 429}}, "throttle": True, "error": True}
    tries = [
        {"id": "a0", "name": "Attempt #1", "start_time": T - 9, "end_time": T - 9, **refused},
        {"id": "a1", "name": "Attempt #2", "start_time": T - 0.3, "end_time": T + 1.0},
    ]
    document = _graph(_records(_start()), _service(subsegments=tries), _function())
    assert [entry.status for entry in document.invocations] == ["ok"]
    assert [(p.kind, p.detail) for p in document.problems] == [("throttled", "fn was throttled")]


def _subsegment(**more: Any) -> dict[str, Any]:
    return {
        "id": "c0ffee",
        "name": "DynamoDB",
        "namespace": "aws",
        "start_time": T + 0.1,
        "end_time": T + 0.2,
        "aws": {"operation": "GetItem", "table_name": "orders", "region": "us-west-2"},
    } | more


def _calls(*documents: dict[str, Any]) -> list[CallEntry]:
    return _graph(_records(_start()), _service(), *documents).calls


@pytest.mark.parametrize("name", ["DynamoDB", "dynamodb", "Amazon DynamoDB", "AmazonDynamoDBv2"])
def test_calls_that_nobody_recorded_are_added(name: str) -> None:
    (call,) = _calls(_function(subsegments=[_subsegment(name=name)]))
    assert (call.service, call.operation, call.resource) == ("dynamodb", "GetItem", "orders")
    assert call.duration_s == _about(0.1)


def test_calls_below_invocation_and_below_own_subsegments_are_found() -> None:
    mine = {"id": "m", "name": "my part", "start_time": T, "subsegments": [_subsegment()]}
    inside = {"id": "v", "name": "Invocation", "start_time": T, "subsegments": [mine]}
    (call,) = _calls(_function(subsegments=[inside]))
    assert call.operation == "GetItem"


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_subsegment_that_was_sent_by_itself_is_of_the_invocation_of_its_parent(
    order: tuple[int, ...],
) -> None:
    loose = {"trace_id": TRACE, "type": "subsegment"}
    mine = {"id": "m", "name": "my part", "start_time": T, **loose}
    documents = [
        _service(),
        _function(),
        mine | {"parent_id": "0000000000000002"},
        _subsegment(**loose, parent_id="m"),
    ]
    (call,) = _calls(*(documents[place] for place in order))
    assert (call.request_id, call.operation, call.duration_s) == ("r1", "GetItem", _about(0.1))


def test_a_subsegment_counts_once_and_when_it_is_finished() -> None:
    parent = {"trace_id": TRACE, "type": "subsegment", "parent_id": "0000000000000002"}
    open_one = _subsegment(**parent, in_progress=True, end_time=None)
    for documents in (
        [open_one, _subsegment(**parent)],
        [_subsegment(**parent), open_one, _subsegment(**parent)],
        [_subsegment(**parent), _function(subsegments=[_subsegment()])],
    ):
        (call,) = _calls(_function(), *documents)
        assert call.duration_s == _about(0.1)


def test_a_subsegment_without_a_known_parent_is_of_nobody() -> None:
    stray = _subsegment(trace_id=TRACE, type="subsegment", parent_id="elsewhere")
    assert not _calls(_function(), stray)
    del stray["parent_id"]
    assert not _calls(_function(), stray)


def test_a_call_that_the_recorder_wrote_is_not_shown_twice() -> None:
    recorded = {
        "k": "c",
        "i": "abc",
        "t": T + 0.101,
        "d": 0.09,
        "s": "dynamodb",
        "o": "GetItem",
        "g": "us-west-2",
        "res": "orders",
    }
    document = _graph(
        _records(_start(), recorded), _service(), _function(subsegments=[_subsegment()])
    )
    (call,) = document.calls
    assert (call.id, call.duration_s) == ("abc", 0.09)


def test_what_went_wrong_is_told_by_its_type() -> None:
    cause = {"working_directory": "/var/task", "exceptions": [{"id": "x", "type": "KeyError"}]}
    refused = {"error": True, "throttle": True, "http": {"response": {"status": 400}}}
    parts = [_subsegment(**refused), _subsegment(id="c2", fault=True, cause="0123456789abcdef")]
    engine = Engine()
    engine.apply_records(_records(_start()))
    segment = _function(subsegments=parts, fault=True, cause=cause)
    engine.apply_documents(map(json.dumps, [_service(), segment]))
    engine.finish()
    (attempt,) = engine.invocations["r1"].attempts.values()
    assert (attempt.state, attempt.error) == ("error", "KeyError")
    document = graph_document(engine)
    assert [call.error for call in document.calls] == ["Throttling", "error"]
    assert {problem.kind for problem in document.problems} == {"throttled"}


def test_an_http_request_is_named_by_method_and_place() -> None:
    request = {"method": "GET", "url": "https://example.com/a?b=c"}
    remote = _subsegment(
        name="example.com", namespace="remote", aws=None, http={"request": request}
    )
    (call,) = _calls(_function(subsegments=[remote]))
    assert (call.service, call.operation, call.resource) == ("http", "GET", "example.com/a")


_FAILED = {"exceptions": [{"type": "ConditionalCheckFailedException"}]}


@pytest.mark.parametrize(
    ("seen", "refused"),
    [
        ({"error": True, "http": {"response": {"status": 400}}}, True),
        ({"fault": True, "http": {"response": {"status": 400}}, "cause": _FAILED}, True),
        ({"error": True, "http": {}, "cause": _FAILED}, True),
        ({"fault": True, "http": {}, "cause": _FAILED}, False),
        ({"fault": True, "http": {"response": {"status": 503}}}, False),
    ],
)
def test_a_refused_call_of_the_original_triggers_nothing(
    seen: dict[str, Any], refused: bool
) -> None:
    """The original wrote before the call ran: only X-Ray tells that it failed."""
    case = "edge/putitem_ok"
    failed = []
    for document in oracle.documents(case):
        changed = json.loads(document)
        for part in changed.get("subsegments", ()):
            if part.get("aws", {}).get("operation") == "PutItem":
                part.update(seen)
        failed.append(json.dumps(changed))
    before = oracle.graph_of(oracle.json_records(case), oracle.documents(case))
    assert [edge.evidence for edge in before.edges] == ["order"]
    edges = oracle.graph_of(oracle.json_records(case), tuple(failed)).edges
    # One that was not answered may have worked.
    assert [edge.evidence for edge in edges] == ([] if refused else ["ambiguous"])


def test_the_answer_of_an_invoke_tells_which_call_it_was() -> None:
    case = "edge/invoke_arn_fanout3"
    truth = {(edge.child, edge.call_id) for edge in oracle.true_edges(case)}
    told = oracle.graph_of(oracle.json_records(case), oracle.documents(case))
    assert {(edge.child_request_id, edge.call_id) for edge in told.edges} == truth
    untold = oracle.graph_of(oracle.json_records(case))
    assert [edge.call_id for edge in untold.edges] == [None] * 3
    assert [len(edge.call_candidates) for edge in untold.edges] == [3] * 3


def test_documents_of_nobody_are_let_go() -> None:
    engine = Engine()
    engine.apply_documents(
        json.dumps(_service(id=f"s{n}", aws={"request_id": f"r{n}"}, subsegments=[]))
        for n in range(1000)
    )
    engine.settle()
    assert not engine.invocations
    assert engine.sizes()["services ahead"] == 1000


@pytest.mark.parametrize("both", [False, True])
def test_a_call_of_the_original_is_joined_by_its_id_alone(both: bool) -> None:
    """Of two Invokes at once, the record of the first is lost: its answer is not the other's."""

    def record(key: str, payload: str) -> dict[str, Any]:
        item = {"reqID": {"S": key}, "payload": {"S": payload}, "ts": {"N": str(int(T * 1000))}}
        return {"dynamodb": {"NewImage": item}}

    def seen(call_id: str, at_s: float, answer: str) -> dict[str, Any]:
        aws = {"operation": "Invoke", "function_name": "child", "request_id": answer}
        times = {"start_time": at_s, "end_time": at_s + 0.01}
        return {"id": call_id, "name": "Lambda", "namespace": "aws", "aws": aws, **times}

    invoke = "pl:Invoke:us-west-2:FunctionName:child:InvocationType:Event"
    second = {"id": "b" * 16, "trace_id": TRACE, "start_time": T + 0.03, "gr_payload": invoke}
    child = f"pl:{ARN[:-2]}child:es:lib:invokeCLI:fn:r1"
    records = [
        record("r1:entry00000001", f"pl:{ARN}:es:ext:invokeCLI"),
        record("r1:bbbbbbbb", json.dumps(second)),
        record("c1:entry00000002", child),
        record("c2:entry00000003", child),
    ]
    calls = [seen("a" * 16, T + 0.01, "c1"), *([seen("b" * 16, T + 0.03, "c2")] if both else [])]
    traced = _function(aws={"request_id": "r1"}, subsegments=calls)
    engine = Engine()
    engine.apply_records(decode_page(json.dumps({"Records": records}).encode()).records)
    engine.apply_documents([json.dumps(traced)])
    engine.finish()
    found = {edge.child_request_id: edge for edge in graph_document(engine).edges}
    assert {edge.parent_request_id for edge in found.values()} == {"r1"}
    assert (found["c1"].call_id, found["c2"].call_id) == (None, "b" * 16 if both else None)
    assert {call.id for call in graph_document(engine).calls} == {"a" * 16, "b" * 16}
