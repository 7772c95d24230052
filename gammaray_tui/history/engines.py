"""Opening an archive in an engine: DuckDB in this process, or a Spark that runs or is started."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from gammaray_tui.history.extras import need_extra
from providers.archive.schema import PARTITIONS, TABLES, TableName
from providers.archive.store import Bucket, Folder
from providers.errors import UserError

ENGINES: Final = ("duckdb", "spark")


@dataclass(frozen=True)
class Archive:
    """An archive's tables, as expressions of an engine.

    Attributes:
        connection: the engine's.
    """

    connection: Any
    invocations: Table
    calls: Table
    causes: Table
    gaps: Table
    _held: list[Any] = field(default_factory=list)

    def held(self, expression: Table) -> Table:
        """Compute an expression once; what is made of it uses the result."""
        table = expression.cache()
        self._held.append(table)
        return table

    def release(self) -> None:
        """Let go of all that is held."""
        while self._held:
            self._held.pop().release()

    def given(self, rows: pa.Table) -> Table:
        """Take rows that were made here into the engine."""
        return ibis.memtable(rows)


@contextmanager
def opened(store: Folder | Bucket, engine: str, *, memory: str = "") -> Iterator[Archive]:
    """Open an archive.

    Args:
        store: where it is.
        engine: "duckdb", "spark" (started here), or "spark://host:port".
        memory: at most so much for DuckDB, such as "2GB"; more is written to disk. "" for four
            fifths of the machine's.

    Raises:
        UserError: there is no such engine, or its extra is not installed.
    """
    name = engine.partition("://")[0]
    if name == "duckdb" and name == engine:
        need_extra("history")
        opening = _duckdb(store, memory)
    elif name == "spark":
        need_extra("spark")
        opening = _spark(store, engine)
    else:
        raise UserError(
            f"There is no engine {engine!r}.",
            todo="Engines are duckdb, spark and spark://HOST:PORT.",
            kind="usage",
        )
    with opening as archive:
        try:
            yield archive
        finally:
            archive.release()


@contextmanager
def _duckdb(store: Folder | Bucket, memory: str) -> Iterator[Archive]:
    with tempfile.TemporaryDirectory(prefix="gammaray-history-") as scratch:
        settings = {"temp_directory": f"{scratch}/spilled", "preserve_insertion_order": False}
        if memory:
            settings["memory_limit"] = memory
        # In a file, what is held is packed, and need not stay in memory.
        connection = ibis.duckdb.connect(Path(scratch, "held.duckdb"), **settings)
        try:
            # The bar that DuckDB draws would stand between our own lines.
            connection.raw_sql("SET enable_progress_bar = false")
            tables = {table: _duckdb_table(connection, store, table) for table in TABLES}
            yield Archive(connection, **tables)
        finally:
            connection.disconnect()


def _duckdb_table(connection: Any, store: Folder | Bucket, table: TableName) -> Table:
    paths = [file.path for file in store.files(table)]
    if not paths:
        return cast(Table, connection.create_table(table, _empty(table)))
    if isinstance(store, Bucket):
        connection.con.register(table, _dataset(store, table, paths))
        return cast(Table, connection.table(table))
    return cast(
        Table,
        connection.read_parquet(
            [str(store.path / path) for path in paths],
            table_name=table,
            hive_partitioning=True,
            union_by_name=True,
        ),
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


@contextmanager
def _spark(store: Folder | Bucket, engine: str) -> Iterator[Archive]:
    from pyspark.sql import SparkSession

    started = SparkSession.getActiveSession() is None
    session = (
        SparkSession.builder.master("local[*]" if engine == "spark" else engine)
        .appName("gammaray-tui")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    try:
        connection = ibis.pyspark.connect(session)
        tables = {table: _spark_table(connection, session, store, table) for table in TABLES}
        yield Archive(connection, **tables)
    finally:
        if started:
            session.stop()


def _spark_table(connection: Any, session: Any, store: Folder | Bucket, table: TableName) -> Table:
    if isinstance(store, Folder):
        root = str((store.path / table).resolve())
    else:
        root = f"s3a://{store.bucket}/{store.key(table)}"
    if next(store.files(table), None) is None:
        rows = session.createDataFrame(_empty(table))
    else:
        rows = session.read.option("mergeSchema", "true").parquet(root)
    rows.createOrReplaceTempView(table)
    return cast(Table, connection.table(table))


def _empty(table: TableName) -> pa.Table:
    return pa.unify_schemas([TABLES[table], PARTITIONS]).empty_table()
