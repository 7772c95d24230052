"""Showing keys to people."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

_decoder = msgspec.json.Decoder(list[tuple[str, str, Any]])
_NUMBER = re.compile(r"(-?)(\d+)e(-?\d{1,2})")  # gammaray_recorder.wire.normal_number
_PLAIN_ZEROS: Final = 20  # a number of more is shown with its exponent


def display_key(key: str) -> str:
    """Show a canonical DynamoDB key as its values joined by "/"; any other key as it is."""
    if not key.startswith("[["):
        return key
    try:
        parts = _decoder.decode(key)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return key
    return "/".join([_plain(str(value)) if kind == "N" else str(value) for _, kind, value in parts])


def _plain(number: str) -> str:
    """Write "125e-1" as "12.5"."""
    match = _NUMBER.fullmatch(number)
    if match is None or abs(int(match[3])) > _PLAIN_ZEROS:
        return number
    sign, digits, exponent = match[1], match[2], int(match[3])
    if exponent >= 0:
        return sign + digits + "0" * exponent
    digits = digits.zfill(1 - exponent)
    return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
