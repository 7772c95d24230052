"""One Parquet dataset: its description, its files, and how rows become one of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from causality.clock import LAST_TIME_S
from providers.archive.schema import TABLES, VERSION, VERSION_KEY, TableName
from providers.archive.store import Store
from providers.errors import UserError

DESCRIPTION: Final = "_gammaray.json"  # engines pass over names that begin so
_COMPRESSION: Final = "zstd"


class _Description(msgspec.Struct):
    schema: str


class Dataset:
    """A dataset that exists, or will with its first file."""

    def __init__(self, store: Store) -> None:
        """Look at what is there.

        Raises:
            UserError: it is no archive, or one of a version that this program does not know.
        """
        self.store = store
        self._described = self._check()

    @property
    def exists(self) -> bool:
        """Whether anything was ever written to it."""
        return self._described

    def write(self, table: TableName, folder: str, rows: pa.Table) -> str:
        """Publish rows as one file, named by what is in it; give its path.

        The same rows give the same file: archiving twice what was archived leaves no second one.
        """
        if not self._described:
            text = msgspec.json.encode(_Description(f"gammaray-archive/{VERSION}"))
            self.store.write(DESCRIPTION, text + b"\n")
            self._described = True
        path = f"{table}/{folder}/{_name_of(rows)}.parquet"
        self.store.write(path, encoded(rows))
        return path

    def _check(self) -> bool:
        text = self.store.read(DESCRIPTION)
        if text is None:
            return False
        try:
            schema = msgspec.json.decode(text, type=_Description).schema
        except (msgspec.DecodeError, UnicodeDecodeError):
            schema = ""
        name, _, version = schema.partition("/")
        if name != "gammaray-archive" or not version.isdigit():
            raise UserError(
                f"{DESCRIPTION} is not an archive's.", on=self.store.url, kind="not-an-archive"
            )
        if int(version) != VERSION:
            again = "Archive the records again, into another folder: match keys have changed."
            raise UserError(
                f"The archive has version {version}, this program reads and writes {VERSION}.",
                on=self.store.url,
                todo="Update gammaray-tui." if int(version) > VERSION else again,
                kind="archive-version",
            )
        return True


def need(dataset: Dataset) -> Dataset:
    """Give a dataset that there is.

    Raises:
        UserError: there is none.
    """
    if not dataset.exists:
        raise UserError(
            "There is no archive.",
            on=dataset.store.url,
            todo="Write one: gammaray-tui archive RECORDING... --to "
            f"{dataset.store.url or 'FOLDER'}",
            kind="no-archive",
        )
    return dataset


def folder_of(at_s: float, region: str) -> str:
    """Give the partition of a record: the day on which it was written, and its region."""
    at_s = min(max(at_s, 0.0), LAST_TIME_S - 1.0)
    # Only what a region's name is made of: the name becomes a folder's.
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in region)
    return f"date={datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}/region={plain or 'unknown'}"


def table_of(table: TableName, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Make columns of rows; maps are mappings in them."""
    schema = TABLES[table]
    columns = [
        _column(column, field.type)
        for column, field in zip(zip(*rows, strict=True), schema, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_nested(kind):
        return pa.array(values, kind)
    # Flat values and where each row's begin: several times quicker than a list for each row.
    begins: list[int | None] = []
    count = 0
    for value in values:
        begins.append(None if value is None else count)
        count += len(value or ())
    offsets = pa.array([*begins, count], pa.int32())
    flat = pa.array([item for value in values if value for item in value], pa.string())
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(offsets, flat, type=kind)
    items = pa.array([item for value in values if value for item in value.values()], pa.string())
    return pa.MapArray.from_arrays(offsets, flat, items, type=kind)


def encoded(rows: pa.Table) -> bytes:
    """Write a table as a Parquet file."""
    metadata = {**(rows.schema.metadata or {}), VERSION_KEY: str(VERSION).encode()}
    written = io.BytesIO()
    pq.write_table(
        rows.replace_schema_metadata(metadata),
        written,
        compression=_COMPRESSION,
        use_dictionary=[field.name for field in rows.schema if field.name in _REPEATED],
    )
    return written.getvalue()


# Columns whose values come again and again; a dictionary of all-different ids costs and gains not.
_REPEATED: Final = frozenset(
    (
        *("attempt", "event", "arn", "function", "function_region", "account", "version"),
        *("status", "error", "service", "operation", "call_region", "resource", "effect"),
        *("output_resource", "output_operation", "subject", "place", "table_place", "name"),
        *("cause_region", "source", "caller_function", "kind"),
    )
)


def _name_of(rows: pa.Table) -> str:
    digest = blake2b(digest_size=16)
    for name in ("record_id", "part"):
        column = rows.column(name).combine_chunks()
        digest.update("\n".join(map(str, column.to_pylist())).encode())
    return digest.hexdigest()
