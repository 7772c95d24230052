"""A chain of an archive in the views of the live watch, with the grades that the archive has."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import pyarrow as pa
from ibis.expr.types import Table

from causality.engine import Engine
from causality.graph import CauseNode, Edge, Invocation
from gammaray_tui.history.edges import Told, edges_of
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.facts import facts_of_some
from gammaray_tui.watch import Watch
from providers.errors import UserError
from providers.events import EndOfInput
from widgets import formats

_MOST: Final = 50_000  # invocations; a tree of more is not looked through
_DEEPEST: Final = 1000


class Opened(NamedTuple):
    """A chain.

    Attributes:
        watch: holds it, and nothing else.
        members: how many invocations the chain has.
        others: how many stand beside it: they led into it from chains of their own, of which
            nothing else is there.
    """

    watch: Watch
    members: int
    others: int


def opened_chain(archive: Archive, request_id: str, title: str, told: Told) -> Opened:
    """Load the chain that an invocation belongs to.

    Raises:
        UserError: nothing of it is in the archive, or it is too large.
    """
    edges = edges_of(archive, told)
    told("following the chain")
    certain = edges.filter(edges.parent_request_id.notnull())
    links = archive.once(
        "links",
        lambda: archive.held(
            certain.select(child="child_request_id", parent="parent_request_id").distinct()
        ),
    )
    above = _reached(archive, links, {request_id}, "child", "parent")
    roots = above - _far_ends(archive, links, above, "child", "child")
    members = _reached(archive, links, roots or {request_id}, "parent", "child")
    around = _reached(archive, links, members, "child", "parent")
    told(f"reading {formats.plural(len(around), 'invocation')}")
    facts, cause_ids = facts_of_some(archive, around)
    if not facts:
        raise UserError(
            f"Nothing of {request_id} is in the archive.",
            todo="Ask again: files may have been added or compacted meanwhile.",
            kind="not-found",
        )
    newest_s = max(said.written_at_s for said in facts)
    # A time line that ends with the chain; what has not ended by now never will.
    watch = Watch(title, max_invocations=None, clock=lambda: newest_s + 1.0)
    engine = watch.engine
    engine.apply_facts(facts)
    engine.finish()
    engine.expire(max(0.0, time.time() - newest_s))
    inside = edges.semi_join(_given(archive, around, "child_request_id"), "child_request_id")
    _grade(engine, archive.rows(inside), cause_ids)
    watch.apply(EndOfInput(title))
    return Opened(watch, len(members), len(around - members))


def _reached(archive: Archive, links: Table, begin: set[str], near: str, far: str) -> set[str]:
    """Give invocations and all that links lead to from them, from their `near` end on."""
    reached = set(begin)
    level = reached
    for _ in range(_DEEPEST):
        level = _far_ends(archive, links, level, near, far) - reached
        reached = reached | level
        if len(reached) > _MOST:
            raise UserError(
                f"The chain has more than {_MOST:,} invocations.",
                todo="Ask about parts of it, with sql or between two times.",
                kind="too-large",
            )
        if not level:
            break
    return reached


def _far_ends(
    archive: Archive, links: Table, request_ids: Iterable[str], near: str, far: str
) -> set[str]:
    met = links.semi_join(_given(archive, request_ids, near), near)
    return {row["found"] for row in archive.rows(met.select(found=met[far]).distinct())}


def _given(archive: Archive, request_ids: Iterable[str], name: str) -> Table:
    return archive.given(pa.table({name: pa.array(sorted(request_ids), pa.string())}))


def _grade(engine: Engine, rows: Iterable[Mapping[str, Any]], cause_ids: Mapping[int, str]) -> None:
    """Put the archive's edges in the place of those that some of its records alone would give.

    What an edge may claim depends on records that are not loaded: others that share a key, and
    such as nobody's recorded call explains.
    """
    known = {row["cause_id"]: row for row in rows}
    for invocation in list(engine.invocations.values()):
        for cause in invocation.causes:
            row = known.get(cause_ids[id(cause.fact)])
            old, cause.edge = cause.edge, _edge(engine.invocations, cause, row)
            engine.edge_changed(cause, old)


def _edge(
    invocations: Mapping[str, Invocation], cause: CauseNode, row: Mapping[str, Any] | None
) -> Edge | None:
    if row is None:
        return None
    parent = invocations.get(row["parent_request_id"] or "")
    if parent is not None and row["call_id"] is not None:
        made = parent.calls[row["call_id"]]
        return Edge(cause, row["evidence"], parent, made, (made,))
    makers = [parent] if parent is not None else map(invocations.get, row["candidates"])
    calls = [
        call
        for maker in makers
        if maker is not None
        for call_id in row["call_candidates"]
        if (call := maker.calls.get(call_id)) is not None
    ]
    return Edge(cause, row["evidence"], parent, None, tuple(calls))
