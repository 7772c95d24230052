"""The record format: equal content gives equal hashes, however it is written."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from gammaray_recorder import wire
from gammaray_recorder.calls_dynamodb import put_output
from tests.unit.recorder.support import Json

DIGITS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6
) | st.integers().map(Decimal)
SCALARS = st.one_of(
    st.text().map(lambda text: {"S": text}),
    DIGITS.map(lambda number: {"N": str(number)}),
    st.binary().map(lambda blob: {"B": blob}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
    st.lists(st.text(), min_size=1, unique=True).map(lambda texts: {"SS": texts}),
    st.lists(DIGITS, min_size=1, unique=True).map(lambda numbers: {"NS": list(map(str, numbers))}),
    st.lists(st.binary(), min_size=1, unique=True).map(lambda blobs: {"BS": blobs}),
)
VALUES: Any = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda entries: {"L": entries})
        | st.dictionaries(st.text(), inner, max_size=3).map(lambda entries: {"M": entries})
    ),
    max_leaves=6,
)
ITEMS = st.dictionaries(st.text(min_size=1), VALUES, max_size=5)


def delivered(value: Any) -> Any:
    """Write a value as an event carries it: base64, other number spellings, sets in any order."""
    ((kind, content),) = value.items()
    if kind == "N":
        return {kind: f"{Decimal(content):+E}"}
    if kind == "B":
        return {kind: base64.b64encode(content).decode()}
    if kind == "SS":
        return {kind: content[::-1]}
    if kind == "NS":
        return {kind: [f"{Decimal(number):.9f}" for number in reversed(content)]}
    if kind == "BS":
        return {kind: [base64.b64encode(blob).decode() for blob in reversed(content)]}
    if kind == "L":
        return {kind: [delivered(entry) for entry in content]}
    if kind == "M":
        return {kind: {name: delivered(content[name]) for name in reversed(list(content))}}
    return {kind: content}


@settings(max_examples=60)
@given(ITEMS)
def test_an_item_hashes_as_its_image_in_the_stream(item: Json) -> None:
    image = {name: delivered(value) for name, value in reversed(list(item.items()))}
    assert wire.item_hash(item) == wire.item_hash(json.loads(json.dumps(image)))
    assert wire.canonical_key(item) == wire.canonical_key(image)
    for name, value in item.items():
        assert wire.attribute_hash(name, value) == wire.attribute_hash(name, image[name])


@settings(max_examples=60)
@given(ITEMS, ITEMS)
def test_different_items_hash_differently(one: Json, other: Json) -> None:
    same = wire.canonical_key(one) == wire.canonical_key(other)
    assert (wire.item_hash(one) == wire.item_hash(other)) is same


@settings(max_examples=60)
@given(ITEMS)
def test_quick_texts_are_what_the_encoder_writes(item: Json) -> None:
    for name, value in item.items():
        assert wire.attribute_text(name, value) == json.dumps(
            [name, *wire.canonical_value(value)], separators=(",", ":"), ensure_ascii=False
        )


@settings(max_examples=60)
@given(ITEMS)
def test_what_a_put_records_in_one_go_is_what_the_hashes_are_defined_as(item: Json) -> None:
    output = put_output("t", item)
    assert output["hash"] == wire.item_hash(item)
    for name, found in output["ah"].items():
        assert found == wire.attribute_hash(name, item[name])


@pytest.mark.parametrize(
    ("key", "hidden"),
    [
        ('[["id","S","o-1"]]', [["id", "#", wire.attribute_hash("id", {"S": "o-1"})]]),
        ('[["n","N","7e0"]]', [["n", "#", wire.attribute_hash("n", {"N": "7.0"})]]),
    ],
)
def test_a_hidden_key_keeps_its_attributes_names(key: str, hidden: Json) -> None:
    assert json.loads(wire.hidden_key(key)) == hidden


@given(st.one_of(st.text(), st.sampled_from(["[1]", "7", "{}", "[" * 1024, '[["a","S",{}]]'])))
def test_any_other_key_is_hidden_wholly(key: str) -> None:
    hidden = wire.hidden_key(key)
    assert hidden[0] == "#"
    assert len(hidden) == 33


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("7", "7e0"), ("700", "7e2"), ("0", "0"), ("-0.0", "0"), ("007", "7e0"), ("1.50", "15e-1"),
        ("15E-1", "15e-1"), ("-2.5", "-25e-1"), ("1e126", "1e126"), ("+3", "3e0"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678e0"),
    ],
)  # fmt: skip
def test_numbers_have_one_spelling(text: str, normal: str) -> None:
    assert wire.normal_number(text) == normal


def test_values_of_boto3_resources_hash_as_typed_ones() -> None:
    python = {"id": "o-1", "n": Decimal("1.50"), "b": b"\x00", "s": {"x", "y"}, "l": [None, True]}
    typed = {name: TypeSerializer().serialize(value) for name, value in python.items()}
    assert wire.item_hash(typed) == wire.item_hash(
        {"id": {"S": "o-1"}, "n": {"N": "1.5"}, "b": {"B": "AA=="}, "s": {"SS": ["y", "x"]},
         "l": {"L": [{"NULL": True}, {"BOOL": True}]}}
    )  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(), JSON))
def test_a_payload_hashes_as_the_event_made_of_it(payload: Json) -> None:
    compact = json.dumps(payload)
    spacious = json.dumps(payload, indent=2, ensure_ascii=False)
    expected = wire.payload_hash(json.loads(compact))
    assert wire.payload_hash(compact) == expected
    assert wire.payload_hash(spacious.encode("utf-8", "surrogatepass")) == expected
    assert wire.payload_hash(bytearray(compact.encode())) == expected


def test_a_payload_that_is_not_json_still_has_a_hash() -> None:
    assert wire.payload_hash(b"\xff\xfe") == wire.payload_hash(b"\xff\xfe")
    assert wire.payload_hash("{") != wire.payload_hash("}")
