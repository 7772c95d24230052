"""Showing keys to people."""

from __future__ import annotations

from typing import Any

import msgspec

_decoder = msgspec.json.Decoder(list[tuple[str, str, Any]])


def display_key(key: str) -> str:
    """Show a canonical DynamoDB key as its values joined by "/"; any other key as it is."""
    if not key.startswith("[["):
        return key
    try:
        return "/".join([str(value) for _name, _kind, value in _decoder.decode(key)])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return key
