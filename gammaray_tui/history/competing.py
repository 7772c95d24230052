"""Causes that compete: taken out of the engine, and solved by the live view's code in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from causality.matching.lineage import LINEAGE
from gammaray_tui.history.contested import Contested, Verdict
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.halves import Halves, Whole, whole_halves
from gammaray_tui.history.sharing import Grouped, rivals_of
from gammaray_tui.history.verdicts import COLUMNS

# Causes that compete, solved at a time: some hundred MB with all that they compete with.
_SOLVED_TOGETHER: Final = 50_000
_VERDICTS: Final = pa.schema(
    [
        ("cause_id", pa.string()),
        ("child", pa.string()),
        ("level", pa.int32()),
        ("output_id", pa.string()),
        ("request_id", pa.string()),
        ("call_id", pa.string()),
        ("certain", pa.bool_()),
        ("narrowed", pa.bool_()),
        ("recurs", pa.bool_()),
        ("short", pa.bool_()),
    ]
)


def with_solved(archive: Archive, verdicts: Table, solved: Iterator[Verdict]) -> Table:
    """Add what was solved to what the engine found."""
    batches = []
    # Packed as they come: as objects they take several times the memory.
    while some := list(islice(solved, _SOLVED_TOGETHER)):
        columns: Any = zip(zip(*some, strict=True), _VERDICTS, strict=True)
        arrays = [pa.array(column, field.type) for column, field in columns]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=_VERDICTS))
    if not batches:
        return verdicts
    rows = pa.Table.from_batches(batches)
    return ibis.union(verdicts, archive.given(rows).select(*COLUMNS))


def _batches(archive: Archive, contested: Table, by: str) -> Iterator[Table]:
    """Give causes that compete, those of one key together, in batches that fit into memory."""
    place = ibis.row_number().over(order_by=[contested[by], contested.cause_id])
    batched = archive.held(contested.mutate(batch=place // _SOLVED_TOGETHER))
    count = archive.count(batched)
    for number in range(-(-count // _SOLVED_TOGETHER)):
        yield batched.filter(batched.batch == number)


def solved_ids(archive: Archive, halves: Halves, contested: Table) -> Iterator[Verdict]:
    """Solve causes by the ids that they share with others."""
    contested = archive.held(contested)
    if not archive.count(contested):
        return
    # What competes is taken out of the archive once, and then in batches out of that.
    received, shown = _sharing_ids(archive, halves.received, halves.shown, contested)
    whole = whole_halves(archive, shown, received)
    for batch in _batches(archive, contested, "match_id"):
        causes, outputs = _sharing_ids(archive, received, shown, batch)
        solver = Contested(
            archive.rows(whole.causes.semi_join(causes, "cause_id")),
            archive.rows(whole.outputs.semi_join(outputs, "output_id")),
        )
        yield from solver.by_id([row["cause_id"] for row in archive.rows(batch.select("cause_id"))])


def _sharing_ids(
    archive: Archive, received: Table, shown: Table, contested: Table
) -> tuple[Table, Table]:
    """Give the causes that share ids with some, by all of their ids, and outputs by the same."""
    sharing = received.semi_join(contested, "match_id")
    causes = received.semi_join(sharing, "cause_id").select("cause_id", "match_id")
    causes = archive.held(causes)
    return causes, archive.held(shown.semi_join(causes, "match_id").select("output_id", "match_id"))


def solved_groups(
    archive: Archive,
    whole: Whole,
    grouped: Grouped,
    contested: Table,
    exact: Table,
    named: Table,
) -> Iterator[Verdict]:
    """Solve causes by the contents and the order that they share with others.

    Args:
        archive: opened in an engine.
        whole: the halves that share any.
        grouped: the same ones by what they share.
        contested: the causes.
        exact: what ids prove.
        named: causes that name their `caller`.
    """
    rows = grouped.causes.semi_join(contested, "cause_id")
    rows = archive.held(
        rows.select(
            *("cause_id", "match_order", "match_content"),
            key=rows.match_order.coalesce(rows.match_content),
        )
    )
    proven = exact.semi_join(grouped.causes, "cause_id").select("cause_id", "output_id")
    proven = archive.held(proven)
    for batch in _batches(archive, rows, "key"):
        found = rivals_of(archive, grouped, batch)
        causes = found.grouped.causes
        solver = Contested(
            archive.rows(whole.causes.semi_join(causes, "cause_id")),
            archive.rows(whole.outputs.semi_join(found.outputs, "output_id")),
        )
        known: dict[str, list[str]] = defaultdict(list)
        for row in archive.rows(proven.semi_join(causes, "cause_id")):
            known[row["cause_id"]].append(row["output_id"])
        yield from solver.by_content_or_order(
            [row["cause_id"] for row in archive.rows(batch.select("cause_id"))],
            [(row["half"], row["level"], row["key"]) for row in archive.rows(found.keys)],
            known,
            _ancestors(archive, exact, named, solver.makers),
        )


def _ancestors(
    archive: Archive, exact: Table, named: Table, makers: set[str]
) -> dict[str, set[str]]:
    """Follow proven edges back from invocations, as far as matching asks for it."""
    parents: dict[str, set[str]] = defaultdict(set)
    level = makers
    for _ in range(LINEAGE):
        asked = archive.given(pa.table({"child": pa.array(sorted(level), pa.string())}))
        shown = exact.semi_join(asked, "child")
        told = shown.group_by("cause_id").agg(
            certain=shown.certain.all(),
            parents=shown.request_id.nunique(),
            child=shown.child.min(),
            parent=shown.request_id.min(),
        )
        told = told.filter(told.certain & (told.parents == 1)).select("child", "parent")
        callers = named.select(child="request_id", parent="caller").semi_join(asked, "child")
        found = archive.rows(ibis.union(told, callers, distinct=True))
        for row in found:
            parents[row["child"]].add(row["parent"])
        level = {row["parent"] for row in found} - parents.keys()
        if not level:
            break
    return parents
