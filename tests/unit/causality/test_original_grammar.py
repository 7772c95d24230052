"""Generation 1: every call and cause that the original's wrapper can write, and what it says."""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary
from hypothesis import given, settings
from hypothesis import strategies as st

from causality import names
from causality.document import graph_document
from causality.engine import Engine
from causality.facts import Call, Cause, Output, Start, UnreadablePayload
from causality.reading import gen1
from causality.records import decode_page
from gammaray_recorder import wire
from tests.unit.causality import world_records

T = 1_795_000_000.0
AT = datetime(2017, 10, 5, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-west-2:123456789012:topic"
OTHER = "arn:aws-cn:sns:cn-north-1:123456789012:other.fifo"
STREAM = "arn:aws:dynamodb:us-west-2:1:table/my.t-1/stream/2026-11-22T14:35:00.428"


def _call(operation: str, text: str, region: str = "us-west-2") -> Call:
    segment = {"id": "c1", "gr_payload": f"pl:{operation}:{region}{text}", "start_time": 5.0}
    (fact,) = gen1.decode("request:12345678", json.dumps(segment), 9.0).facts
    assert isinstance(fact, Call)
    return fact


def _cause(trigger: str, name: str = "fn") -> Cause:
    arn = f"arn:aws:lambda:us-west-2:123456789012:function:{name}"
    (fact,) = gen1.decode("request:entry12345678", f"pl:{arn}{trigger}", 9.0).facts
    assert isinstance(fact, Start)
    assert fact.arn == arn
    (cause,) = fact.causes
    return cause


def _text(pairs: dict[str, Any]) -> str:
    """Write keyword arguments as the original's wrapper did."""
    skipped = ("Body", "msg", "Payload")
    return "".join(f":{name}:{value}" for name, value in pairs.items() if name not in skipped)


# --- any call with anything in it -----------------------------------------------------------

PIECES = (
    *("a", "some text", "it's", '"', "{'a': 'b'}", '{"Subject": ":Key:"}', "é☃", "\n", ":", "%2B+"),
    *(":es:ext:invokeCLI", ":op:", "pl:", "arn:aws:s3:::b", "12:30:05", "a=b&c=d", "[1, 2]"),
    *(
        ":Subject:s",
        ":Message:m",
        f":TopicArn:{OTHER}",
        ":PhoneNumber:+1",
        ":MessageStructure:json",
    ),
    *(":Key:k", ":Bucket:b", ":ACL:private", ":ContentType:image/png", ":Metadata:{'a': 'b'}"),
    *(
        ":TableName:t",
        ":Key:{'id': 'k'}",
        ":Item:{'id': 'k'}",
        ":Key",
        ":Item",
        ":ReturnValues:NONE",
    ),
    *(":FunctionName:f", ":InvocationType:DryRun", ":Qualifier:1"),
)
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)
scalars = st.one_of(
    texts,
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.binary(max_size=4).map(Binary),
)
others: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, {"S"}, [1, {"a": None}], {"M": {}}, OrderedDict(a=1), AT]
)
items = st.dictionaries(texts, scalars | others, max_size=4)
keys = st.dictionaries(texts, scalars, min_size=1, max_size=2)


def _order(pairs: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.permutations(list(pairs.items())).map(dict)


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    return {"B": bytes(value.value)} if isinstance(value, Binary) else {"N": str(value)}


def _written(draw: st.DrawFn, values: dict[str, Any]) -> Any:
    """Give an item as a resource takes it, or as a client does, in one class or another."""
    scalar = {name: value for name, value in values.items() if isinstance(value, SCALARS)}
    if len(scalar) == len(values) and draw(st.booleans()):
        values = {name: _typed(value) for name, value in values.items()}
    return draw(st.sampled_from([dict, OrderedDict]))(values)


SCALARS = (str, int, Decimal, Binary)


def _hashes(values: dict[str, Any]) -> dict[str, str]:
    return {
        name: wire.attribute_hash(name, _typed(value))
        for name, value in values.items()
        if isinstance(value, SCALARS) and not isinstance(value, bool)
    }


@st.composite
def table_calls(draw: st.DrawFn) -> tuple[str, dict[str, Any], Output]:
    """Give a call to a table, and what it triggers with."""
    operation = draw(st.sampled_from(["PutItem", "UpdateItem", "DeleteItem"]))
    name = draw(st.sampled_from(["my.t-1", "arn:aws-us-gov:dynamodb:us-gov-west-1:1:table/my.t-1"]))
    pairs: dict[str, Any] = {"TableName": name}
    for keyword in draw(st.sets(st.sampled_from(["ConditionExpression", "UpdateExpression"]))):
        if keyword == "ConditionExpression" or operation == "UpdateItem":
            pairs[keyword] = f"SET a = {draw(texts)}"
    if draw(st.booleans()):
        pairs["ExpressionAttributeValues"] = {f":{draw(texts)}": draw(texts)}
    pairs["ReturnValues"] = "ALL_OLD"
    if operation == "PutItem":
        values = draw(items)
        pairs["Item"] = _written(draw, values)
        output = Output("my.t-1", attribute_hashes=_hashes(values), operation="put")
    else:
        key = draw(keys)
        pairs["Key"] = _written(draw, key)
        canonical = wire.canonical_key({n: _typed(value) for n, value in key.items()})
        what = "delete" if operation == "DeleteItem" else "put"
        output = Output("my.t-1", canonical, operation=what)
    return operation, draw(_order(pairs)), output


@st.composite
def object_calls(draw: st.DrawFn) -> tuple[str, dict[str, Any], Output]:
    """Give a call to a bucket, and what it triggers with."""
    bucket = draw(st.sampled_from(["my.bucket", "arn:aws:s3:us-west-2:1:accesspoint:ap"]))
    key = draw(texts)
    pairs: dict[str, Any] = {"Bucket": bucket, "Key": key}
    if draw(st.booleans()):
        pairs["VersionId"] = "null"
        return "DeleteObject", draw(_order(pairs)), Output(bucket, key, operation="delete")
    more = {
        "Body": b"never written",
        "ACL": "public-read",
        "ContentType": draw(st.sampled_from(["", "binary", "text/html; charset=utf-8", "a/b"])),
        "CacheControl": "max-age=60",
        "Expires": AT,
        "Metadata": {"a": draw(texts)},
    }
    for keyword in draw(st.sets(st.sampled_from(list(more)), max_size=2)):
        pairs[keyword] = more[keyword]
    return "PutObject", draw(_order(pairs)), Output(bucket, key, operation="put")


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, dict[str, Any], Output]:
    """Give a message to a topic, and what it triggers with."""
    target = draw(st.sampled_from(["TopicArn", "TargetArn"]))
    topic = draw(st.sampled_from([TOPIC, OTHER]))
    pairs: dict[str, Any] = {target: topic, "Message": draw(texts)}
    subject = draw(st.none() | texts)
    if subject is not None:
        pairs["Subject"] = subject
    if draw(st.booleans()):
        pairs["MessageAttributes"] = {"a": {"DataType": "String", "StringValue": draw(texts)}}
    return "Publish", draw(_order(pairs)), Output(topic, subject=subject or "None")


@settings(max_examples=400)
@given(table_calls() | object_calls() | messages())
def test_a_call_is_among_its_readings_whatever_its_order_and_values(
    made: tuple[str, dict[str, Any], Output],
) -> None:
    operation, pairs, expected = made
    call = _call(operation, _text(pairs))
    likeliest, *less_likely = call.outputs
    assert all(output.doubtful for output in less_likely)
    likeliest.doubtful = False  # it is, where the likeliest reading of all is of no topic
    for output in less_likely:
        output.doubtful = False
    assert expected in call.outputs


# --- single ones ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["", "binary", "image/png", 'a/b; profile="http://c:80/d"', "x;y"])
def test_an_object_is_known_whatever_its_type(kind: str) -> None:
    call = _call("PutObject", f":Bucket:b:Key:k:ContentType:{kind}")
    assert (call.key, call.outputs[0].key, call.outputs[0].doubtful) == ("k", "k", False)


@pytest.mark.parametrize(
    "text",
    [
        f":PhoneNumber:+1 (555) 0100:Message:see :TopicArn:{TOPIC}",
        f":Message:see :TopicArn:{TOPIC}:PhoneNumber:+15550100",
        ":TopicArn::Message:m",
    ],
)
def test_a_message_to_a_telephone_is_none_to_a_topic(text: str) -> None:
    call = _call("Publish", text)
    assert (call.resource, call.outputs) == (None, ())


def test_a_message_to_a_device_is_none_to_a_topic_that_it_names() -> None:
    device = "arn:aws:sns:us-west-2:1:endpoint/GCM/app/x"
    call = _call("Publish", f":TargetArn:{device}:Message:a:TopicArn:{TOPIC}")
    assert [output.resource for output in call.outputs] == [device]


@pytest.mark.parametrize(
    "name",
    [
        *("fn", "fn:live", "fn:$LATEST", "fn:$LATEST.PUBLISHED", "function:fn"),
        *("123456789012:fn", "123456789012:function:fn:live", "us-west-2:123456789012:function:fn"),
        *("us-gov-west-1:123456789012:function:fn:7", "us-west-2:123456789012:fn:live"),
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:fn:es",
    ],
)
def test_a_function_is_known_by_all_that_invoke_takes(name: str) -> None:
    assert names.bare_function(name) == "fn"
    for later, pairs in (
        ("event", {"FunctionName": name, "InvocationType": "Event", "Payload": b"{}"}),
        (
            None,
            {"LogType": "Tail", "Qualifier": "v", "FunctionName": name, "ClientContext": "e30="},
        ),
    ):
        call = _call("Invoke", _text(pairs))
        assert call.resource == "fn"
        assert [output.operation for output in call.outputs] == [later]


@pytest.mark.parametrize(
    "item",
    [
        OrderedDict(id="k", n=1),
        defaultdict(dict, {"id": "k", "n": 1}),
        "OrderedDict([('id', 'k'), ('n', 1)])",  # as Python wrote it before 3.12
        {"id": "k", "n": 1, "at": AT, "list": [OrderedDict(id="x")], "f": None},
    ],
)
def test_an_item_is_known_whatever_its_class(item: Any) -> None:
    (output,) = _call("PutItem", _text({"Item": item, "TableName": "t"})).outputs
    assert output.attribute_hashes == _hashes({"id": "k", "n": 1})


def test_a_batch_is_known_whatever_its_class() -> None:
    requests = {
        "arn:aws:dynamodb:us-west-2:1:table/t": [{"PutRequest": {"Item": OrderedDict(id="k")}}]
    }
    call = _call("BatchWriteItem", _text({"RequestItems": OrderedDict(requests)}))
    (output,) = call.outputs
    assert (call.resource, output.attribute_hashes) == ("t", _hashes({"id": "k"}))


def test_a_key_of_which_a_part_cannot_be_read_is_no_key() -> None:
    (output,) = _call("DeleteItem", ":TableName:t:Key:{'id': 'k', 'sk': Thing()}").outputs
    assert (output.resource, output.key) == ("t", None)


@pytest.mark.parametrize("text", [r"{'id': 'a\q'}", r"{'id': '\400'}", r"{'id': '\ud800'}"])
def test_what_python_never_writes_is_left_out_without_a_warning(text: str) -> None:
    (output,) = _call("PutItem", f":TableName:t:Item:{text[:-1]}, 'n': 1}}").outputs
    assert output.attribute_hashes == _hashes({"n": 1})


@pytest.mark.parametrize("region", ["None", ""])
def test_a_client_without_a_region_is_one_all_the_same(region: str) -> None:
    call = _call("PutObject", ":Bucket:b:Key:k", region)
    assert (call.region, call.resource) == (None, "b")


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("ListObjectsV2", ":Bucket:b"),
        ("StartExecution", ":stateMachineArn:arn:aws:states:u:1:stateMachine:m:input:{}"),
        ("TransactWriteItems", ":TransactItems:[{'Put': {'TableName': 't', 'Item': {}}}]"),
        ("SendMessage", ":QueueUrl:https://sqs.u.amazonaws.com/1/q:MessageBody:{}"),
    ],
)
def test_an_operation_that_the_original_left_out_is_a_call_that_triggers_nothing(
    operation: str, text: str
) -> None:
    call = _call(operation, text)
    assert (call.operation, call.outputs) == (operation, ())


def test_a_copy_is_not_taken_for_its_source() -> None:
    for source in ("src/a:Key:b", {"Bucket": "src", "Key": ":Key:b"}):
        for text in (
            f":CopySource:{source}:Bucket:b:Key:k",
            f":Bucket:b:Key:k:CopySource:{source}",
        ):
            call = _call("CopyObject", text)
            assert (call.resource, call.outputs[0].key) == ("b", "k")


def test_an_http_request_shows_neither_user_nor_query() -> None:
    call = _call("HTTP", ":GET:https://me:secret@a.amazonaws.com:443/b/c@d?e=f#g")
    assert call.resource == "a.amazonaws.com:443/b/c@d"
    for text in ("", ":GET", ":GET:"):
        with pytest.raises(UnreadablePayload, match="URL"):
            _call("HTTP", text)


# --- causes ---------------------------------------------------------------------------------

HANDED_ON = [
    "",
    ":es:s3:bkt:b:key:k:op:ObjectCreated:Put",
    f":es:sns:sub:s:op:{TOPIC}",
    f":esARN:{STREAM}:es:ddb:keys:id:{{'S': 'k'}}:op:INSERT",
    ":esARN:arn:aws:sqs:us-west-2:1:q",
]


@pytest.mark.parametrize("more", HANDED_ON)
def test_an_event_that_is_handed_on_is_of_who_hands_it_on(more: str) -> None:
    """The original put itself into the event, beside the records that were there already."""
    cause = _cause(f":es:lib:invokeCLI:caller-fn:0b1c-77{more}")
    assert (cause.service, cause.caller_function, cause.caller) == (
        *("lambda", "caller-fn"),
        "0b1c-77",
    )
    cause = _cause(f":es:ext:invokeCLI{more}")
    assert (cause.service, cause.name, cause.key) == ("lambda", "external", None)


@pytest.mark.parametrize(
    "source", ["estimate", "essential:thing", "aws:s3", "None", "ext:invokeCLIs"]
)
def test_a_source_of_the_users_own_is_no_alias(source: str) -> None:
    cause = _cause(f":es:{source}")
    assert (cause.service, cause.resource) == ("unknown", source)


@pytest.mark.parametrize("key", ["a:op:b", ":op:ObjectCreated:Put", "a:key:b"])
def test_an_object_key_is_read_even_where_nobody_encoded_it(key: str) -> None:
    cause = _cause(f":es:s3:bkt:b:key:{key}:op:ObjectRemoved:Delete")
    assert (cause.resource, cause.key, cause.name) == ("b", key, "ObjectRemoved:Delete")


def test_a_key_is_read_whether_python_or_json_wrote_it() -> None:
    told = [
        f"{STREAM}:es:ddb:keys:id:{text}:op:INSERT" for text in ("{'S': 'a b'}", '{"S": "a b"}')
    ]
    assert len({_cause(f":esARN:{text}").key for text in told}) == 1


@pytest.mark.parametrize("value", [r"{'S': '\ud800'}", "{'N': 'many'}", r"{'S': '\q'}"])
def test_a_cause_of_which_the_key_cannot_be_read_is_counted(value: str) -> None:
    """Half of a composite key is the key of something else."""
    with pytest.raises(UnreadablePayload, match="keys"):
        _cause(f":esARN:{STREAM}:es:ddb:keys:id:{{'S': 'k'}}:sk:{value}:op:INSERT")


# --- what follows from doubt ----------------------------------------------------------------


def _record(key: str, payload: str, at_s: float) -> dict[str, Any]:
    item = {"reqID": {"S": key}, "payload": {"S": payload}, "ts": {"N": str(int(at_s * 1000))}}
    return {"dynamodb": {"NewImage": item}}


def test_a_call_that_started_nothing_is_told_once_however_it_can_be_read() -> None:
    arn = "arn:aws:lambda:us-west-2:123456789012:function:"
    text = "pl:PutObject:us-west-2:Bucket:b:Key:in/a:ContentType:image/png"
    records = [
        _record("p:entry00000000", f"pl:{arn}parent:es:ext:invokeCLI", T),
        _record("p:1", json.dumps({"id": "c1", "start_time": T, "gr_payload": text}), T),
        *(
            _record(
                f"{n}:entry00000000",
                f"pl:{arn}child:es:s3:bkt:b:key:{key}:op:ObjectCreated:Put",
                T + 9,
            )
            for n, key in enumerate(["in/x", "in/a%3AContentType%3Aimage/x"])
        ),
    ]
    engine = Engine()
    engine.apply_records(decode_page(world_records.page(records)).records)
    engine.finish()
    told = [problem for problem in graph_document(engine).problems if problem.request_id == "p"]
    assert [problem.kind for problem in told] == ["never-triggered"]


def test_a_less_likely_object_is_found_and_in_doubt() -> None:
    arn = "arn:aws:lambda:us-west-2:123456789012:function:"
    text = "pl:PutObject:us-west-2:Bucket:b:Key:a:ACL:private"
    segment = {"id": "c1", "start_time": T + 0.1, "gr_payload": text}
    for key in ("a", "a%3AACL%3Aprivate"):
        records = [
            _record("p:entry00000000", f"pl:{arn}parent:es:ext:invokeCLI", T),
            _record("p:00000001", json.dumps(segment), T + 0.1),
            _record(
                "c:entry00000000",
                f"pl:{arn}child:es:s3:bkt:b:key:{key}:op:ObjectCreated:Put",
                T + 0.3,
            ),
        ]
        engine = Engine()
        engine.apply_records(decode_page(world_records.page(records)).records)
        engine.finish()
        (edge,) = graph_document(engine).edges
        certain = key == "a"
        assert (edge.evidence, edge.candidates or edge.parent_request_id) == (
            ("order", "p") if certain else ("ambiguous", ["p"])
        )
