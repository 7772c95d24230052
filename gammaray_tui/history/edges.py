"""Every edge in an archive, with its grade: what the live view would show of the same records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from causality.doubts import DOUBT_S
from causality.match_keys import CONTENT, EXACT, ORDER
from causality.matching import LINEAGE
from gammaray_tui.history.contested import Contested, Verdict
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.halves import Halves, halves_of
from gammaray_tui.history.verdicts import COLUMNS, by_content_or_order, by_id

Told = Callable[[str], None]

# Causes that compete, solved at a time: some hundred MB with all that they compete with.
_SOLVED_TOGETHER: Final = 50_000
_VERDICTS: Final = pa.schema(
    [
        ("cause_id", pa.string()),
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


class Matched(NamedTuple):
    """Causes and calls, matched.

    Attributes:
        halves: both halves.
        found: a row for each cause and output that can be meant (gammaray_tui.history.verdicts).
    """

    halves: Halves
    found: Table


def edges_of(archive: Archive, told: Told = lambda _text: None) -> Table:
    """Give the edges of an archive.

    Args:
        archive: opened in an engine.
        told: is given what is done, as it begins.

    Returns:
        A row for each delivered record for which calls were found: `cause_id`,
        `child_request_id`, `parent_request_id` and `call_id` (NULL when not certain),
        `evidence`, `candidates` and `call_candidates`, and what is known of all of these.
    """
    return archive.once("edges", lambda: _edges(archive, told))


def matched(archive: Archive, told: Told = lambda _text: None) -> Matched:
    """Match the causes of an archive to its calls."""
    return archive.once("matched", lambda: _matched(archive, told))


def _edges(archive: Archive, told: Told) -> Table:
    halves, found = matched(archive, told)
    told("grading edges")
    return archive.held(_described(archive, halves, _concluded(archive, halves, found)))


def _matched(archive: Archive, told: Told) -> Matched:
    told("reading calls and causes")
    halves = halves_of(archive)
    told("matching ids")
    split = by_id(halves)
    exact = archive.held(
        ibis.union(split.verdicts, _given(archive, _solved_ids(archive, halves, split.contested)))
    )
    proven = archive.held(_proven(archive, halves, exact))
    told("matching contents and order")
    split = by_content_or_order(halves, exact.select("cause_id"), proven)
    solved = _solved_groups(archive, halves, split.contested, exact, proven)
    found = archive.held(ibis.union(exact, split.verdicts, _given(archive, solved)))
    return Matched(halves, found)


# --- what has to be solved --------------------------------------------------------------------


def _given(archive: Archive, verdicts: Iterator[Verdict]) -> Table:
    columns: list[Any] = list(zip(*verdicts, strict=True)) or [()] * len(_VERDICTS)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, _VERDICTS, strict=True)]
    return archive.given(pa.Table.from_arrays(arrays, schema=_VERDICTS)).select(*COLUMNS)


def _batches(archive: Archive, contested: Table, by: str) -> Iterator[Table]:
    """Give causes that compete, those of one key together, in batches that fit into memory."""
    place = ibis.row_number().over(order_by=[contested[by], contested.cause_id])
    batched = archive.held(contested.mutate(batch=place // _SOLVED_TOGETHER))
    count = batched.count().execute()
    for number in range(-(-count // _SOLVED_TOGETHER)):
        yield batched.filter(batched.batch == number)


def _solved_ids(archive: Archive, halves: Halves, contested: Table) -> Iterator[Verdict]:
    for batch in _batches(archive, contested, "match_id"):
        sharing = halves.received.semi_join(batch, "match_id").select("cause_id").distinct()
        keys = halves.received.semi_join(sharing, "cause_id").select("match_id").distinct()
        outputs = halves.shown.semi_join(keys, "match_id").select("output_id").distinct()
        solver = Contested(
            archive.rows(halves.causes.semi_join(sharing, "cause_id")),
            archive.rows(halves.outputs.semi_join(outputs, "output_id")),
        )
        yield from solver.by_id([row["cause_id"] for row in archive.rows(batch)])


def _solved_groups(
    archive: Archive, halves: Halves, contested: Table, exact: Table, proven: Table
) -> Iterator[Verdict]:
    causes, outputs, ordered = halves.causes, halves.outputs, halves.ordered
    contested = causes.semi_join(contested, "cause_id")
    contested = contested.select(
        *("cause_id", "match_order", "match_content"),
        key=contested.match_order.coalesce(contested.match_content),
    )
    for batch in _batches(archive, contested, "key"):
        orders = batch.filter(batch.match_order.notnull()).select("match_order").distinct()
        first = causes.semi_join(orders, "match_order").select("cause_id", "match_content")
        first = ibis.union(first, batch.select("cause_id", "match_content"), distinct=True)
        contents = first.filter(first.match_content.notnull()).select("match_content").distinct()
        rivals = causes.semi_join(contents, "match_content").select("cause_id")
        sharing = ibis.union(first.select("cause_id"), rivals, distinct=True)
        by_content = outputs.semi_join(contents, "match_content")
        by_order = ordered.semi_join(orders, "match_order")
        members = causes.semi_join(sharing, "cause_id")
        made = ibis.union(
            by_content.select("output_id"), by_order.select("output_id"), distinct=True
        )
        solver = Contested(
            archive.rows(members), archive.rows(outputs.semi_join(made, "output_id"))
        )
        keys = ibis.union(
            _keys(by_content, "output_id", CONTENT, "match_content"),
            _keys(by_order, "output_id", ORDER, "match_order"),
            _keys(members.semi_join(contents, "match_content"), "cause_id", CONTENT),
            _keys(members.semi_join(orders, "match_order"), "cause_id", ORDER),
        )
        known: dict[str, list[str]] = defaultdict(list)
        for row in archive.rows(
            exact.semi_join(sharing, "cause_id").select("cause_id", "output_id")
        ):
            known[row["cause_id"]].append(row["output_id"])
        yield from solver.by_content_or_order(
            [row["cause_id"] for row in archive.rows(batch)],
            [(row["half"], row["level"], row["key"]) for row in archive.rows(keys)],
            known,
            _ancestors(archive, proven, solver.makers),
        )


def _keys(rows: Table, half: str, level: int, key: str = "") -> Table:
    key = key or ("match_content" if level == CONTENT else "match_order")
    return rows.select(half=rows[half], level=ibis.literal(level).cast("int32"), key=rows[key])


def _ancestors(archive: Archive, proven: Table, makers: set[str]) -> dict[str, set[str]]:
    """Follow proven edges back from invocations, as far as matching asks for it."""
    parents: dict[str, set[str]] = defaultdict(set)
    level = makers
    for _ in range(LINEAGE):
        asked = archive.given(pa.table({"child": pa.array(sorted(level), pa.string())}))
        found = archive.rows(proven.semi_join(asked, "child"))
        for row in found:
            parents[row["child"]].add(row["parent"])
        level = {row["parent"] for row in found} - parents.keys()
        if not level:
            break
    return parents


# --- what follows -----------------------------------------------------------------------------


def _proven(archive: Archive, halves: Halves, exact: Table) -> Table:
    """Give the edges that ids prove: `child`, `parent`."""
    told = exact.group_by("cause_id").agg(
        certain=exact.certain.all(),
        parents=exact.request_id.nunique(),
        parent=exact.request_id.min(),
    )
    told = told.filter(told.certain & (told.parents == 1))
    causes = halves.causes.select("cause_id", child="request_id")
    proven = causes.join(told, "cause_id").select("child", "parent")
    named = _named_callers(archive, halves, exact)
    return ibis.union(proven, named.select(child="request_id", parent="caller"), distinct=True)


def _named_callers(archive: Archive, halves: Halves, found: Table) -> Table:
    """Give causes that name a caller of which something was read, but not the call."""
    known = ibis.union(
        archive.invocations.select(caller="request_id"),
        archive.calls.select(caller="request_id"),
        distinct=True,
    )
    named = halves.causes.filter(
        halves.causes.caller.notnull() & (halves.causes.caller != halves.causes.request_id)
    )
    return named.anti_join(found, "cause_id").semi_join(known, "caller")


def _concluded(archive: Archive, halves: Halves, found: Table) -> Table:
    """Say of each cause for which something was found what edge that makes."""
    summed = archive.held(_summed(found))
    causes = halves.causes.select(
        *("cause_id", "service", "source"),
        stretch=(halves.causes.began_s / DOUBT_S).floor().cast("int64"),
    )
    keyed = causes.filter(causes.source.notnull()).left_join(summed, "cause_id")
    unexplained = _near(keyed.filter(keyed.top.isnull() | ((keyed.top != EXACT) & keyed.short)))
    returning = _near(keyed.filter((keyed.top == CONTENT) & keyed.recurs))
    lost = archive.gaps.filter(archive.gaps.kind == "gap")
    gaps = _spread(lost.select(stretch=(lost.at_s / DOUBT_S).floor().cast("int64")))

    graded = summed.join(causes, "cause_id")
    graded = graded.left_join(unexplained.mutate(doubted=True), ["source", "stretch"])
    graded = graded.drop("source_right", "stretch_right")
    graded = graded.left_join(returning.mutate(returned=True), ["source", "stretch"])
    graded = graded.drop("source_right", "stretch_right")
    graded = graded.left_join(gaps.mutate(gap=True), "stretch").drop("stretch_right")
    order = graded.doubted.isnull() & graded.gap.isnull()
    content = graded.returned.isnull() | order
    plain = ~(graded.narrowed | graded.recurs)
    # A payload that a rule of IoT passes on is content, whoever gets it.
    passed_on = (graded.service == "lambda") & plain
    graded = graded.mutate(
        sure=graded.certain
        & ibis.cases(
            (graded.top == EXACT, True),
            (graded.top == CONTENT, ~graded.rivalled & ibis.ifelse(plain, content, order)),
            else_=ibis.ifelse(passed_on, content, order),
        ),
        named=ibis.cases(
            (graded.top == EXACT, "exact"),
            (graded.top == CONTENT, ibis.ifelse(graded.narrowed, "order", "content")),
            else_=ibis.ifelse(passed_on, "content", "order"),
        ),
        # More were invoked than calls are known: its own may be among those that are not.
        too_few=(graded.top == EXACT) & graded.short,
    )
    known = graded.sure & (graded.parents == 1)
    call = ibis.cases((known & (graded.calls == 1) & ~graded.too_few, graded.call))
    nothing = ibis.literal([], type="array<string>")
    edges = graded.select(
        "cause_id",
        evidence=ibis.ifelse(graded.too_few | known, graded.named, "ambiguous"),
        parent_request_id=ibis.cases((known, graded.parent)),
        call_id=call,
        candidates=ibis.ifelse(known, nothing, graded.candidates),
        call_candidates=ibis.ifelse(call.notnull(), nothing, graded.call_candidates),
    )
    named = _named_callers(archive, halves, found)
    return ibis.union(
        edges,
        named.select(
            "cause_id",
            evidence=ibis.literal("exact"),
            parent_request_id=named.caller,
            call_id=ibis.null("string"),
            candidates=nothing,
            call_candidates=nothing,
        ),
    )


def _summed(found: Table) -> Table:
    """Give what was found for each cause at the best level, and beside it."""
    best = found["level"].max().over(group_by=found.cause_id)
    rows = found.mutate(top=best)
    rows = rows.filter((rows.top != EXACT) | (rows["level"] == EXACT))
    at_top = rows["level"] == rows.top
    return rows.group_by("cause_id").agg(
        top=rows.top.max(),
        certain=(rows.certain | ~at_top).all(),
        narrowed=(rows.narrowed & at_top).any(),
        recurs=(rows.recurs & at_top).any(),
        short=(rows.short & at_top).any(),
        rivalled=(~at_top).any(),
        parents=rows.request_id.nunique(),
        parent=rows.request_id.min(),
        calls=(rows.request_id + "\n" + rows.call_id).nunique(),
        call=rows.call_id.min(),
        candidates=rows.request_id.collect(distinct=True).sort(),
        call_candidates=rows.call_id.collect(distinct=True).sort(),
    )


def _near(signs: Table) -> Table:
    return _spread(signs.select("source", "stretch"))


def _spread(signs: Table) -> Table:
    """Let signs count for their own stretch of time, the one before and the one after."""
    steps = [signs.mutate(stretch=signs.stretch + step) for step in (-1, 0, 1)]
    return ibis.union(*steps, distinct=True)


def _described(archive: Archive, halves: Halves, edges: Table) -> Table:
    """Say of edges who is at their ends."""
    children = halves.causes.select(
        "cause_id",
        *("service", "key"),
        child_request_id="request_id",
        child_function="function",
        child_region="function_region",
        started_s="began_s",
        source_resource="resource",
    )
    starts = archive.invocations.filter(archive.invocations.event == "start")
    parents = starts.group_by(parent_request_id=starts.request_id).agg(
        parent_function=starts.function.max(), parent_region=starts.function_region.max()
    )
    calls = archive.calls
    made = calls.group_by(parent_request_id=calls.request_id, call_id=calls.call_id).agg(
        operation=calls.operation.min(),
        resource=calls.resource.min(),
        ended_s=(calls.started_s + calls.duration_s).min(),
    )
    whole = edges.join(children, "cause_id")
    whole = whole.left_join(parents, "parent_request_id").drop("parent_request_id_right")
    whole = whole.left_join(made, ["parent_request_id", "call_id"])
    return whole.select(
        *("child_request_id", "child_function", "child_region", "started_s"),
        *("parent_request_id", "parent_function", "parent_region"),
        *("call_id", "operation", "resource", "service", "source_resource", "key", "evidence"),
        *("candidates", "call_candidates", "cause_id"),
        delay_s=whole.started_s - whole.ended_s,
    )
