r"""Reading the text of Python values, as the original recorder wrote them with str().

Only what a DynamoDB key can be made of is kept. Nothing is evaluated: reprs such as
Decimal('1.5') or Binary(b'..') are no literals, and data is never executed.
"""

from __future__ import annotations

import ast
import base64
import re
from typing import Final, NamedTuple, TypeAlias

from gammaray_recorder import wire


class Number(NamedTuple):
    """A number, as it was written."""

    text: str


class Opaque(NamedTuple):
    """Anything that cannot be part of a key."""


OPAQUE: Final = Opaque()
Value: TypeAlias = "dict[str, Value] | list[Value] | str | bytes | Number | Opaque"

_TOKEN = re.compile(
    r"""\s*+(?:
      (?P<string>[bBuU]?(?:'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+"))
    | (?P<open>[{\[(])
    | (?P<close>[}\])])
    | (?P<comma>,)
    | (?P<colon>:)
    | (?P<word>[^\s'"{}\[\](),:]++)
    )""",
    re.DOTALL | re.VERBOSE,
)
# What most calls write: whole numbers, and strings, plain or typed, without anything to unescape.
_MEMBER = re.compile(r"'([^'\\]*+)': (?:'([^'\\]*+)'|(-?[1-9][0-9]*+)|\{'([SNB])': '([^'\\]*+)'\})")
_FLAT = re.compile(rf"\{{{_MEMBER.pattern}(?:, {_MEMBER.pattern})*+\}}")
_NUMBER = re.compile(r"-?\d[\d.eE+_-]*$")
_MAX_DEPTH = 64  # DynamoDB takes 32
_MEANT = {"{": "}", "[": "]", "(": ")"}
# Classes whose instances a call can have in the place of a dict.
_MAPPINGS = frozenset({"OrderedDict", "defaultdict"})
# What repr() writes for a character: other escapes make Python warn.
_ESCAPED = re.compile(
    r"(?:[^\\]|\\[\\'\"nrt]|\\x[\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\U[\da-fA-F]{8})*+", re.DOTALL
)


class _Open:
    """A bracket that is not closed yet, with what stands in it so far."""

    __slots__ = ("bracket", "elements", "key", "members", "name", "value")

    def __init__(self, bracket: str, name: str) -> None:
        self.bracket = bracket
        self.name = name  # of the class whose repr this is
        self.members: dict[str, Value] = {}
        self.elements: list[Value] = []
        self.key: Value | None = None
        self.value: Value | None = None

    def put(self, value: Value) -> None:
        """Take the next value; two without a comma between them make no sense."""
        self.value = value if self.value is None else OPAQUE

    def end_of_key(self) -> None:
        """Take what came before a colon for a key."""
        self.key, self.value = self.value, None

    def end_of_value(self) -> None:
        """Keep what came before a comma or the closing bracket."""
        value, key = self.value, self.key
        self.value = self.key = None
        if value is None:
            return
        if self.bracket == "{" and isinstance(key, str):
            self.members[key] = value
        else:
            self.elements.append(value)

    def closed(self) -> Value:
        """Give what it all was."""
        self.end_of_value()
        if self.bracket == "{":
            return OPAQUE if self.elements else self.members  # elements: a set
        if not self.name:
            return self.elements
        if self.name in _MAPPINGS:
            return _mapping(self.elements[-1] if self.elements else {})
        inner = self.elements[0] if len(self.elements) == 1 else None
        if self.name == "Decimal" and isinstance(inner, str):
            return Number(inner)
        if self.name in ("Binary", "bytearray") and isinstance(inner, bytes):
            return inner
        return OPAQUE


def _mapping(content: Value) -> Value:
    """Give what a mapping shows its content as, a dict or pairs, as a dict."""
    if isinstance(content, list):
        pairs = [pair for pair in content if isinstance(pair, list) and len(pair) == 2]
        return {name: value for name, value in pairs if isinstance(name, str)}
    return content if isinstance(content, dict) else OPAQUE


def parse(text: str, start: int = 0) -> tuple[Value, int] | None:
    """Read the bracketed value, or mapping, that starts at `start`; gives it and where it ends.

    None when it is not closed, or its brackets do not fit.
    """
    flat = _FLAT.match(text, start)
    if flat is not None:
        end = flat.end()
        return {
            name: {kind: typed} if kind else Number(number) if number else plain
            for name, plain, number, kind, typed in _MEMBER.findall(text, start, end)
        }, end
    opened: list[_Open] = []
    name, expected = "", start
    for match in _TOKEN.finditer(text, start):
        if match.start() != expected:
            return None  # a string without its end
        expected = match.end()
        kind, token = match.lastgroup, match[match.lastgroup or 0]
        if kind == "open":
            if len(opened) == _MAX_DEPTH:
                return None
            opened.append(_Open(token, name))
            name = ""
            continue
        if not opened:
            if token not in _MAPPINGS or name:
                return None
            name = token
            continue
        top = opened[-1]
        if name:
            top.put(_word(name))
            name = ""
        if kind == "string":
            top.put(string(token))
        elif kind == "word":
            name = token  # of a class, if a bracket follows
        elif kind == "comma":
            top.end_of_value()
        elif kind == "colon":
            top.end_of_key()
        else:
            opened.pop()
            if _MEANT[top.bracket] != token:
                return None
            value = top.closed()
            if not opened:
                return value, expected
            opened[-1].put(value)
    return None


def string(text: str) -> Value:
    """Give the value of a string's repr."""
    if "\\" not in text and text[:1] in "'\"":
        return text[1:-1]
    if not _ESCAPED.fullmatch(text):
        return OPAQUE
    try:
        value = ast.literal_eval(text)
        if isinstance(value, str):
            value.encode()  # half a surrogate pair could never be written anywhere
    except (ValueError, SyntaxError, MemoryError):
        return OPAQUE
    return value if isinstance(value, str | bytes) else OPAQUE


def _word(text: str) -> Value:
    return Number(text) if _NUMBER.match(text) else OPAQUE


def typed_items(value: Value | None) -> dict[str, dict[str, str]]:
    """Give the scalar members of a dict as typed DynamoDB values.

    Both forms occur: `{'id': 'k1'}` (a resource's item) and `{'id': {'S': 'k1'}}` (a client's).
    Lists, maps, sets and what cannot be read are left out: they can never be a key.
    """
    if not isinstance(value, dict):
        return {}
    items = {}
    for name, member in value.items():
        if type(member) is str:
            items[name] = {"S": member}
            continue
        kind = None
        if isinstance(member, dict):
            if len(member) != 1:
                continue
            ((kind, member),) = member.items()
            if kind == "S" and type(member) is str:
                items[name] = {kind: member}
                continue
            if kind not in ("S", "N", "B"):
                continue
        typed = _typed(member, kind)
        if typed is not None:
            items[name] = typed
    return items


def _typed(value: Value, kind: str | None) -> dict[str, str] | None:
    if isinstance(value, Number) or kind == "N":
        text = value.text if isinstance(value, Number) else value
        if not isinstance(text, str) or kind in ("S", "B"):
            return None
        try:
            wire.normal_number(text)
        except (ArithmeticError, ValueError):
            return None
        return {"N": text}
    if isinstance(value, bytes):
        return {"B": base64.b64encode(value).decode("ascii")}
    if isinstance(value, str):
        return {kind or "S": value}
    return None
