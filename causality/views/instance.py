"""The views with a node for every invocation: with the calls that can trigger, or all calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from causality import names
from causality.accounts import has_several_accounts
from causality.engine import Engine
from causality.facts import Cause
from causality.filters import Test
from causality.graph import CallNode, CauseNode, Edge, Invocation
from causality.hops import origin_of
from causality.keys import display_key
from causality.sdk_time import time_in_calls
from causality.views.links import Links
from causality.views.model import View, ViewEdge, ViewNode
from causality.views.pairing import paired_calls
from causality.views.selection import calls_in_order, candidates_drawn, select
from causality.views.timing import stretches

FAILED = frozenset({"error", "timeout", "throttled"})
UNSEEN = "no recorded call"
_CLIENTS = ViewNode("source:clients", "source", "Clients")


def instance_view(
    engine: Engine, test: Test | None = None, *, name: Literal["instance", "calls"] = "instance"
) -> View:
    """Make the view of single invocations of a settled graph.

    Args:
        engine: the graph.
        test: keeps only chains with an invocation that fits.
        name: "instance" shows the calls that can trigger something; "calls" shows all.
    """
    return _Drawing(engine, select(engine, test), all_calls=name == "calls").view(name)


def invocation_id(invocation: Invocation) -> str:
    """Give the id of an invocation's node."""
    return f"invocation:{invocation.request_id}"


def call_id(call: CallNode) -> str:
    """Give the id of a call's node."""
    return f"call:{call.invocation.request_id}:{call.id}"


def can_trigger(call: CallNode) -> bool:
    """Say whether a call is of a kind that can start something; of HTTP, whether it did."""
    return bool(call.edges) or (bool(call.outputs) and call.fact.service != "http")


class _Drawing:
    def __init__(self, engine: Engine, shown: list[Invocation], *, all_calls: bool) -> None:
        self._engine = engine
        self._shown = shown
        self._all_calls = all_calls
        self._nodes: dict[str, ViewNode] = {}
        self._links = Links()
        self._pairs: dict[Invocation, dict[CauseNode, CallNode]] = {}
        self._drawn = set(shown)
        self._several_accounts = has_several_accounts(shown)

    def view(self, name: Literal["instance", "calls"]) -> View:
        for invocation in self._shown:
            node_id = invocation_id(invocation)
            for node in self._sources(invocation):
                self._nodes.setdefault(node.id, node)
                self._links.add(ViewEdge(node.id, node_id))
            calls = calls_in_order(invocation)
            account = invocation.account or "" if self._several_accounts else ""
            self._nodes[node_id] = invocation_node(invocation, calls, account)
            # One that is a guess for several deliveries is a trigger for one of them at most.
            guessed = set(self._paired(invocation).values()) if invocation.triggered else ()
            for call in calls:
                triggers = can_trigger(call) or call in guessed
                if triggers or self._all_calls:
                    made = call_node(call, account, triggers=triggers)
                    self._nodes[made.id] = made
                    self._links.add(ViewEdge(node_id, made.id))
        for invocation in self._shown:
            for cause in invocation.causes:
                if cause.edge is not None:
                    for edge in self._edges(cause.edge):
                        if edge.source in self._nodes:
                            self._links.add(edge)
        return View(name, tuple(self._nodes.values()), self._links.in_order(self._nodes))

    def _paired(self, parent: Invocation) -> dict[CauseNode, CallNode]:
        pairs = self._pairs.get(parent)
        if pairs is None:
            pairs = self._pairs[parent] = paired_calls(parent)
        return pairs

    def _edges(self, edge: Edge) -> Iterator[ViewEdge]:
        target = invocation_id(edge.cause.invocation)
        if edge.call is not None:
            yield ViewEdge(call_id(edge.call), target, edge.evidence, delay_s=edge.delay_s)
        elif edge.parent is not None:
            call = self._paired(edge.parent).get(edge.cause)
            source = call_id(call) if call is not None else invocation_id(edge.parent)
            yield ViewEdge(source, target, edge.evidence, max(1, len(edge.candidates)))
        else:
            # One candidate can still be a doubt: more came than the call can explain.
            count = max(2, len(edge.candidates))
            for candidate in candidates_drawn(edge):
                yield ViewEdge(call_id(candidate), target, edge.evidence, count)

    def _sources(self, invocation: Invocation) -> list[ViewNode]:
        if not invocation.causes:
            began = any(attempt.start is not None for attempt in invocation.attempts.values())
            return [_CLIENTS] if began else []
        found: dict[str, ViewNode] = {}
        for cause in invocation.causes:
            node = self._source(cause)
            if node is not None:
                found[node.id] = node
        return [found[node_id] for node_id in sorted(found)] if found else []

    def _source(self, cause: CauseNode) -> ViewNode | None:
        edge = cause.edge
        if edge is None:
            return source_node(cause.fact, unseen=cause in self._engine.waiting)
        if edge.parent is not None and edge.parent not in self._drawn:
            function = edge.parent.function or "an earlier invocation"
            kept = not edge.parent.gone
            where = "in another chain" if kept else "not kept"
            kind = "elsewhere" if kept else "gone"
            return ViewNode(f"source:{kind}:{function}", "source", function, error=where)
        return None


def source_node(fact: Cause, *, unseen: bool) -> ViewNode:
    """Make the node of what started a chain from outside of what is recorded."""
    direct = fact.service == "lambda" or (fact.service == "unknown" and not fact.resource)
    if direct and not unseen:
        return _CLIENTS
    resource = names.last_part(fact.caller_function or "") or origin_of(fact)
    kind = "unseen" if unseen else "outside"
    name = fact.name or fact.service
    return ViewNode(
        f"source:{kind}:{fact.service}:{name}:{resource}",
        "source",
        name,
        fact.service,
        fact.region or "",
        resource,
        error=UNSEEN if unseen else None,
    )


def invocation_node(invocation: Invocation, calls: list[CallNode], account: str) -> ViewNode:
    """Make an invocation's node; its times are those of the newest attempt."""
    attempts = invocation.in_order()
    last = attempts[-1] if attempts else None
    started_at_s = last.started_at_s if last is not None else None
    if len(attempts) > 1 and (tries := stretches(invocation)):
        calls = tries[-1].calls
        started_at_s = invocation.started_at_s
    duration_s = last.duration_s if last is not None else None
    sdk_s = time_in_calls(calls) if calls else None
    if sdk_s is None and not calls and last is not None and last.knows_all_calls:
        sdk_s = 0.0
    state = last.state if last is not None else "unknown"
    return ViewNode(
        invocation_id(invocation),
        "invocation",
        invocation.function or "(unknown function)",
        "lambda",
        invocation.region or "",
        request_id=invocation.request_id,
        state=state,
        error=last.error if last is not None else None,
        traced=last is not None and last.segment is not None,
        attempts=max(1, len(attempts)),
        errors=int(state in FAILED),
        cold=int(any([attempt.cold for attempt in attempts])),
        duration_s=duration_s,
        init_s=last.init_s if last is not None else None,
        sdk_s=sdk_s,
        sdk_share=min(1.0, sdk_s / duration_s) if sdk_s is not None and duration_s else None,
        started_at_s=started_at_s,
        account=account,
    )


def call_node(call: CallNode, account: str, *, triggers: bool) -> ViewNode:
    """Make a call's node."""
    fact, segment = call.fact, call.segment
    resource = fact.resource or (segment.resource if segment is not None else None) or ""
    http = fact.service == "http"
    return ViewNode(
        call_id(call),
        "call",
        fact.operation or fact.service,
        fact.service,
        fact.region or ("" if http else call.invocation.region or ""),
        names.last_part(resource),
        display_key(call.key) if call.key is not None else "",
        call.invocation.request_id,
        "error" if call.error else "ok",
        call.error,
        triggers,
        segment is not None,
        errors=int(call.error is not None),
        duration_s=call.duration_s,
        started_at_s=call.started_at_s,
        account=account,
    )
