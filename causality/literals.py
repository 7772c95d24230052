r"""Reading the text of Python values, as the original recorder wrote them with str().

Only extents and scalars are needed, so this scans instead of evaluating: reprs such as
Decimal('1.5') or Binary(b'..') are no literals, and data is never executed.
"""

from __future__ import annotations

import ast
import base64
import re

from gammaray_recorder import wire

_STRING = r"""[bB]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
# A string, an opening bracket, a closing one, a comma, or a run of anything else.
_TOKEN = re.compile(
    r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|([{\[(])|([}\])])|,|[^'"{}\[\](),]+""",
    re.DOTALL,
)
_SCALAR = re.compile(
    rf"""\s*(?P<string>{_STRING})(?=\s*[,}}\])]|\s*$)"""
    rf"""|\s*(?P<number>-?\d[\d.eE+_-]*)(?=\s*[,}}\])]|\s*$)"""
    rf"""|\s*Decimal\((?P<decimal>{_STRING})\)"""
    rf"""|\s*Binary\((?P<binary>{_STRING})\)""",
    re.DOTALL,
)
_NAME = re.compile(rf"\s*({_STRING})\s*:", re.DOTALL)
_SEPARATOR = re.compile(r"\s*,?\s*")


def end_of(text: str, start: int) -> int | None:
    """Find where the bracketed value that starts at `start` ends; None when it never does."""
    depth = 0
    position = start
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        position = match.end()
        if match[1]:
            depth += 1
        elif match[2]:
            depth -= 1
            if depth == 0:
                return position
            if depth < 0:
                return None
    return None


def string(text: str) -> str | bytes | None:
    """Give the value of a string's repr; None when it is none."""
    if "\\" not in text and text[:1] in "'\"":
        return text[1:-1]
    try:
        value = ast.literal_eval(text)
        if isinstance(value, str):
            value.encode()  # half a surrogate pair could never be written anywhere
    except (ValueError, SyntaxError, MemoryError):
        return None
    return value if isinstance(value, str | bytes) else None


def typed_items(text: str) -> dict[str, dict[str, str]]:
    """Give the scalar members of a dict's repr as typed DynamoDB values.

    Both forms occur: `{'id': 'k1'}` (a resource's item) and `{'id': {'S': 'k1'}}` (a client's).
    Lists, maps, sets and what cannot be read are left out: they can never be a key.
    """
    items: dict[str, dict[str, str]] = {}
    for name, value in members(text):
        if value.startswith("{"):
            inner = list(members(value))
            if len(inner) == 1 and inner[0][0] in ("S", "N", "B"):
                typed = _typed(inner[0][1])
                if typed is not None:
                    # A client's number is a string already: the dict's own name is its type.
                    items[name] = {inner[0][0]: next(iter(typed.values()))}
            continue
        typed = _typed(value)
        if typed is not None:
            items[name] = typed
    return items


def members(text: str) -> list[tuple[str, str]]:
    """Give a dict's repr as (name, text of the value); stops where it can no longer be read."""
    found: list[tuple[str, str]] = []
    position = 1
    while True:
        name = _NAME.match(text, position)
        if name is None:
            return found
        key = string(name[1])
        start = name.end()
        while start < len(text) and text[start] == " ":
            start += 1
        end = _end_of_value(text, start)
        if end is None:
            return found
        if isinstance(key, str):
            found.append((key, text[start:end]))
        separator = _SEPARATOR.match(text, end)
        position = separator.end() if separator else end


def elements(text: str) -> list[str]:
    """Give the elements of a list's repr as text."""
    found: list[str] = []
    position = 1
    while position < len(text) - 1:
        end = _end_of_value(text, position)
        if end is None or end == position:
            return found
        found.append(text[position:end].strip())
        separator = _SEPARATOR.match(text, end)
        position = separator.end() if separator else end
    return found


def _end_of_value(text: str, start: int) -> int | None:
    """Find where the value at `start` ends: at the comma or bracket that follows it."""
    depth = 0
    position = start
    while position < len(text):
        char = text[position]
        if depth == 0 and char in ",}])":
            return position
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        position = match.end()
        if match[1]:
            depth += 1
        elif match[2]:
            depth -= 1
    return None


def _typed(text: str) -> dict[str, str] | None:
    match = _SCALAR.match(text)
    if match is None:
        return None
    if match["number"] is not None:
        return _number(match["number"])
    if match["decimal"] is not None:
        value = string(match["decimal"])
        return _number(value) if isinstance(value, str) else None
    value = string(match["string"] if match["string"] is not None else match["binary"])
    if isinstance(value, bytes):
        return {"B": base64.b64encode(value).decode("ascii")}
    return None if value is None else {"S": value}


def _number(text: str) -> dict[str, str] | None:
    try:
        wire.normal_number(text)
    except ArithmeticError:
        return None
    return {"N": text}
