"""An archive's tables in Hive's words, as Athena wants to be told of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

from providers.archive.schema import PARTITIONS, TABLES, TableName

_TYPES = {
    pa.string(): "string",
    pa.int8(): "tinyint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.list_(pa.string()): "array<string>",
    pa.map_(pa.string(), pa.string()): "map<string,string>",
}
_PARTITION = re.compile(r"/date=(\d{4}-\d\d-\d\d)/region=([^/]+)/")


def external_table(name: str, schema: pa.Schema, location: str) -> str:
    """Give the statement that makes a table of the Parquet files in a folder of S3."""
    return (
        f"CREATE EXTERNAL TABLE {_quoted(name)} (\n  {_columns(schema)})\n"
        f"STORED AS PARQUET LOCATION '{_text(location)}'"
    )


def archive_table(name: str, table: TableName, root: str, paths: Iterable[str]) -> str:
    """Give the statement that makes a table of an archive's files.

    Args:
        name: what it shall be called.
        table: which one it is.
        root: of the archive, s3://bucket/prefix.
        paths: of its files; they tell which partitions there are.
    """
    found = [match.groups() for path in paths if (match := _PARTITION.search(path))]
    dates = sorted({date for date, _ in found}) or ["2000-01-01"]
    regions = sorted({region for _, region in found}) or ["unknown"]
    place = f"{_text(root)}/{table}/"
    return (
        f"CREATE EXTERNAL TABLE {_quoted(name)} (\n  {_columns(TABLES[table])})\n"
        f"PARTITIONED BY ({_columns(PARTITIONS)})\n"
        f"STORED AS PARQUET LOCATION '{place}'\n"
        "TBLPROPERTIES (\n"
        "  'projection.enabled' = 'true',\n"
        "  'projection.date.type' = 'date', 'projection.date.format' = 'yyyy-MM-dd',\n"
        f"  'projection.date.range' = '{dates[0]},{dates[-1]}',\n"
        "  'projection.region.type' = 'enum',\n"
        f"  'projection.region.values' = '{','.join(regions)}',\n"
        f"  'storage.location.template' = '{place}date=${{date}}/region=${{region}}')"
    )


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{_quoted(field.name)} {_TYPES[field.type]}" for field in schema)


def _quoted(name: str) -> str:
    return f"`{name}`"


def _text(text: str) -> str:
    return text.replace("'", "''")
