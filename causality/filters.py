"""Filter expressions: `function:Image* region:us-east-1 error -cold duration>200ms checkout`.

Words are joined by "and"; "-" or "!" before a word negates it. A bare word fits when a
function's name, a request id, a trigger or an error holds it.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import TypeAlias

from causality.facts import Call, Cause
from causality.graph import Invocation

Test: TypeAlias = Callable[[Invocation], bool]

_WORD = re.compile(r"\S+")
_COMPARISON = re.compile(r"^(?P<what>[a-z]+)(?P<sign><=|>=|<|>)(?P<number>[\d.]+)(?P<unit>\w*)$")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "": 1.0}
_FIELDS: dict[str, Callable[[Invocation], list[str]]] = {
    "function": lambda i: [i.function or ""],
    "region": lambda i: [i.region or ""],
    "request": lambda i: [i.request_id],
    "trace": lambda i: [a.trace_id or "" for a in i.attempts.values()],
    "error": lambda i: [a.error or "" for a in i.attempts.values()],
    "resource": lambda i: [fact.resource or "" for fact in _facts(i)],
    "operation": lambda i: [c.fact.operation for c in i.calls.values()],
    "service": lambda i: [fact.service for fact in _facts(i)],
    "key": lambda i: [fact.key or "" for fact in _facts(i)],
}
_FLAGS: dict[str, Test] = {
    "error": lambda i: i.state in ("error", "timeout", "throttled"),
    "ok": lambda i: i.state == "ok",
    "running": lambda i: i.state == "running",
    "timeout": lambda i: i.state == "timeout",
    "throttled": lambda i: i.state == "throttled",
    "cold": lambda i: any(a.cold for a in i.attempts.values()),
    "retry": lambda i: len(i.attempts) > 1,
    "ambiguous": lambda i: any(c.edge and c.edge.evidence == "ambiguous" for c in i.causes),
    "exact": lambda i: any(c.edge and c.edge.evidence == "exact" for c in i.causes),
    "content": lambda i: any(c.edge and c.edge.evidence == "content" for c in i.causes),
    "order": lambda i: any(c.edge and c.edge.evidence == "order" for c in i.causes),
}
_MEASURES: dict[str, Callable[[Invocation], list[float]]] = {
    "duration": lambda i: [d for a in i.attempts.values() if (d := a.duration_s) is not None],
    "init": lambda i: [d for a in i.attempts.values() if (d := a.init_s) is not None],
    "delay": lambda i: [d for c in i.causes if c.edge and (d := c.edge.delay_s) is not None],
    "attempts": lambda i: [float(len(i.attempts))],
    "calls": lambda i: [float(len(i.calls))],
}


class FilterError(ValueError):
    """An expression that cannot be read.

    Attributes:
        column: where, counted from 1.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column})")
        self.column = column


def parse(text: str) -> Test | None:
    """Make a test of an expression; None for an empty one.

    Raises:
        FilterError: a word cannot be read; says where and what was expected.
    """
    tests = [_word(match.group(), match.start() + 1) for match in _WORD.finditer(text)]
    if not tests:
        return None
    return lambda invocation: all(test(invocation) for test in tests)


def _word(word: str, column: int) -> Test:
    if word[0] in "-!" and len(word) > 1:
        positive = _word(word[1:], column + 1)
        return lambda invocation: not positive(invocation)
    comparison = _COMPARISON.match(word)
    if comparison is not None:
        return _comparison(comparison, column)
    field, colon, pattern = word.partition(":")
    if colon and field in _FIELDS:
        if not pattern:
            raise FilterError(f"{field}: needs a value, such as {field}:Image*", column + len(word))
        return _glob(_FIELDS[field], pattern)
    if colon and field.isalpha():
        known = ", ".join(sorted(_FIELDS))
        raise FilterError(f"no field {field!r}; there are {known}", column)
    if word in _FLAGS:
        return _FLAGS[word]
    return _contains(word.lower())


def _comparison(match: re.Match[str], column: int) -> Test:
    what, sign, unit = match["what"], match["sign"], match["unit"]
    if what not in _MEASURES:
        known = ", ".join(sorted(_MEASURES))
        raise FilterError(f"{what!r} cannot be compared; {known} can", column)
    if unit not in _UNITS:
        raise FilterError(f"no unit {unit!r}; there are us, ms, s, m", column + match.start("unit"))
    try:
        bound = float(match["number"]) * _UNITS[unit]
    except ValueError:
        raise FilterError("not a number", column + match.start("number")) from None
    measure = _MEASURES[what]
    compare: dict[str, Callable[[float], bool]] = {
        "<": lambda value: value < bound,
        "<=": lambda value: value <= bound,
        ">": lambda value: value > bound,
        ">=": lambda value: value >= bound,
    }
    fits = compare[sign]
    return lambda invocation: any(fits(value) for value in measure(invocation))


def _facts(invocation: Invocation) -> list[Cause | Call]:
    causes: list[Cause | Call] = [cause.fact for cause in invocation.causes]
    return causes + [call.fact for call in invocation.calls.values()]


def _glob(values: Callable[[Invocation], list[str]], pattern: str) -> Test:
    lowered = pattern.lower()
    if not any(char in lowered for char in "*?["):
        lowered = f"*{lowered}*"
    return lambda i: any(fnmatch.fnmatchcase(value.lower(), lowered) for value in values(i))


def _contains(text: str) -> Test:
    searched = ("function", "request", "error", "resource", "key")
    return lambda i: any(text in value.lower() for name in searched for value in _FIELDS[name](i))
