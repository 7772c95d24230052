"""PartiQL, as far as DynamoDB takes it: which table a statement writes, and which item.

An INSERT tells the whole item. An UPDATE or a DELETE must fix the key with equalities, among
which other conditions may stand, so that all of them are hashed as a put's attributes are: the
stream's record tells later which are the key. A statement that cannot be read is a call
without outputs, never an error.
"""

from __future__ import annotations

import re

from gammaray_recorder import wire
from gammaray_recorder.calls_dynamodb import put_output, table_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

    Typed = Dict[str, Any]

# Text in quotes (doubled inside), a name in quotes, a number, a parameter, a word, a sign.
_TOKEN = re.compile(
    r"""\s*(?:
    '((?:[^']|'')*)' | "((?:[^"]|"")*)" | ([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?) | (\?)
    | ([A-Za-z_][\w$-]*) | (<<|>>|<=|>=|<>|!=|.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_TEXT, _NAME, _NUMBER, _PARAMETER, _WORD, _SIGN = range(1, 7)
_END = (0, "")


def table_of(statement: Any) -> Optional[str]:
    """Name the table of a statement; None when it cannot be found."""
    try:
        return _Statement(statement, ()).table() or None
    except (ValueError, TypeError):
        return None


def output_of(
    statement: Any, parameters: Any, response: Mapping[str, Any]
) -> Optional[Dict[str, Any]]:
    """Describe what a statement wrote; None when it wrote nothing, or that cannot be told.

    Args:
        statement: its text.
        parameters: the typed values of its question marks.
        response: its answer, with the item when it was asked for.
    """
    try:
        read = _Statement(statement, parameters or ())
        output = read.output()
    except (ValueError, TypeError, IndexError):
        return None
    if output is not None and read.returns_new:
        items = response.get("Items") or [response.get("Item")]
        if len(items) == 1 and items[0]:
            output[wire.HASH] = wire.item_hash(items[0])
    return output


class _Statement:
    """One statement, read from left to right."""

    def __init__(self, text: str, parameters: Any) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._parameters = parameters
        self._used = 0  # of the parameters
        self.returns_new = False

    def table(self) -> str:
        """Read up to the table, and give its name."""
        for kind, text in self._tokens:
            self._at += 1
            if kind == _WORD and text.upper() in ("INTO", "UPDATE", "FROM"):
                return table_name(self._name())
        return ""

    def output(self) -> Optional[Dict[str, Any]]:
        verb = self._tokens[0][1].upper()
        table = self.table()
        if not table or verb not in ("INSERT", "UPDATE", "DELETE"):
            return None
        if verb == "INSERT":
            self._skip_to("VALUE")
            item = self._value()["M"]
            return {**put_output(table, item), wire.OPERATION: wire.CHANGE_PUT}
        self._skip_to("WHERE")
        hashes = {
            name: wire.attribute_hash(name, value) for name, value in self._equalities().items()
        }
        change = wire.CHANGE_DELETE if verb == "DELETE" else wire.CHANGE_PUT
        return {wire.RESOURCE: table, wire.ATTRIBUTE_HASHES: hashes, wire.OPERATION: change}

    def _equalities(self) -> Dict[str, Typed]:
        """Read "a = 1 AND b = ? AND ..." and give what is said to be equal."""
        equal: Dict[str, Typed] = {}
        while True:
            start = self._at
            try:
                name = self._name()
                self._expect("=")
                value = self._value()
            except (ValueError, IndexError):
                self._at = start  # a condition of another kind
            else:
                equal[name] = value
            word = self._skip_to("AND", "OR", "RETURNING", "")
            if word == "OR":
                raise ValueError("one of several items")
            if word != "AND":
                rest = [text.upper() for _, text in self._tokens[self._at :]]
                self.returns_new = rest[:2] == ["ALL", "NEW"]
                return equal

    def _skip_to(self, *words: str) -> str:
        """Go on behind the first of these words, and give it; "" stands for the end."""
        while True:
            kind, text = self._next()
            if kind == _PARAMETER:
                self._used += 1
            elif kind in (_WORD, 0) and text.upper() in words:
                return text.upper()
            elif not kind:
                raise ValueError("the statement ends early")

    def _next(self) -> Tuple[int, str]:
        token = self._tokens[self._at] if self._at < len(self._tokens) else _END
        self._at += 1
        return token

    def _expect(self, sign: str) -> None:
        if self._next() != (_SIGN, sign):
            raise ValueError("not what was expected")

    def _takes(self, sign: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == (_SIGN, sign)
        self._at += found
        return found

    def _name(self) -> str:
        kind, text = self._next()
        if kind not in (_NAME, _WORD):
            raise ValueError("not a name")
        return text

    def _value(self) -> Typed:
        kind, text = self._next()
        if kind == _TEXT:
            return {"S": text}
        if kind == _NUMBER:
            return {"N": text}
        if kind == _PARAMETER:
            self._used += 1
            value: Typed = self._parameters[self._used - 1]
            return value
        if kind == _WORD and text.upper() in ("TRUE", "FALSE"):
            return {"BOOL": text.upper() == "TRUE"}
        if kind == _WORD and text.upper() == "NULL":
            return {"NULL": True}
        if text == "{":
            return {"M": self._attributes()}
        if text == "[":
            return {"L": self._elements("]")}
        if text == "<<":
            elements = self._elements(">>")
            (element_kind,) = {next(iter(element)) for element in elements}
            return {element_kind + "S": [element[element_kind] for element in elements]}
        raise ValueError("not a value")

    def _attributes(self) -> Dict[str, Typed]:
        found: Dict[str, Typed] = {}
        while not self._takes("}"):
            if found:
                self._expect(",")
            kind, name = self._next()
            if kind not in (_TEXT, _NAME):
                raise ValueError("not an attribute's name")
            self._expect(":")
            found[name] = self._value()
        return found

    def _elements(self, end: str) -> List[Typed]:
        found: List[Typed] = []
        while not self._takes(end):
            if found:
                self._expect(",")
            found.append(self._value())
        return found


def _tokens(text: str) -> Iterator[Tuple[int, str]]:
    for match in _TOKEN.finditer(text):
        kind = match.lastindex or 0
        if kind:
            token = match.group(kind)
            if kind == _TEXT:
                token = token.replace("''", "'")
            elif kind == _NAME:
                token = token.replace('""', '"')
            if kind != _SIGN or token.strip():
                yield kind, token
