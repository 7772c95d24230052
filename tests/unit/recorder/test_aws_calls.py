"""Calls: what each operation records of its request and response, through real clients."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from gammaray_recorder import calls, calls_dynamodb, wire
from gammaray_recorder.invocation import Invocation
from gammaray_recorder.recording import Recorder
from tests.unit.recorder.boto import boto_session
from tests.unit.recorder.call_cases import (
    CASES,
    ITEM,
    ITEM_IN_EVENT,
    KEY,
    KEY_TEXT,
    Case,
    put_output,
)
from tests.unit.recorder.support import (
    ACCOUNT,
    REGION,
    Answer,
    Context,
    Json,
    MemoryWriter,
    Request,
    Server,
    invoked,
)

Recording = tuple[Recorder, MemoryWriter]


def client(service: str, server: Server, **config: Any) -> Any:
    return boto_session().client(
        service,
        region_name=REGION,
        endpoint_url=server.url,
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, **config),
    )


def call_of(
    recording: Recording, server: Server, service: str, method: str, params: Json
) -> tuple[Json, Any]:
    """Make one call inside an invocation; give what was recorded of it, and its response."""
    recorder, writer = recording
    with invoked(recorder):
        response = getattr(client(service, server), method)(**params)
    (call,) = writer.calls()
    return call, response


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_operation_records_what_it_may_trigger_with(
    recording: Recording, server: Server, case: Case
) -> None:
    body = case.answer if isinstance(case.answer, str) else json.dumps(case.answer)
    server.respond = lambda request: Answer(body.encode(), headers=case.headers)
    call, _ = call_of(recording, server, case.service, case.method, case.params)
    assert call.get("out", []) == case.outputs
    assert call.get("res") == case.resource
    assert call["s"] == case.service
    assert call["o"].lower() == case.method.replace("_", "")
    assert call["g"] == REGION
    assert call["local"] == 1
    assert "err" not in call
    assert 0 < call["d"] < 10
    assert len(call["i"]) == 16
    assert "classified" not in json.dumps(call)


def test_a_read_keeps_its_key(recording: Recording, server: Server) -> None:
    call, _ = call_of(recording, server, "dynamodb", "get_item", {"TableName": "t", "Key": KEY})
    assert call["key"] == KEY_TEXT
    recording[1].events.clear()
    server.respond = lambda request: Answer(b"classified")
    call, _ = call_of(recording, server, "s3", "get_object", {"Bucket": "photos", "Key": "a"})
    assert (call["key"], call["res"]) == ("a", "photos")


def test_resources_write_typed_items_and_still_return_python_values(
    recording: Recording, server: Server
) -> None:
    def respond(request: Request) -> Answer:
        if "UpdateItem" in request.headers["x-amz-target"]:
            return Answer(json.dumps({"Attributes": ITEM_IN_EVENT}).encode())
        left = {"UnprocessedItems": {"orders": [{"PutRequest": {"Item": {"id": {"S": "x"}}}}]}}
        return Answer(json.dumps(left).encode())

    server.respond = respond
    recorder, writer = recording
    resource = boto_session().resource("dynamodb", endpoint_url=server.url)
    table = resource.Table("orders")
    key = {"id": "o-1", "n": Decimal("7.0")}
    item = {**key, "photo": b"\x01\x02", "tags": {"a", "b"}}
    with invoked(recorder):
        table.put_item(Item=item)
        answer = table.update_item(Key=key, ReturnValues="ALL_NEW")
        resource.batch_write_item(
            RequestItems={"orders": [{"PutRequest": {"Item": {"id": "x"}}},
                                     {"DeleteRequest": {"Key": key}}]}
        )  # fmt: skip
    assert answer["Attributes"]["n"] == Decimal("7.0")
    assert item == {**key, "photo": b"\x01\x02", "tags": {"a", "b"}}
    put, update, batch = (call["out"] for call in writer.calls())
    assert put == [put_output("orders", ITEM_IN_EVENT, ("id", "n", "photo"))]
    assert update == [{"res": "orders", "key": KEY_TEXT, "hash": wire.item_hash(ITEM)}]
    assert batch == [{"res": "orders", "key": KEY_TEXT}]


def test_a_refused_call_keeps_its_error_code_and_triggers_nothing(
    recording: Recording, server: Server
) -> None:
    body = b'{"__type": "com.amazonaws#ConditionalCheckFailedException", "message": "classified"}'
    server.respond = lambda request: Answer(body, status=400)
    recorder, writer = recording
    dynamodb = client("dynamodb", server)
    with invoked(recorder), pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.put_item(TableName="orders", Item=ITEM)
    (call,) = writer.calls()
    assert call["err"] == "ConditionalCheckFailedException"
    assert "out" not in call
    assert "classified" not in json.dumps(call)


def test_an_error_without_a_body_is_recorded_by_its_status(
    recording: Recording, server: Server
) -> None:
    server.respond = lambda request: Answer(b"", status=404)
    recorder, writer = recording
    s3 = client("s3", server)
    with invoked(recorder), pytest.raises(ClientError):
        s3.head_object(Bucket="photos", Key="a")
    (call,) = writer.calls()
    assert call["err"] == "404"


def test_a_call_without_an_answer_may_have_written(recording: Recording, server: Server) -> None:
    recorder, writer = recording
    dynamodb = client("dynamodb", server, read_timeout=0.05)
    server.respond = lambda request: server.hang()
    with invoked(recorder), pytest.raises(ReadTimeoutError):
        dynamodb.put_item(TableName="orders", Item=ITEM)
    (call,) = writer.calls()
    assert call["err"] == "ReadTimeoutError"
    assert call["local"] == 1
    assert call["out"] == [put_output("orders", ITEM_IN_EVENT, ("id", "n", "photo"))]


@pytest.mark.parametrize(
    ("service", "operation", "params", "resource"),
    [
        ("sqs", "SendMessageBatch", {"QueueUrl": f"https://sqs/{ACCOUNT}/jobs"}, "sqs"),
        ("sns", "Publish", {"TopicArn": "arn:aws:sns:us-west-2:1:t"}, "sns"),
        ("kinesis", "PutRecords", {"StreamName": "clicks"}, "kinesis"),
        ("events", "PutEvents", {"Entries": [{"Source": "shop"}]}, ""),
    ],
)
def test_a_message_without_an_answer_may_have_been_sent(
    service: str, operation: str, params: Json, resource: str
) -> None:
    event: Json = {"s": service, "o": operation, "err": "ReadTimeoutError"}
    calls.describe(event, params, None, (Invocation(Context(), REGION), REGION))
    (output,) = event["out"]
    assert list(output) == ["res"]
    assert resource in output["res"]
    refused: Json = {"s": service, "o": operation, "err": "AccessDenied"}
    calls.describe(refused, params, {}, (Invocation(Context(), REGION), REGION))
    assert "out" not in refused


def test_retries_are_counted(recording: Recording, server: Server) -> None:
    answers = iter([Answer(b"{}", status=500), Answer(b"{}", status=500), Answer()])
    server.respond = lambda request: next(answers)
    recorder, writer = recording
    dynamodb = client("dynamodb", server)

    def at_once(response: Any, **_: Any) -> int | bool:
        return 0 if response[0].status_code == 500 else False  # seconds to wait; False: done

    dynamodb.meta.events.register_first("needs-retry.dynamodb.PutItem", at_once)
    with invoked(recorder):
        dynamodb.put_item(TableName="orders", Item={"id": {"S": "1"}})
    (call,) = writer.calls()
    assert call["try"] == 2
    assert "err" not in call


def test_calls_to_aws_itself_are_not_local(recording: Recording) -> None:
    class Body:
        def stream(self, **_: Any) -> Any:
            yield b"{}"

    response_class: Any = AWSResponse
    recorder, writer = recording
    dynamodb = boto_session().client("dynamodb", region_name="eu-central-1")
    dynamodb.meta.events.register(
        "before-send",
        lambda request, **_: response_class(request.url, 200, {}, Body()),
    )
    with invoked(recorder):
        dynamodb.list_tables()
    (call,) = writer.calls()
    assert "local" not in call
    assert call["g"] == "eu-central-1"


def test_a_payload_that_is_a_file_is_left_to_be_read_by_its_owner(
    recording: Recording, server: Server
) -> None:
    params = {"FunctionName": "Thumbnail", "Payload": io.BytesIO(b'{"a": 1}')}
    server.respond = lambda request: Answer(b"null", headers={"x-amzn-requestid": "r-1"})
    call, _ = call_of(recording, server, "lambda", "invoke", params)
    assert server.requests[0].body == b'{"a": 1}'
    assert call["out"] == [{"res": "Thumbnail", "ids": {"lambda_request": "r-1"}}]


def test_a_very_large_payload_is_not_hashed(recording: Recording, server: Server) -> None:
    params = {"FunctionName": "Thumbnail", "Payload": json.dumps("x" * 1_000_001)}
    call, _ = call_of(recording, server, "lambda", "invoke", params)
    assert "hash" not in json.dumps(call)


def test_hashed_attributes_are_the_first_sixteen_that_can_be_keys() -> None:
    item: Json = {"flag": {"BOOL": True}, "empty": {"S": ""}, "long": {"S": "x" * 2049}}
    item |= {f"a{number}": {"N": str(number)} for number in range(20)}
    output = calls_dynamodb.put_output("t", item)
    assert list(output["ah"]) == [f"a{number}" for number in range(16)]
    assert output["ah"]["a7"] == wire.attribute_hash("a7", {"N": "7.00"})


@pytest.mark.parametrize(
    "name",
    [
        "Resize",
        "Resize:live",
        f"{ACCOUNT}:Resize",
        f"{ACCOUNT}:function:Resize",
        f"{ACCOUNT}:function:Resize:7",
        f"{REGION}:{ACCOUNT}:function:Resize:live",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Resize",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Resize:$LATEST",
    ],
)
def test_function_names_are_bare(name: str) -> None:
    assert calls.function_name(name) == "Resize"


def test_a_function_may_be_called_function() -> None:
    assert calls.function_name("function") == "function"
    assert calls.function_name("function:live") == "function"
    assert calls.function_name(ACCOUNT) == ACCOUNT
    assert calls.function_name("arn:aws:lambda:us-west-2:1:function:function:live") == "function"
