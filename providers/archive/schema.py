"""The archive's tables and their columns (docs/archive.md)."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import pyarrow as pa

# Also of what the match keys are made of: rows of different versions do not find each other.
VERSION: Final = 3
# In each file's metadata, and in the dataset's own description.
VERSION_KEY: Final = b"gammaray.archive"

TableName: TypeAlias = Literal["invocations", "calls", "causes", "gaps"]

_TEXT = pa.string()
_NUMBER = pa.int32()
_SECONDS = pa.float64()
_TEXTS = pa.list_(pa.string())
_PAIRS = pa.map_(pa.string(), pa.string())

# Which record a row is of, and its place in it: the same record twice gives equal ones.
_OF_RECORD: Final[list[tuple[str, pa.DataType]]] = [
    ("record_id", _TEXT),
    ("part", pa.int64()),
    ("request_id", _TEXT),
    ("attempt", _TEXT),
    ("generation", pa.int8()),
    ("written_s", _SECONDS),
]

INVOCATIONS: Final = pa.schema(
    [
        *_OF_RECORD,
        ("event", _TEXT),
        ("at_s", _SECONDS),
        ("arn", _TEXT),
        ("function", _TEXT),
        ("function_region", _TEXT),
        ("account", _TEXT),
        ("version", _TEXT),
        ("memory_mb", _NUMBER),
        ("cold", pa.bool_()),
        ("init_s", _SECONDS),
        ("trace_id", _TEXT),
        ("status", _TEXT),
        ("error", _TEXT),
        ("dropped", _NUMBER),
        ("overhead_us", pa.int64()),
    ]
)

CALLS: Final = pa.schema(
    [
        *_OF_RECORD,
        ("call_id", _TEXT),
        ("started_s", _SECONDS),
        ("duration_s", _SECONDS),
        ("service", _TEXT),
        ("operation", _TEXT),
        ("call_region", _TEXT),
        ("resource", _TEXT),
        ("key", _TEXT),
        ("error", _TEXT),
        ("retries", _NUMBER),
        ("local", pa.bool_()),
        ("effect", _TEXT),
        ("trace_id", _TEXT),
        ("output", _NUMBER),
        ("output_id", _TEXT),
        ("output_resource", _TEXT),
        ("output_key", _TEXT),
        ("output_operation", _TEXT),
        ("hash", _TEXT),
        ("attribute_hashes", _PAIRS),
        ("ids", _PAIRS),
        ("subject", _TEXT),
        ("doubtful", pa.bool_()),
        ("place", _TEXT),
        ("match_ids", _TEXTS),
        ("match_content", _TEXT),
        ("match_order", _TEXTS),
        ("match_stem", _TEXT),
        ("table_place", _TEXT),
        ("key_names", _TEXTS),
    ]
)

CAUSES: Final = pa.schema(
    [
        *_OF_RECORD,
        ("cause_id", _TEXT),
        ("cause", _NUMBER),
        ("began_s", _SECONDS),
        ("arn", _TEXT),
        ("function", _TEXT),
        ("function_region", _TEXT),
        ("service", _TEXT),
        ("resource", _TEXT),
        ("cause_region", _TEXT),
        ("key", _TEXT),
        ("hash", _TEXT),
        ("name", _TEXT),
        ("at_s", _SECONDS),
        ("ids", _PAIRS),
        ("caller", _TEXT),
        ("caller_function", _TEXT),
        ("subject", _TEXT),
        ("place", _TEXT),
        ("match_ids", _TEXTS),
        ("match_content", _TEXT),
        ("match_order", _TEXT),
        ("source", _TEXT),
        ("table_place", _TEXT),
        ("key_names", _TEXTS),
    ]
)

GAPS: Final = pa.schema(
    [
        ("record_id", _TEXT),
        ("part", pa.int64()),
        ("kind", _TEXT),
        ("at_s", _SECONDS),
        ("source", _TEXT),
        ("detail", _TEXT),
    ]
)

TABLES: Final[dict[TableName, pa.Schema]] = {
    "invocations": INVOCATIONS,
    "calls": CALLS,
    "causes": CAUSES,
    "gaps": GAPS,
}
# Folders, not columns of the files: Hive's names, which every engine reads.
PARTITIONS: Final = pa.schema([("date", pa.date32()), ("region", pa.string())])
