"""Answers as tables for people, JSON lines, CSV for spreadsheets, and Parquet."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from causality.exports.labels import harmless_json
from causality.exports.tables import safe_cell
from gammaray_tui.commands.plain_table import table_lines
from widgets import formats

# More than that nobody reads, and all of it has to be held to align its columns.
TABLE_ROWS: Final = 1000
_LEAST_INSTANT_S: Final = 1e8  # what ends on "_s" and is larger is a time, not a length of time


def rows_of(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    """Give the rows of an answer."""
    for batch in batches:
        yield from batch.to_pylist(maps_as_pydicts="lossy")


def as_table(names: list[str], rows: Iterable[dict[str, Any]]) -> tuple[list[str], bool]:
    """Align the first rows; say whether there are more."""
    rows = iter(rows)
    shown = list(itertools.islice(rows, TABLE_ROWS))
    numbers = {
        name for name in names if all(isinstance(row[name], int | float | None) for row in shown)
    }
    heads = [heading(name).upper() for name in names]
    right = frozenset(head for head, name in zip(heads, names, strict=True) if name in numbers)
    cells = [[value_text(name, row[name]) for name in names] for row in shown]
    return table_lines(heads, cells, right), next(rows, None) is not None


def as_json(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Write an object a line."""
    for row in rows:
        yield harmless_json(msgspec.json.encode(row).decode()).encode() + b"\n"


def as_csv(names: list[str], rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Write CSV that no spreadsheet runs (RFC 4180)."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(map(safe_cell, names))
    for row in rows:
        writer.writerow(_cell(row[name]) for name in names)
        if written.tell() > 1 << 16:
            yield written.getvalue().encode()
            written.seek(0)
            written.truncate()
    yield written.getvalue().encode()


def as_parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> bytes:
    """Write a Parquet file."""
    written = io.BytesIO()
    with pq.ParquetWriter(written, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch.cast(schema))
    return written.getvalue()


def heading(name: str) -> str:
    """Give a column's name as people write it."""
    return name.removesuffix("_s").replace("_", " ")


def value_text(name: str, value: Any) -> str:
    """Give a value as a short text; what its column is called tells the unit."""
    if value is None:
        return formats.UNKNOWN
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        if name.endswith("_share"):
            return f"{value:.1%}"
        if name.endswith("_s"):
            instant = value > _LEAST_INSTANT_S
            return formats.instant(value) if instant else formats.duration(value)
        return f"{value:g}"
    return _plain(value)


def _plain(value: Any) -> str:
    """Give what is no number, with its parts one after the other."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, dict):
        return " ".join(f"{name}={part}" for name, part in value.items())
    return str(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return safe_cell(_plain(value))
