"""From a question's name to the batches of its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import pyarrow as pa
from ibis.expr.types import Table

from gammaray_tui.history import questions
from gammaray_tui.history.chains import ChainRow, slowest_chains
from gammaray_tui.history.edges import Told, edges_of
from gammaray_tui.history.engines import Archive, is_interruption
from gammaray_tui.history.questions import Period, Span
from providers.errors import UserError

_EDGES = re.compile(r"\bedges\b", re.IGNORECASE)
_COLUMNS = [field.name for field in msgspec.structs.fields(ChainRow)]
_TYPES = {name: pa.float64() for name in _COLUMNS if name.endswith("_s")} | {
    name: pa.int64() for name in ("invocations", "errors", "cold_starts")
}


@dataclass(frozen=True)
class Question:
    """A question, with all that it can be narrowed by.

    Attributes:
        name: edges, latency, chains, changes, never-triggered, shares or sql.
        text: of sql.
        by: of latency: "function" or "edge".
        span: only what began in it.
        before, after: of changes.
        limit: only so many rows; None for all, and for 20 chains.
    """

    name: str
    text: str = ""
    by: str = "function"
    per: Period = "all"
    span: Span | None = None
    before: Span | None = None
    after: Span | None = None
    limit: int | None = None


class Answer(NamedTuple):
    """The columns of an answer, and its rows in batches."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def ask(archive: Archive, question: Question, told: Told) -> Answer:
    """Ask an archive.

    Raises:
        UserError: the SQL is wrong, or a stretch of time is missing.
    """
    if question.name == "chains":
        return _chains(archive, question, told)
    if question.name == "sql":
        return _sql(archive, question, told)
    table = _table(archive, question, told)
    if question.limit is not None:
        table = table.limit(question.limit)
    told("reading the answer")
    reader = archive.answer(table)
    return Answer(reader.schema, iter(reader))


def _table(archive: Archive, question: Question, told: Told) -> Table:
    span = question.span
    match question.name:
        case "edges":
            return questions.edges(archive, span, told)
        case "latency" if question.by == "edge":
            return questions.latency_by_edge(archive, question.per, span, told)
        case "latency":
            return questions.latency_by_function(archive, question.per, span)
        case "changes":
            if question.before is None or question.after is None:
                raise UserError(
                    "Two stretches of time are needed.",
                    todo="Name them: --before 2026-11-20..2026-11-21 "
                    "--after 2026-11-21..2026-11-22",
                    kind="usage",
                )
            return questions.changes(archive, question.before, question.after, told)
        case "never-triggered":
            return questions.never_triggered(archive, span, told)
        case _:
            return questions.shares(archive, question.per, span)


def _sql(archive: Archive, question: Question, told: Told) -> Answer:
    text = question.text.strip().rstrip(";")
    if not text:
        raise UserError(
            "There is no SQL.",
            todo="""Give it: gammaray-tui analyze sql "SELECT count(*) FROM invocations" ...""",
            kind="usage",
        )
    named = {"attempts": questions.attempts(archive)}
    if _EDGES.search(text):  # only then: they take a while
        named["edges"] = edges_of(archive, told)
    told("reading the answer")
    try:
        reader = archive.sql(text, named, question.limit)
    except Exception as error:
        if is_interruption(error):
            raise
        what, *where = _told_of_sql(str(error)) or [type(error).__name__]
        tables = (
            "Tables are invocations, calls, causes, gaps, attempts and edges; docs/archive.md "
            "and docs/history.md have their columns."
        )
        raise UserError(
            f"The SQL cannot be run: {what}",
            on=archive.connection.name,
            todo="\n".join([*where, tables]),
            kind="usage",
        ) from error
    return Answer(reader.schema, iter(reader))


def _told_of_sql(text: str) -> list[str]:
    """Give the first line of an engine's complaint, and what it says of the place."""
    lines = [line for line in text.splitlines() if line.strip()]
    told = lines[:1]
    told += [line for line in lines[1:] if line.startswith("Candidate bindings")]
    if len(lines) > 2 and not lines[-1].strip(" ^"):
        # "LINE 2: SELECT x", of which the number is that of our own statement.
        number, _, line = lines[-2].partition(": ")
        told += [line, lines[-1][len(number) + 2 :]]
    return told


def _chains(archive: Archive, question: Question, told: Told) -> Answer:
    count = 20 if question.limit is None else question.limit
    rows = slowest_chains(archive, count, question.span, told)
    found = [msgspec.structs.asdict(row) for row in rows]
    schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in _COLUMNS])
    return Answer(schema, iter(pa.Table.from_pylist(found, schema=schema).to_batches()))
