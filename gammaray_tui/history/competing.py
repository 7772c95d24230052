"""Causes that compete: taken out of the engine, and solved by the live view's code in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from causality.lineage import LINEAGE
from causality.match_keys import CONTENT, ORDER
from gammaray_tui.history.contested import Contested, Verdict
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.halves import Halves
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
    columns: list[Any] = list(zip(*solved, strict=True))
    if not columns:
        return verdicts
    arrays = [pa.array(c, field.type) for c, field in zip(columns, _VERDICTS, strict=True)]
    rows = pa.Table.from_arrays(arrays, schema=_VERDICTS)
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
    for batch in _batches(archive, contested, "match_id"):
        received, shown = halves.received, halves.shown
        sharing = archive.held(received.semi_join(batch, "match_id").select("cause_id").distinct())
        keys = archive.held(received.semi_join(sharing, "cause_id").select("match_id").distinct())
        outputs = archive.held(shown.semi_join(keys, "match_id").select("output_id").distinct())
        solver = Contested(
            archive.rows(halves.causes.semi_join(sharing, "cause_id")),
            archive.rows(halves.outputs.semi_join(outputs, "output_id")),
        )
        yield from solver.by_id([row["cause_id"] for row in archive.rows(batch)])


def solved_groups(
    archive: Archive, halves: Halves, contested: Table, exact: Table, named: Table
) -> Iterator[Verdict]:
    """Solve causes by the contents and the order that they share with others.

    Args:
        archive: opened in an engine.
        halves: both halves.
        contested: the causes.
        exact: what ids prove.
        named: causes that name their `caller`.
    """
    rows = halves.causes.semi_join(contested, "cause_id")
    rows = archive.held(
        rows.select(
            *("cause_id", "match_order", "match_content"),
            key=rows.match_order.coalesce(rows.match_content),
        )
    )
    # What competes is taken out of the archive once, and then in batches out of that.
    every = _competitors(archive, halves, rows)
    halves = halves._replace(
        causes=archive.held(every.members),
        outputs=archive.held(every.outputs),
        ordered=archive.held(every.by_order),
    )
    proven = exact.semi_join(halves.causes, "cause_id").select("cause_id", "output_id")
    proven = archive.held(proven)
    for batch in _batches(archive, rows, "key"):
        found = _competitors(archive, halves, batch)
        solver = Contested(archive.rows(found.members), archive.rows(found.outputs))
        known: dict[str, list[str]] = defaultdict(list)
        for row in archive.rows(proven.semi_join(found.members, "cause_id")):
            known[row["cause_id"]].append(row["output_id"])
        yield from solver.by_content_or_order(
            [row["cause_id"] for row in archive.rows(batch)],
            [(row["half"], row["level"], row["key"]) for row in archive.rows(found.keys)],
            known,
            _ancestors(archive, exact, named, solver.makers),
        )


class _Competitors(NamedTuple):
    """What some causes compete for and with.

    Attributes:
        members: causes.
        outputs: those that share a key with one of them.
        by_order: outputs by the keys of order that are competed for.
        keys: of all of these halves: `half`, `level`, `key`.
    """

    members: Table
    outputs: Table
    by_order: Table
    keys: Table


def _competitors(archive: Archive, halves: Halves, contested: Table) -> _Competitors:
    causes, outputs = halves.causes, halves.outputs
    orders = contested.filter(contested.match_order.notnull()).select("match_order")
    orders = archive.held(orders.distinct())
    first = causes.semi_join(orders, "match_order").select("cause_id", "match_content")
    first = archive.held(
        ibis.union(first, contested.select("cause_id", "match_content"), distinct=True)
    )
    contents = first.filter(first.match_content.notnull()).select("match_content")
    contents = archive.held(contents.distinct())
    rivals = causes.semi_join(contents, "match_content").select("cause_id")
    sharing = archive.held(ibis.union(first.select("cause_id"), rivals, distinct=True))
    by_content = outputs.semi_join(contents, "match_content")
    by_order = halves.ordered.semi_join(orders, "match_order")
    members = causes.semi_join(sharing, "cause_id")
    made = archive.held(
        ibis.union(by_content.select("output_id"), by_order.select("output_id"), distinct=True)
    )
    keys = ibis.union(
        _keys(by_content, "output_id", CONTENT, "match_content"),
        _keys(by_order, "output_id", ORDER, "match_order"),
        _keys(members.semi_join(contents, "match_content"), "cause_id", CONTENT),
        _keys(members.semi_join(orders, "match_order"), "cause_id", ORDER),
    )
    return _Competitors(members, outputs.semi_join(made, "output_id"), by_order, keys)


def _keys(rows: Table, half: str, level: int, key: str = "") -> Table:
    key = key or ("match_content" if level == CONTENT else "match_order")
    return rows.select(half=rows[half], level=ibis.literal(level).cast("int32"), key=rows[key])


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
