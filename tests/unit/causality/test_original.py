"""Generation 1: the original recorder's text, whatever stands in it."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

import botocore.session
import pytest
from boto3.dynamodb.types import Binary, TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from causality.facts import Call, Cause, End, Start, UnreadablePayload
from causality.reading import gen1, keywords
from gammaray_recorder import wire

_REGION = "us-west-2"


def _call(operation: str, text: str) -> Call:
    segment = {"id": "c1", "gr_payload": f"pl:{operation}:{_REGION}{text}", "start_time": 5.0}
    (fact,) = gen1.decode("request:12345678", json.dumps(segment), 9.0).facts
    assert isinstance(fact, Call)
    return fact


def _start(trigger: str, arn: str = "arn:aws:lambda:us-west-2:123456789012:function:fn") -> Start:
    (fact,) = gen1.decode("request:entry12345678", f"pl:{arn}{trigger}", 9.0).facts
    assert isinstance(fact, Start)
    return fact


def _cause(trigger: str) -> Cause:
    (cause,) = _start(trigger).causes
    return cause


def _text(pairs: dict[str, Any]) -> str:
    return "".join(f":{name}:{value}" for name, value in pairs.items())


def _key_text(typed: dict[str, Any]) -> str:
    return "".join(f":{name}:{value}" for name, value in typed.items())


# --- entries --------------------------------------------------------------------------------


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
@pytest.mark.parametrize("qualifier", ["", ":es", ":esARN", ":7", ":live", ":$LATEST"])
@pytest.mark.parametrize(
    "trigger", ["", ":es:ext:invokeCLI", ":es:sns:sub:None:op:arn:aws:sns:us-west-2:1:t"]
)
def test_a_function_is_named_whatever_its_alias(
    partition: str, qualifier: str, trigger: str
) -> None:
    arn = f"arn:{partition}:lambda:us-gov-west-1:123456789012:function:fn"
    start = _start(trigger, arn + qualifier)
    assert start.arn == arn + qualifier
    assert start.version == (qualifier[1:] or None)
    assert start.region == "us-gov-west-1"
    services = {"": "unknown", ":es:ext:invokeCLI": "lambda"}
    assert start.causes[0].service == services.get(trigger, "sns")


def test_who_invoked_is_told() -> None:
    cause = _cause(":es:lib:invokeCLI:caller-fn:0b1c-77")
    assert (cause.service, cause.caller, cause.caller_function) == (
        "lambda",
        "0b1c-77",
        "caller-fn",
    )


@pytest.mark.parametrize("trigger", ["", ":esARN:arn:aws:sqs:us-west-2:1:q", ":es:aws:ses"])
def test_a_trigger_without_details_is_a_cause_without_keys(trigger: str) -> None:
    cause = _cause(trigger)
    assert cause.key is None
    assert cause.caller is None
    if "sqs" in trigger:
        assert (cause.service, cause.resource) == ("sqs", "arn:aws:sqs:us-west-2:1:q")


subjects = st.text(
    st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60
) | st.sampled_from(["a:op:arn:b", ":sub:", "None", "op", "x:op:arn:aws:sns:u:1:other"])


@given(subjects)
def test_a_subject_is_read_whatever_stands_in_it(subject: str) -> None:
    cause = _cause(f":es:sns:sub:{subject}:op:arn:aws:sns:us-west-2:1:topic")
    assert (cause.resource, cause.subject) == ("arn:aws:sns:us-west-2:1:topic", subject)


object_keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60) | st.sampled_from(
    ["a b/c+d", "bkt:x:key:y:op:z", "%41%", "ü:é", ":", "a:Bucket:b"]
)


@given(object_keys)
def test_an_object_key_is_read_whatever_stands_in_it(key: str) -> None:
    cause = _cause(f":es:s3:bkt:my.bucket-1:key:{quote_plus(key, safe='/')}:op:ObjectCreated:Put")
    assert (cause.resource, cause.key, cause.name) == ("my.bucket-1", key, "ObjectCreated:Put")


names = st.text(min_size=1, max_size=12).filter(lambda name: ":{'" not in name)
strings = st.text(max_size=40) | st.sampled_from(
    [
        "it's",
        'say "x"',
        "a:b",
        "{'S': 'x'}",
        ":op:INSERT",
        "\\",
        "'\"",
        "\n",
        "é\u2603",
        "'}:b:{'S': '",
    ]
)
key_values = (
    strings.filter(bool).map(lambda text: {"S": text})
    | st.integers().map(lambda number: {"N": str(number)})
    | st.binary(min_size=1, max_size=8).map(lambda data: {"B": data})
)


@settings(max_examples=300)
@given(st.dictionaries(names, key_values, min_size=1, max_size=2))
def test_an_item_key_is_read_whatever_stands_in_it(key: dict[str, dict[str, Any]]) -> None:
    stream = "arn:aws-cn:dynamodb:cn-north-1:1:table/my.table-1/stream/2026-11-22T14:35:00.428"
    cause = _cause(f":esARN:{stream}:es:ddb:keys{_key_text(key)}:op:MODIFY")
    assert cause.resource == "my.table-1"
    assert cause.name == "MODIFY"
    assert cause.key == wire.canonical_key(key)


def test_an_exit_is_an_end_of_its_attempt() -> None:
    facts = gen1.decode("r:entry0a1b2c3d:exit99999999", "end", 7.5)
    assert isinstance(facts.facts[0], End)
    assert (facts.request_id, facts.attempt) == ("r", "entry0a1b2c3d")


@pytest.mark.parametrize(
    ("key", "payload"),
    [
        ("request", "pl:arn"),
        ("", ""),
        (":", "x"),
        ("r:entry1", "pl:arn:aws:s3:::bucket"),
        ("r:entry1", "pl:arn:aws:lambda:u:1:function:f:es:sns:sub:x:op:nothing"),
        ("r:entry1", "pl:arn:aws:lambda:u:1:function:f:es:s3:bkt:b"),
        ("r:entry1", "pl:arn:aws:lambda:u:1:function:f:esARN:a:es:ddb:keys:id:{'S': 'x'}"),
        ("r:entry1", "pl:arn:aws:lambda:u:1:function:f:esARN:a:es:ddb:keys:id:{'S': x}:op:I"),
        ("r:entry1", "pl:arn:aws:lambda:u:1:function:f:es:lib:invokeCLI:f"),
        ("r:1", "{}"),
        ("r:1", "no json"),
        ("r:1", '{"id": "a", "gr_payload": "nothing"}'),
        ("r:1", '{"id": "", "gr_payload": "pl:PutItem:u:TableName:t:Item:{}"}'),
        ("r:1", '{"id": "a", "gr_payload": "pl:PutItem:us-west-2:junk"}'),
    ],
)
def test_what_cannot_be_read_says_why(key: str, payload: str) -> None:
    with pytest.raises(UnreadablePayload, match=r"\w"):
        gen1.decode(key, payload, 1.0)


# --- calls ----------------------------------------------------------------------------------

scalars = (
    strings
    | st.integers()
    | st.booleans()
    | st.none()
    | st.decimals(allow_nan=False, allow_infinity=False, places=2)
    | st.binary(max_size=8).map(Binary)
    | st.sets(st.integers(), min_size=1, max_size=3)
)
plain_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=6,
)
items = st.dictionaries(names, plain_values, min_size=1, max_size=5)


def _hashes(item: dict[str, Any]) -> dict[str, str]:
    """Hash the attributes that can be part of a key, of what a resource wrote."""
    typed = {}
    for name, value in item.items():
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal | Binary):
            continue
        typed[name] = {"N": str(value)} if isinstance(value, int) else _typed(value)
    return {name: wire.attribute_hash(name, value) for name, value in typed.items()}


def _typed(value: Any) -> dict[str, Any]:
    typed: dict[str, Any] = TypeSerializer().serialize(value) if value != "" else {"S": ""}
    return typed


@settings(max_examples=300)
@given(items, st.randoms(use_true_random=False))
def test_a_put_is_read_from_a_resource_and_from_a_client(
    item: dict[str, Any], order: random.Random
) -> None:
    pairs = {
        "TableName": "my.table-1",
        "ConditionExpression": "attribute_not_exists(id) AND #a = :TableName",
        "ExpressionAttributeValues": {":Item": {"S": ":Item:{}"}},
        "Item": item,
    }
    shuffled = dict(order.sample(list(pairs.items()), len(pairs)))
    call = _call("PutItem", _text(shuffled))
    (output,) = call.outputs
    assert call.resource == "my.table-1"
    assert output.attribute_hashes == _hashes(item)


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ("{u'id': u'k\\xe9', u'n': u'x'}", "id:{u'S': u'k\\xe9'}"),  # as Python 2 wrote it
        (str({"id": bytearray(b"ab")}), "id:{'B': 'YWI='}"),
    ],
)
def test_a_value_is_read_however_python_wrote_it(item: str, key: str) -> None:
    (output,) = _call("PutItem", f":TableName:t:Item:{item}").outputs
    cause = _cause(f":esARN:arn:aws:dynamodb:u:1:table/t/stream/l:es:ddb:keys:{key}:op:INSERT")
    ((name, kind, value),) = json.loads(cause.key or "")
    assert output.attribute_hashes[name] == wire.attribute_hash(name, {kind: value})


@given(st.dictionaries(names, key_values, min_size=1, max_size=2), st.booleans())
def test_a_composite_key_is_read(key: dict[str, dict[str, Any]], first: bool) -> None:
    pairs = {"Key": key, "TableName": "arn:aws:dynamodb:us-west-2:1:table/t"}
    if not first:
        pairs = dict(reversed(pairs.items()))
    for operation, what in (("UpdateItem", "put"), ("DeleteItem", "delete")):
        (output,) = _call(operation, _text(pairs)).outputs
        assert (output.resource, output.key) == ("t", wire.canonical_key(key))
        assert output.operation == what


def test_a_batch_has_an_output_for_each_item() -> None:
    requests = {
        "t1": [
            {"PutRequest": {"Item": {"id": {"S": "a:b"}, "n": {"N": "1.50"}}}},
            {"DeleteRequest": {"Key": {"id": {"S": "it's"}}}},
        ],
        "t2": [{"PutRequest": {"Item": {"id": "plain", "set": {1, 2}, "d": Decimal("2.0")}}}],
    }
    call = _call("BatchWriteItem", f":RequestItems:{requests}:ReturnConsumedCapacity:TOTAL")
    assert [(o.resource, o.operation) for o in call.outputs] == [
        ("t1", "put"),
        ("t1", "delete"),
        ("t2", "put"),
    ]
    assert call.outputs[0].attribute_hashes["n"] == wire.attribute_hash("n", {"N": "1.5"})
    assert call.outputs[1].key == wire.canonical_key({"id": {"S": "it's"}})
    assert set(call.outputs[2].attribute_hashes) == {"id", "d"}
    assert call.resource is None


@given(object_keys)
def test_an_object_is_among_the_readings_whatever_its_key(key: str) -> None:
    for text in (f":Bucket:b:Key:{key}", f":Key:{key}:Bucket:b:ACL:public-read"):
        outputs = _call("PutObject", text).outputs
        assert {output.resource for output in outputs} == {"b"}
        assert key in [output.key for output in outputs]
        assert [output.doubtful for output in outputs] == [False] + [True] * (len(outputs) - 1)


@pytest.mark.parametrize("key", ["a", "a:b", "a:Foo:b", "it's", "a b", "x/ACL", "ACL:private"])
def test_a_plain_object_key_is_read_first(key: str) -> None:
    (output, doubt) = _call("PutObject", f":Bucket:b:Key:{key}:ContentType:image/png").outputs
    assert (output.key, output.doubtful) == (key, False)
    assert (doubt.key, doubt.doubtful) == (f"{key}:ContentType:image/png", True)


@given(subjects, st.text(max_size=30))
def test_a_message_is_read_with_its_subject(subject: str, message: str) -> None:
    topic = "arn:aws:sns:us-west-2:1:t"
    call = _call("Publish", f":TopicArn:{topic}:Subject:{subject}:Message:{message}")
    assert call.resource == topic
    assert subject in [output.subject for output in call.outputs]


def test_a_message_without_a_subject_is_not_taken_for_one_with() -> None:
    topic = "arn:aws:sns:us-west-2:1:t"
    (plain,) = _call("Publish", f":TopicArn:{topic}:Message:hello").outputs
    assert (plain.subject, plain.doubtful) == ("None", False)
    (told,) = _call("Publish", f":Subject:s:TopicArn:{topic}:Message:m").outputs
    assert (told.subject, told.doubtful) == ("s", False)
    # The message may hold the words, or the call may have had a subject.
    first, second = _call("Publish", f":TopicArn:{topic}:Message:m:Subject:s").outputs
    assert (first.subject, first.doubtful) == ("s", False)
    assert (second.subject, second.doubtful) == ("None", True)


@pytest.mark.parametrize(
    "name",
    [
        "fn",
        "fn:live",
        "fn:$LATEST",
        "123456789012:function:fn",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:fn",
        "arn:aws:lambda:us-west-2:123456789012:function:fn:es",
    ],
)
def test_the_invoked_function_is_read_from_any_form_of_its_name(name: str) -> None:
    call = _call("Invoke", f":FunctionName:{name}:InvocationType:Event")
    assert call.resource == "fn"
    assert len(call.outputs) == 1
    assert not _call("Invoke", f":InvocationType:DryRun:FunctionName:{name}").outputs


def test_an_http_request_is_named_by_method_and_place() -> None:
    call = _call("HTTP", ":POST:https://api.example.com:8443/a/b?c=d:e")
    assert (call.operation, call.resource) == ("POST", "api.example.com:8443/a/b")


def test_every_keyword_of_boto_is_known() -> None:
    session = botocore.session.get_session()
    for service, operations in {
        "dynamodb": ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
        "s3": ("PutObject", "DeleteObject"),
        "sns": ("Publish",),
        "lambda": ("Invoke",),
    }.items():
        model = session.get_service_model(service)
        for operation in operations:
            shape = model.operation_model(operation).input_shape
            assert shape is not None
            members = set(shape.members)
            assert members - {"Body", "Payload"} <= keywords.KEYWORDS[operation]
