"""Causes: one for every record of every kind of event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gammaray_recorder import wire
from gammaray_recorder.cause import seconds
from tests.unit.recorder.events import (
    BY_KIND,
    IMAGE,
    KEY,
    QUEUE,
    ROOT,
    S3_IDS,
    STREAM_IDS,
    TOPIC,
    bridged,
    change,
    notification,
    published,
    queued,
    read,
    streamed,
)
from tests.unit.recorder.support import ACCOUNT, REGION, Context, Json

TEN_S = 1772359200.0  # what the sample events say: 2026-03-01T10:00:00Z
SCHEDULE = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/nightly"


def test_every_record_of_a_stream_is_a_cause_with_key_hash_and_order() -> None:
    expired = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    event = {
        "Records": [
            change("INSERT", KEY, IMAGE),
            change("MODIFY", {"id": {"S": "o 2"}, "n": {"N": "7"}}),
            change("REMOVE", KEY, userIdentity=expired),
            change("REMOVE", KEY),
        ]
    }
    insert, modify, expiry, remove = read(event)
    assert insert == {
        "s": "dynamodb",
        "res": "orders",
        "key": '[["id","S","o-1"]]',
        "hash": wire.item_hash({**IMAGE, "photo": {"B": b"\x01\x02\x03"}, "total": {"N": "12.5"}}),
        "name": "INSERT",
        "g": REGION,
        "t": 1773000000,
        "ids": STREAM_IDS,
    }
    assert modify["key"] == '[["id","S","o 2"],["n","N","7e0"]]'
    assert "hash" not in modify  # a stream of keys only
    assert expiry["name"] == "REMOVE:ttl"
    assert remove["name"] == "REMOVE"


def test_s3_keys_are_url_decoded_and_all_ids_kept() -> None:
    created = notification("in/a+b%C3%BC%2B.jpg", versionId="3HL4kqtJlcpXroDT", eTag="d41d8cd9")
    removed = notification("plain.txt", "ObjectRemoved:Delete")
    assert read({"Records": [created, removed]}) == [
        {
            "s": "s3",
            "res": "photos",
            "key": "in/a bü+.jpg",
            "name": "ObjectCreated:Put",
            "g": REGION,
            "t": TEN_S,
            "ids": {**S3_IDS, "s3_version": "3HL4kqtJlcpXroDT", "s3_etag": "d41d8cd9"},
        },
        {
            "s": "s3",
            "res": "photos",
            "key": "plain.txt",
            "name": "ObjectRemoved:Delete",
            "g": REGION,
            "t": TEN_S,
            "ids": S3_IDS,
        },
    ]


def test_topics_and_queues_show_the_message_id_of_every_record() -> None:
    event = {"Records": [published("one", "m-1"), published("two", "m-2")]}
    assert read(event) == [
        {"s": "sns", "res": TOPIC, "t": TEN_S, "ids": {"sns_message": "m-1"}},
        {"s": "sns", "res": TOPIC, "t": TEN_S, "ids": {"sns_message": "m-2"}},
    ]
    event = {"Records": [queued("{not json"), queued('{"TopicArn": 1}', "m-2")]}
    first = {"sqs_message": "2e1424d4-f796-459a-8184-9c92662be6da", "trace_root": ROOT}
    assert read(event) == [
        {"s": "sqs", "res": QUEUE, "g": REGION, "ids": first},
        {"s": "sqs", "res": QUEUE, "g": REGION, "ids": {**first, "sqs_message": "m-2"}},
    ]


def test_a_topics_message_in_a_queue_keeps_both_ids() -> None:
    body = json.dumps(published("hello", "m-1")["Sns"])
    (cause,) = read({"Records": [queued(body, "q-1")]})
    ids = {"sqs_message": "q-1", "sns_message": "m-1", "trace_root": ROOT}
    assert cause == {"s": "sns", "res": TOPIC, "t": TEN_S, "ids": ids}


def test_s3_is_found_in_queues_topics_and_topics_in_queues() -> None:
    s3 = json.dumps({"Records": [notification("a.jpg"), notification("b.jpg")]})
    through_queue = read({"Records": [queued(s3, "q-1")]})
    assert [(cause["s"], cause["key"]) for cause in through_queue] == [
        ("s3", "a.jpg"),
        ("s3", "b.jpg"),
    ]
    assert through_queue[0]["ids"] == {**S3_IDS, "sqs_message": "q-1", "trace_root": ROOT}
    by_role = queued(s3, "q-1")
    by_role["attributes"]["SenderId"] = "AROAXXXXXXXXXXXXXXXXX:S3-PROD-END"  # S3 itself
    assert read({"Records": [by_role]}) == through_queue
    by_s3 = published(s3, "m-1", "Amazon S3 Notification")
    (through_topic, _) = read({"Records": [by_s3]})
    assert through_topic["ids"] == {**S3_IDS, "sns_message": "m-1"}
    both = json.dumps(by_s3["Sns"])
    (nested, _) = read({"Records": [queued(both, "q-1")]})
    assert nested["ids"].items() >= {"sns_message": "m-1", "sqs_message": "q-1"}.items()
    assert nested["key"] == "a.jpg"


def test_what_somebody_sent_on_is_their_message_and_not_what_it_holds() -> None:
    s3 = json.dumps({"Records": [notification("a.jpg")]})
    told = json.dumps(published("hello", "m-1")["Sns"])
    for body in (s3, told, json.dumps(bridged("shop", "Order placed", {}))):
        sent_on = queued(body, "q-1")
        sent_on["attributes"]["SenderId"] = "AROAXXXXXXXXXXXXXXXXX:forwarder"
        (cause,) = read({"Records": [sent_on]})
        assert (cause["s"], cause["ids"]["sqs_message"]) == ("sqs", "q-1")
    for message in (s3, told):
        (cause,) = read({"Records": [published(message, "m-2")]})
        assert (cause["s"], cause["ids"]) == ("sns", {"sns_message": "m-2"})


def test_event_bridge_is_found_in_a_queue() -> None:
    body = json.dumps(bridged("shop", "Order placed", {"total": 5}))
    (cause,) = read({"Records": [queued(body, "q-1")]})
    assert cause["s"] == "events"
    assert cause["ids"]["event_id"] == "6a7e8feb-b491-4cf7-a9f1-bf3703467718"
    assert cause["ids"]["sqs_message"] == "q-1"


def test_every_record_of_a_kinesis_batch_has_shard_and_sequence() -> None:
    first, second = read({"Records": [streamed("495"), streamed("496")]})
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
    ids = {"kinesis": "shardId-000000000006:495"}
    assert first == {"s": "kinesis", "res": arn, "g": REGION, "ids": ids}
    assert second["ids"] == {"kinesis": "shardId-000000000006:496"}


def test_pipes_deliver_records_without_an_event_around_them() -> None:
    (cause,) = read([queued("hello", "q-1")])
    assert (cause["s"], cause["ids"]["sqs_message"]) == ("sqs", "q-1")


def test_event_bridge_rules_schedules_and_s3() -> None:
    ids = {"event_id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718"}
    assert read(bridged("shop", "Order placed", {"total": 5})) == [
        {"s": "events", "res": "shop", "name": "Order placed", "g": REGION, "t": TEN_S, "ids": ids}
    ]
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/hourly"
    assert read(bridged("aws.events", "Scheduled Event", {}, rule)) == [
        {
            "s": "schedule",
            "res": rule,
            "name": "Scheduled Event",
            "g": REGION,
            "t": TEN_S,
            "ids": ids,
        }
    ]
    (scheduler,) = read(bridged("aws.scheduler", "Scheduled Event", {}, SCHEDULE))
    assert (scheduler["s"], scheduler["res"]) == ("schedule", SCHEDULE)
    assert scheduler["ids"]["schedule_arn"] == SCHEDULE
    thing = {"key": "a+b%20.jpg", "size": 5, "etag": "b1946ac9", "version-id": "IYV3p45BT0ac",
             "sequencer": "00617F08299329D189"}  # fmt: skip
    detail = {"bucket": {"name": "photos"}, "object": thing, "request-id": "N4N7GDK58NMKJ12R"}
    (created,) = read(bridged("aws.s3", "Object Created", detail))
    assert created == {
        "s": "s3",
        "res": "photos",
        "key": "a+b%20.jpg",  # here it is not URL-encoded
        "name": "Object Created",
        "g": REGION,
        "t": TEN_S,
        "ids": {
            **ids,
            "s3_request": "N4N7GDK58NMKJ12R",
            "s3_version": "IYV3p45BT0ac",
            "s3_etag": "b1946ac9",
            "s3_seq": "00617F08299329D189",
        },
    }


@pytest.mark.parametrize(
    ("reason", "name"),
    [("Lifecycle Expiration", "LifecycleExpiration:Delete"), ("DeleteObject", "Object Deleted")],
)
def test_what_s3_deletes_by_its_rules_is_named_so(reason: str, name: str) -> None:
    detail = {"bucket": {"name": "photos"}, "object": {"key": "k"}, "reason": reason}
    (deleted,) = read(bridged("aws.s3", "Object Deleted", detail))
    assert deleted["name"] == name


@pytest.mark.parametrize(("event", "expected"), BY_KIND, ids=lambda value: value.get("s"))
def test_services_without_matching_ids_are_named_by_kind(event: Json, expected: Json) -> None:
    (cause,) = read(event)
    assert cause.items() >= expected.items()


def test_kafka_gives_one_cause_a_record_by_topic_partition_and_offset() -> None:
    def record(offset: int) -> Json:
        return {"topic": "clicks", "partition": 0, "offset": offset, "value": "c2VjcmV0"}

    event = {"eventSource": "aws:kafka", "records": {"clicks-0": [record(15), record(16)]}}
    assert read(event) == [
        {"s": "kafka", "res": "clicks", "key": "0:15"},
        {"s": "kafka", "res": "clicks", "key": "0:16"},
    ]
    assert read({**event, "eventSource": "SelfManagedKafka"})[0]["s"] == "kafka"


def test_firehose_and_analytics_keep_the_kinesis_ids_that_their_records_came_with() -> None:
    origin = {"shardId": "shardId-000000000001", "sequenceNumber": "495"}
    plain = {"recordId": "r", "data": "c2VjcmV0"}
    delivery = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/copy"
    firehose = {"invocationId": "i", "deliveryStreamArn": delivery, "region": REGION,
                "records": [{**plain, "kinesisRecordMetadata": origin}, plain]}  # fmt: skip
    assert read(firehose) == [
        {"s": "firehose", "res": delivery, "ids": {"kinesis": "shardId-000000000001:495"}},
        {"s": "firehose", "res": delivery, "hash": wire.data_hash(b"secret")},
    ]
    stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
    (fed, _) = read({**firehose, "sourceKinesisStreamArn": stream})
    assert (fed["res"], fed["name"]) == (stream, delivery)
    analytics = {"invocationId": "i", "applicationArn": "arn:aws:kinesisanalytics:a",
                 "records": [{**plain, "kinesisStreamRecordMetadata": origin}]}  # fmt: skip
    (cause,) = read(analytics)
    assert (cause["s"], cause["ids"]) == (
        "kinesisanalytics",
        {"kinesis": "shardId-000000000001:495"},
    )


@pytest.mark.parametrize(
    "event",
    [{"name": "photos", "key": "d1.jpg"}, {}, [1, 2], "text", 7, None, {"Records": []},
     {"Records": "none"}, {"Records": [{"mine": 1}]}, [{"mine": 1}]],
    ids=repr,
)  # fmt: skip
def test_whatever_is_of_no_known_kind_is_an_invoke_with_this_payload(event: Any) -> None:
    assert read(event) == [
        {
            "s": "lambda",
            "res": "Resize",
            "hash": wire.payload_hash(json.dumps(event)),
            "ids": {"lambda_request": Context().aws_request_id},
        }
    ]


@pytest.mark.parametrize("source", ["my-app", "ext:invokeCLI", "lib:invokeCLI:fn:77-ab"])
def test_a_payload_may_name_its_source(source: str) -> None:
    (cause,) = read({"eventSource": source, "n": 1})
    assert (cause["s"], cause["ids"]) == ("lambda", {"lambda_request": Context().aws_request_id})
    assert cause.get("caller") == ("77-ab" if source.startswith("lib:") else None)


def test_the_result_of_an_invocation_names_it() -> None:
    context = {
        "requestId": "77-ab",
        "functionArn": "arn:aws:lambda",
        "condition": "RetriesExhausted",
    }
    event = {"version": "1.0", "requestContext": context, "requestPayload": {"secret": 1}}
    assert read(event) == [
        {"s": "lambda", "name": "destination:RetriesExhausted", "caller": "77-ab"}
    ]


RESULT = {
    "version": "1.0",
    "requestContext": {
        "requestId": "77-ab",
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:work:$LATEST",
        "condition": "Success",
    },
    "requestPayload": {"Records": [{"eventSource": "aws:s3"}]},
}
BROUGHT = ("destination:Success", "77-ab")
OWN_SENDER = "AROAWTPYUEEUQM3LJFI6F:awslambda_475_20210122210759691"
DEAD_LETTER = {"RequestID": "77-ab", "ErrorCode": "200", "ErrorMessage": "secret"}


def test_a_table_of_another_account_is_told_from_one_of_the_same_name() -> None:
    own = change("INSERT", KEY, IMAGE)
    other = {**own, "eventSourceARN": own["eventSourceARN"].replace(ACCOUNT, "210987654321")}
    first, second = read({"Records": [own, other]})
    assert "account" not in first["ids"]
    assert second == {**first, "ids": {**first["ids"], "account": "210987654321"}}


def _sent(body: str, sender: str, **attributes: str) -> Json:
    told = {
        name: {"stringValue": value, "dataType": "String"} for name, value in attributes.items()
    }
    record = queued(body)
    return {
        **record,
        "attributes": {**record["attributes"], "SenderId": sender},
        "messageAttributes": told,
    }


def test_a_result_is_known_however_lambda_sends_it() -> None:
    result = json.dumps(RESULT)
    detail_type = "Lambda Function Invocation Result - Success"
    for event, service, kind in (
        ({"Records": [_sent(result, OWN_SENDER)]}, "sqs", "sqs_message"),
        ({"Records": [published(result)]}, "sns", "sns_message"),
        ({"Records": [queued(json.dumps(published(result)["Sns"]))]}, "sns", "sqs_message"),
        ({"Records": [queued(result)]}, "sqs", "sqs_message"),  # delivered raw by a topic
        (bridged("lambda", detail_type, RESULT, "arn:aws:lambda"), "events", "event_id"),
    ):
        (cause,) = read(event)
        assert (cause["s"], cause["name"], cause["caller"]) == (service, *BROUGHT)
        assert kind in cause["ids"]


def test_a_dead_letter_is_of_the_invocation_that_could_not_handle_it() -> None:
    body = json.dumps(bridged("shop", "Sold", {}))
    topical = published(body)
    topical["Sns"]["MessageAttributes"] = {
        name: {"Type": "String", "Value": value} for name, value in DEAD_LETTER.items()
    }
    for record in (_sent(body, OWN_SENDER, **DEAD_LETTER), topical):
        (cause,) = read({"Records": [record]})
        assert (cause["name"], cause["caller"]) == ("destination:DeadLetter", "77-ab")
        assert "event_id" not in cause["ids"]  # of what was handled before


def test_a_result_that_code_sent_on_is_its_own_message() -> None:
    (cause,) = read({"Records": [_sent(json.dumps(RESULT), "AROAWTPYUEEUQM3LJFI6F:forwarder")]})
    assert "caller" not in cause
    (cause,) = read({"Records": [_sent("{}", "AROAWTPYUEEUQM3LJFI6F:forwarder", **DEAD_LETTER)]})
    assert "caller" not in cause
    (cause,) = read(bridged("my.app", "Result", RESULT))
    assert "caller" not in cause


def test_a_state_machine_is_known_by_the_execution_that_it_passes_on() -> None:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:pipeline:0f9d"
    for event in ({"execution": arn, "n": 1}, {"Execution": {"Id": arn}}):
        (cause,) = read(event)
        assert cause["s"] == "stepfunctions"
        assert cause["ids"] == {
            "execution_arn": arn,
            "lambda_request": Context().aws_request_id,
        }
        assert cause["hash"] == wire.payload_hash(event)


def test_of_several_executions_none_is_taken_for_the_present_one() -> None:
    first, second = (f"arn:aws:states:{REGION}:{ACCOUNT}:execution:m:{n}" for n in (1, 2))
    behind = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": first}
    for event, execution in (
        ({"one": first, "other": second}, None),
        ({**behind, "execution": second}, second),
        ({"execution": second, **behind}, second),
        (behind, first),
    ):
        (cause,) = read(event)
        assert (cause["s"], cause["ids"].get("execution_arn")) == ("stepfunctions", execution)


def test_a_schedule_is_known_by_the_arn_that_its_input_holds() -> None:
    (cause,) = read({"job": "report", "by": {"schedule": SCHEDULE}})
    assert (cause["s"], cause["ids"]["schedule_arn"]) == ("schedule", SCHEDULE)


def test_what_a_catch_hands_on_comes_from_a_state_machine() -> None:
    (cause,) = read({"Error": "States.Timeout", "Cause": "slow"})
    assert cause["s"] == "stepfunctions"


AWS_SAMPLES = sorted((Path(__file__).parents[2] / "data" / "aws-events").glob("*.json"))


# Of these two, the function is the one that calls Batch: they come from whoever invokes it.
DIRECT = {"batch-get-job", "batch-submit-job"}


@pytest.mark.parametrize("sample", AWS_SAMPLES, ids=lambda sample: sample.stem)
def test_every_sample_event_of_aws_has_a_cause_of_its_kind(sample: Path) -> None:
    event = json.loads(sample.read_text())
    found = read(event)
    records = event.get("Records") or event.get("records")
    assert len(found) == (len(records) if isinstance(records, list) else 1)
    for cause in found:
        assert (cause["s"] == "lambda") is (sample.stem in DIRECT)
        assert cause["s"] != "unknown"


@pytest.mark.parametrize(
    ("at", "at_s"),
    [
        ("2026-03-01T10:00:00Z", 1772359200.0),
        ("2024-02-29T23:59:59.125Z", 1709251199.125),
        ("1999-12-31T00:00:00+00:00", 946598400.0),
        (1772359200, 1772359200.0), (1772359200.5, 1772359200.5), ("1772359200500", 1772359200.5),
        (1772359200500, 1772359200.5),
        ("noon", None), ("2026-03-01Tnoon", None), (None, None), (True, None), ({}, None),
        (float("nan"), None), (float("inf"), None), (-5, None), ("", None), ("1e999", None),
    ],
)  # fmt: skip
def test_times_are_read_as_the_services_write_them(at: Any, at_s: float | None) -> None:
    assert seconds(at) == at_s


def test_a_very_large_payload_is_not_hashed() -> None:
    (large,) = read({"rows": ["x" * 1000] * 2000})
    assert "hash" not in large
    (many,) = read(list(range(200_000)))
    assert "hash" not in many
    (fits,) = read({"rows": ["x" * 1000] * 900})
    assert "hash" in fits
