"""An archive in Spark: one that is started for the question, or a cluster that runs."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any, Final, cast

import ibis
import pyarrow as pa
from ibis.expr.types import Table
from pyspark import SparkContext
from pyspark.sql import SparkSession

from gammaray_tui.history.engines import BATCH_ROWS, Archive, empty
from providers.archive.schema import TABLES, TableName
from providers.archive.store import Bucket, Folder
from providers.errors import UserError

_LOCAL: Final = "spark"
# What it does not say otherwise stands between our own lines.
_LOGGING: Final = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = spark: %m%n
"""
_ENDS_WITHIN_S: Final = 30.0


class Spark(Archive):
    """An archive's tables as Spark's."""

    def __init__(self, connection: Any, session: Any) -> None:
        """Take the session that the connection is to."""
        super().__init__(connection)
        self._session = session

    def held(self, expression: Table) -> Table:
        """Compute an expression."""
        # A cached one would stay a plan, and plans of plans take Spark minutes to look through.
        frame = self._session.sql(self.connection.compile(expression))
        return self._named(frame.localCheckpoint())

    def given(self, rows: pa.Table) -> Table:
        """Take rows."""
        return self._named(self._session.createDataFrame(rows))

    def answer(self, expression: Table) -> pa.RecordBatchReader:
        """Compute an expression."""
        table = expression.to_pyarrow()  # in batches, Spark gives them out of order
        return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(BATCH_ROWS))

    def interrupt(self) -> None:
        """End what is being computed."""
        self._session.sparkContext.cancelAllJobs()

    def _named(self, frame: Any) -> Table:
        name = next(self._names)
        frame.createOrReplaceTempView(name)
        return cast(Table, self.connection.table(name))


@contextmanager
def opened_in_spark(store: Folder | Bucket, engine: str) -> Iterator[Archive]:
    """Open an archive in Spark; a Java that this starts has ended afterwards.

    Args:
        store: where it is. A Spark that is started here gets a copy of what is in a bucket; a
            cluster reads it with its own settings of `s3a`.
        engine: "spark", or "spark://host:port".

    Raises:
        UserError: there is no Java.
    """
    _need_java()
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # what fails is raised, too
    logging.getLogger().addFilter(_is_news)
    with tempfile.TemporaryDirectory(prefix="gammaray-history-") as scratch:
        quiet = Path(scratch, "log4j2.properties")
        quiet.write_text(_LOGGING)
        if isinstance(store, Bucket) and engine == _LOCAL:
            store = _copied(store, Path(scratch))
        try:
            session = (
                SparkSession.builder.master("local[*]" if engine == _LOCAL else engine)
                .appName("gammaray-tui")
                .config("spark.driver.memory", "4g")
                .config("spark.ui.enabled", "false")
                .config("spark.ui.showConsoleProgress", "false")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.extraJavaOptions", f"-Dlog4j2.configurationFile={quiet}")
                .config("spark.local.dir", scratch)
                .config("spark.sql.warehouse.dir", f"{scratch}/warehouse")
                .config("spark.sql.session.timeZone", "UTC")
                .config("spark.sql.shuffle.partitions", "8")
                # Of what is held, Spark 4 infers things of columns that are gone from its plan.
                .config("spark.sql.constraintPropagation.enabled", "false")
                # A machine may be slow, and still be right.
                .config("spark.sql.broadcastTimeout", "36000")
                .getOrCreate()
            )
            if threading.current_thread() is threading.main_thread():
                # Spark's own way with Ctrl-C talks to Java in the midst of what it interrupts.
                signal.signal(signal.SIGINT, signal.default_int_handler)
            connection = ibis.pyspark.connect(session)
            for table in TABLES:
                _open(session, store, table)
            yield Spark(connection, session)
        finally:
            _end()


def _is_news(record: logging.LogRecord) -> bool:
    """Say whether a line of a log tells more than that Ctrl-C was pressed."""
    return "KeyboardInterrupt while sending" not in str(record.msg)


def _need_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=f"{home}/bin" if home else None) is None:
        raise UserError(
            "Spark needs Java, which was not found.",
            todo="Install Java 17 (on Debian: apt install openjdk-17-jre-headless), or set "
            "JAVA_HOME.",
            kind="no-java",
        )


def _end() -> None:
    """Stop Spark, and its Java, which would otherwise stay as long as this process does."""
    context, gateway = SparkContext._active_spark_context, SparkContext._gateway
    if context is not None:
        with suppress(Exception):  # it may be what has failed
            context.stop()
    if gateway is not None:
        SparkContext._gateway = SparkContext._jvm = None
        gateway.shutdown()
        java = gateway.proc
        java.stdin.close()  # which tells it to end
        try:
            java.wait(_ENDS_WITHIN_S)
        except TimeoutExpired:
            java.kill()


def _copied(store: Bucket, scratch: Path) -> Folder:
    folder = Folder(scratch / "archive")
    for table in TABLES:
        for file in store.files(table):
            data = store.read(file.path)
            if data is not None:  # else a compaction was here
                folder.write(file.path, data)
    return folder


def _open(session: Any, store: Folder | Bucket, table: TableName) -> None:
    if isinstance(store, Folder):
        root = str((store.path / table).resolve())
    else:
        root = f"s3a://{store.bucket}/{store.key(table)}"
    if next(store.files(table), None) is None:
        rows = session.createDataFrame(empty(table))
    else:
        rows = session.read.option("mergeSchema", "true").parquet(root)
    rows.createOrReplaceTempView(table)
