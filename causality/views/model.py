"""What a view is made of: nodes and edges as plain frozen data, independent of any format."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from causality.snapshot import Evidence, State

ViewName: TypeAlias = Literal["instance", "calls", "aggregate"]
NodeKind: TypeAlias = Literal["source", "invocation", "call"]


class ViewNode(msgspec.Struct, frozen=True, gc=False):
    """An invocation, a call, or what started a chain from outside; one or many of a kind.

    Attributes:
        id: unique within its view, the same whenever the same graph is drawn.
        kind: "source" is something outside of what is recorded: people, schedules, uploads.
        name: the function's name, the call's operation, or what the source is.
        service: of a call: dynamodb, s3, ...
        resource: of a call: table, bucket, topic, queue, function, host and path.
        key: of a call: the item's or object's key, as far as it tells nodes apart.
        request_id: of an invocation, or of the one that made the call; None in the aggregate.
        triggers: a call of a kind that can start something, whether or not it did.
        traced: whether X-Ray's times are known.
        count: how many invocations or calls this stands for.
        attempts: of invocations: how often they were tried, together.
        errors: how many of them failed.
        cold: how many of them began with a cold start.
        duration_s, init_s, sdk_s: means over those of which it is known; None for none.
        sdk_share: time in SDK calls over duration, of those of which both are known.
        started_at_s: when the first one began, epoch seconds.
        account: whose function it is, or made the call; told only where a view holds several.
    """

    id: str
    kind: NodeKind
    name: str
    service: str = ""
    region: str = ""
    resource: str = ""
    key: str = ""
    request_id: str | None = None
    state: State = "unknown"
    error: str | None = None
    triggers: bool = True
    traced: bool = False
    count: int = 1
    attempts: int = 1
    errors: int = 0
    cold: int = 0
    duration_s: float | None = None
    init_s: float | None = None
    sdk_s: float | None = None
    sdk_share: float | None = None
    started_at_s: float | None = None
    account: str = ""


class ViewEdge(msgspec.Struct, frozen=True, gc=False):
    """A line from cause to effect.

    Attributes:
        source, target: ids of nodes.
        evidence: how well it is proven that the call started the invocation; the weakest, where
            one line stands for many. None where nothing needs proof: a function made a call,
            something outside started a chain.
        candidates: how many calls could be meant; more than 1 makes it a guess, also with the
            evidence "exact": then the caller is certain, and which of its calls it was is not.
        count: how many deliveries this stands for.
        delay_s: mean trigger delay (the call's end to the invocation's start), where known.
    """

    source: str
    target: str
    evidence: Evidence | None = None
    candidates: int = 1
    count: int = 1
    delay_s: float | None = None


class View(msgspec.Struct, frozen=True):
    """A graph to draw or to write; nodes and edges in order of time, then of id."""

    name: ViewName
    nodes: tuple[ViewNode, ...]
    edges: tuple[ViewEdge, ...]
