"""Rows as columns of the archive's tables.

What many rows say alike is made a value once, and then taken as often as it stands in a column.
Texts of this kind stay a dictionary and numbers, which is also how Parquet keeps them.
"""

from __future__ import annotations

from array import array
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, TypeAlias

import pyarrow as pa

from providers.archive.halves import ID_BYTES, Nested, Row
from providers.archive.rows import Rows
from providers.archive.schema import TABLES, TableName

_Names: TypeAlias = tuple[str, ...]
_Columns: TypeAlias = dict[str, pa.Array]

# The places in a row: first what it alone says, and then in one tuple what many say alike.
_RECORD: Final = ("record_id", "part", "request_id", "attempt", "written_s")
_INVOCATION: Final = (*_RECORD, "at_s", "init_s", "trace_id", "overhead_us")
_OF_INVOCATIONS: Final = (
    *("generation", "event", "arn", "function", "function_region", "account", "version"),
    *("memory_mb", "cold", "status", "error", "dropped"),
)
_CALL: Final = (
    *_RECORD,
    "call_id",
    "started_s",
    "duration_s",
    "resource",
    "key",
    "error",
    "trace_id",
)
_OF_CALLS: Final = (
    *("generation", "service", "operation", "call_region", "retries", "local", "effect"),
)
_OUTPUT: Final = (
    *("output_id", "output_resource", "output_key", "hash", "attribute_hashes", "ids", "subject"),
    *("place", "match_ids", "match_content", "match_order"),
)
_OF_OUTPUTS: Final = (
    *("output", "output_operation", "doubtful", "match_stem", "table_place", "key_names"),
)
_CAUSE: Final = (
    *(*_RECORD, "began_s", "cause_id", "resource", "key", "hash", "at_s", "ids", "caller"),
    *("subject", "place", "match_ids", "match_content", "match_order", "source"),
)
_OF_CAUSES: Final = (
    *("generation", "cause", "arn", "function", "function_region", "service", "cause_region"),
    *("name", "caller_function", "table_place", "key_names"),
)
_IDS: Final = frozenset({"record_id", "output_id", "cause_id"})
_LETTERS: Final = ID_BYTES * 4 // 3


def tables_of(rows: Rows, at_least: int = 1) -> Iterator[tuple[TableName, pa.Table]]:
    """Make tables of rows, and forget these; those of tables with fewer rows are left."""
    made: tuple[tuple[TableName, Callable[[Rows], _Columns], tuple[list[Any], ...]], ...] = (
        ("invocations", _invocations, (rows.invocations,)),
        ("calls", _calls, (rows.calls, rows.outputs, *rows.of_outputs)),
        ("causes", _causes, (rows.causes, *rows.of_causes)),
        ("gaps", _gaps, (rows.gaps,)),
    )
    for name, columns_of, forgotten in made:
        if len(forgotten[0]) >= at_least:
            columns = columns_of(rows)
            names = TABLES[name].names
            yield name, pa.Table.from_arrays([columns[n] for n in names], names=names)
            for held in forgotten:
                held.clear()


def _invocations(rows: Rows) -> _Columns:
    *own, alike = zip(*rows.invocations, strict=True)
    types = _types("invocations")
    return _own(_INVOCATION, own, types) | _alike(_OF_INVOCATIONS, alike, types)


def _calls(rows: Rows) -> _Columns:
    ids, parts, places, *own, alike = zip(*rows.calls, strict=True)
    types = _types("calls")
    columns = _own(_CALL, [ids, parts, *own], types) | _alike(_OF_CALLS, alike, types)
    *own, alike = zip(*rows.outputs, strict=True) if rows.outputs else [()] * (len(_OUTPUT) + 1)
    outputs = _own(_OUTPUT, own, types, rows.of_outputs) | _alike(_OF_OUTPUTS, alike, types)
    if len(rows.outputs) < len(places):  # NULL where a call has none
        taken = pa.array(places, pa.int32())
        outputs = {name: column.take(taken) for name, column in outputs.items()}
    return columns | outputs


def _causes(rows: Rows) -> _Columns:
    *own, alike = zip(*rows.causes, strict=True)
    types = _types("causes")
    return _own(_CAUSE, own, types, rows.of_causes) | _alike(_OF_CAUSES, alike, types)


def _gaps(rows: Rows) -> _Columns:
    return _own(tuple(TABLES["gaps"].names), [*zip(*rows.gaps, strict=True)], _types("gaps"))


def _types(table: TableName) -> Mapping[str, pa.DataType]:
    return {field.name: field.type for field in TABLES[table]}


def _own(
    names: _Names,
    columns: Sequence[Sequence[Any]],
    types: Mapping[str, pa.DataType],
    nested: Nested | None = None,
) -> _Columns:
    found: _Columns = {}
    for name, values in zip(names, columns, strict=True):
        kind = types[name]
        if name in _IDS:
            found[name] = _texts_of_ids(values)
        elif nested is not None and pa.types.is_nested(kind):
            found[name] = _nested(name, values, nested, kind)
        else:
            found[name] = pa.array(values, kind)
    return found


def _alike(names: _Names, alike: Sequence[Row], types: Mapping[str, pa.DataType]) -> _Columns:
    # Equal ones are mostly the same object; where they are not, one stands there twice.
    keys = [*map(id, alike)]
    once = dict(zip(keys, alike, strict=True))
    numbers = {key: number for number, key in enumerate(once)}
    taken = pa.array([*map(numbers.__getitem__, keys)], pa.int32())
    columns: _Columns = {}
    values = [*zip(*once.values(), strict=True)] or [()] * len(names)
    for name, column in zip(names, values, strict=True):
        found = pa.array(column, types[name])
        # As a dictionary a text is taken, and later written, as a number.
        found = found.dictionary_encode() if pa.types.is_string(found.type) else found
        columns[name] = found.take(taken)
    return columns


def _nested(name: str, counts: Sequence[int], nested: Nested, kind: pa.DataType) -> pa.Array:
    offsets = pa.array([*accumulate(counts, initial=0)], pa.int32())
    texts = pa.array(getattr(nested, name), pa.string())
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(offsets, texts, type=kind)
    items = pa.array(getattr(nested, f"{name}_values"), pa.string())
    return pa.MapArray.from_arrays(offsets, texts, items, type=kind)


def _texts_of_ids(ids: Sequence[bytes]) -> pa.Array:
    """Write ids in base64, all of them at once: their length makes each end where a letter does."""
    text = b2a_base64(b"".join(ids), newline=False)
    offsets = array("i", range(0, len(text) + 1, _LETTERS))
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string(), len(ids), buffers)
