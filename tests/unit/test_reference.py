"""The reference of commands, keys and settings says what the code says."""

from __future__ import annotations

from pathlib import Path

from tests.reference import reference

_DOCUMENT = Path(__file__).parents[2] / "docs" / "reference.md"


def test_the_reference_is_up_to_date() -> None:
    assert _DOCUMENT.read_text("utf-8") == reference(), "run `make reference`"
