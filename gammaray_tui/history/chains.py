"""The slowest chains of an archive, with what their time went to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import ibis
import msgspec
from ibis.expr.types import Table

from causality.analysis import ChainSummary, chains_of, summary
from gammaray_tui.history.edges import Told, edges_of
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.facts import graph_of_some
from gammaray_tui.history.questions import Span, attempts

# A chain that goes on for longer is one that starts itself again and again.
_DEEPEST: Final = 1000


class ChainRow(msgspec.Struct, frozen=True):
    """A chain; seconds. Of the path: what each sort of waiting and working took."""

    request_id: str
    function: str | None
    region: str | None
    started_s: float | None
    latency_s: float | None
    invocations: int
    errors: int
    cold_starts: int
    functions: str
    path: str
    delay_s: float
    queue_s: float
    retry_s: float
    init_s: float
    handler_s: float
    sdk_s: float


def slowest_chains(
    archive: Archive, count: int, span: Span | None, told: Told
) -> Iterator[ChainRow]:
    """Give the chains that took the longest, the slowest first.

    They are found by the first beginning, initialisation included, and the last end of their
    invocations. What is said of each comes from the graph of its own records.
    """
    members = _members(archive, edges_of(archive, told), told)
    times = attempts(archive)
    times = (
        times.filter(times.started_s.notnull())
        .group_by(member=times.request_id)
        .agg(
            started_s=times.started_s.min(),
            began_s=(times.started_s - ibis.greatest(times.init_s.fill_null(0.0), 0.0)).min(),
            ended_s=ibis.greatest(times.started_s, times.ended_s.fill_null(0.0)).max(),
        )
    )
    timed = members.join(times, "member")
    found = timed.group_by("root").agg(
        started_s=timed.started_s.min(), took_s=timed.ended_s.max() - timed.began_s.min()
    )
    if span is not None:
        found = found.filter((found.started_s >= span[0]) & (found.started_s < span[1]))
    slowest = archive.held(found.order_by(ibis.desc("took_s"), "root").limit(count))
    told("following critical paths")
    chosen = archive.rows(members.semi_join(slowest, "root"))
    engine = graph_of_some(archive, (row["member"] for row in chosen))
    rows = []
    for root in (row["root"] for row in archive.rows(slowest)):
        of_root = {row["member"] for row in chosen if row["root"] == root}
        among = [engine.invocations[m] for m in of_root if m in engine.invocations]
        invocation = engine.invocations.get(root)
        if invocation is not None:
            rows.append(_row(summary(chains_of(invocation, among)[0])))
    yield from sorted(rows, key=lambda row: (-(row.latency_s or 0.0), row.request_id))


def _members(archive: Archive, edges: Table, told: Told) -> Table:
    """Give the invocations of each chain: `root`, `member`."""
    told("following chains")
    certain = edges.filter(edges.parent_request_id.notnull())
    links = archive.held(
        certain.select(child="child_request_id", parent="parent_request_id").distinct()
    )
    known = archive.invocations.select(root="request_id").distinct()
    roots = known.anti_join(links.select(root="child"), "root")
    level = archive.held(roots.mutate(member=roots.root))
    reached = level
    for _ in range(_DEEPEST):
        further = level.join(links, level.member == links.parent)
        further = further.select("root", member="child").distinct()
        level = archive.held(further.anti_join(reached, ["root", "member"]))
        if not archive.count(level):
            break
        reached = archive.held(ibis.union(reached, level))
    return reached


def _row(chain: ChainSummary) -> ChainRow:
    path = chain.path
    totals = path.totals() if path is not None else {}
    names = dict.fromkeys(part.function for part in path.parts) if path is not None else {}
    return ChainRow(
        chain.request_id,
        chain.function,
        chain.region,
        chain.started_at_s,
        chain.latency_s,
        chain.invocations,
        chain.errors,
        chain.cold_starts,
        ", ".join(chain.functions),
        " → ".join(names),
        *(totals.get(kind, 0.0) for kind in ("delay", "queue", "retry", "init", "handler", "sdk")),
    )
