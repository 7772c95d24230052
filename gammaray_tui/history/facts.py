"""From an archive back to the graph: the rows of some invocations, as what their records said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import pyarrow as pa
from ibis.expr.types import Table

from causality.engine import Engine
from causality.facts import Call, Cause, End, Fact, Facts, Output, Start
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.nodes import call_of, cause_of, output_of
from providers.archive.rows import PARTS

Row: TypeAlias = Mapping[str, Any]
_Key: TypeAlias = tuple[str, str, int]  # request id, attempt, generation


def graph_of_some(archive: Archive, request_ids: Iterable[str]) -> Engine:
    """Make the final graph of some invocations of an archive."""
    engine = Engine()
    engine.apply_facts(facts_of_some(archive, request_ids)[0])
    engine.finish()
    return engine


def facts_of_some(
    archive: Archive, request_ids: Iterable[str]
) -> tuple[list[Facts], dict[int, str]]:
    """Give what the records of some invocations say, and the `cause_id` of each cause by `id`."""
    ids = pa.array(sorted(set(request_ids)), pa.string())
    wanted = archive.given(pa.table({"request_id": ids}))

    def rows(table: Table, *identity: str) -> list[Row]:
        chosen = table.semi_join(wanted, "request_id").distinct(on=identity)
        found = archive.rows(chosen)
        return sorted(found, key=lambda row: (row["written_s"], row["record_id"], row["part"]))

    cause_ids: dict[int, str] = {}
    of_start: dict[tuple[str, int], list[Cause]] = defaultdict(list)
    for row in rows(archive.causes, "record_id", "part"):
        cause = cause_of(row)
        cause_ids[id(cause)] = row["cause_id"]
        of_start[row["record_id"], row["part"] // PARTS].append(cause)
    halves = rows(archive.invocations, "record_id", "part")
    calls = rows(archive.calls, "record_id", "part")
    return list(_facts(halves, calls, of_start)), cause_ids


def _facts(
    halves: list[Row], calls: list[Row], of_start: Mapping[tuple[str, int], list[Cause]]
) -> Iterator[Facts]:
    for row in halves:
        fact: Fact
        if row["event"] == "start":
            found = tuple(of_start.get((row["record_id"], row["part"]), ()))
            fact = _start(row, found)
        else:
            fact = End(
                row["at_s"],
                row["status"],
                row["error"],
                row["dropped"] or 0,
                row["overhead_us"],
            )
        yield _said(row, fact)
    together: dict[tuple[str, int], tuple[Row, Call, list[Output]]] = {}
    for row in calls:
        place = (row["record_id"], row["part"] // PARTS)
        _, _, outputs = together.setdefault(place, (row, call_of(row), []))
        if row["output_id"] is not None:
            outputs.append(output_of(row))
    for row, call, outputs in together.values():
        call.outputs = tuple(outputs)
        yield _said(row, call)


def _said(row: Row, fact: Fact) -> Facts:
    attempt = row["attempt"] or None
    generation = row["generation"]
    return Facts(row["request_id"], attempt, [fact], generation, row["written_s"])


def _start(row: Row, causes: tuple[Cause, ...]) -> Start:
    return Start(
        row["at_s"],
        arn=row["arn"] or "",
        region=row["function_region"],
        version=row["version"],
        memory_mb=row["memory_mb"],
        cold=row["cold"],
        init_s=row["init_s"],
        trace_id=row["trace_id"],
        causes=causes,
    )
