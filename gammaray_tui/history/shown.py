"""Answers as the rows of a table on screen, and as files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import pyarrow as pa

from gammaray_tui.history import answers
from gammaray_tui.history.asking import Answer
from widgets.answer_table import Column, Order, Row

FileForm: TypeAlias = Literal["csv", "json", "parquet"]
# More than that nobody looks through, and sorting them must stay a matter of a moment.
ROWS: Final = 10_000


class Shown(NamedTuple):
    """The first rows of an answer.

    Attributes:
        names: of the columns.
        values: as the engine gave them, by the row's number.
        more: whether the answer has rows that are not here.
    """

    names: list[str]
    columns: list[Column]
    rows: list[Row]
    values: list[dict[str, Any]]
    more: bool


def shown(answer: Answer) -> Shown:
    """Take the first rows of an answer."""
    names = list(answer.schema.names)
    rows = answers.rows_of(answer.batches)
    values = list(itertools.islice(rows, ROWS))
    more = next(rows, None) is not None
    texts = [tuple(answers.value_text(name, row[name]) for name in names) for row in values]
    figures = [pa.types.is_integer(field.type) or _is_real(field.type) for field in answer.schema]
    orders = [_orders([row[name] for row in values]) for name in names]
    columns = [
        Column(answers.heading(name), max((len(row[at]) for row in texts), default=0), figures[at])
        for at, name in enumerate(names)
    ]
    table = [
        Row(number, text, tuple(order[number] for order in orders))
        for number, text in enumerate(texts)
    ]
    return Shown(names, columns, table, values, more)


def as_file(answer: Answer, form: FileForm) -> bytes:
    """Write a whole answer as a file."""
    if form == "parquet":
        return answers.as_parquet(answer.schema, answer.batches)
    rows = answers.rows_of(answer.batches)
    pieces = answers.as_json(rows) if form == "json" else answers.as_csv(answer.schema.names, rows)
    return b"".join(pieces)


def _is_real(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _orders(values: Sequence[Any]) -> list[Order]:
    """Give what a column is sorted by: numbers where all are, texts elsewhere."""
    numbers = [_number(value) for value in values]
    if numbers.count(None) == sum(value is None for value in values):
        return list(numbers)
    return [None if value is None else str(value).casefold() for value in values]


def _number(value: Any) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp()
    try:
        return None if value is None or isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return None
