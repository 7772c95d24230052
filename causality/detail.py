"""Everything about one invocation, for the detail pane."""

from __future__ import annotations

from itertools import islice

from causality import names
from causality.analysis.critical_path import critical_path
from causality.engine import Engine
from causality.graph import CallNode, Edge, Invocation
from causality.hops import hop_of
from causality.keys import display_key
from causality.matching.match_keys import is_destination
from causality.problems import describe_cause
from causality.sdk_time import time_in_calls
from causality.snapshot import CallRow, ChainBar, Detail, NodeId, PathSplit
from causality.tree.index import TreeIndex
from causality.tree.rows import resource_text, spans
from causality.why import explain

_MAX_BARS = 200
_MAX_CALLS = 200
_MAX_EDGES = 20
_MAX_PATH = 100  # members of a chain: what is shown ten times a second has to be quick


def detail_of(engine: Engine, tree: TreeIndex, node: NodeId, now_s: float) -> Detail | None:
    """Give the detail of an invocation, or of the invocation that made a call.

    None when it has left the graph.
    """
    invocation = engine.invocations.get(node.split("#", 1)[0])
    chain = tree.chain_of(invocation) if invocation is not None else None
    if invocation is None or chain is None:
        return None
    began_s = chain.began_s if chain.began_s is not None else now_s
    ended_s = now_s if chain.running or chain.ended_s is None else chain.ended_s
    members = list(islice(tree.members(chain), _MAX_BARS))
    bars = [_bar(tree, member, depth, began_s, now_s) for member, depth in members]
    attempts = invocation.in_order()
    place = engine.matcher.redeliveries.place(invocation)
    last = attempts[-1] if attempts else None
    edges = [cause.edge for cause in invocation.causes if cause.edge is not None]
    calls = sorted(invocation.calls.values(), key=_call_order)[:_MAX_CALLS]
    return Detail(
        node=invocation.node,
        function=invocation.function or "(unknown function)",
        region=invocation.region or "",
        account=invocation.account or "",
        state=invocation.state,
        error=last.error if last is not None else None,
        request_id=invocation.request_id,
        trace_id=last.trace_id if last is not None else None,
        attempt=place.number,
        attempts=place.of,
        version=invocation.version,
        memory_mb=last.start.memory_mb if last is not None and last.start is not None else None,
        started_at_s=invocation.started_at_s,
        duration_s=last.duration_s if last is not None else None,
        init_s=last.init_s if last is not None else None,
        cold=last.cold if last is not None else None,
        delay_s=next((d for edge in edges if (d := edge.delay_s) is not None), None),
        sdk_s=time_in_calls(invocation.calls.values()),
        cause=_cause_text(engine, invocation, now_s),
        edges=tuple(explain(engine.matcher, edge) for edge in edges[:_MAX_EDGES]),
        calls=tuple(_call(call) for call in calls),
        chain=tuple(bars),
        chain_s=max(0.0, ended_s - began_s),
        chain_count=chain.count,
        recorder_us=last.end.overhead_us if last is not None and last.end is not None else None,
        dropped=sum(a.end.dropped for a in attempts if a.end is not None),
        path=_path([member for member, _ in members]) if chain.count <= _MAX_PATH else None,
    )


def _path(members: list[Invocation]) -> PathSplit | None:
    path = critical_path(members)
    if path is None or not path.latency_s:
        return None
    parts = sorted(path.totals().items(), key=lambda part: -part[1])
    return PathSplit(len(path.request_ids) - 1, path.latency_s, tuple(parts), path.complete)


def _bar(tree: TreeIndex, member: Invocation, depth: int, began_s: float, now_s: float) -> ChainBar:
    parent = tree.parent_of(member)
    edge = next(
        (c.edge for c in member.causes if c.edge is not None and c.edge.parent is parent), None
    )
    last = member.last
    return ChainBar(
        member.node,
        depth,
        member.function or "(unknown function)",
        member.state,
        last.duration_s if last is not None else None,
        spans(member, edge if parent is not None else None, began_s, now_s),
    )


def _cause_text(engine: Engine, invocation: Invocation, now_s: float) -> str:
    if not invocation.causes:
        return "unknown: its first record was not read"
    texts = []
    for cause in invocation.causes[:_MAX_EDGES]:
        edge = cause.edge
        if edge is None:
            waits = engine.is_orphan(cause, now_s)
            rest = "orphan: the call was never seen" if waits else "root"
            if cause in engine.waiting and not waits:
                rest = "its call has not been read yet"
            texts.append(f"{describe_cause(cause.fact)} ({rest})")
        elif edge.parent is None:
            texts.append(f"{describe_cause(cause.fact)}, {_doubt_text(edge)}")
        else:
            operation, resource = hop_of(edge)
            what = f"{operation} {resource}"
            if is_destination(cause.fact) and edge.call is None:
                what = describe_cause(cause.fact)
            texts.append(f"{what} by {edge.parent.function or 'unknown'}")
    return "; ".join(dict.fromkeys(texts))


def _doubt_text(edge: Edge) -> str:
    calls = edge.candidates
    if len(calls) == 1:
        return f"perhaps by {calls[0].invocation.function or 'unknown'}"
    return f"by one of {len(calls)} calls" if calls else "by none shown here"


def _call_order(call: CallNode) -> tuple[float, str]:
    return (call.started_at_s if call.started_at_s is not None else float("inf"), call.id)


def _call(call: CallNode) -> CallRow:
    began = call.invocation.started_at_s
    made = call.started_at_s
    resource = call.fact.resource or (call.segment.resource if call.segment is not None else None)
    return CallRow(
        operation=call.fact.operation,
        service=call.fact.service,
        resource=names.last_part(resource) if resource else resource_text(call),
        key=display_key(call.key) if call.key is not None else "",
        region=call.fact.region or "",
        offset_s=made - began if made is not None and began is not None else None,
        duration_s=call.duration_s,
        error=call.error,
        triggered=tuple(
            dict.fromkeys(
                cause.invocation.function or "?"
                for cause in call.edges
                if cause.edge is not None and cause.edge.call is call
            )
        ),
    )
