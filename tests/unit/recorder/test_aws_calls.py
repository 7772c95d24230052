"""Calls: what each operation records of its request and response, through real clients."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from gammaray_recorder import calls, wire
from gammaray_recorder.recording import Recorder
from tests.unit.recorder.boto import boto_session
from tests.unit.recorder.support import (
    ACCOUNT,
    REGION,
    Answer,
    Json,
    MemoryWriter,
    Request,
    Server,
    invoked,
)

Recording = tuple[Recorder, MemoryWriter]

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:pipeline"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:pipeline:0f9d"
KEY: Json = {"id": {"S": "o-1"}, "n": {"N": "7.0"}}
KEY_TEXT = '[["id","S","o-1"],["n","N","7e0"]]'
ITEM: Json = {**KEY, "photo": {"B": b"\x01\x02"}, "tags": {"SS": ["b", "a"]}}
ITEM_IN_EVENT: Json = {**KEY, "photo": {"B": "AQI="}, "tags": {"SS": ["a", "b"]}}


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


@dataclass
class Case:
    service: str
    method: str
    params: Json
    answer: Any  # body of the response, JSON unless it is text
    outputs: list[Json]
    resource: str | None
    headers: dict[str, str] = field(default_factory=dict)


def put_output(table: str, item: Any, names: tuple[str, ...]) -> Json:
    return {
        "res": table,
        "hash": wire.item_hash(item),
        "ah": {name: wire.attribute_hash(name, item[name]) for name in names},
    }


XML = "<?xml version='1.0'?>"
SNS = "http://sns.amazonaws.com/doc/2010-03-31/"
S3_HEADERS = {"x-amz-request-id": "C3D13FE58DE4C810"}
CASES = {
    "PutItem": Case(
        "dynamodb", "put_item", {"TableName": "orders", "Item": ITEM}, {},
        [put_output("orders", ITEM_IN_EVENT, ("id", "n", "photo"))], "orders"),
    "PutItem by table ARN": Case(
        "dynamodb", "put_item",
        {"TableName": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders", "Item": ITEM}, {},
        [put_output("orders", ITEM_IN_EVENT, ("id", "n", "photo"))], "orders"),
    "UpdateItem": Case(
        "dynamodb", "update_item", {"TableName": "orders", "Key": KEY}, {},
        [{"res": "orders", "key": KEY_TEXT}], "orders"),
    "UpdateItem ALL_NEW": Case(
        "dynamodb", "update_item",
        {"TableName": "orders", "Key": KEY, "ReturnValues": "ALL_NEW"},
        {"Attributes": ITEM_IN_EVENT},
        [{"res": "orders", "key": KEY_TEXT, "hash": wire.item_hash(ITEM)}], "orders"),
    "UpdateItem ALL_OLD": Case(
        "dynamodb", "update_item",
        {"TableName": "orders", "Key": KEY, "ReturnValues": "ALL_OLD"},
        {"Attributes": ITEM_IN_EVENT},
        [{"res": "orders", "key": KEY_TEXT}], "orders"),
    "DeleteItem": Case(
        "dynamodb", "delete_item", {"TableName": "orders", "Key": KEY}, {},
        [{"res": "orders", "key": KEY_TEXT}], "orders"),
    "BatchWriteItem leaves out what was not processed": Case(
        "dynamodb", "batch_write_item",
        {"RequestItems": {
            "orders": [{"PutRequest": {"Item": ITEM}}, {"PutRequest": {"Item": KEY}},
                       {"DeleteRequest": {"Key": {"id": {"S": "left"}}}}],
            "audit": [{"DeleteRequest": {"Key": KEY}}],
        }},
        {"UnprocessedItems": {"orders": [
            {"PutRequest": {"Item": ITEM_IN_EVENT}},
            {"DeleteRequest": {"Key": {"id": {"S": "left"}}}},
        ]}},
        [put_output("orders", KEY, ("id", "n")), {"res": "audit", "key": KEY_TEXT}],
        "orders, audit"),
    "TransactWriteItems": Case(
        "dynamodb", "transact_write_items",
        {"TransactItems": [
            {"Put": {"TableName": "orders", "Item": ITEM}},
            {"Update": {"TableName": "stock", "Key": KEY, "UpdateExpression": "SET a = b"}},
            {"Delete": {"TableName": "carts", "Key": KEY}},
            {"ConditionCheck": {"TableName": "users", "Key": KEY,
                                "ConditionExpression": "attribute_exists(id)"}},
        ]}, {},
        [put_output("orders", ITEM_IN_EVENT, ("id", "n", "photo")),
         {"res": "stock", "key": KEY_TEXT}, {"res": "carts", "key": KEY_TEXT}], None),
    "PutObject": Case(
        "s3", "put_object", {"Bucket": "photos", "Key": "a b+ü.jpg", "Body": b"classified"}, "",
        [{"res": "photos", "key": "a b+ü.jpg",
          "ids": {"s3_request": "C3D13FE58DE4C810", "s3_version": "v1", "s3_etag": "abc"}}],
        "photos", {**S3_HEADERS, "ETag": '"abc"', "x-amz-version-id": "v1"}),
    "CopyObject": Case(
        "s3", "copy_object", {"Bucket": "photos", "Key": "b.jpg", "CopySource": "photos/a.jpg"},
        f"{XML}<CopyObjectResult><ETag>&quot;abc&quot;</ETag></CopyObjectResult>",
        [{"res": "photos", "key": "b.jpg",
          "ids": {"s3_request": "C3D13FE58DE4C810", "s3_version": "v2", "s3_etag": "abc"}}],
        "photos", {**S3_HEADERS, "x-amz-version-id": "v2"}),
    "CompleteMultipartUpload": Case(
        "s3", "complete_multipart_upload",
        {"Bucket": "photos", "Key": "c.jpg", "UploadId": "u", "MultipartUpload": {"Parts": []}},
        f"{XML}<CompleteMultipartUploadResult><ETag>&quot;abc-2&quot;</ETag>"
        "</CompleteMultipartUploadResult>",
        [{"res": "photos", "key": "c.jpg",
          "ids": {"s3_request": "C3D13FE58DE4C810", "s3_etag": "abc-2"}}],
        "photos", S3_HEADERS),
    "DeleteObject": Case(
        "s3", "delete_object", {"Bucket": "photos", "Key": "a.jpg"}, "",
        [{"res": "photos", "key": "a.jpg",
          "ids": {"s3_request": "C3D13FE58DE4C810", "s3_version": "marker"}}],
        "photos", {**S3_HEADERS, "x-amz-version-id": "marker", "x-amz-delete-marker": "true"}),
    "DeleteObjects leaves out errors": Case(
        "s3", "delete_objects",
        {"Bucket": "photos", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "c"}]}},
        f"{XML}<DeleteResult><Deleted><Key>a</Key><DeleteMarkerVersionId>m</DeleteMarkerVersionId>"
        "</Deleted><Deleted><Key>c</Key></Deleted>"
        "<Error><Key>b</Key><Code>AccessDenied</Code></Error></DeleteResult>",
        [{"res": "photos", "key": "a",
          "ids": {"s3_request": "C3D13FE58DE4C810", "s3_version": "m"}},
         {"res": "photos", "key": "c", "ids": {"s3_request": "C3D13FE58DE4C810"}}],
        "photos", S3_HEADERS),
    "DeleteObjects quietly": Case(
        "s3", "delete_objects",
        {"Bucket": "photos", "Delete": {"Quiet": True, "Objects": [{"Key": "a"}]}},
        f"{XML}<DeleteResult/>",
        [{"res": "photos", "key": "a", "ids": {"s3_request": "C3D13FE58DE4C810"}}],
        "photos", S3_HEADERS),
    "Publish": Case(
        "sns", "publish", {"TopicArn": TOPIC, "Message": "classified"},
        f"{XML}<PublishResponse xmlns='{SNS}'><PublishResult><MessageId>m-1</MessageId>"
        "</PublishResult></PublishResponse>",
        [{"res": TOPIC, "ids": {"sns_message": "m-1"}}], TOPIC),
    "Publish to a telephone": Case(
        "sns", "publish", {"PhoneNumber": "+15550100", "Message": "classified"},
        f"{XML}<PublishResponse xmlns='{SNS}'><PublishResult><MessageId>m-1</MessageId>"
        "</PublishResult></PublishResponse>",
        [{"res": "", "ids": {"sns_message": "m-1"}}], None),
    "PublishBatch": Case(
        "sns", "publish_batch",
        {"TopicArn": TOPIC, "PublishBatchRequestEntries": [
            {"Id": "1", "Message": "classified"}, {"Id": "2", "Message": "classified"}]},
        f"{XML}<PublishBatchResponse xmlns='{SNS}'><PublishBatchResult><Successful><member>"
        "<Id>2</Id><MessageId>m-2</MessageId></member></Successful><Failed><member><Id>1</Id>"
        "<Code>InternalError</Code><SenderFault>false</SenderFault></member></Failed>"
        "</PublishBatchResult></PublishBatchResponse>",
        [{"res": TOPIC, "ids": {"sns_message": "m-2"}}], TOPIC),
    "SendMessage": Case(
        "sqs", "send_message",
        {"QueueUrl": f"https://sqs.us-west-2.amazonaws.com/{ACCOUNT}/jobs",
         "MessageBody": "classified"},
        {"MessageId": "q-1"}, [{"res": QUEUE, "ids": {"sqs_message": "q-1"}}], QUEUE),
    "SendMessageBatch": Case(
        "sqs", "send_message_batch",
        {"QueueUrl": f"https://sqs.us-west-2.amazonaws.com/{ACCOUNT}/jobs",
         "Entries": [{"Id": "1", "MessageBody": "x"}, {"Id": "2", "MessageBody": "y"}]},
        {"Successful": [{"Id": "1", "MessageId": "q-1"}, {"Id": "2", "MessageId": "q-2"}],
         "Failed": []},
        [{"res": QUEUE, "ids": {"sqs_message": "q-1"}},
         {"res": QUEUE, "ids": {"sqs_message": "q-2"}}], QUEUE),
    "PutEvents leaves out failed entries": Case(
        "events", "put_events",
        {"Entries": [{"Source": "shop", "DetailType": "x", "Detail": "{}"},
                     {"Source": "shop", "DetailType": "x", "Detail": "{}"},
                     {"Source": "shop", "DetailType": "x", "Detail": "{}",
                      "EventBusName": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/orders"}]},
        {"FailedEntryCount": 1, "Entries": [
            {"EventId": "e-1"}, {"ErrorCode": "InternalFailure"}, {"EventId": "e-3"}]},
        [{"res": "default", "ids": {"event_id": "e-1"}},
         {"res": "orders", "ids": {"event_id": "e-3"}}], None),
    "PutRecord": Case(
        "kinesis", "put_record", {"StreamName": "clicks", "Data": b"x", "PartitionKey": "1"},
        {"ShardId": "shardId-000000000006", "SequenceNumber": "495"},
        [{"res": STREAM, "ids": {"kinesis": "shardId-000000000006:495"}}], STREAM),
    "PutRecords leaves out failed records": Case(
        "kinesis", "put_records",
        {"StreamARN": STREAM, "Records": [{"Data": b"x", "PartitionKey": "1"},
                                          {"Data": b"y", "PartitionKey": "2"}]},
        {"FailedRecordCount": 1, "Records": [
            {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"},
            {"ShardId": "shardId-000000000006", "SequenceNumber": "496"}]},
        [{"res": STREAM, "ids": {"kinesis": "shardId-000000000006:496"}}], STREAM),
    "Invoke": Case(
        "lambda", "invoke",
        {"FunctionName": "Thumbnail", "Payload": json.dumps({"b": [1], "a": "ü"})}, "null",
        [{"res": "Thumbnail", "hash": wire.payload_hash({"a": "ü", "b": [1]}),
          "ids": {"lambda_request": "r-1"}}],
        "Thumbnail", {"x-amzn-requestid": "r-1"}),
    "Invoke later, by ARN and alias, without payload": Case(
        "lambda", "invoke",
        {"FunctionName": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Thumbnail:live",
         "InvocationType": "Event"}, "",
        [{"res": "Thumbnail", "hash": wire.payload_hash({}), "ids": {"lambda_request": "r-1"}}],
        "Thumbnail", {"x-amzn-requestid": "r-1"}),
    "Invoke as a rehearsal": Case(
        "lambda", "invoke", {"FunctionName": "Thumbnail", "InvocationType": "DryRun"}, "", [],
        "Thumbnail", {"x-amzn-requestid": "r-1"}),
    "StartExecution": Case(
        "stepfunctions", "start_execution", {"stateMachineArn": MACHINE, "input": "{}"},
        {"executionArn": EXECUTION, "startDate": 1773000000.0},
        [{"res": MACHINE, "ids": {"execution_arn": EXECUTION}}], MACHINE),
    "GetItem triggers nothing": Case(
        "dynamodb", "get_item", {"TableName": "orders", "Key": KEY}, {"Item": ITEM_IN_EVENT}, [],
        "orders"),
    "ListTables": Case("dynamodb", "list_tables", {}, {"TableNames": []}, [], None),
    "GetSecretValue": Case(
        "secretsmanager", "get_secret_value", {"SecretId": "db"}, {"SecretString": "classified"},
        [],
        "db"),
    "PutLogEvents": Case(
        "logs", "create_log_stream", {"logGroupName": "/a", "logStreamName": "b"}, {}, [], "/a"),
}  # fmt: skip


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
    scope = calls.Scope.__new__(calls.Scope)
    (output,) = calls.outputs_of("dynamodb", "PutItem", {"TableName": "t", "Item": item}, {}, scope)
    assert list(output["ah"]) == [f"a{number}" for number in range(16)]
    assert output["ah"]["a7"] == wire.attribute_hash("a7", {"N": "7.00"})


@pytest.mark.parametrize(
    "name",
    [
        "Resize",
        "Resize:live",
        f"{ACCOUNT}:function:Resize",
        f"{ACCOUNT}:function:Resize:7",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Resize",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Resize:$LATEST",
    ],
)
def test_function_names_are_bare(name: str) -> None:
    assert calls.function_name(name) == "Resize"


def test_a_function_may_be_called_function() -> None:
    assert calls.function_name("function") == "function"
    assert calls.function_name("function:live") == "function"
