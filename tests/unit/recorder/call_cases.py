"""One call of each operation: its parameters, the answer, and what is to be recorded of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from gammaray_recorder import wire
from tests.unit.recorder.support import ACCOUNT, REGION, Json

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:pipeline"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:pipeline:0f9d"
KEY: Json = {"id": {"S": "o-1"}, "n": {"N": "7.0"}}
KEY_TEXT = '[["id","S","o-1"],["n","N","7e0"]]'
ITEM: Json = {**KEY, "photo": {"B": b"\x01\x02"}, "tags": {"SS": ["b", "a"]}}
ITEM_IN_EVENT: Json = {**KEY, "photo": {"B": "AQI="}, "tags": {"SS": ["a", "b"]}}
KEY_HASHES = {name: wire.attribute_hash(name, value) for name, value in KEY.items()}
DELIVERY = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/clicks"
SCHEDULE = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/nightly"
THUMBNAIL = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Thumbnail"


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
    "PutItem in another account": Case(
        "dynamodb", "put_item",
        {"TableName": f"arn:aws:dynamodb:{REGION}:210987654321:table/orders", "Item": ITEM}, {},
        [{**put_output("orders", ITEM_IN_EVENT, ("id", "n", "photo")),
          "ids": {"account": "210987654321"}}], "orders"),
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
        [{**put_output("orders", ITEM_IN_EVENT, ("id", "n", "photo")), "o": "put"},
         {"res": "stock", "key": KEY_TEXT, "o": "put"},
         {"res": "carts", "key": KEY_TEXT, "o": "delete"}], "orders, stock, carts, users"),
    "ExecuteStatement INSERT": Case(
        "dynamodb", "execute_statement",
        {"Statement": "INSERT INTO \"orders\" VALUE {'id': ?, 'n': 7.0, 'photo': ?, 'tags': ?}",
         "Parameters": [KEY["id"], ITEM["photo"], ITEM["tags"]]}, {"Items": []},
        [{**put_output("orders", ITEM_IN_EVENT, ("id", "n", "photo")), "o": "put"}], "orders"),
    "ExecuteStatement UPDATE": Case(
        "dynamodb", "execute_statement",
        {"Statement": "UPDATE orders SET total = ? SET x=list_append(x, [1]) "
                      "WHERE id = 'o-1' AND n = ? AND total > 3",
         "Parameters": [{"N": "12"}, {"N": "7.0"}]}, {"Items": []},
        [{"res": "orders", "o": "put", "ah": KEY_HASHES}], "orders"),
    "ExecuteStatement UPDATE that returns the item": Case(
        "dynamodb", "execute_statement",
        {"Statement": "update orders set a = 1 where id='o-1' and n=7 returning all new *"},
        {"Items": [ITEM_IN_EVENT]},
        [{"res": "orders", "o": "put", "ah": KEY_HASHES, "hash": wire.item_hash(ITEM)}], "orders"),
    "ExecuteStatement DELETE": Case(
        "dynamodb", "execute_statement",
        {"Statement": "DELETE FROM \"orders\" WHERE \"id\" = 'o-1' AND \"n\" = 7"}, {"Items": []},
        [{"res": "orders", "o": "delete", "ah": KEY_HASHES}], "orders"),
    "ExecuteStatement SELECT": Case(
        "dynamodb", "execute_statement",
        {"Statement": "SELECT * FROM \"orders\".\"by-n\" WHERE id = 'classified'"}, {"Items": []},
        [], "orders"),
    "BatchExecuteStatement leaves out errors": Case(
        "dynamodb", "batch_execute_statement",
        {"Statements": [
            {"Statement": "INSERT INTO orders VALUE {'id': 'o-1', 'n': 7}"},
            {"Statement": "DELETE FROM carts WHERE id = ?", "Parameters": [{"S": "c"}]}]},
        {"Responses": [{"Error": {"Code": "DuplicateItem", "Message": "classified"}},
                       {"TableName": "carts"}]},
        [{"res": "carts", "o": "delete", "ah": {"id": wire.attribute_hash("id", {"S": "c"})}}],
        "orders, carts"),
    "ExecuteTransaction": Case(
        "dynamodb", "execute_transaction",
        {"TransactStatements": [
            {"Statement": "INSERT INTO orders VALUE {'id': 'o-1', 'n': 7}"},
            {"Statement": "EXISTS(SELECT * FROM users WHERE id = 'classified')"}]}, {},
        [{**put_output("orders", KEY, ("id", "n")), "o": "put"}], "orders, users"),
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
    "DeleteObjects of two versions": Case(
        "s3", "delete_objects",
        {"Bucket": "photos", "Delete": {"Objects": [
            {"Key": "a", "VersionId": "v1"}, {"Key": "a", "VersionId": "v2"}, {"Key": "a"}]}},
        f"{XML}<DeleteResult><Deleted><Key>a</Key><VersionId>v1</VersionId></Deleted>"
        "<Deleted><Key>a</Key><VersionId>v2</VersionId></Deleted>"
        "<Deleted><Key>a</Key><DeleteMarkerVersionId>m</DeleteMarkerVersionId></Deleted>"
        "</DeleteResult>",
        [{"res": "photos", "key": "a",
          "ids": {"s3_request": "C3D13FE58DE4C810", "s3_version": version}}
         for version in ("v1", "v2", "m")],
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
    "Firehose PutRecord": Case(
        "firehose", "put_record", {"DeliveryStreamName": "clicks", "Record": {"Data": b"one"}},
        {"RecordId": "f-1"}, [{"res": DELIVERY, "hash": wire.data_hash(b"one")}], DELIVERY),
    "Firehose PutRecordBatch leaves out failed records": Case(
        "firehose", "put_record_batch",
        {"DeliveryStreamName": "clicks", "Records": [{"Data": b"one"}, {"Data": "zwö"}]},
        {"FailedPutCount": 1, "RequestResponses": [
            {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "slow"},
            {"RecordId": "f-2"}]},
        [{"res": DELIVERY, "hash": wire.data_hash("zwö".encode())}], DELIVERY),
    "IoT Publish": Case(
        "iot-data", "publish", {"topic": "home/door", "payload": b'{"open": true}'}, "",
        [{"res": "home/door", "hash": wire.payload_hash({"open": True})}], "home/door"),
    "CreateSchedule": Case(
        "scheduler", "create_schedule",
        {"Name": "nightly", "ScheduleExpression": "rate(1 day)",
         "FlexibleTimeWindow": {"Mode": "OFF"},
         "Target": {"Arn": THUMBNAIL, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
                    "Input": '{"a": 1}'}},
        {"ScheduleArn": SCHEDULE},
        [{"res": "Thumbnail", "ids": {"schedule_arn": SCHEDULE},
          "hash": wire.payload_hash({"a": 1})}], "nightly"),
    "UpdateSchedule with what the scheduler fills in": Case(
        "scheduler", "update_schedule",
        {"Name": "nightly", "ScheduleExpression": "rate(1 day)",
         "FlexibleTimeWindow": {"Mode": "OFF"},
         "Target": {"Arn": THUMBNAIL, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
                    "Input": '{"by": "<aws.scheduler.schedule-arn>"}'}},
        {"ScheduleArn": SCHEDULE},
        [{"res": "Thumbnail", "ids": {"schedule_arn": SCHEDULE}}], "nightly"),
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
        [{"res": "Thumbnail", "hash": wire.payload_hash({}), "ids": {"lambda_request": "r-1"},
          "o": "event"}],
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
