"""Showing keys to people."""

from __future__ import annotations

import json


def display_key(key: str) -> str:
    """Show a canonical DynamoDB key as its values joined by "/"; any other key as it is."""
    if not key.startswith("[["):
        return key
    try:
        return "/".join(str(value) for _name, _kind, value in json.loads(key))
    except (ValueError, TypeError):
        return key
