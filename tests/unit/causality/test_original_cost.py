"""Generation 1: what reading costs, however hostile the text: no more than in proportion."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable

import pytest

from causality.facts import UnreadablePayload
from causality.reading import gen1

_REGION = "us-west-2"
_ENTRY = "pl:arn:aws:lambda:us-west-2:1:function:f"
_DDB = f"{_ENTRY}:esARN:arn:aws:dynamodb:u:1:table/t/stream/x:es:ddb:keys"
_SMALL, _LARGE = 40_000, 160_000
_REPEATS = 4
_NOTHING_S = 0.02  # less than this is not worth a ratio


def _many(part: str, size: int) -> str:
    return part * (size // len(part))


def _call_of(operation: str, text: Callable[[int], str]) -> Callable[[int], tuple[str, str]]:
    def make(size: int) -> tuple[str, str]:
        segment = {"id": "c", "gr_payload": f"pl:{operation}:{_REGION}{text(size)}"}
        return "r:1", json.dumps(segment)

    return make


def _entry_of(text: Callable[[int], str]) -> Callable[[int], tuple[str, str]]:
    return lambda size: ("r:entry1", text(size))


HOSTILE: dict[str, Callable[[int], tuple[str, str]]] = {
    "subjects in a message": _call_of(
        "Publish", lambda n: ":Message:" + _many(":Subject:a", n) + ":TopicArn:arn:aws:sns:u:1:t"
    ),
    "keywords in a message": _call_of(
        "Publish",
        lambda n: ":Message:" + _many(":Subject:a:Message:b:TopicArn:c:PhoneNumber:e", n),
    ),
    "keywords in a key": _call_of(
        "PutObject",
        lambda n: ":Bucket:b:Key:" + _many(":ACL:a:Key:b:ContentType:c:Expires:f", n),
    ),
    "open metadata": _call_of(
        "PutObject", lambda n: ":Bucket:b:Metadata:{" + _many("'a': 'b', ", n)
    ),
    "open string": _call_of("PutItem", lambda n: ":TableName:t:Item:{'a': '" + _many("x", n)),
    "quotes": _call_of("PutItem", lambda n: ":TableName:t:Item:{" + _many("'", n)),
    "escapes": _call_of("PutItem", lambda n: ":TableName:t:Item:{'a': '" + _many("\\'", n)),
    "nested maps": _call_of("PutItem", lambda n: ":TableName:t:Item:" + _many("{'a': ", n)),
    "nested lists": _call_of(
        "PutItem", lambda n: f":TableName:t:Item:{{'a': {_many('[', n // 2)}{_many(']', n // 2)}}}"
    ),
    "one name again": _call_of(
        "PutItem", lambda n: ":TableName:t:Item:{" + _many("'a': 'b', ", n) + "}"
    ),
    "digits": _call_of("PutItem", lambda n: ":TableName:t:Item:{'a': " + _many("9", n) + "}"),
    "decimal": _call_of(
        "PutItem", lambda n: ":TableName:t:Item:{'a': Decimal('" + _many("9", n) + "')}"
    ),
    "exponent": _call_of(
        "PutItem", lambda n: f":TableName:t:Item:{{'a': Decimal('1E+{_many('9', n // 4000)}')}}"
    ),
    "items in a condition": _call_of(
        "PutItem",
        lambda n: ":ConditionExpression:" + _many(":Item:{}!:ReturnValues:NONE:TableName:t", n),
    ),
    "requests": _call_of(
        "BatchWriteItem",
        lambda n: ":RequestItems:{'t': [" + _many("{'PutRequest': {}}, ", n) + "]}",
    ),
    "unknown keywords": _call_of(
        "Made", lambda n: "".join(f":A{number}:b" for number in range(n // 8))
    ),
    "operations in an object's key": _entry_of(
        lambda n: f"{_ENTRY}:es:s3:bkt:b:key:" + _many(":op:a", n) + "!"
    ),
    "topics in a subject": _entry_of(
        lambda n: f"{_ENTRY}:es:sns:sub:" + _many(":op:arn:aws:sns:", n)
    ),
    "colons in a caller": _entry_of(lambda n: f"{_ENTRY}:es:lib:invokeCLI:" + _many("a:", n)),
    "open key": _entry_of(lambda n: f"{_DDB}:" + _many("a:{'S': '", n) + ":op:INSERT"),
    "one key again": _entry_of(lambda n: _DDB + _many(":a:{'S': 'b'}", n) + ":op:INSERT"),
    "colons in a key": _entry_of(lambda n: f"{_DDB}:" + _many(":", n) + ":op:INSERT"),
}


def _decoded_in_s(record: tuple[str, str]) -> float:
    """Give the CPU time of reading a record; of some repeats the least, as others run too."""

    def once() -> float:
        began_s = time.process_time()
        with contextlib.suppress(UnreadablePayload):
            gen1.decode(*record, 1.0)
        return time.process_time() - began_s

    return min(once() for _ in range(_REPEATS))


@pytest.mark.parametrize("name", HOSTILE)
def test_four_times_the_text_takes_about_four_times_as_long(name: str) -> None:
    small, large = (_decoded_in_s(HOSTILE[name](size)) for size in (_SMALL, _LARGE))
    assert large <= 10 * small + _NOTHING_S  # were it the square, it would be 16 times
