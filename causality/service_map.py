"""The service map: which function starts which through what, how often, and how it goes.

Kept as the graph changes, so that its cost follows the changes and never the size of the graph.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from causality import names
from causality.accounts import UNKNOWN, Key, Place, key_of, shared_places, told
from causality.filters import exactly, holding
from causality.graph import CauseNode, Invocation
from causality.hops import happening, origin_of
from causality.snapshot import LatencyRow

_BUCKET_S = 10
_RATE_BUCKETS = 6  # the last minute
_FAILED = ("error", "timeout", "throttled")
OUTSIDE: Final = "outside"

MapNodeId: TypeAlias = Key  # of a function; of an origin, its text and OUTSIDE
FlowKey: TypeAlias = tuple[MapNodeId, MapNodeId, str]  # from, to, channel
Flow: TypeAlias = tuple[FlowKey, float, bool, bool]  # key, epoch seconds, failed, ambiguous


@dataclass(frozen=True, slots=True)
class MapNode:
    """A function, or something outside that starts functions.

    Attributes:
        outside: whether it is not a function: a schedule, an upload, a request.
        count, errors: invocations seen, and those that failed; 0 of what is outside.
        rate: invocations a second over the last minute.
        about: what to say of it instead of figures.
    """

    id: MapNodeId
    name: str
    region: str
    outside: bool
    count: int = 0
    errors: int = 0
    rate: float = 0.0
    p95_s: float | None = None
    about: str | None = None

    @property
    def account(self) -> str:
        """The function's, told where several have its name and region."""
        return self.id[2]


@dataclass(frozen=True, slots=True)
class MapEdge:
    """How often one node starts another through one channel.

    Attributes:
        channel: the table, bucket, topic or queue between them; "Invoke" for none.
        errors: starts whose invocation failed.
        ambiguous: starts of which this is one of several possible causes.
        rate: starts a second over the last minute.
    """

    source: MapNodeId
    target: MapNodeId
    channel: str
    count: int
    errors: int
    ambiguous: int
    rate: float


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """The map at one moment; nodes and edges in a stable order, the oldest first."""

    nodes: tuple[MapNode, ...] = ()
    edges: tuple[MapEdge, ...] = ()


class _Counts:
    """How often one flow was seen, as a whole and by stretches of ten seconds."""

    __slots__ = ("ambiguous", "buckets", "count", "errors")

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self.ambiguous = 0
        self.buckets: dict[int, int] = {}

    def add(self, flow: Flow, times: int) -> None:
        _, at_s, failed, ambiguous = flow
        self.count += times
        self.errors += failed * times
        self.ambiguous += ambiguous * times
        bucket = int(at_s // _BUCKET_S)
        left = self.buckets.get(bucket, 0) + times
        if left > 0:
            self.buckets[bucket] = left
        else:
            self.buckets.pop(bucket, None)
        while len(self.buckets) > 2 * _RATE_BUCKETS:
            del self.buckets[min(self.buckets)]

    def rate(self, now_s: float) -> float:
        current = int(now_s // _BUCKET_S)
        recent = sum(self.buckets.get(current - back, 0) for back in range(_RATE_BUCKETS))
        return recent / (_RATE_BUCKETS * _BUCKET_S)


class FlowTable:
    """The flows between functions, counted once for each invocation that they lead to."""

    def __init__(self) -> None:
        """Make an empty table."""
        self._flows: dict[FlowKey, _Counts] = {}
        self._counted: dict[Invocation, tuple[Flow, ...]] = {}

    def update(self, touched: Iterable[Invocation], *, counted: bool = True) -> None:
        """Take over what changed; what has left the graph stays counted.

        Args:
            touched: what changed.
            counted: whether these count; if not, what was counted of them is taken out.
        """
        for invocation in touched:
            if invocation.gone:
                self._counted.pop(invocation, None)
                continue
            new = tuple(flows(invocation)) if counted else ()
            old = self._counted.get(invocation, ())
            if new == old:
                continue
            for flow in old:
                counts = self._flows[flow[0]]
                counts.add(flow, -1)
                if not counts.count:
                    del self._flows[flow[0]]
            for flow in new:
                known = self._flows.get(flow[0])
                if known is None:
                    known = self._flows[flow[0]] = _Counts()
                known.add(flow, 1)
            self._counted[invocation] = new

    def shared(self) -> frozenset[Place]:
        """Give the names and regions that functions of several accounts have."""
        return shared_places(node for key in self._flows for node in key[:2])

    def map(
        self, functions: Iterable[LatencyRow], now_s: float, shared: Container[Place] = ()
    ) -> ServiceMap:
        """Give the map, with what the table of latencies says of each function.

        Args:
            functions: the table's rows.
            now_s: epoch seconds.
            shared: the names and regions whose accounts are told, here and in these rows.
        """
        known = {row.key: row for row in functions}
        nodes: dict[MapNodeId, MapNode] = {}
        parts: dict[FlowKey, list[_Counts]] = {}
        for (source, target, channel), counts in self._flows.items():
            ends = (told(source, shared), told(target, shared))
            for node in ends:
                if node not in nodes:
                    nodes[node] = map_node(node, known.get(node))
            parts.setdefault((*ends, channel), []).append(counts)
        edges = [
            MapEdge(
                *key,
                sum(counts.count for counts in found),
                sum(counts.errors for counts in found),
                sum(counts.ambiguous for counts in found),
                sum(counts.rate(now_s) for counts in found),
            )
            for key, found in parts.items()
        ]
        for node, row in known.items():
            if node not in nodes:
                nodes[node] = map_node(node, row)
        return ServiceMap(tuple(nodes.values()), tuple(edges))


def flows(invocation: Invocation) -> Iterator[Flow]:
    """Give what started an invocation: a flow for each certain or possible cause."""
    started_at_s = invocation.started_at_s
    if invocation.function is None or started_at_s is None:
        return
    target = key_of(invocation.function, invocation.region or "", invocation.account or "")
    failed = invocation.state in _FAILED
    for cause in invocation.causes:
        edge = cause.edge
        if edge is None:
            yield (_origin(cause), target, ""), started_at_s, failed, False
            continue
        parents = {call.invocation: None for call in edge.candidates}
        if edge.parent is not None:
            parents = {edge.parent: None}
        sources = dict.fromkeys(
            key_of(p.function or "(unknown function)", p.region or "", p.account or "")
            for p in parents
        )
        for source in sources:
            yield (source, target, _channel(cause)), started_at_s, failed, edge.parent is None


def _channel(cause: CauseNode) -> str:
    if cause.fact.service == "lambda":
        return "Invoke"
    return names.last_part(cause.fact.resource or "") or cause.fact.service


def _origin(cause: CauseNode) -> MapNodeId:
    """Name what is outside, without the key or path: there are as many of these as requests."""
    fact = cause.fact
    if fact.service == "lambda":
        return key_of("Invoke", OUTSIDE, "")
    if fact.service in ("http", "unknown"):
        return key_of(happening(fact), OUTSIDE, "")
    return key_of(f"{happening(fact)} {origin_of(fact)}".strip(), OUTSIDE, "")


def map_node(node: MapNodeId, row: LatencyRow | None) -> MapNode:
    """Give a node of the map, with what the table of latencies says of it."""
    name, region, _ = node
    if region == OUTSIDE:
        return MapNode(node, name, "", outside=True)
    if row is None:
        return MapNode(node, name, region, outside=False)
    return MapNode(node, name, region, False, row.count, row.errors, row.rate, row.p95_s)


def node_filter(node: MapNodeId) -> str:
    """Give the filter expression for the chains that go through a node."""
    name, region, account = node
    if region == OUTSIDE:
        return holding(name.rpartition(" ")[2])  # the resource
    return " ".join([f"function:{exactly(name)}", *_where(region, account)])


def edge_filter(row: Key) -> str:
    """Give the filter expression for what an edge of the latency table led to."""
    name, region, account = row
    caller, *resource, callee = name.split(" → ")
    words = [f"function:{exactly(callee)}", f"caller:{exactly(caller)}"]
    words += [f"resource:{holding(part)}" for part in resource]  # which may be the end of an ARN
    return " ".join([*words, *_where(region, account)])


def _where(region: str, account: str) -> Iterator[str]:
    if region:
        yield f"region:{region}"
    if account and account != UNKNOWN:
        yield f"account:{account}"
