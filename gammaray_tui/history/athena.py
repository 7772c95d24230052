"""An archive in S3, asked through Athena: the same expressions in its own words.

Ibis compiles them; its backend is not used, for that reads and writes S3 without the user's
profile and endpoint, and brings s3fs and pandas. Tables are made for the time of a session: one
over each of the archive's, one for whatever is computed on the way.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
from ibis.backends.sql.compilers.athena import compiler
from ibis.expr.types import Table, Value

from gammaray_tui.history.athena_queries import AthenaPlace, AthenaQueries, Done
from gammaray_tui.history.engines import Archive
from providers.archive.hive import archive_table, external_table
from providers.archive.schema import PARTITIONS, TABLES
from providers.archive.store import Bucket, Folder
from providers.errors import UserError
from widgets import formats

_DIALECT: Final = "athena"
_BLOCK: Final = 8 << 20  # bytes of a result at a time
_TIME: Final = pa.timestamp("us", "UTC")
_PLAIN: Final = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": _TIME,
}


@ibis.udf.scalar.builtin(name="json_format")  # type: ignore[untyped-decorator]
def _json_text(value: dt.json) -> str:  # type: ignore[empty-body]
    """Give JSON as text, as Athena does."""


class Athena(Archive):
    """An archive's tables as Athena's."""

    name = "athena"

    def __init__(self, queries: AthenaQueries) -> None:
        """Take what runs statements."""
        self.queries = queries
        self.tables: list[str] = []
        super().__init__(self)

    def table(self, name: str) -> Table:
        """Give one of the archive's tables."""
        columns = pa.unify_schemas([TABLES[name], PARTITIONS])  # type: ignore[index]
        return ibis.table(ibis.Schema.from_pyarrow(columns), name=f"{self.queries.prefix}_{name}")

    def held(self, expression: Table) -> Table:
        """Compute an expression into a table."""
        name = self._new_name()
        kept = ["format = 'PARQUET'"]
        if not self.queries.enforced:
            kept.append(f"external_location = '{self.queries.scratch}/{name}/'")
        self.queries.run(
            f'CREATE TABLE "{name}" WITH ({", ".join(kept)}) AS {compiled(expression)}'
        )
        return ibis.table(expression.schema(), name=name)

    def given(self, rows: pa.Table) -> Table:
        """Write rows into the bucket, and make a table of them."""
        name = self._new_name()
        written = io.BytesIO()
        pq.write_table(rows, written, compression="zstd")
        self.queries.put(f"{self.queries.scratch}/{name}/rows.parquet", written.getvalue())
        self.queries.run(external_table(name, rows.schema, f"{self.queries.scratch}/{name}/"))
        return ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=name)

    def answer(self, expression: Table) -> pa.RecordBatchReader:
        """Compute an expression, and read its result as it stands in the bucket."""
        schema = pa.schema(
            [
                (field.name, _TIME if pa.types.is_timestamp(field.type) else field.type)
                for field in expression.schema().to_pyarrow()
            ]
        )
        batches = self._read(self.queries.run(compiled(_in_text(expression))), schema)
        return pa.RecordBatchReader.from_batches(schema, batches)

    def rows(self, expression: Table) -> list[dict[str, Any]]:
        """Compute an expression, and give its rows; maps are dicts."""
        found: list[dict[str, Any]] = []
        for batch in self.answer(expression):
            found += batch.to_pylist()
        maps = [name for name, kind in expression.schema().items() if kind.is_map()]
        for row in found:
            row.update({name: dict(row[name] or ()) for name in maps})
        return found

    def count(self, expression: Table) -> int:
        """Count rows."""
        (row,) = self.rows(expression.aggregate(rows=expression.count()))
        return int(row["rows"])

    def sql(self, text: str, named: Mapping[str, Table], limit: int | None) -> pa.RecordBatchReader:
        """Ask in Athena's own words; a statement in the place of a table can change nothing."""
        tables = {name: self.table(name) for name in TABLES} | dict(named)
        parts = [f'"{name}" AS ({compiled(table)})' for name, table in tables.items()]
        ordered = f"SELECT * FROM ({text})" if limit is not None else text
        end = f" LIMIT {limit}" if limit is not None else ""
        done = self.queries.run(f"WITH {', '.join(parts)} SELECT * FROM ({ordered}{end})")
        schema = pa.schema(
            [(name, _PLAIN.get(kind, pa.string())) for name, kind in self.queries.columns(done)]
        )
        return pa.RecordBatchReader.from_batches(schema, self._read(done, schema))

    def cost(self) -> str:
        """Say what was read, for AWS charges for that."""
        scanned = formats.size(self.queries.scanned)
        return f"Athena read {scanned} in {formats.plural(len(self.queries.ids), 'statement')}"

    def interrupt(self) -> None:
        """End the statement that runs."""
        self.queries.stop()

    def _new_name(self) -> str:
        name = f"{self.queries.prefix}_{next(self._names)}"
        self.tables.append(name)
        return name

    def _read(self, done: Done, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Read a result: CSV in which NULL is nothing at all, and "" an empty text."""
        stream = self.queries.content(done.result)
        try:
            reader = csv.open_csv(
                pa.PythonFile(stream, "r"),
                csv.ReadOptions(block_size=_BLOCK),
                csv.ParseOptions(newlines_in_values=True),
                csv.ConvertOptions(
                    column_types={field.name: _as_written(field.type) for field in schema},
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
            for batch in reader:
                columns = [_read_as(batch.column(field.name), field.type) for field in schema]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)
        finally:
            stream.close()


@contextmanager
def opened_in_athena(store: Folder | Bucket, place: AthenaPlace) -> Iterator[Athena]:
    """Open an archive in Athena; what was made for it is gone at the end.

    Raises:
        UserError: the archive is in no bucket, the database is missing, or AWS refuses something.
    """
    if not isinstance(store, Bucket):
        raise UserError(
            "Athena reads archives in S3 only.",
            on=store.url,
            todo="Copy it (aws s3 sync DIR s3://bucket/prefix), or use --engine duckdb.",
            kind="usage",
        )
    queries = AthenaQueries(store, place)
    _need_database(queries)
    archive = Athena(queries)
    with ExitStack() as stack:
        stack.callback(_clean_up, archive)
        for table in TABLES:
            archive.tables.append(f"{queries.prefix}_{table}")
            paths = [file.path for file in store.files(table)]
            queries.run(archive_table(archive.tables[-1], table, store.url, paths))
        yield archive


def compiled(expression: Table) -> str:
    """Give the SQL of an expression."""
    known = expression.op().replace(_as_athena_can)
    return str(compiler.to_sqlglot(known.to_expr()).sql(dialect=_DIALECT))


def _need_database(queries: AthenaQueries) -> None:
    name = queries.place.database
    if queries.has_database():
        return
    question = (
        f"Athena needs a database to name tables in: {name}, in the Glue catalog of this account. "
        f"It is made once and stays, tagged as ours. Results go to {queries.output}, and AWS "
        "charges for what statements read."
    )
    agree = queries.place.agree
    if agree is None or not agree(question):
        raise UserError(
            f"There is no database {name} in the Glue catalog.",
            todo="Let it be made: gammaray-tui analyze latency --engine athena ... --yes. Or name "
            "one that exists with --athena-database.",
            kind="no-database",
        )
    queries.run(
        f"CREATE DATABASE IF NOT EXISTS `{name}` COMMENT 'tables of gammaray-tui analyze' "
        "WITH DBPROPERTIES ('gammaray:managed' = 'true')",
        in_database=False,
    )


def _clean_up(archive: Athena) -> None:
    """Drop the tables, and delete their data; the archive's own files stay."""
    queries = archive.queries
    queries.drop(archive.tables)
    queries.delete(f"{queries.scratch}/")
    for query in queries.ids if queries.enforced else ():
        queries.delete(f"{queries.output}/{query}")  # results, and what describes them
        queries.delete(f"{queries.output}/tables/{query}")


def _as_athena_can(node: ops.Node, changed: dict[str, Any] | None) -> Any:
    """Take what Athena estimates for what it cannot compute."""
    arguments = dict(zip(node.argnames, node.args, strict=True)) | (changed or {})
    if isinstance(node, ops.Quantile):
        return ops.ApproxQuantile(**arguments)
    return node.__recreate__(arguments) if changed else node


def _in_text(expression: Table) -> Table:
    """Give lists and maps as JSON, for a result is text; order and limit stay outermost."""
    nested = [name for name, kind in expression.schema().items() if kind.is_nested()]
    if not nested:
        return expression
    top, limit, keys = expression.op(), None, ()
    if isinstance(top, ops.Limit):
        limit, top = top.n, top.parent
    if isinstance(top, ops.Sort):
        keys, top = top.keys, top.parent
    table: Table = top.to_expr()
    texts: dict[str, Value] = {name: _json_text(table[name].cast("json")) for name in nested}
    table = table.mutate(**texts)
    if keys:
        table = table.order_by(
            [ibis.desc(key.arg.name) if key.descending else key.arg.name for key in keys]
        )
    return table if limit is None else table.limit(limit)


def _as_written(kind: pa.DataType) -> pa.DataType:
    """Give the type of a value as it stands in a result."""
    if pa.types.is_nested(kind):
        return pa.string()
    return pa.timestamp(kind.unit) if pa.types.is_timestamp(kind) else kind


def _read_as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pc.assume_timezone(column, "UTC")
    if not pa.types.is_nested(kind):
        return column
    values: Iterable[Any] = (json.loads(text) if text else None for text in column.to_pylist())
    if pa.types.is_map(kind):
        values = (None if value is None else list(value.items()) for value in values)
    return pa.array(list(values), kind)
