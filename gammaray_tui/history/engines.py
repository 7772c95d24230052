"""Opening an archive in an engine: DuckDB in this process, Spark, or Athena."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from gammaray_tui.history.extras import need_extra
from providers.archive.schema import PARTITIONS, TABLES, TableName
from providers.archive.store import Bucket, Folder
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.history.athena_queries import AthenaPlace

BATCH_ROWS: Final = 65_536
_ENGINES_OWN: Final = frozenset({"duckdb", "_duckdb", "pyspark", "py4j"})
_MAP: Final = ("keys", "values")
_PACKING: Final = "zstd,fsst,dict_fsst"  # what is slow of it
_T = TypeVar("_T")


class Archive(ABC):
    """An archive's tables, as expressions of an engine.

    Attributes:
        connection: the engine's.
    """

    def __init__(self, connection: Any) -> None:
        """Take the tables that were given their names in the engine."""
        self.connection = connection
        self.invocations: Table = connection.table("invocations")
        self.calls: Table = connection.table("calls")
        self.causes: Table = connection.table("causes")
        self.gaps: Table = connection.table("gaps")
        self._names = (f"gammaray_{number}" for number in count())
        self._made: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], _T]) -> _T:
        """Give what was made under a name, else make it: one question's work serves the next."""
        if name not in self._made:
            self._made[name] = make()
        return cast(_T, self._made[name])

    @abstractmethod
    def held(self, expression: Table) -> Table:
        """Compute an expression once; what is made of it uses the result."""

    @abstractmethod
    def given(self, rows: pa.Table) -> Table:
        """Take rows that were made here into the engine."""

    @abstractmethod
    def answer(self, expression: Table) -> pa.RecordBatchReader:
        """Compute an expression, and give its rows in batches."""

    @abstractmethod
    def interrupt(self) -> None:
        """End what is being computed; called by another thread than the one that waits for it."""

    def sql(self, text: str, named: Mapping[str, Table], limit: int | None) -> pa.RecordBatchReader:
        """Ask in the engine's own words, with names for expressions beside those of the tables."""
        for name, table in named.items():
            self.connection.create_view(name, table, overwrite=True)
        # As a view, it can be nothing but a question. On lines of its own, errors show it as it is.
        self.connection.raw_sql(f"CREATE OR REPLACE TEMPORARY VIEW asked AS\n{text}")
        asked: Table = self.connection.table("asked")
        return self.answer(asked if limit is None else asked.limit(limit))

    def cost(self) -> str | None:
        """Say what the questions so far have cost; None where they cost nothing."""
        return None

    def count(self, expression: Table) -> int:
        """Count rows."""
        return int(expression.count().execute())

    def rows(self, expression: Table) -> list[dict[str, Any]]:
        """Compute an expression, and give its rows; maps are dicts."""
        # Spark hands maps over as something else; lists arrive as they are.
        maps = [name for name, kind in expression.schema().items() if kind.is_map()]
        apart = {
            f"{name} {part}": getattr(expression[name], part)() for name in maps for part in _MAP
        }
        rows: list[dict[str, Any]] = expression.mutate(**apart).drop(*maps).to_pyarrow().to_pylist()
        for row in rows:
            for name in maps:
                keys, values = (row.pop(f"{name} {part}") or () for part in _MAP)
                row[name] = dict(zip(keys, values, strict=True))
        return rows


class _DuckDB(Archive):
    def held(self, expression: Table) -> Table:
        name = next(self._names)
        self.connection.raw_sql(f"CREATE TABLE {name} AS {self.connection.compile(expression)}")
        return cast(Table, self.connection.table(name))

    def given(self, rows: pa.Table) -> Table:
        name = next(self._names)
        self.connection.con.register(name, rows)
        return cast(Table, self.connection.table(name))

    def answer(self, expression: Table) -> pa.RecordBatchReader:
        # What Ibis 12 calls for this has gone from DuckDB 2.
        result = self.connection.con.sql(self.connection.compile(expression))
        return result.to_arrow_reader(BATCH_ROWS)

    def sql(self, text: str, named: Mapping[str, Table], limit: int | None) -> pa.RecordBatchReader:
        # What follows the view would be run, whatever it is.
        if len(self.connection.con.extract_statements(text)) > 1:
            raise ValueError("only one question can be asked at a time")
        return super().sql(text, named, limit)

    def interrupt(self) -> None:
        self.connection.con.interrupt()


@contextmanager
def opened(
    store: Folder | Bucket, engine: str, *, memory: str = "", athena: AthenaPlace | None = None
) -> Iterator[Archive]:
    """Open an archive.

    Args:
        store: where it is.
        engine: "duckdb", "spark" (started here), "spark://host:port", or "athena".
        memory: at most so much for DuckDB, such as "2GB"; more is written to disk. "" for four
            fifths of the machine's.
        athena: where Athena works.

    Raises:
        UserError: there is no such engine, its extra is not installed, or (for whoever asks it) a
            file cannot be read, or memory or disk do not suffice.
        KeyboardInterrupt: Ctrl-C ended a question (for whoever asked it).
    """
    name = engine.partition("://")[0]
    if name == "duckdb" and name == engine:
        need_extra("history")
        opening: AbstractContextManager[Archive] = _duckdb(store, memory)
    elif name == "spark":
        need_extra("spark")
        from gammaray_tui.history.spark import opened_in_spark

        opening = opened_in_spark(store, engine)
    elif engine == "athena":
        need_extra("history")
        from gammaray_tui.history.athena import opened_in_athena
        from gammaray_tui.history.athena_queries import AthenaPlace

        opening = opened_in_athena(store, athena or AthenaPlace())
    else:
        raise UserError(
            f"There is no engine {engine!r}.",
            todo="Engines are duckdb, spark, spark://HOST:PORT and athena.",
            kind="usage",
        )
    try:
        with opening as archive:
            yield archive
    except Exception as error:
        raise _told(error, engine, store.url) from error


def _told(error: Exception, engine: str, url: str) -> BaseException:
    """Give what an engine's failure is to the user; what is none of an engine stays as it is."""
    if is_interruption(error):
        return KeyboardInterrupt()
    if type(error).__module__.split(".")[0] not in _ENGINES_OWN:
        return error
    lines = str(error).strip().splitlines() or [type(error).__name__]
    todo = (
        "Where memory or disk do not suffice, narrow the question to a shorter time, give more "
        "--memory, or set TMPDIR to a larger disk."
    )
    if ".parquet'" in lines[0]:
        todo = "If the file is damaged, delete it, and archive the same records again."
    return UserError(f"{engine} cannot answer: {lines[0]}", on=url, todo=todo, kind="engine-failed")


def is_interruption(error: Exception) -> bool:
    """Say whether an engine's failure is that it was interrupted."""
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"


@contextmanager
def _duckdb(store: Folder | Bucket, memory: str) -> Iterator[Archive]:
    with tempfile.TemporaryDirectory(prefix="gammaray-history-") as scratch:
        # Held in tables of a file, for temporary ones would stand in memory, and be written and
        # read again wherever that does not suffice. Nobody else reads the file: it is neither
        # packed, which takes longer than the joins that make it, nor made to last.
        settings = {
            "temp_directory": f"{scratch}/spilled",
            "preserve_insertion_order": False,
            "fsync_mode": "NONE",
        }
        if memory:
            settings["memory_limit"] = memory
        connection = ibis.duckdb.connect(Path(scratch, "held.duckdb"), **settings)
        try:
            # The bar that DuckDB draws would stand between our own lines.
            connection.raw_sql("SET enable_progress_bar = false")
            connection.raw_sql(f"SET disabled_compression_methods = '{_PACKING}'")
            for table in TABLES:
                _open_in_duckdb(connection, store, table)
            yield _DuckDB(connection)
        finally:
            connection.disconnect()


def _open_in_duckdb(connection: Any, store: Folder | Bucket, table: TableName) -> None:
    paths = [file.path for file in store.files(table)]
    if not paths:
        connection.con.register(table, empty(table))
    elif isinstance(store, Bucket):
        connection.con.register(table, _dataset(store, table, paths))
    else:
        connection.read_parquet(
            [str(store.path / path) for path in paths],
            table_name=table,
            hive_partitioning=True,
            union_by_name=True,
        )


def _dataset(store: Bucket, table: TableName, paths: list[str]) -> Any:
    """Let DuckDB read a bucket through pyarrow: its own reader of S3 has to be downloaded."""
    import pyarrow.dataset as ds
    from pyarrow.fs import S3FileSystem

    keys = store.session.get_credentials().get_frozen_credentials()
    endpoint = store.client.meta.endpoint_url
    files = S3FileSystem(
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        session_token=keys.token,
        region=store.client.meta.region_name,
        endpoint_override=endpoint.partition("://")[2],
        scheme=endpoint.partition("://")[0],
        force_virtual_addressing=False,
    )
    schema = pa.unify_schemas([TABLES[table], PARTITIONS])
    return ds.dataset(
        [f"{store.bucket}/{store.key(path)}" for path in paths],
        schema=schema,
        filesystem=files,
        format="parquet",
        partitioning=ds.HivePartitioning(PARTITIONS),
        partition_base_dir=f"{store.bucket}/{store.key(table)}",
    )


def empty(table: TableName) -> pa.Table:
    """Give a table without rows."""
    return pa.unify_schemas([TABLES[table], PARTITIONS]).empty_table()
