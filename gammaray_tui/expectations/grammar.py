"""The language of expectations.

    A -> B [-> C ...] [within 2s]    each A leads to a B (and that to a C), in time
    A p95 < 500ms                    a measure of A's durations, or `A -> B p95 < 2s`
    A count >= 3                     how often A ran, or `A -> B count = 1`
    no errors [in A]                 also: no timeouts, no orphans, no gaps

Names are functions', with * and ? for anything; a name with spaces or signs stands in double
quotes. Times of a path go from the first function's start to the last one's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Final, Literal, TypeAlias

Measure: TypeAlias = Literal["p50", "p90", "p95", "p99", "min", "max", "mean", "count"]
What: TypeAlias = Literal["errors", "timeouts", "orphans", "gaps"]

MEASURES: Final[tuple[Measure, ...]] = ("p50", "p90", "p95", "p99", "min", "max", "mean", "count")
WHATS: Final[tuple[What, ...]] = ("errors", "timeouts", "orphans", "gaps")
COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "=": eq,
}
_UNITS_S: Final = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0}
_TOKEN: Final = re.compile(
    r'(?P<space>\s+)|(?P<arrow>->|→)|(?P<sign><=|>=|<|>|=)|"(?P<quoted>[^"]*)"'
    r'|(?P<word>(?:(?!->|→)[^\s"<>=])+)|(?P<other>.)'
)
_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|s|min|m)")


class ExpectationError(ValueError):
    """An expectation that cannot be read.

    Attributes:
        column: where, from 1 on.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Path:
    """Each invocation of the first function leads to the others, in time if one is given."""

    text: str
    names: tuple[str, ...]
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A measure of a function, or of a path, compared with a limit (seconds, or a count)."""

    text: str
    names: tuple[str, ...]
    measure: Measure
    sign: str
    limit: float


@dataclass(frozen=True, slots=True)
class Nothing:
    """Something that must not be there; `name` "" is anywhere."""

    text: str
    what: What
    name: str = ""


Expectation: TypeAlias = Path | Limit | Nothing


def parse(text: str) -> Expectation:
    """Read an expectation.

    Raises:
        ExpectationError: it cannot be read; says what was expected, and where.
    """
    return _Parser(text).expectation()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._end = _Token("end", "", len(text) + 1)
        self._tokens = [
            _Token(match.lastgroup or "", match[match.lastgroup or 0], match.start() + 1)
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "space"
        ]
        self._at = 0

    def expectation(self) -> Expectation:
        if not self._tokens:
            raise ExpectationError("nothing is expected here", 1)
        following = self._tokens[1] if len(self._tokens) > 1 else self._end
        if self._next.text == "no" and self._next.kind == "word" and following.kind == "word":
            return self._nothing()
        names = [self._name()]
        while self._next.kind == "arrow":
            self._take()
            names.append(self._name())
        return self._rest_of(tuple(names))

    def _nothing(self) -> Nothing:
        self._take()
        token = self._take()
        what = next((known for known in WHATS if known == token.text.lower()), None)
        if what is None:
            raise ExpectationError(
                f"after `no`, one of {', '.join(WHATS)} is expected", token.column
            )
        name = ""
        if self._next.text == "in":
            if what == "gaps":
                raise ExpectationError("a gap is in no function", self._next.column)
            self._take()
            name = self._name()
        self._finish("`in` and a function's name")
        return Nothing(self._text, what, name)

    def _rest_of(self, names: tuple[str, ...]) -> Path | Limit:
        token = self._take()
        measure = next((known for known in MEASURES if known == token.text.lower()), None)
        if token.kind == "word" and measure is not None:
            sign = self._take()
            if sign.kind != "sign":
                raise ExpectationError("one of < <= > >= = is expected", sign.column)
            limit = self._count() if measure == "count" else self._time()
            self._finish("nothing more")
            return Limit(self._text, names, measure, sign.text, limit)
        if len(names) > 1 and token.kind == "end":
            return Path(self._text, names)
        if len(names) > 1 and token.text == "within":
            within_s = self._time()
            self._finish("nothing more")
            return Path(self._text, names, within_s)
        wanted = f"one of {', '.join(MEASURES)}"
        wanted = f"`->`, `within` or {wanted}" if len(names) > 1 else f"`->` or {wanted}"
        raise ExpectationError(f"{wanted} is expected", token.column)

    def _name(self) -> str:
        token = self._take()
        if token.kind not in ("word", "quoted") or not token.text:
            raise ExpectationError("a function's name is expected", token.column)
        return token.text

    def _time(self) -> float:
        token = self._take()
        match = _TIME.fullmatch(token.text.lower()) if token.kind == "word" else None
        if match is None:
            raise ExpectationError("a time is expected, such as 500ms or 2s", token.column)
        return float(match[1]) * _UNITS_S[match[2]]

    def _count(self) -> float:
        token = self._take()
        if token.kind != "word" or not (token.text.isascii() and token.text.isdecimal()):
            raise ExpectationError("a whole number is expected", token.column)
        return float(token.text)

    def _finish(self, wanted: str) -> None:
        token = self._next
        if token.kind != "end":
            raise ExpectationError(f"{wanted} is expected here", token.column)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token
