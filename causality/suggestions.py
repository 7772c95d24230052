"""What can follow while a filter expression is typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from causality.filter_words import FIELDS, FLAGS, MEASURES, QUANTILES
from causality.filters import exactly, is_plain

_EXAMPLES = {"duration": "200ms", "count": "1", "time": "2026-11-22T14:00Z"}


class Suggestion(NamedTuple):
    """A way to go on.

    Attributes:
        text: the whole expression with it.
        column: where the cursor stands then, counted from 1.
        word: the word that is put in.
        meaning: what it means, for the user.
    """

    text: str
    column: int
    word: str
    meaning: str


def suggest(
    text: str, column: int, seen: Mapping[str, Iterable[str]] | None = None
) -> list[Suggestion]:
    """Suggest words for the place of the cursor, the likeliest first.

    Args:
        text: the expression as it stands.
        column: before which character the cursor is, counted from 1.
        seen: values that occur, by the field (function, region) that they are of.
    """
    at = min(max(column - 1, 0), len(text))
    begin = at
    while begin > 0 and not text[begin - 1].isspace():
        begin -= 1
    end = at
    while end < len(text) and not text[end].isspace():
        end += 1
    typed = text[begin:at]
    bare = typed.lstrip("-!")
    signs = typed[: len(typed) - len(bare)]
    found = []
    for word, meaning in _words(bare, seen or {}):
        if word.lower() != bare.lower():
            whole = text[:begin] + signs + word
            found.append(Suggestion(whole + text[end:], len(whole) + 1, signs + word, meaning))
    return found


def _words(bare: str, seen: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, str]]:
    field, colon, value = bare.partition(":")
    if colon:
        if field.lower() in FIELDS:
            begun = value.lstrip('"').lower()
            values = sorted(set(seen.get(field.lower(), ())))
            for known in [v for v in values if v.lower().startswith(begun)] + [
                v for v in values if begun in v.lower() and not v.lower().startswith(begun)
            ]:
                yield f"{field.lower()}:{_quoted(known)}", FIELDS[field.lower()].meaning
        return
    begun = bare.lower()
    vocabulary = {
        **{name: flag.meaning for name, flag in FLAGS.items()},
        **{f"{name}:": entry.meaning for name, entry in FIELDS.items()},
        **{
            f"{name}>{_EXAMPLES[measure.kind]}": measure.meaning
            for name, measure in MEASURES.items()
        },
        **{f"{name}>200ms": quantile.meaning for name, quantile in QUANTILES.items()},
    }
    for word, meaning in vocabulary.items():
        if word.startswith(begun):
            yield word, meaning
    if begun:
        for name in sorted(set(seen.get("function", ()))):
            if name.lower().startswith(begun):
                yield f"function:{_quoted(name)}", FIELDS["function"].meaning


def _quoted(value: str) -> str:
    return value if is_plain(value) else exactly(value)
