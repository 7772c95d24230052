"""One Parquet dataset: its description, its files, and how rows become one of them."""

from __future__ import annotations

import io
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from causality.clock import LAST_TIME_S
from providers.archive.schema import VERSION, VERSION_KEY, TableName
from providers.archive.store import Store
from providers.errors import UserError

DESCRIPTION: Final = "_gammaray.json"  # engines pass over names that begin so
_COMPRESSION: Final = "zstd"
_ARROW_KEY: Final = b"ARROW:schema"  # where pyarrow keeps the types that it reads a file as


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
        """Whether it was ever made."""
        return self._described

    def make(self) -> None:
        """Make it, with nothing in it, unless it is there.

        Raises:
            UserError: nothing can be written there.
        """
        if not self._described:
            text = msgspec.json.encode(_Description(f"gammaray-archive/{VERSION}"))
            self.store.write(DESCRIPTION, text + b"\n")
            self._described = True

    def write(self, table: TableName, folder: str, rows: pa.Table) -> str:
        """Publish rows as one file, named by what is in it; give its path.

        The same rows give the same file: archiving twice what was archived leaves no second one.
        """
        self.make()
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


def encoded(rows: pa.Table) -> bytes:
    """Write a table as a Parquet file; whether its columns have dictionaries is not seen in it."""
    names = rows.schema.names
    metadata = {VERSION_KEY: str(VERSION).encode()}
    plain = pa.schema([pa.field(field.name, _plain(field.type)) for field in rows.schema], metadata)
    written = io.BytesIO()
    with pq.ParquetWriter(
        written,
        rows.schema,
        compression=_COMPRESSION,
        use_dictionary=[name for name in names if name in _REPEATED],
        write_statistics=[name for name in names if name in _REPEATED or name in _ORDERED],
        store_schema=False,
    ) as writer:
        writer.write_table(rows)
        # What it would store by itself, but for dictionaries.
        schema = {_ARROW_KEY: b64encode(plain.serialize())}
        writer.add_key_value_metadata({**metadata, **schema})
    return written.getvalue()


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


# Columns whose values come again and again; a dictionary of all-different ids costs and gains not.
_REPEATED: Final = frozenset(
    (
        *("event", "arn", "function", "function_region", "account", "version"),
        *("status", "error", "service", "operation", "call_region", "resource", "effect"),
        *("output_resource", "output_operation", "subject", "place", "table_place", "name"),
        *("cause_region", "source", "caller_function", "kind"),
    )
)
# The others whose least and greatest value tell a reader what it can leave out. Of ids and hashes
# they tell nothing, and take a sixth of the time to write.
_ORDERED: Final = frozenset(
    (
        *("part", "generation", "written_s", "at_s", "started_s", "began_s", "duration_s"),
        *("init_s", "memory_mb", "cold", "dropped", "overhead_us", "retries", "local"),
        *("output", "cause", "doubtful"),
    )
)


def _name_of(rows: pa.Table) -> str:
    digest = blake2b(digest_size=16)
    for name in ("record_id", "part"):
        texts = rows.column(name).combine_chunks().cast(pa.string())
        lines = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
        digest.update(pc.binary_join(lines, "\n")[0].as_buffer())
    return digest.hexdigest()
