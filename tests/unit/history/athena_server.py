"""Athena on a server of this machine: moto's API, with DuckDB behind it in the place of nothing.

Statements come over HTTP, are translated from Athena's dialect to DuckDB's, and leave their
results in the bucket as Athena does.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import duckdb
import sqlglot
from moto.athena.models import AthenaBackend, Execution, QueryResults
from moto.server import ThreadedMotoServer
from sqlglot import exp

_CTAS = re.compile(r'CREATE TABLE "(\w+)" WITH \(.*?\) AS (.*)', re.DOTALL)
_LOCATION = re.compile(r"LOCATION 's3://([^/']+)/([^']*)'")


class AthenaServer:
    """Runs statements.

    Attributes:
        statements: all that came.
        endpoint_url: where it listens.
        failure: a text: the next statement fails with it.
        refusals: why statements failed.
    """

    def __init__(self, folder: Path) -> None:
        self.statements: list[str] = []
        self.failure = ""
        self.refusals: list[str] = []
        self.endpoint_url = ""
        self._folder = folder
        self._engine = duckdb.connect()

    @contextmanager
    def running(self) -> Iterator[AthenaServer]:
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        original = AthenaBackend.start_query_execution

        def start(backend: AthenaBackend, query: str, *args: Any, **kwargs: Any) -> str:
            query_id = original(backend, query, *args, **kwargs)
            execution = backend.executions[query_id]
            execution.status = "SUCCEEDED"
            execution.advance = lambda: None  # type: ignore[method-assign]
            try:
                backend.query_results[query_id] = self._run(query, execution)
            except Exception as error:
                execution.status = "FAILED"
                self.refusals.append(str(error))
            return query_id

        server.start()
        try:
            host, port = server.get_host_and_port()
            self.endpoint_url = f"http://{host}:{port}"
            with patch.object(AthenaBackend, "start_query_execution", start):
                yield self
        finally:
            server.stop()

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint_url, region_name="us-east-1")

    def tables(self) -> list[str]:
        return [name for (name,) in self._engine.execute("SHOW TABLES").fetchall()]

    def _run(self, query: str, execution: Execution) -> QueryResults:
        self.statements.append(query)
        if self.failure:
            failure, self.failure = self.failure, ""
            raise ValueError(failure)
        if query.startswith("CREATE DATABASE"):
            return QueryResults([], [])
        if query.startswith("CREATE EXTERNAL TABLE"):
            self._make_table(query)
            return QueryResults([], [])
        if (made := _CTAS.fullmatch(query)) is not None:
            self._engine.execute(f'CREATE TABLE "{made[1]}" AS {_translated(made[2])}')
            return QueryResults([], [])
        found = self._engine.execute(_translated(query))
        if query.startswith("DROP"):
            return QueryResults([], [])
        names = [column[0] for column in found.description or ()]
        kinds = [str(column[1]) for column in found.description or ()]
        lines = [",".join(f'"{name}"' for name in names)]
        lines += [",".join(map(_text, row)) for row in found.fetchall()]
        bucket, _, key = execution.config["OutputLocation"][5:].partition("/")
        self.client("s3").put_object(Bucket=bucket, Key=key, Body="\n".join(lines) + "\n")
        types = {"BIGINT": "bigint", "DOUBLE": "double", "BOOLEAN": "boolean"}
        info = [
            {"Name": name, "Label": name, "Type": types.get(kind, "varchar")}
            for name, kind in zip(names, kinds, strict=True)
        ]
        return QueryResults([], info)

    def _make_table(self, query: str) -> None:
        statement = sqlglot.parse_one(query, read="athena")
        name = statement.find(exp.Table).name  # type: ignore[union-attr]
        columns = {
            column.name: column.args["kind"].sql("duckdb")
            for column in statement.find_all(exp.ColumnDef)
        }
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        self._engine.execute(f'CREATE TABLE "{name}" ({listed})')
        (place,) = _LOCATION.findall(query)[:1]
        s3 = self.client("s3")
        for entry in s3.list_objects_v2(Bucket=place[0], Prefix=place[1]).get("Contents", ()):
            path = self._folder / name / entry["Key"][len(place[1]) :]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=place[0], Key=entry["Key"])["Body"].read())
            self._engine.execute(
                f"INSERT INTO \"{name}\" BY NAME SELECT * FROM read_parquet('{path}', "
                "hive_partitioning = true)"
            )


def _translated(query: str) -> str:
    text = sqlglot.transpile(query, read="athena", write="duckdb")[0]
    # DuckDB's own estimate takes no double; exact ones are among what Athena may answer.
    return text.replace("APPROX_QUANTILE(", "QUANTILE_CONT(")


def _text(value: Any) -> str:
    """Write a value as Athena's results have it: NULL is nothing, "" is an empty text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = f"{value:%Y-%m-%d %H:%M:%S.%f}"[:-3]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    written = io.StringIO()
    written.write('"' + text.replace('"', '""') + '"')
    return written.getvalue()
