"""From the recorder to the engine: each call and the event that it leads to become one edge.

Both functions are recorded by the recorder itself; their records travel as lines of a log.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from causality.engine import Engine
from causality.records import StreamRecord, parse_log_line
from gammaray_recorder import wire
from gammaray_recorder.aws_hooks import CallHooks
from gammaray_recorder.writer import items_of
from tests.unit.recorder.call_cases import DELIVERY, KEY, SCHEDULE, STREAM, THUMBNAIL
from tests.unit.recorder.events import bridged, change
from tests.unit.recorder.support import ACCOUNT, REGION, Context, Json, memory_recorder

OTHER_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Thumbnail"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


def records(
    request_id: str,
    event: Any,
    calls: Callable[[CallHooks], None] = lambda hooks: None,
    *,
    arn: str = OTHER_ARN,
    **environment: str,
) -> list[StreamRecord]:
    """Record one invocation, and read its records as from its log."""
    recorder, writer = memory_recorder(**environment)
    context = Context(request_id, arn, arn.split(":")[6])
    begun = recorder.begin(_written_now(event), context)
    assert begun is not None
    calls(CallHooks(recorder))
    recorder.end(begun)
    items = items_of(begun[0], writer.events, 1795364782.0, 60, 200_000)
    entries = ",".join(wire.log_entry(item) for item, _ in items)
    found = parse_log_line(f"2026-11-22T10:00:00Z {request_id} {wire.LOG_MARK} [{entries}]", REGION)
    return [record for record in found if isinstance(record, StreamRecord)]


def made(service: str, operation: str, params: Json, answer: Json) -> Callable[[CallHooks], None]:
    """Give a function that makes one call as botocore's events tell of it."""
    model = SimpleNamespace(name=operation, service_model=SimpleNamespace(service_name=service))
    response = SimpleNamespace(status_code=200, url=f"https://{service}.{REGION}.amazonaws.com/")

    def call(hooks: CallHooks) -> None:
        context: Json = {"client_region": REGION}
        hooks.before(params=params, model=model, context=context)
        hooks.after(http_response=response, parsed=answer, context=context)

    return call


def streamed(name: str, key: Json, image: Json | None = None) -> Json:
    """Give an event of a stream."""
    return {"Records": [change(name, key, image)]}


def _written_now(event: Any) -> Any:
    """Let a stream's records be written when they are delivered, not when tests are collected."""
    for record in event.get("Records", ()):
        if "dynamodb" in record:
            record["dynamodb"]["ApproximateCreationDateTime"] = time.time()
    return event


def edge(*groups: list[StreamRecord]) -> tuple[str, str, str] | None:
    """Let the engine match records; give evidence, caller and called of the only edge."""
    engine = Engine()
    for group in groups:
        engine.apply_records(group)
    engine.finish()
    edges = list(engine.edges())
    if not edges:
        return None
    (found,) = edges
    assert found.parent is not None
    return found.evidence, found.parent.request_id, found.cause.invocation.request_id


def statement(text: str, *parameters: Json) -> Callable[[CallHooks], None]:
    params = {"Statement": text, "Parameters": list(parameters)}
    return made("dynamodb", "ExecuteStatement", params, {})


def scheduled(target: Json) -> Callable[[CallHooks], None]:
    params = {"Name": "nightly", "ScheduleExpression": "rate(1 day)", "Target": target}
    return made("scheduler", "CreateSchedule", params, {"ScheduleArn": SCHEDULE})


INSERT = "INSERT INTO orders VALUE {'id': 'o 2', 'n': 7, 'total': 12.50}"
IMAGE: Json = {"id": {"S": "o 2"}, "n": {"N": "7"}, "total": {"N": "12.5"}}
ITEM_KEY: Json = {"id": {"S": "o 2"}, "n": {"N": "7"}}
TRANSFORMED = {
    "invocationId": "i",
    "deliveryStreamArn": DELIVERY,
    "region": REGION,
    "records": [{"recordId": "1", "data": base64.b64encode(b"one").decode()}],
}
DELETES: Json = {
    "TransactItems": [
        {"Delete": {"TableName": "orders", "Key": ITEM_KEY}},
        {"ConditionCheck": {"TableName": "orders", "Key": KEY, "ConditionExpression": "x"}},
    ]
}
HOPS: dict[str, tuple[Callable[[CallHooks], None], Json, str]] = {
    "PartiQL INSERT": (
        statement(INSERT), streamed("INSERT", ITEM_KEY, IMAGE), "content"),
    "PartiQL UPDATE": (
        statement("UPDATE orders SET total = 5 WHERE id = ? AND n = 7", {"S": "o 2"}),
        streamed("MODIFY", ITEM_KEY), "order"),
    "PartiQL DELETE": (
        statement("DELETE FROM orders WHERE id = 'o 2' AND n = 7"),
        streamed("REMOVE", ITEM_KEY), "order"),
    "TransactWriteItems": (
        made("dynamodb", "TransactWriteItems", DELETES, {}),
        streamed("REMOVE", ITEM_KEY), "order"),
    "Firehose": (
        made("firehose", "PutRecord",
             {"DeliveryStreamName": "clicks", "Record": {"Data": b"one"}}, {"RecordId": "f"}),
        TRANSFORMED, "content"),
    "Kinesis, read by Firehose": (
        made("kinesis", "PutRecord", {"StreamName": "clicks", "Data": b"one"},
             {"ShardId": "shardId-01", "SequenceNumber": "495"}),
        {**TRANSFORMED, "sourceKinesisStreamArn": STREAM,
         "records": [{"recordId": "1", "data": "b25l", "kinesisRecordMetadata": {
             "shardId": "shardId-01", "sequenceNumber": "495"}}]}, "exact"),
    "a schedule": (
        scheduled({"Arn": THUMBNAIL, "RoleArn": ROLE}),
        bridged("aws.scheduler", "Scheduled Event", {}, SCHEDULE), "exact"),
    "a schedule that tells its name": (
        scheduled({"Arn": THUMBNAIL, "RoleArn": ROLE,
                   "Input": '{"by": "<aws.scheduler.schedule-arn>"}'}),
        {"by": SCHEDULE}, "exact"),
    "a schedule with an input": (
        scheduled({"Arn": THUMBNAIL, "RoleArn": ROLE, "Input": '{"report": 7}'}),
        {"report": 7}, "content"),
    "IoT": (
        made("iot-data", "Publish", {"topic": "home/door", "payload": b'{"open": true}'}, {}),
        {"open": True}, "content"),
}  # fmt: skip


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("hidden", ["", "1"])
@pytest.mark.parametrize("called_first", [False, True])
def test_a_call_and_the_event_that_it_leads_to_become_an_edge(
    hop: str, hidden: str, called_first: bool
) -> None:
    call, event, evidence = HOPS[hop]
    caller = records("caller", {"from": "a person"}, call, arn=f"{OTHER_ARN}er",
                     GAMMARAY_HASH_KEYS=hidden)  # fmt: skip
    called = records("called", event, GAMMARAY_HASH_KEYS=hidden)
    halves = [called, caller] if called_first else [caller, called]
    assert edge(*halves) == (evidence, "caller", "called")


@pytest.mark.parametrize("hop", ["PartiQL UPDATE", "PartiQL DELETE", "TransactWriteItems"])
@pytest.mark.parametrize(("at_caller", "at_called"), [("1", ""), ("", "1")])
def test_hashed_and_plain_keys_of_an_item_still_match(
    hop: str, at_caller: str, at_called: str
) -> None:
    call, event, evidence = HOPS[hop]
    caller = records("caller", {}, call, arn=f"{OTHER_ARN}er", GAMMARAY_HASH_KEYS=at_caller)
    called = records("called", event, GAMMARAY_HASH_KEYS=at_called)
    assert edge(caller, called) == (evidence, "caller", "called")


def test_no_key_is_recorded_when_keys_are_hashed() -> None:
    put = {"TableName": "orders", "Item": {"id": {"S": "classified-1"}}}
    get = {"TableName": "orders", "Key": {"id": {"S": "classified-1"}}}
    upload = {"Bucket": "photos", "Key": "classified-1"}

    def calls(hooks: CallHooks) -> None:
        made("dynamodb", "PutItem", put, {})(hooks)
        made("dynamodb", "GetItem", get, {})(hooks)
        made("dynamodb", "DeleteItem", get, {})(hooks)
        made("s3", "PutObject", upload, {"VersionId": "v"})(hooks)
        made("s3", "GetObject", upload, {})(hooks)

    event = {"Records": [change("REMOVE", get["Key"])]}  # type: ignore[arg-type]
    found = records("r", event, calls, GAMMARAY_HASH_KEYS="1")
    assert "classified" not in str(found)
    payload = json.loads(found[0].dynamodb.NewImage.payload.S)  # type: ignore[union-attr]
    keys = [[["id", "#", wire.attribute_hash("id", {"S": "classified-1"})]]]
    start, _, read, delete, sent, fetched, _ = payload["e"]
    assert [
        json.loads(part["key"]) for part in (start["src"][0], read, delete["out"][0])
    ] == keys * 3
    assert sent["out"][0]["key"] == fetched["key"] == wire.hidden_key("classified-1")


def test_a_line_that_is_no_recorders_has_no_records() -> None:
    assert parse_log_line("START RequestId: r Version: $LATEST") == []
    assert parse_log_line(f"I log {wire.LOG_MARK} myself") == []


def test_a_line_inside_of_a_json_log_is_read() -> None:
    (plain,) = records("r", {})
    image = plain.dynamodb.NewImage
    assert image is not None
    entry = f'{{"reqID":"{image.reqID.S}","ts":{image.ts.N},"payload":{image.payload.S}}}'
    line = json.dumps({"level": "INFO", "message": f"{wire.LOG_MARK} [{entry}]"})
    assert parse_log_line(line, REGION) == [plain]


@pytest.mark.parametrize("damage", ["[", "[{}]", '[{"reqID": 1}]', "[5]", "[{}"])
def test_a_damaged_line_is_an_unreadable_record(damage: str) -> None:
    (found,) = parse_log_line(f"{wire.LOG_MARK} {damage}")
    assert not isinstance(found, StreamRecord)
