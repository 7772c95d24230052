"""A chain laid out in time: invocations and calls, with the stretches that its end waited for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from causality.analysis.critical_path import CriticalPath, PartKind, critical_path
from causality.engine import Engine
from causality.graph import CallNode, Edge, Invocation
from causality.snapshot import Evidence, NodeId, Phase, Span, State
from causality.tree.index import TreeIndex
from causality.tree.rows import resource_text, spans

MAX_ROWS = 2000
_PHASES: dict[PartKind, Phase] = {
    "delay": "wait",
    "queue": "wait",
    "retry": "wait",
    "init": "init",
    "handler": "run",
    "sdk": "sdk",
}


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """One line: an invocation, or a call that it made.

    Attributes:
        node: the invocation's id, or "<invocation>#<call id>".
        name: the function; of a call, its operation and what it worked on.
        offset_s, duration_s: since the chain began; None when unknown.
        delay_s: trigger delay.
        spans: what it did when, in seconds since the chain began.
        critical: whether the chain's end had to wait for it.
    """

    node: NodeId
    is_call: bool
    depth: int
    name: str
    region: str
    state: State
    offset_s: float | None
    duration_s: float | None
    delay_s: float | None
    evidence: Evidence | None
    spans: tuple[Span, ...]
    critical: bool


@dataclass(frozen=True, slots=True)
class WaterfallMark:
    """What the user or the tool did: fired, deployed, paused.

    Attributes:
        offset_s: since the chain began; below zero when it was before.
    """

    offset_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A chain in time.

    Attributes:
        length_s: from its root's beginning, initialisation included, to its end so far.
        latency_s, totals: of the critical path, and its seconds by kind.
        path: what the chain's end had to wait for, in seconds since the chain began, whether
            there are rows for it or not.
        hidden: invocations of the chain beyond the rows.
        marks: what was done while the chain ran, and the last thing before it.
    """

    rows: tuple[WaterfallRow, ...]
    began_s: float
    length_s: float
    running: bool
    latency_s: float
    totals: tuple[tuple[PartKind, float], ...]
    path: tuple[Span, ...]
    hidden: int
    marks: tuple[WaterfallMark, ...] = ()


def waterfall_of(
    engine: Engine,
    tree: TreeIndex,
    node: NodeId,
    now_s: float,
    *,
    with_calls: bool,
    marks: Sequence[tuple[float, str, str]] = (),
) -> Waterfall | None:
    """Lay out the chain that an invocation belongs to.

    Args:
        engine: the graph.
        tree: gives each invocation its place.
        node: an invocation or a call of the chain.
        now_s: epoch seconds, where the bars of running invocations end.
        with_calls: whether calls get lines of their own.
        marks: what was done: epoch seconds, kind and text, in the order of time.

    Returns:
        The chain in time; None when it has left the graph or nothing of it has a time.
    """
    invocation = engine.invocations.get(node.split("#", 1)[0])
    chain = tree.chain_of(invocation) if invocation is not None else None
    if chain is None or chain.began_s is None:
        return None
    began_s = chain.began_s
    members = list(tree.members(chain))
    path = critical_path([member for member, _ in members])
    critical = frozenset(path.request_ids if path is not None else ())
    rows: list[WaterfallRow] = []
    shown = 0
    for member, depth in members:
        if len(rows) >= MAX_ROWS:
            break
        shown += 1
        rows.append(_invocation(tree, member, depth, began_s, now_s, critical))
        if with_calls:
            rows += (_call(call, depth + 1, began_s) for call in _in_order(member))
    ended_s = now_s if chain.running or chain.ended_s is None else chain.ended_s
    if path is not None and path.parts:
        ended_s = max(ended_s, path.parts[-1].ended_s)
    return Waterfall(
        tuple(rows),
        began_s,
        max(0.0, ended_s - began_s),
        bool(chain.running),
        path.latency_s if path is not None else 0.0,
        tuple(path.totals().items()) if path is not None else (),
        tuple(_path(path, began_s)) if path is not None else (),
        len(members) - shown,
        tuple(_marks(marks, began_s, ended_s)),
    )


def _marks(
    marks: Sequence[tuple[float, str, str]], began_s: float, ended_s: float
) -> Iterator[WaterfallMark]:
    before = [mark for mark in marks if mark[0] < began_s]
    within = [mark for mark in marks if began_s <= mark[0] <= ended_s]
    for at_s, kind, text in (*before[-1:], *within):
        yield WaterfallMark(at_s - began_s, kind, text)


def _path(path: CriticalPath, began_s: float) -> Iterator[Span]:
    for part in path.parts:
        yield Span(_PHASES[part.kind], part.began_s - began_s, part.ended_s - began_s)


def _invocation(
    tree: TreeIndex,
    member: Invocation,
    depth: int,
    began_s: float,
    now_s: float,
    critical: Collection[str],
) -> WaterfallRow:
    edge = _edge_to(tree, member)
    started_s, last = member.started_at_s, member.last
    return WaterfallRow(
        member.node,
        False,
        depth,
        member.function or "(unknown function)",
        member.region or "",
        member.state,
        None if started_s is None else started_s - began_s,
        last.duration_s if last is not None else None,
        edge.delay_s if edge is not None else None,
        edge.evidence if edge is not None else None,
        (*spans(member, edge, began_s, now_s), *_waiting(member, began_s)),
        member.request_id in critical,
    )


def _edge_to(tree: TreeIndex, member: Invocation) -> Edge | None:
    parent = tree.parent_of(member)
    if parent is None:
        return None
    edges = (cause.edge for cause in member.causes)
    return next((edge for edge in edges if edge is not None and edge.parent is parent), None)


def _waiting(member: Invocation, began_s: float) -> Iterator[Span]:
    """Give when an invocation waited for its calls; overlaps come once."""
    reached = float("-inf")
    for call in _in_order(member):
        made_s, ended_s = call.started_at_s, call.ended_at_s
        if made_s is None or ended_s is None or ended_s <= reached:
            continue
        yield Span("sdk", max(made_s, reached) - began_s, ended_s - began_s)
        reached = ended_s


def _in_order(member: Invocation) -> list[CallNode]:
    known = [call for call in member.calls.values() if call.started_at_s is not None]
    return sorted(known, key=lambda call: (call.started_at_s or 0.0, call.id))


def _call(call: CallNode, depth: int, began_s: float) -> WaterfallRow:
    made_s, ended_s = call.started_at_s, call.ended_at_s
    bar: tuple[Span, ...] = ()
    if made_s is not None and ended_s is not None:
        bar = (Span("sdk", made_s - began_s, ended_s - began_s),)
    return WaterfallRow(
        f"{call.invocation.node}#{call.id}",
        True,
        depth,
        f"{call.fact.operation or call.fact.service} {resource_text(call)}".strip(),
        call.fact.region or call.invocation.region or "",
        "error" if call.error else "ok",
        None if made_s is None else made_s - began_s,
        call.duration_s,
        None,
        None,
        bar,
        False,
    )
