"""Keys as people see them, and as they look for them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causality.filters import parse
from causality.keys import display_key
from gammaray_recorder import wire
from tests.unit.causality.story import Story, T


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_a_number_is_shown_as_people_write_it(number: Decimal) -> None:
    shown = display_key(wire.canonical_key({"id": {"N": str(number)}}))
    assert Decimal(shown) == number
    assert "e" not in shown
    assert not shown.endswith(".")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *(("7", "7"), ("1000", "1000"), ("-12.50", "-12.5"), ("0.001", "0.001"), ("-0", "0")),
        *(("1e20", "1" + "0" * 20), ("1E-20", "0." + "0" * 19 + "1"), ("1e125", "1e125")),
    ],
)
def test_a_key_is_shown_by_its_values(number: str, shown: str) -> None:
    key = wire.canonical_key({"id": {"S": "o-1"}, "n": {"N": number}})
    assert display_key(key) == f"o-1/{shown}"


@pytest.mark.parametrize(
    ("expression", "fits"),
    [("key:o-1/7", True), ("key:o-*", True), ("o-1/7", True), ("key:7e0", False)],
)
def test_a_key_is_found_as_it_is_shown(expression: str, fits: bool) -> None:
    story = Story()
    key = wire.canonical_key({"id": {"S": "o-1"}, "n": {"N": "7"}})
    cause = {"s": "dynamodb", "res": "orders", "key": key, "name": "INSERT"}
    story.invocation("r1", T, causes=(cause,))
    test = parse(expression)
    assert test is not None
    assert test(story.engine.invocations["r1"]) == fits
