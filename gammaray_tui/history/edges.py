"""Every edge in an archive, with its grade: what the live view would show of the same records."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import ibis
from ibis.expr.types import Table

from causality.doubts import DOUBT_S
from causality.match_keys import CONTENT, EXACT
from gammaray_tui.history.competing import solved_groups, solved_ids, with_solved
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.halves import Halves, halves_of
from gammaray_tui.history.verdicts import by_content_or_order, by_id

Told = Callable[[str], None]


class Matched(NamedTuple):
    """Causes and calls, matched.

    Attributes:
        halves: both halves.
        found: a row for each cause and output that can be meant (gammaray_tui.history.verdicts).
        named: causes that name a `caller` of which something was read, but not the call.
    """

    halves: Halves
    found: Table
    named: Table


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
    found = matched(archive, told)
    told("grading edges")
    edges = archive.held(_concluded(archive, found))
    told("describing edges")
    return archive.held(_described(archive, found.halves, edges))


def _matched(archive: Archive, told: Told) -> Matched:
    told("reading calls and causes")
    halves = halves_of(archive)
    told("matching ids")
    split = by_id(archive, halves)
    exact = with_solved(archive, split.verdicts, solved_ids(archive, halves, split.contested))
    named = archive.held(_named_callers(archive, halves, exact))
    told("matching contents and order")
    split = by_content_or_order(archive, halves, exact, named)
    solved = solved_groups(archive, halves, split.contested, exact, named)
    found = ibis.union(exact, with_solved(archive, split.verdicts, solved))
    return Matched(halves, found, named)


# --- what follows -----------------------------------------------------------------------------


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
    """Say of each cause for which something was found what edge that makes."""
    halves, found, named = matched
    summed = archive.held(_summed(archive, found))
    exact = summed.filter(summed.top == EXACT)
    exact = exact.mutate(sure=exact.certain, named=ibis.literal("exact"), too_few=exact.short)
    weak = archive.held(summed.filter(summed.top != EXACT))
    graded = ibis.union(exact, _graded(archive, halves, found, weak).select(*exact.columns))

    known = graded.sure & (graded.parents == 1)
    one = known & (graded.calls == 1) & ~graded.too_few
    nothing = ibis.literal([], type="array<string>")
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


def _graded(archive: Archive, halves: Halves, found: Table, weak: Table) -> Table:
    """Grade what content and order tell: what lies near in time may cast doubt on it."""
    causes = halves.causes.select(
        *("cause_id", "service", "source"),
        stretch=(halves.causes.began_s / DOUBT_S).floor().cast("int64"),
    )
    keyed = causes.filter(causes.source.notnull())
    told = weak.join(keyed, "cause_id")
    unexplained = ibis.union(
        _near(keyed.anti_join(found, "cause_id")), _near(told.filter(told.short)), distinct=True
    )
    returning = _near(told.filter((told.top == CONTENT) & told.recurs))
    lost = archive.gaps.filter(archive.gaps.kind == "gap")
    gaps = _spread(lost.select(stretch=(lost.at_s / DOUBT_S).floor().cast("int64")))

    graded = weak.join(causes, "cause_id")
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
    starts = starts.semi_join(edges, starts.request_id == edges.parent_request_id)
    parents = starts.group_by(parent_request_id=starts.request_id).agg(
        parent_function=starts.function.max(), parent_region=starts.function_region.max()
    )
    calls = halves.outputs
    made = calls.select(
        *("output_id", "operation"),
        call_resource="resource",
        ended_s=calls.started_s + calls.duration_s,
    )
    whole = edges.join(children, "cause_id")
    whole = whole.left_join(parents, "parent_request_id").drop("parent_request_id_right")
    whole = whole.left_join(made, "output_id")
    return whole.select(
        *("child_request_id", "child_function", "child_region", "started_s"),
        *("parent_request_id", "parent_function", "parent_region"),
        *("call_id", "operation"),
        *("service", "source_resource", "key", "evidence"),
        *("candidates", "call_candidates", "cause_id"),
        resource=whole.call_resource,
        delay_s=whole.started_s - whole.ended_s,
    )
