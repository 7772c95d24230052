"""Every kind of trigger: what both halves show, and the grade that follows."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from causality.document import graph_document
from causality.hops import hop_of
from causality.problems import problems
from causality.records import decode_page
from gammaray_recorder import wire
from tests.unit.causality import world_records
from tests.unit.causality.story import Story, T, changed, request, update

_QUEUE = "arn:aws:sqs:us-west-2:123456789012:work"
_TOPIC = "arn:aws:sns:us-west-2:123456789012:news"
_STREAM = "arn:aws:kinesis:us-west-2:123456789012:stream/clicks"
_URL = "POST abc.lambda-url.us-west-2.on.aws/"
_EXECUTION = "arn:aws:states:us-west-2:123456789012:execution:flow:1"
_SHARD = "shardId-000000000001:495"


def _call(service: str, operation: str, *outputs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    call = {"k": "c", "i": "c1", "t": T + 0.1, "d": 0.02, "s": service, "o": operation}
    return {**call, "g": "us-west-2", "out": list(outputs), **fields}


def _object(key: str = "in/a b.jpg", **ids: str) -> dict[str, Any]:
    return {"res": "photos", "key": key, "ids": ids}


def _notified(name: str = "ObjectCreated:Put", key: str = "in/a b.jpg", **ids: str) -> Any:
    return {"s": "s3", "res": "photos", "key": key, "name": name, "ids": ids}


class Hop(NamedTuple):
    call: dict[str, Any]
    cause: dict[str, Any]
    evidence: str | None  # None for no edge at all


HOPS = {
    "S3, request id": Hop(
        _call("s3", "PutObject", _object(s3_request="R1", s3_etag="e")),
        _notified(s3_request="R1", s3_etag="e"),
        "exact",
    ),
    "S3, another request id": Hop(
        _call("s3", "PutObject", _object(s3_request="R1", s3_etag="e")),
        _notified(s3_request="R2", s3_etag="e"),
        None,
    ),
    "S3, version only": Hop(
        _call("s3", "CopyObject", _object(s3_version="v1")), _notified(s3_version="v1"), "exact"
    ),
    "S3, version of another key": Hop(
        _call("s3", "CopyObject", _object("other", s3_version="v1")),
        _notified(s3_version="v1"),
        None,
    ),
    "S3, the version was deleted later": Hop(
        _call("s3", "PutObject", _object(s3_request="R1", s3_version="v1")),
        _notified("ObjectRemoved:Delete", s3_request="R2", s3_version="v1"),
        None,
    ),
    "S3, the version was tagged later": Hop(
        _call("s3", "PutObject", _object(s3_version="v1")),
        _notified("ObjectTagging:Put", s3_version="v1"),
        None,
    ),
    "S3, a marker of a delete": Hop(
        _call("s3", "DeleteObject", _object(s3_version="v2")),
        _notified("ObjectRemoved:DeleteMarkerCreated", s3_version="v2"),
        "exact",
    ),
    "S3, versioning suspended": Hop(
        _call("s3", "PutObject", _object(s3_request="R1", s3_version="null")),
        _notified(s3_request="R2", s3_version="null"),
        None,
    ),
    "S3, a copy is no put": Hop(
        _call("s3", "PutObject", _object(s3_etag="e")), _notified("ObjectCreated:Copy"), None
    ),
    "S3, a copy": Hop(
        _call("s3", "CopyObject", _object(s3_etag="e")),
        _notified("s3:ObjectCreated:Copy", s3_etag="e"),
        "content",
    ),
    "S3, ETag only": Hop(
        _call("s3", "PutObject", _object(s3_etag='"e"')), _notified(s3_etag="e"), "content"
    ),
    "S3, other bytes": Hop(
        _call("s3", "PutObject", _object(s3_etag="e")), _notified(s3_etag="f"), None
    ),
    "S3, local request ids": Hop(
        _call("s3", "PutObject", _object(s3_request="R1", s3_etag="e"), local=1),
        _notified(s3_request="R2", s3_etag="e"),
        "content",
    ),
    "S3, multipart": Hop(
        _call("s3", "CompleteMultipartUpload", _object(s3_request="R1", s3_etag="e-2")),
        _notified("ObjectCreated:CompleteMultipartUpload", s3_request="R1", s3_etag="e-2"),
        "exact",
    ),
    "S3, delete is no put": Hop(
        _call("s3", "DeleteObject", _object()), _notified(s3_etag="e"), None
    ),
    "S3, delete by order": Hop(
        _call("s3", "DeleteObject", _object()), _notified("ObjectRemoved:Delete"), "order"
    ),
    "S3 through EventBridge": Hop(
        _call("s3", "PutObject", _object(s3_request="R1")),
        _notified("Object Created", event_id="e1", s3_request="R1"),
        "exact",
    ),
    "SNS": Hop(
        _call("sns", "Publish", {"res": _TOPIC, "ids": {"sns_message": "m"}}),
        {"s": "sns", "res": _TOPIC, "ids": {"sns_message": "m"}},
        "exact",
    ),
    "SNS through SQS": Hop(
        _call("sns", "Publish", {"res": _TOPIC, "ids": {"sns_message": "m"}}),
        {"s": "sns", "res": _TOPIC, "ids": {"sqs_message": "q", "sns_message": "m"}},
        "exact",
    ),
    "SNS through SQS, raw": Hop(
        _call("sns", "Publish", {"res": _TOPIC, "ids": {"sns_message": "m"}}),
        {"s": "sqs", "res": _QUEUE, "ids": {"sqs_message": "q"}},
        None,
    ),
    "SQS": Hop(
        _call("sqs", "SendMessage", {"res": _QUEUE, "ids": {"sqs_message": "q"}}),
        {"s": "sqs", "res": _QUEUE, "ids": {"sqs_message": "q", "trace_root": "1-a-b"}},
        "exact",
    ),
    "EventBridge": Hop(
        _call("events", "PutEvents", {"res": "default", "ids": {"event_id": "e"}}),
        {"s": "events", "res": "shop", "ids": {"event_id": "e"}},
        "exact",
    ),
    "EventBridge, transformed": Hop(
        _call("events", "PutEvents", {"res": "default", "ids": {"event_id": "e"}}),
        {"s": "lambda", "res": "fn", "hash": "h"},
        None,
    ),
    "Kinesis": Hop(
        _call("kinesis", "PutRecord", {"res": _STREAM, "ids": {"kinesis": _SHARD}}),
        {"s": "kinesis", "res": _STREAM, "ids": {"kinesis": _SHARD}},
        "exact",
    ),
    "Kinesis, the same number in another stream": Hop(
        _call("kinesis", "PutRecord", {"res": f"{_STREAM}2", "ids": {"kinesis": _SHARD}}),
        {"s": "kinesis", "res": _STREAM, "ids": {"kinesis": _SHARD}},
        None,
    ),
    "Kinesis, a stream of that name in another region": Hop(
        _call("kinesis", "PutRecord", {"res": _STREAM, "ids": {"kinesis": _SHARD}}, g="eu-west-1"),
        {"s": "kinesis", "res": _STREAM, "ids": {"kinesis": _SHARD}},
        None,
    ),
    "Invoke": Hop(
        _call("lambda", "Invoke", {"res": "fn", "ids": {"lambda_request": "child"}, "hash": "h"}),
        {"s": "lambda", "res": "fn", "ids": {"lambda_request": "child"}, "hash": "h"},
        "exact",
    ),
    "Invoke with an event that was received": Hop(
        _call("lambda", "Invoke", {"res": "fn", "ids": {"lambda_request": "child"}, "hash": "h"}),
        {"s": "http", "res": "GET host/", "ids": {"apigw_request": "g"}},
        "exact",
    ),
    "Invoke on a local AWS": Hop(
        _call(
            "lambda",
            "Invoke",
            {"res": "fn", "ids": {"lambda_request": "other"}, "hash": "h"},
            local=1,
        ),
        {"s": "lambda", "res": "fn", "ids": {"lambda_request": "child"}, "hash": "h"},
        "content",
    ),
    "Invoke of another function": Hop(
        _call("lambda", "Invoke", {"res": "other", "hash": "h"}, local=1),
        {"s": "lambda", "res": "fn", "hash": "h"},
        None,
    ),
    "function URL": Hop(
        _call("http", "HTTP", {"res": _URL, "ids": {"apigw_request": "g"}}, res=_URL),
        {"s": "http", "res": _URL, "name": "function-url", "ids": {"apigw_request": "g"}},
        "exact",
    ),
    "HTTP to a domain of one's own": Hop(
        _call("http", "HTTP", {"res": "GET shop.org/", "ids": {"apigw_request": "g"}}, local=1),
        {"s": "http", "res": "GET shop.org/", "name": "http-api", "ids": {"apigw_request": "g"}},
        "exact",
    ),
    "traceparent, through a stage": Hop(
        request("c1", T, "GET api.example.com/prod/items/1", parent="t"),
        {"s": "http", "res": "GET API.example.com/items/1", "ids": {"traceparent": "t"}},
        "exact",
    ),
    "traceparent, another path": Hop(
        request("c1", T, "GET api.example.com/a", parent="t"),
        {"s": "http", "res": "GET api.example.com/b", "ids": {"traceparent": "t"}},
        "ambiguous",
    ),
    "traceparent, through VPC Lattice": Hop(
        request("c1", T, "PUT items.vpc-lattice-svcs.us-west-2.on.aws/items", parent="t"),
        {
            "s": "http",
            "name": "vpc-lattice",
            "res": "PUT items.vpc-lattice-svcs.us-west-2.on.aws/items",
            "ids": {"traceparent": "t"},
        },
        "exact",
    ),
    "Kinesis, by a consumer of the stream": Hop(
        _call("kinesis", "PutRecord", {"res": _STREAM, "ids": {"kinesis": _SHARD}}),
        {"s": "kinesis", "res": f"{_STREAM}/consumer/fan:1525898737", "ids": {"kinesis": _SHARD}},
        "exact",
    ),
    "the end of a tumbling window": Hop(
        _call("kinesis", "PutRecord", {"res": _STREAM, "ids": {"kinesis": _SHARD}}),
        {"s": "window", "res": _STREAM},
        None,
    ),
    "a schedule, written before it fired": Hop(
        _call("scheduler", "CreateSchedule", {"res": "fn", "ids": {"schedule_arn": "s"}}),
        {"s": "schedule", "res": "s", "ids": {"schedule_arn": "s"}},
        "exact",
    ),
    "a schedule, written again after it fired": Hop(
        _call("scheduler", "UpdateSchedule", {"res": "fn", "ids": {"schedule_arn": "s"}}, t=T + 60),
        {"s": "schedule", "res": "s", "ids": {"schedule_arn": "s", "event_id": "e"}},
        None,
    ),
    "Step Functions": Hop(
        _call(
            "stepfunctions", "StartExecution", {"res": "m", "ids": {"execution_arn": _EXECUTION}}
        ),
        {"s": "stepfunctions", "res": "fn", "ids": {"execution_arn": _EXECUTION}},
        "exact",
    ),
    "Step Functions, started again by name": Hop(
        _call(
            "stepfunctions",
            "StartExecution",
            {"res": "m", "ids": {"execution_arn": _EXECUTION}},
            t=T + 60,
        ),
        {"s": "stepfunctions", "res": "fn", "ids": {"execution_arn": _EXECUTION}},
        None,
    ),
    "DynamoDB, content": Hop(
        _call("dynamodb", "PutItem", {"res": "orders", "hash": "h"}), changed(hash="h"), "content"
    ),
    "DynamoDB, another item": Hop(
        _call("dynamodb", "PutItem", {"res": "orders", "hash": "h"}), changed(hash="i"), None
    ),
    "DynamoDB, another table": Hop(
        _call("dynamodb", "PutItem", {"res": "other", "hash": "h"}), changed(hash="h"), None
    ),
    "DynamoDB, another region": Hop(
        _call("dynamodb", "PutItem", {"res": "orders", "hash": "h"}, g="eu-west-1"),
        changed(hash="h"),
        None,
    ),
    "DynamoDB, order": Hop(update("c1", T), changed(hash="h"), "order"),
    "DynamoDB, another key": Hop(update("c1", T, "b"), changed(hash="h"), None),
    "DynamoDB, expired": Hop(
        {**update("c1", T), "o": "DeleteItem"}, changed(name="REMOVE:ttl"), None
    ),
    "DynamoDB, refused": Hop(
        {**update("c1", T), "err": "ConditionalCheckFailedException", "out": []}, changed(), None
    ),
    "DynamoDB, written long after": Hop(update("c1", T), changed(t=int(T) + 30), None),
}


@pytest.mark.parametrize("name", HOPS)
@pytest.mark.parametrize("called_first", [True, False])
def test_a_call_and_a_cause_make_the_edge_that_they_prove(name: str, called_first: bool) -> None:
    hop = HOPS[name]
    story = Story()
    told: list[tuple[str, float, Any, str]] = [
        ("parent", T, {"events": (hop.call,)}, "caller"),
        ("child", T + 0.4, {"causes": (hop.cause,)}, "fn"),
    ]
    for request_id, at_s, rest, function in told[:: 1 if called_first else -1]:
        story.invocation(
            request_id,
            at_s,
            *rest.get("events", ()),
            causes=rest.get("causes", ()),
            function=function,
        )
    story.engine.finish()
    (cause,) = story.engine.invocations["child"].causes
    found = None if cause.edge is None else cause.edge.evidence
    assert found == hop.evidence
    if hop.evidence not in (None, "ambiguous"):
        assert cause.edge is not None
        assert cause.edge.call is not None
        assert cause.edge.call.id == "c1"


def test_one_delete_of_many_objects_starts_each_its_own() -> None:
    story = Story()
    keys = [f"in/{n}" for n in range(4)]
    outputs = [_object(key, s3_request="R1") for key in keys]
    story.invocation("parent", T, _call("s3", "DeleteObjects", *outputs), function="caller")
    for key in keys:
        cause = _notified("ObjectRemoved:Delete", key, s3_request="R1")
        story.invocation(f"child {key}", T + 0.4, causes=(cause,))
    story.engine.finish()
    for key in keys:
        edge = story.edge(f"child {key}")
        assert (edge.evidence, edge.call is not None) == ("exact", True)
        assert [field for field in story.why(f"child {key}").fields if field[0] == "key"] == [
            ("key", key, key)
        ]


def test_a_request_is_named_by_its_method_and_where_it_went() -> None:
    story = Story()
    to = "GET api.example.com/items/1"
    story.invocation("parent", T, request("c1", T, to, parent="t"), function="caller")
    cause = {"s": "http", "name": "http-api", "res": to, "ids": {"traceparent": "t"}}
    story.invocation("child", T + 0.4, causes=(cause,))
    story.engine.finish()
    assert hop_of(story.edge("child")) == ("GET", "api.example.com/items/1")
    child = graph_document(story.engine).invocations[1]
    assert child.cause == "http-api GET api.example.com/items/1"


def test_every_resolver_of_one_request_to_appsync_is_its_own() -> None:
    story = Story()
    to = "POST abc.appsync-api.us-west-2.amazonaws.com/graphql"
    story.invocation("parent", T, request("c1", T, to, parent="t"), function="caller")
    names = ("Query.me", "Query.orders")
    for name in names:
        cause = {"s": "appsync", "name": name, "ids": {"traceparent": "t"}}
        story.invocation(name, T + 0.4, causes=(cause,))
    story.engine.finish()
    assert [story.edge(name).evidence for name in names] == ["exact"] * 2
    assert hop_of(story.edge(names[0])) == tuple(to.split())


@pytest.mark.parametrize(("later_s", "evidence"), [(0.2, "ambiguous"), (30.0, "exact")])
@pytest.mark.parametrize(
    ("service", "kind"),
    [("stepfunctions", "execution_arn"), ("sqs", "sqs_message"), ("sns", "sns_message")],
)
def test_what_is_sent_again_is_of_who_sent_it_first(
    later_s: float, evidence: str, service: str, kind: str
) -> None:
    story = Story()
    # An execution has a name, a message of a FIFO queue or topic a deduplication id.
    sent = {"res": "m", "ids": {kind: "1"}}
    for name, at_s in (("first", T), ("second", T + later_s)):
        call = _call(service, "Send", sent, t=at_s + 0.1)
        story.invocation(name, at_s, call, function="caller")
    cause = {"s": service, "res": "m", "ids": {kind: "1"}}
    story.invocation("child", T + 60, causes=(cause,))
    edge = story.edge("child")
    assert edge.evidence == evidence
    assert (edge.parent and edge.parent.request_id) == (None if later_s < 1 else "first")


@pytest.mark.parametrize("others", [True, False])
def test_who_wrote_an_item_is_certain_where_both_calls_are_its_own(others: bool) -> None:
    story = Story()
    key = wire.attribute_hash("id", {"S": "a"})
    put = {"res": "orders", "hash": "h", "ah": {"id": key}}
    again = update("c2", T + 0.2)  # it shows no content: it may have given the item this one
    story.invocation("parent", T, _call("dynamodb", "PutItem", put), function="caller")
    story.invocation("other" if others else "parent", T, again, function="caller")
    story.invocation("child", T + 0.6, causes=(changed(hash="h"),))
    story.engine.finish()
    edge = story.edge("child")
    assert [call.id for call in edge.candidates] == ["c1", "c2"]
    assert edge.evidence == ("ambiguous" if others else "content")
    assert (edge.parent is None) == others


_OTHER = {"account": "210987654321"}  # what our recorder tells of a table of another account


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("by_content", [False, True])
@pytest.mark.parametrize(
    ("output_ids", "cause_ids", "evidence"),
    [
        ({}, {}, "ambiguous"),  # the caller may have taken on a role of the other account
        (_OTHER, {}, "content"),
        ({}, {"account": "123456789012"}, "content"),
        (_OTHER, {"account": "123456789012"}, "ambiguous"),
    ],
)
def test_a_table_of_the_same_name_in_another_account_is_another_table(
    output_ids: dict[str, str],
    cause_ids: dict[str, str],
    evidence: str,
    by_content: bool,
    own: bool,
) -> None:
    story = Story()
    call = update("c1", T)
    (output,) = call["out"]
    output["ids"] = output_ids
    cause = changed(t=int(T), ids=cause_ids)
    if by_content:
        output["hash"] = cause["hash"] = "h"
    story.invocation("child", T + 0.4, causes=(cause,), account=_OTHER["account"])
    story.invocation("elsewhere", T, call, function="caller")
    if own:
        mine = {**call, "i": "c2", "out": [{**output, "ids": {}}]}
        account = cause_ids.get("account", _OTHER["account"])
        story.invocation("mine", T, mine, function="caller", account=account)
    story.engine.finish()
    edge = story.edge("child")
    if own and evidence == "ambiguous":
        assert edge.parent is not None
        assert edge.parent.request_id == "mine"
    elif not own:
        assert edge.evidence == (evidence if by_content or evidence == "ambiguous" else "order")
        if evidence == "ambiguous":
            assert [call.invocation.request_id for call in edge.candidates] == ["elsewhere"]
            assert "another account" in story.why("child").summary


@pytest.mark.parametrize("sent_on", [False, True])
def test_a_result_is_of_its_invocation_unless_a_recorded_call_sent_it_on(sent_on: bool) -> None:
    story = Story()
    told: dict[str, Any] = {"s": "sqs", "res": _QUEUE, "name": "destination:Success"}
    told |= {"caller": "worker", "ids": {"sqs_message": "q"}}
    story.invocation("child", T + 1, causes=(told,))
    assert not story.engine.waiting.keys().isdisjoint(story.engine.invocations["child"].causes)
    story.invocation("worker", T, function="worker")
    sent = _call("sqs", "SendMessage", {"res": _QUEUE, "ids": {"sqs_message": "q"}})
    story.invocation("sender", T, *([sent] if sent_on else ()), function="sender")
    story.engine.finish()
    edge = story.edge("child")
    assert edge.evidence == "exact"
    assert edge.parent is not None
    assert edge.parent.request_id == ("sender" if sent_on else "worker")
    assert (edge.call is not None) == sent_on
    summary = story.why("child").summary
    assert ("handed on the result" in summary) == (not sent_on)


def test_a_result_is_of_no_invoke_of_the_same_function() -> None:
    story = Story()
    record = {"id": "c1", "gr_payload": "pl:Invoke:us-west-2:FunctionName:fn"}
    image = {"reqID": {"S": "worker:1"}, "payload": {"S": json.dumps(record)}}
    image["ts"] = {"N": str(int(T * 1000))}
    page = decode_page(world_records.page([{"dynamodb": {"NewImage": image}}]))
    story.engine.apply_records(page.records)
    result = {"s": "lambda", "name": "destination:Success", "caller": "worker"}
    story.invocation("child", T + 1, causes=(result,))
    edge = story.edge("child")
    assert edge.parent is not None
    assert (edge.parent.request_id, edge.candidates) == ("worker", ())


@pytest.mark.parametrize("operation", ["BatchWriteItem", "TransactWriteItems"])
def test_each_item_of_a_batch_has_its_edge(operation: str) -> None:
    story = Story()
    puts = [{"res": "orders", "hash": f"h{n}"} for n in range(3)]
    removed = {"res": "orders", "key": '[["id","S","gone"]]'}
    if operation == "TransactWriteItems":
        removed["o"] = "delete"
    story.invocation("parent", T, _call("dynamodb", operation, *puts, removed), function="caller")
    causes = [changed(str(n), hash=f"h{n}") for n in (2, 0, 1)]
    causes.append(changed("gone", name="REMOVE"))
    story.invocation("child", T + 0.4, causes=tuple(causes))
    story.engine.finish()
    found = [cause.edge for cause in story.engine.invocations["child"].causes]
    assert [edge.evidence for edge in found if edge is not None] == ["content"] * 3 + ["order"]
    assert all(edge is not None and edge.call is not None for edge in found)


@pytest.mark.parametrize(
    ("cause", "kinds"),
    [
        ({"s": "schedule", "res": "arn:aws:events:us-west-2:1:rule/r"}, set()),
        ({"s": "lambda", "res": "fn", "hash": "h"}, set()),
        ({"s": "http", "res": "GET host/"}, set()),
        (changed(name="REMOVE:ttl"), set()),
        (_notified("LifecycleExpiration:Delete"), set()),
        ({"s": "events", "res": "aws.ec2", "ids": {"event_id": "e"}}, set()),
        ({"s": "events", "res": "shop", "ids": {"event_id": "e"}}, {"orphan"}),
        (_notified(s3_request="R"), {"orphan"}),
        (changed(hash="h"), {"orphan"}),
        ({"s": "sqs", "res": _QUEUE, "ids": {"sqs_message": "q"}}, {"orphan"}),
    ],
)
def test_who_comes_from_outside_is_a_root_or_an_orphan(
    cause: dict[str, Any], kinds: set[str]
) -> None:
    story = Story()
    story.invocation("r", T, causes=(cause,))
    story.engine.finish()
    assert {problem.kind for problem in problems(story.engine, T + 1000)} == kinds
