"""Making the tree's rows of the graph's nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from causality import names
from causality.graph import CallNode, CauseNode, Edge, Invocation
from causality.hops import hop_of
from causality.matching.match_keys import is_destination
from causality.matching.redeliveries import Try
from causality.problems import describe_cause
from causality.snapshot import Span, TreeRow

if TYPE_CHECKING:
    from causality.tree.lines import Line


def invocation_row(
    line: Line,
    invocation: Invocation,
    edge: Edge | None,
    began_s: float,
    origin_s: float,
    chain_s: float,
    now_s: float,
    *,
    folded: bool,
    has_children: bool,
    hidden: Sequence[Invocation],
    orphan: bool,
    place: Try,
) -> TreeRow:
    """Make the row of an invocation.

    Args:
        line: where the row stands.
        invocation: what it shows.
        edge: the edge that the row stands for, or an ambiguous one; None for a plain root.
        began_s: when the chain began (epoch), its root's initialisation included.
        origin_s: when the chain's root started (epoch): what offsets count from.
        chain_s: how long the chain is.
        now_s: epoch seconds, where the bars of running invocations end.
        folded: whether something below it is folded away.
        has_children: whether something hangs below it.
        hidden: what is folded away below it.
        orphan: whether its cause names a call that was never seen.
        place: which of the tries of its trigger it is.
    """
    last = invocation.last
    started_at_s = invocation.started_at_s
    return TreeRow(
        node=invocation.node,
        kind="invocation",
        depth=line.depth,
        guides=line.guides,
        last=line.last,
        function=invocation.function or "(unknown function)",
        region=invocation.region or "",
        state=invocation.state,
        trigger=trigger(invocation, edge, orphan),
        started_at_s=started_at_s,
        offset_s=started_at_s - origin_s if line.depth and started_at_s is not None else None,
        duration_s=last.duration_s if last is not None else None,
        delay_s=edge.delay_s if edge is not None else None,
        cold=any(attempt.cold for attempt in invocation.attempts.values()),
        init_s=last.init_s if last is not None else None,
        evidence=edge.evidence if edge is not None else None,
        candidates=len(edge.candidates) if edge is not None and edge.parent is None else 0,
        causes=len({e.parent for c in invocation.causes if (e := c.edge) is not None and e.parent}),
        attempts=place.of,
        attempt=place.number,
        children=len(hidden) if folded else int(has_children),
        folded=folded,
        hidden_errors=sum(m.state in ("error", "timeout", "throttled") for m in hidden),
        hidden_running=sum(m.state == "running" for m in hidden),
        chain_s=chain_s,
        spans=spans(invocation, edge, began_s, now_s),
        matched=line.matched,
    )


def call_row(
    line: Line, call: CallNode, began_s: float, origin_s: float, chain_s: float
) -> TreeRow:
    """Make the row of a call that triggered nothing."""
    made, ended = call.started_at_s, call.ended_at_s
    bar = (
        (Span("run", made - began_s, ended - began_s),)
        if made is not None and ended is not None
        else ()
    )
    return TreeRow(
        node=line.node,
        kind="call",
        depth=line.depth,
        guides=line.guides,
        last=line.last,
        function=call.fact.operation or call.fact.service,
        region=call.fact.region or call.invocation.region or "",
        state="error" if call.error else "ok",
        trigger=resource_text(call),
        started_at_s=made,
        offset_s=made - origin_s if made is not None else None,
        duration_s=call.duration_s,
        chain_s=chain_s,
        spans=bar,
        matched=line.matched,
    )


def link_row(
    line: Line, target: Invocation, cause: CauseNode, origin_s: float, chain_s: float
) -> TreeRow:
    """Make the row that leads to an invocation which stands elsewhere in the tree."""
    edge = cause.edge
    started_at_s = target.started_at_s
    return TreeRow(
        node=target.node,
        kind="link",
        depth=line.depth,
        guides=line.guides,
        last=line.last,
        function=target.function or "(unknown function)",
        region=target.region or "",
        state=target.state,
        trigger=trigger(target, edge, orphan=False),
        started_at_s=started_at_s,
        offset_s=started_at_s - origin_s if started_at_s is not None else None,
        delay_s=edge.delay_s if edge is not None else None,
        evidence=edge.evidence if edge is not None else None,
        candidates=len(edge.candidates) if edge is not None and edge.parent is None else 0,
        chain_s=chain_s,
        matched=line.matched,
    )


def trigger(invocation: Invocation, edge: Edge | None, orphan: bool) -> str:
    """Say in a few words what started an invocation: "PutItem→image-proc-B"."""
    if edge is not None:
        if is_destination(edge.cause.fact) and edge.call is None:
            return describe_cause(edge.cause.fact)
        operation, resource = hop_of(edge)
        return f"{operation}→{resource}"
    if not invocation.causes:
        seen = any(attempt.start is not None for attempt in invocation.attempts.values())
        return "" if seen else "its first record was not read"
    text = describe_cause(invocation.causes[0].fact)
    if invocation.fired:
        return f"fired: {text}"
    return f"orphan: {text}" if orphan else text


def resource_text(call: CallNode) -> str:
    """Say what a call worked on; the service, when nothing tells."""
    resource = call.fact.resource or (call.segment.resource if call.segment is not None else None)
    if call.fact.service == "http":
        return resource or ""
    return names.last_part(resource) if resource else call.fact.service


def spans(
    invocation: Invocation, edge: Edge | None, began_s: float, now_s: float
) -> tuple[Span, ...]:
    """Lay an invocation out on its chain's time line: wait, init, run of each attempt."""
    found: list[Span] = []
    waiting_since = edge.call.ended_at_s if edge is not None and edge.call is not None else None
    for attempt in invocation.in_order():
        started = attempt.started_at_s
        if started is None:
            continue
        initialising = started - (attempt.init_s or 0.0)
        if waiting_since is not None and waiting_since < initialising:
            found.append(Span("wait", waiting_since - began_s, initialising - began_s))
        if initialising < started:
            found.append(Span("init", initialising - began_s, started - began_s))
        ended = attempt.ended_at_s
        if ended is not None:
            found.append(Span("run", started - began_s, max(started, ended) - began_s))
            waiting_since = ended
        elif attempt.state == "running":
            found.append(Span("running", started - began_s, max(started, now_s) - began_s))
    return tuple(found)
