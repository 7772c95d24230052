"""Every edge in an archive, with its grade: what the live view would show of the same records."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import ibis
from ibis.expr.types import Table, Value

from causality.matching.doubts import DOUBT_S
from causality.matching.match_keys import CONTENT, EXACT
from gammaray_tui.history.competing import solved_groups, solved_ids, with_solved
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.halves import (
    Halves,
    described_causes,
    described_outputs,
    halves_of,
    whole_halves,
)
from gammaray_tui.history.sharing import Grouped, grouped_halves, rivals_of
from gammaray_tui.history.verdicts import by_content_or_order, by_id, met_in, proven_verdicts

Told = Callable[[str], None]


class Matched(NamedTuple):
    """Causes and calls, matched.

    Attributes:
        halves: both halves.
        grouped: those that may share contents or keys.
        alone: causes with the only output that an id leads to (gammaray_tui.history.verdicts).
        others: a row for each other cause and output that can be meant.
        named: causes that name a `caller` of which something was read, but not the call.
    """

    halves: Halves
    grouped: Grouped
    alone: Table
    others: Table
    named: Table

    @property
    def found(self) -> Table:
        """A row for each cause and output that can be meant."""
        return ibis.union(proven_verdicts(self.alone), self.others)


def edges_of(archive: Archive, told: Told = lambda _text: None) -> Table:
    """Give the edges of an archive.

    Args:
        archive: opened in an engine.
        told: is given what is done, as it begins.

    Returns:
        A row for each delivered record for which calls were found: `cause_id`,
        `child_request_id`, `parent_request_id` and `call_id` (NULL when not certain),
        `evidence`, `candidates` and `call_candidates`, and what is known of all of these. Its
        parts are held: whoever asks takes the columns that it needs.
    """
    return archive.once("edges", lambda: _edges(archive, told))


def matched(archive: Archive, told: Told = lambda _text: None) -> Matched:
    """Match the causes of an archive to its calls."""
    return archive.once("matched", lambda: _matched(archive, told))


def _edges(archive: Archive, told: Told) -> Table:
    found = matched(archive, told)
    told("grading edges")
    others = archive.held(_concluded(archive, found))
    told("describing edges")
    others = archive.held(_described(found.halves, others))
    nothing = _no_candidates()
    alone = found.alone.mutate(
        evidence=ibis.literal("exact"), candidates=nothing, call_candidates=nothing
    )
    return _with_parents(archive, ibis.union(alone.select(*others.columns), others))


def _matched(archive: Archive, told: Told) -> Matched:
    told("reading calls and causes")
    halves = halves_of(archive)
    told("matching ids")
    proven = by_id(archive, halves)
    split = proven.others
    others = with_solved(archive, split.verdicts, solved_ids(archive, halves, split.contested))
    exact = ibis.union(proven_verdicts(proven.alone), others)
    named = archive.held(_named_callers(archive, halves, exact))
    told("matching contents and order")
    grouped = grouped_halves(archive, halves)
    met = met_in(archive, grouped, exact)
    rivals = rivals_of(archive, grouped, met)
    whole = whole_halves(archive, rivals.outputs, rivals.grouped.causes)
    split = by_content_or_order(archive, whole, met, exact, named)
    solved = solved_groups(archive, whole, rivals.grouped, split.contested, exact, named)
    others = ibis.union(others, with_solved(archive, split.verdicts, solved))
    return Matched(halves, grouped, proven.alone, others, named)


# --- what follows -----------------------------------------------------------------------------


def _no_candidates() -> Value:
    return ibis.literal([], type="array<string>")


def _named_callers(archive: Archive, halves: Halves, found: Table) -> Table:
    """Give causes that name a caller of which something was read, but not the call."""
    named = halves.causes.filter(
        halves.causes.caller.notnull() & (halves.causes.caller != halves.causes.request_id)
    )
    named = named.select("cause_id", "request_id", "caller").anti_join(found, "cause_id")
    known = ibis.union(
        archive.invocations.select(caller="request_id"), archive.calls.select(caller="request_id")
    )
    return named.semi_join(known, "caller")


def _concluded(archive: Archive, matched: Matched) -> Table:
    """Say of each cause that no id leads to a single output what edge that makes."""
    found, named = matched.others, matched.named
    summed = archive.held(_summed(archive, found))
    exact = summed.filter(summed.top == EXACT)
    exact = exact.mutate(sure=exact.certain, named=ibis.literal("exact"), too_few=exact.short)
    weak = summed.filter(summed.top != EXACT)
    graded = _graded(archive, matched, weak)
    graded = ibis.union(exact, graded.select(*exact.columns))

    known = graded.sure & (graded.parents == 1)
    one = known & (graded.calls == 1) & ~graded.too_few
    nothing = _no_candidates()
    edges = graded.select(
        "cause_id",
        evidence=ibis.ifelse(graded.too_few | known, graded.named, "ambiguous"),
        parent_request_id=ibis.cases((known, graded.parent)),
        call_id=ibis.cases((one, graded.call)),
        output_id=ibis.cases((one, graded.output)),
        candidates=ibis.ifelse(known, nothing, graded.candidates),
        call_candidates=ibis.ifelse(one, nothing, graded.call_candidates),
    )
    return ibis.union(
        edges,
        named.anti_join(found, "cause_id").select(
            "cause_id",
            evidence=ibis.literal("exact"),
            parent_request_id="caller",
            call_id=ibis.null("string"),
            output_id=ibis.null("string"),
            candidates=nothing,
            call_candidates=nothing,
        ),
    )


def _graded(archive: Archive, matched: Matched, weak: Table) -> Table:
    """Grade what content and order tell: what lies near in time may cast doubt on it."""
    causes = matched.grouped.causes
    causes = causes.select(
        *("cause_id", "service", "source"),
        stretch=(causes.began_s / DOUBT_S).floor().cast("int64"),
    )
    told = weak.join(causes, "cause_id")
    unexplained = ibis.union(
        _near(causes.anti_join(matched.found, "cause_id")),
        _near(told.filter(told.short)),
        distinct=True,
    )
    returning = _near(told.filter((told.top == CONTENT) & told.recurs))
    lost = archive.gaps.filter(archive.gaps.kind == "gap")
    gaps = _spread(lost.select(stretch=(lost.at_s / DOUBT_S).floor().cast("int64")))

    graded = told.left_join(unexplained.mutate(doubted=True), ["source", "stretch"])
    graded = graded.drop("source_right", "stretch_right")
    graded = graded.left_join(returning.mutate(returned=True), ["source", "stretch"])
    graded = graded.drop("source_right", "stretch_right")
    graded = graded.left_join(gaps.mutate(gap=True), "stretch").drop("stretch_right")
    order = graded.doubted.isnull() & graded.gap.isnull()
    content = graded.returned.isnull() | order
    plain = ~(graded.narrowed | graded.recurs)
    # A payload that a rule of IoT passes on is content, whoever gets it.
    passed_on = (graded.service == "lambda") & plain
    by_content = graded.top == CONTENT
    return graded.mutate(
        sure=graded.certain
        & ibis.ifelse(
            by_content,
            ibis.ifelse(plain, content, order),
            ibis.ifelse(passed_on, content, order),
        ),
        named=ibis.ifelse(
            by_content,
            ibis.ifelse(graded.narrowed, "order", "content"),
            ibis.ifelse(passed_on, "content", "order"),
        ),
        too_few=False,
    )


def _summed(archive: Archive, found: Table) -> Table:
    """Give what was found for each cause at the best level, and beside it."""
    counted = found.group_by("cause_id").agg(count=found.count())
    several = archive.held(counted.filter(counted["count"] > 1).select("cause_id"))
    only = found.anti_join(several, "cause_id")
    only = only.select(
        "cause_id",
        *("certain", "narrowed", "recurs", "short"),
        top=only["level"],
        parents=ibis.literal(1).cast("int64"),
        parent=only.request_id,
        calls=ibis.literal(1).cast("int64"),
        call=only.call_id,
        output=only.output_id,
        candidates=ibis.array([only.request_id]),
        call_candidates=ibis.array([only.call_id]),
    )
    rows = found.semi_join(several, "cause_id")
    best = rows["level"].max().over(group_by=rows.cause_id)
    rows = rows.mutate(top=best)
    rows = rows.filter((rows.top != EXACT) | (rows["level"] == EXACT))
    at_top = rows["level"] == rows.top
    summed = rows.group_by("cause_id").agg(
        top=rows.top.max(),
        certain=(rows.certain | ~at_top).all(),
        narrowed=(rows.narrowed & at_top).any(),
        recurs=(rows.recurs & at_top).any(),
        short=(rows.short & at_top).any(),
        parents=rows.request_id.nunique(),
        parent=rows.request_id.min(),
        calls=(rows.request_id + "\n" + rows.call_id).nunique(),
        call=rows.call_id.min(),
        output=rows.output_id.min(),
        candidates=rows.request_id.collect(distinct=True).sort(),
        call_candidates=rows.call_id.collect(distinct=True).sort(),
    )
    return ibis.union(only, summed.select(*only.columns))


def _near(signs: Table) -> Table:
    return _spread(signs.select("source", "stretch").distinct())


def _spread(signs: Table) -> Table:
    """Let signs count for their own stretch of time, the one before and the one after."""
    steps = [signs.mutate(stretch=signs.stretch + step) for step in (-1, 0, 1)]
    return ibis.union(*steps, distinct=True)


def _described(halves: Halves, edges: Table) -> Table:
    """Say of edges what is known of the cause and of the call."""
    causes = halves.causes.semi_join(edges, "cause_id")
    outputs = halves.outputs.semi_join(edges, "output_id")
    made = described_outputs(outputs).drop("parent_request_id", "call_id")
    whole = edges.join(described_causes(causes), "cause_id").left_join(made, "output_id")
    return whole.drop("output_id_right")


def _with_parents(archive: Archive, edges: Table) -> Table:
    """Say of edges whose end is known what it is an invocation of."""
    callers = edges.filter(edges.parent_request_id.notnull())
    callers = callers.select(request_id="parent_request_id").distinct()
    starts = archive.invocations.filter(archive.invocations.event == "start")
    starts = starts.semi_join(callers, "request_id")
    parents = starts.group_by(parent_request_id=starts.request_id).agg(
        parent_function=starts.function.max(), parent_region=starts.function_region.max()
    )
    whole = edges.left_join(archive.held(parents), "parent_request_id")
    return whole.select(
        *("child_request_id", "child_function", "child_region", "started_s"),
        *("parent_request_id", "parent_function", "parent_region"),
        *("call_id", "operation", "service", "source_resource", "key", "evidence"),
        *("candidates", "call_candidates", "cause_id", "resource"),
        delay_s=whole.started_s - whole.ended_s,
    )
