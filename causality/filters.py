"""Filter expressions: `function:Image* region:us-east-1 error -cold p95>200ms checkout`.

Words are joined by "and"; "-" or "!" before a word negates it; quotes keep blanks together and
switch off wildcards. The grammar is documented in docs/filters.md, the words are those of
filter_words.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from fnmatch import translate
from typing import NamedTuple

from causality.accounts import covers
from causality.filter_words import FIELDS, FLAGS, MEASURES, QUANTILES, SEARCHED, MeasureKind, Test
from causality.graph import Invocation
from causality.latency import Latencies, SeriesKey, edge_key, function_key
from causality.snapshot import LatencyRow

__all__ = [
    "Filter",
    "FilterError",
    "Slow",
    "Test",
    "exactly",
    "holding",
    "is_plain",
    "likely_meant",
    "parse",
    "read_duration",
    "read_time",
]

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*")+|"')
_COMPARISON = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<sign><=|>=|=<|=>|<|>|!?=)(?P<value>.*)", re.S
)
_PLAIN = re.compile(r"[\w./][\w./-]*")
_QUOTED = re.compile('"([^"]*)"')
_WILDCARD = re.compile("[*?]")
_FIELD = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*):(?P<value>.*)", re.S)
_NUMBER = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?P<unit>.*)", re.S)
_UNITS = {
    "": 1.0,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
}
# What other languages write: as text to look for, it would silently fit nothing.
_ELSEWHERE = {
    "and": "words are joined by blanks: every one has to fit",
    "&&": "words are joined by blanks: every one has to fit",
    "or": "every word has to fit; there is no 'or'",
    "&": "words are joined by blanks: every one has to fit",
    "||": "every word has to fit; there is no 'or'",
    "|": "every word has to fit; there is no 'or'",
    "not": "a word is negated by '-' before it",
}
_SIGNS_MEANT = {
    "!=": "'-' before the word negates it",
    "=>": "did you mean >=?",
    "=<": "did you mean <=?",
}
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}

_QUOTE_IT = 'Or put "quotes" around the text to look for it'


class FilterError(ValueError):
    """An expression that cannot be read.

    Attributes:
        column: where, counted from 1.
    """

    def __init__(self, message: str, column: int) -> None:
        # First: where there is little room, the end is cut off.
        super().__init__(f"column {column}: {message}")
        self.column = column


class Bound(NamedTuple):
    """What a number is compared with."""

    sign: str
    value: float

    def fits(self, value: float) -> bool:
        """Say whether a number lies as is asked for."""
        # The difference of two epoch times is off by a fraction of a microsecond.
        return _SIGNS[self.sign](round(value, 6), self.value)


class Slow(NamedTuple):
    """A word about a quantile: the functions and edges that fit it.

    Attributes:
        figure: the member of a latency table's rows that it is about.
    """

    functions: frozenset[SeriesKey]
    edges: frozenset[SeriesKey]
    negated: bool
    figure: str
    bound: Bound

    def fits(self, invocation: Invocation) -> bool:
        """Say whether its function, or an edge that leads to it, is one of them."""
        found = covers(self.functions, function_key(invocation)) or any(
            key is not None and covers(self.edges, key) for key in map(edge_key, invocation.causes)
        )
        return found != self.negated


class Filter:
    """A parsed expression: called with an invocation, says whether it fits.

    Attributes:
        slow: its words about quantiles. They were looked up once: when the tables change, parse
            again and compare.
    """

    __slots__ = ("_tests", "slow")

    def __init__(self, tests: Iterable[Test], slow: Iterable[Slow]) -> None:
        self._tests = tuple(tests)
        self.slow = tuple(slow)

    def __call__(self, invocation: Invocation) -> bool:
        """Say whether an invocation fits every word."""
        return self.fits_itself(invocation) and all(word.fits(invocation) for word in self.slow)

    def fits_itself(self, invocation: Invocation) -> bool:
        """Say whether an invocation fits every word that is about itself: all but quantiles."""
        return all(test(invocation) for test in self._tests)

    def fits_function(self, key: SeriesKey) -> bool:
        """Say whether a function's row of a latency table fits the words about quantiles."""
        return all(covers(word.functions, key) != word.negated for word in self.slow)

    def fits_edge(self, key: SeriesKey) -> bool:
        """Say whether an edge's row of a latency table fits the words about quantiles."""
        return all(covers(word.edges, key) != word.negated for word in self.slow)

    def fits_figures(self, row: object) -> bool:
        """Say whether figures that are named as those of a latency table's rows fit them."""
        for word in self.slow:
            value: float | None = getattr(row, word.figure)
            if (value is not None and word.bound.fits(value)) == word.negated:
                return False
        return True


class _Word(NamedTuple):
    text: str  # without signs of negation
    column: int  # of its first character, counted from 1
    negated: bool


def parse(text: str, latencies: Callable[[], Latencies] | None = None) -> Filter | None:
    """Make a test of an expression; None for an empty one.

    Args:
        text: the expression.
        latencies: gives the tables that words such as `p95>200ms` are looked up in; asked only
            when there is such a word.

    Raises:
        FilterError: a word cannot be read; says where and what was expected.
    """
    tests: list[Test] = []
    slow: list[Slow] = []
    for word in list(_words(text)):
        found = _comparison(word, latencies) or _other(word)
        if isinstance(found, Slow):
            slow.append(found)
        else:
            tests.append(_negated(found) if word.negated else found)
    return Filter(tests, slow) if tests or slow else None


def likely_meant(text: str) -> str:
    """Say which word of an expression that fits nothing may not be meant as text; else ""."""
    for word in _words(text):
        name = word.text.lower()
        near = get_close_matches(name, [*FLAGS, *MEASURES, *QUANTILES], 1, 0.75)
        if near and name not in FLAGS:
            meant = near[0] if near[0] in FLAGS else f"a comparison, such as {near[0]}>1"
            return f"{word.text!r} is looked for as text; did you mean {meant}?"
    return ""


def exactly(text: str) -> str:
    """Write a pattern that fits this text alone."""
    return '"' + text.replace('"', '"?"') + '"'  # a quote within quotes would end them


def holding(text: str) -> str:
    """Write a pattern that fits what has this text in it."""
    return text if is_plain(text) else f"*{exactly(text)}*"


def is_plain(text: str) -> bool:
    """Say whether text means itself in an expression, also as a word of its own."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in (*FLAGS, *_ELSEWHERE)


def _words(text: str) -> Iterator[_Word]:
    for match in _TOKEN.finditer(text):
        token, column = match.group(), match.start() + 1
        if token == '"':
            raise FilterError("the quote is not closed", column)
        rest = token.lstrip("-!")
        signs = len(token) - len(rest)
        if not rest:
            raise FilterError(f"nothing follows {token[-1]!r}", column + signs)
        yield _Word(rest, column + signs, bool(signs % 2))


def _negated(test: Test) -> Test:
    return lambda invocation: not test(invocation)


def _other(word: _Word) -> Test:
    """Read a word that compares no numbers."""
    if word.text.startswith('"'):
        return _text(word)
    if word.text[0] in "<>=":
        raise FilterError("a comparison holds no blanks: duration>200ms", word.column)
    if word.text.lower() in _ELSEWHERE:
        raise FilterError(f"{_ELSEWHERE[word.text.lower()]}. {_QUOTE_IT}", word.column)
    field = _FIELD.fullmatch(word.text)
    if field is None:
        flag = FLAGS.get(word.text.lower())
        return flag.test if flag is not None else _text(word)
    name, pattern = field["name"].lower(), field["value"]
    if name not in FIELDS:
        raise FilterError(
            f"no field {field['name']!r}; {_meant(name, pattern)} {_QUOTE_IT}",
            word.column,
        )
    if not pattern.strip('"'):
        raise FilterError(
            f"{name}: needs a value, such as {name}:Image*", word.column + len(word.text)
        )
    values, fits = FIELDS[name].values, _matcher(pattern)
    return lambda invocation: any(fits(value.lower()) for value in values(invocation))


def _text(word: _Word) -> Test:
    """Read a word to look for, which none is that was meant to say something else."""
    text, column = word.text, word.column
    if text[0] == "(":
        raise FilterError(f"there are no parentheses: every word has to fit. {_QUOTE_IT}", column)
    sign = re.search("[!=]?[<>≤≥]", _QUOTED.sub(lambda quoted: "_" * len(quoted.group()), text))
    if sign is not None:
        column += sign.start()
        raise FilterError(f"this is no comparison, such as duration>200ms. {_QUOTE_IT}", column)
    parts = re.split("([,;|&]+)", text.lower())
    if len(parts) > 1 and all(part in FLAGS for part in parts[::2]):
        raise FilterError(_ELSEWHERE["and"], column + len(parts[0]))
    return _search(text)


def _meant(name: str, value: str) -> str:
    if name in FLAGS:
        return f"did you mean {name}?"
    if value.lower() in FLAGS and not get_close_matches(name, FIELDS, 1, 0.75):
        return f"did you mean {value.lower()}?"
    if name in MEASURES or name in QUANTILES:
        return f"did you mean {name}>{value or '200ms'}?"
    return _known(name, FIELDS)


def _search(pattern: str) -> Test:
    fits = _matcher(pattern, contained=True)
    fields = [FIELDS[name].values for name in SEARCHED]
    return lambda i: any(fits(value.lower()) for values in fields for value in values(i))


def _matcher(pattern: str, *, contained: bool = False) -> Callable[[str], bool]:
    """Make a test of text in lower case: wildcards and quotes want all of it to fit."""
    pattern = pattern.lower()
    if _WILDCARD.search(_QUOTED.sub("", pattern)):
        parts = [part.replace("[", "[[]") for part in _QUOTED.split(pattern)]
        # Every other one was quoted, and means itself.
        parts[1::2] = [_WILDCARD.sub(r"[\g<0>]", part) for part in parts[1::2]]
        expression = re.compile(translate("".join(parts)))
        return lambda value: expression.match(value) is not None
    plain = pattern.replace('"', "")
    if '"' in pattern and not contained:
        return lambda value: plain == value
    return lambda value: plain in value


# --- numbers -----------------------------------------------------------------------------------


def _comparison(word: _Word, latencies: Callable[[], Latencies] | None) -> Test | Slow | None:
    match = _COMPARISON.fullmatch(word.text)
    if match is None:
        return None
    name, sign = match["name"].lower(), match["sign"]
    if name not in MEASURES and name not in QUANTILES:
        if name in FIELDS:
            said = f"{'-' if sign == '!=' else ''}{name}:{match['value'] or 'Image*'}"
            raise FilterError(f"{name} is no number; did you mean {said}? {_QUOTE_IT}", word.column)
        if name in FLAGS:
            raise FilterError(f"{name} is no number; did you mean {name}? {_QUOTE_IT}", word.column)
        if sign in ("=", "!="):
            return None  # part of a key or a query, most likely
        known = _known(name, [*MEASURES, *QUANTILES])
        raise FilterError(f"{match['name']!r} cannot be compared; {known} {_QUOTE_IT}", word.column)
    if sign not in _SIGNS:
        column = word.column + match.start("sign")
        meant = _SIGNS_MEANT[sign]
        raise FilterError(f"no comparison {sign!r}; {meant}", column)
    kind: MeasureKind = MEASURES[name].kind if name in MEASURES else "duration"
    bound = Bound(sign, _bound(match["value"], kind, word.column + match.start("value")))
    if name in MEASURES:
        values = MEASURES[name].values
        return lambda invocation: any(bound.fits(value) for value in values(invocation))
    if latencies is None:
        raise FilterError(f"{name} needs the latencies of a whole graph", word.column)
    return _slow(latencies(), QUANTILES[name].row, bound, word.negated)


def _bound(text: str, kind: MeasureKind, column: int) -> float:
    if kind == "time":
        at_s = read_time(text)
        if at_s is None:
            raise FilterError(f"{text!r} is no time, such as 2026-11-22T14:00Z", column)
        return round(at_s, 6)
    match = _NUMBER.fullmatch(text)
    if match is None:
        example = "200ms" if kind == "duration" else "2"
        raise FilterError(f"{text!r} is no number; give one such as {example}", column)
    unit = match["unit"].lower()
    if unit and kind == "count":
        raise FilterError(f"a count has no unit {unit!r}", column + match.start("unit"))
    if unit not in _UNITS:
        raise FilterError(
            f"no unit {unit!r}; there are {', '.join(filter(None, _UNITS))}",
            column + match.start("unit"),
        )
    return round(float(match["number"]) * _UNITS[unit], 6)


def read_duration(text: str) -> float | None:
    """Read a duration such as 90s, 5m or 1.5h as seconds; None when it is none."""
    match = _NUMBER.fullmatch(text)
    if match is None or match["unit"].lower() not in _UNITS:
        return None
    return float(match["number"]) * _UNITS[match["unit"].lower()]


def read_time(text: str) -> float | None:
    """Read an instant: ISO 8601, UTC unless it says otherwise, or epoch seconds; else None."""
    if re.fullmatch(r"[0-9]{9,11}(\.[0-9]*)?", text):
        return float(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)).timestamp()


def _slow(latencies: Latencies, figure: str, bound: Bound, negated: bool) -> Slow:
    def found(rows: Iterable[LatencyRow]) -> frozenset[SeriesKey]:
        return frozenset(
            row.key
            for row in rows
            if (value := getattr(row, figure)) is not None and bound.fits(value)
        )

    functions, edges = found(latencies.functions.rows()), found(latencies.edges.rows())
    return Slow(functions, edges, negated, figure, bound)


def _known(name: str, there_are: Iterable[str]) -> str:
    choices = sorted(there_are)
    near = [c for c in choices if c.startswith(name)] or get_close_matches(name, choices, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(choices)}."
