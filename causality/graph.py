"""The causal graph's nodes: invocations with their attempts and calls, causes and edges.

Only the engine changes them. The model is a DAG with one edge a delivered record; a tree is
only a view of it.

The nodes point at each other and are not garbage-collected (`gc=False`): a collection would
stop everything for as long as it takes to look at each of millions. Instead causality.links takes
apart what leaves the graph. And each is shown (in a traceback, by a failed test) by its name: with
all that it points at, it would be gigabytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from causality import names
from causality.attempt import Attempt, attempt_order
from causality.facts import Call, Cause, Output, Start
from causality.snapshot import Evidence, NodeId, State

if TYPE_CHECKING:
    from causality.matching.found import Alike, Found
    from causality.matching.match_keys import GroupKey
    from causality.reading.xray import FunctionSegment, ServiceSegment

Effect: TypeAlias = Literal["proven", "possible", "none"]

Weight: TypeAlias = tuple[Effect, str | None]

_MAX_SPARE = 4
Meant: TypeAlias = "CallNode | tuple[CallNode, ...] | Alike"
# What a call or an invocation led to: mostly nothing or one, and a dict takes 200 bytes.
Causes: TypeAlias = "tuple[CauseNode, ...] | dict[CauseNode, None]"


class CallNode(msgspec.Struct, gc=False, eq=False):
    """A call that an invocation made, with what it may have triggered.

    Attributes:
        attempt: nonce of the attempt that made it; None when the record does not tell.
        edges: the causes of which it is a candidate, or the call.
        segment: the same call as X-Ray saw it.
        indexed_as: what its outputs were entered for matching with; None when they are not.
    """

    invocation: Invocation
    fact: Call
    attempt: str | None = None
    indexed_as: Weight | None = None
    outputs: tuple[OutputNode, ...] = ()
    edges: Causes = ()
    segment: Call | None = None

    def __repr__(self) -> str:
        return f"<call {self.id} of {self.invocation}>"

    @property
    def id(self) -> str:
        """The call's id, unique within its invocation."""
        return self.fact.id

    @property
    def started_at_s(self) -> float | None:
        """When it was made."""
        return self.fact.at_s

    @property
    def duration_s(self) -> float | None:
        """How long it took."""
        if self.fact.duration_s is not None:
            return self.fact.duration_s
        return self.segment.duration_s if self.segment is not None else None

    @property
    def ended_at_s(self) -> float | None:
        """When its response was there; None when that is not known."""
        fact = self.fact
        duration_s = fact.duration_s if fact.duration_s is not None else self.duration_s
        if fact.at_s is None or duration_s is None:
            return None
        return fact.at_s + duration_s

    @property
    def error(self) -> str | None:
        """Its error code; None when it went well or nothing tells."""
        if self.fact.error is not None:
            return self.fact.error
        # The original wrote before the call ran; our recorder knows how it went.
        if self.segment is not None and self.fact.duration_s is None:
            return self.segment.error
        return None

    @property
    def effect(self) -> Effect:
        """What it did: an answered error did nothing, a call without an answer may have."""
        if self.segment is None and self.fact.error is None:
            return "proven"
        if self.error is None or self.fact.service == "http":
            return "proven"  # whatever a function answers, it ran
        refused = self.segment is not None and self.segment.refused
        return "none" if refused and self.fact.error is None else "possible"

    @property
    def callee_request_id(self) -> str | None:
        """Of an Invoke of the original's: the request id that was answered, as X-Ray saw it."""
        if self.segment is None or self.segment is self.fact or self.fact.duration_s is not None:
            return None
        return self.segment.answer_id if self.fact.service == "lambda" else None

    @property
    def weight(self) -> Weight:
        """What matching depends on, beside what was recorded of it."""
        return (self.effect, self.callee_request_id)

    @property
    def key(self) -> str | None:
        """The key it worked on; for a put of the original's, learned from what it triggered."""
        if self.fact.key is not None:
            return self.fact.key
        if len(self.outputs) == 1:
            output = self.outputs[0].fact
            if output.key is not None:
                return output.key
            for cause in self.edges if output.attribute_hashes else ():
                if cause.fact.key is not None and cause.fact.service == self.fact.service:
                    return cause.fact.key
        return None


class OutputNode(msgspec.Struct, gc=False, eq=False):
    """One item, message or object of a call: one half of possible edges.

    Attributes:
        number: its place among the outputs of its call.
        keys: those of the groups that it is in.
        callee_request_id: of an Invoke, where only X-Ray tells it.
    """

    call: CallNode
    fact: Output
    number: int
    callee_request_id: str | None = None
    keys: tuple[GroupKey, ...] = ()

    def __repr__(self) -> str:
        return f"<output {self.number} of {self.call}>"

    @property
    def made_s(self) -> float:
        """When its call was made; long ago when that is not known."""
        made_s = self.call.fact.at_s
        return float("-inf") if made_s is None else made_s

    @property
    def proven(self) -> bool:
        """Whether the call certainly took effect."""
        return self.call.effect == "proven" and not self.fact.doubtful

    @property
    def spare(self) -> int:
        """How often it may have taken effect beyond what is proven.

        Each try of a call that boto3 repeated may have succeeded without its answer arriving,
        and so may a call that was never answered.
        """
        return min(self.call.fact.retries + (not self.proven), _MAX_SPARE)


class CauseNode(msgspec.Struct, gc=False, eq=False):
    """One record of an invocation's event: the other half of an edge.

    Attributes:
        number: its place among the causes of its invocation.
        keys: those of the groups that it is in.
        exact, content, order: what each level of evidence gave.
        repeated: whether the function was given this record before, by another invocation.
    """

    invocation: Invocation
    fact: Cause
    number: int
    keys: tuple[GroupKey, ...] = ()
    exact: Found | None = None
    content: Found | None = None
    order: Found | None = None
    edge: Edge | None = None
    repeated: bool = False

    def __repr__(self) -> str:
        return f"<cause {self.number} of {self.invocation}>"


class Edge(msgspec.Struct, gc=False, eq=False):
    """Which call caused an invocation, and how well that is proven.

    Attributes:
        parent: the causing invocation; None when ambiguous.
        call: the causing call; None when ambiguous, or when the parent is certain but which of
            its calls is not.
        meant: the candidates, without a tuple around a single one, or with what alike ones share.
    """

    cause: CauseNode
    evidence: Evidence
    parent: Invocation | None
    call: CallNode | None
    meant: Meant

    @property
    def candidates(self) -> tuple[CallNode, ...]:
        """Calls that could be meant; the one call when it is certain."""
        meant = self.meant
        if isinstance(meant, CallNode):
            return (meant,)
        return meant if isinstance(meant, tuple) else meant.calls

    @property
    def delay_s(self) -> float | None:
        """Trigger delay: the call's end to the invocation's start.

        Negative when the invocation began before the call's response was there.
        """
        if self.call is None:
            return None
        ended, started = self.call.ended_at_s, self.cause.invocation.started_at_s
        return None if ended is None or started is None else started - ended

    def same(self, other: Edge | None) -> bool:
        """Whether the other edge says the same."""
        return (
            other is not None
            and self.evidence == other.evidence
            and self.parent is other.parent
            and self.call is other.call
            and (self.meant is other.meant or _are_same(self.meant, other.meant))
        )


def _are_same(one: Meant, other: Meant) -> bool:
    """Say whether the same calls are meant; of alike ones, with the same that they share."""
    return isinstance(one, tuple) and isinstance(other, tuple) and one == other


class Invocation(msgspec.Struct, gc=False, eq=False):
    """All attempts of one request id.

    Attributes:
        arn: the function as invoked, with alias or version.
        recorded_at_s: when the first attempt began by the recorder's clock; matching goes by it.
        tried, made: the attempts and calls; a single one, as of most, without a dict around it.
        triggered: causes, of other invocations, that lead here.
        gone: whether it has left the graph.
        known: whether a reader has taken it over from Engine.touched.
        fired: whether it is the root of a chain that the user fired from here.
    """

    request_id: str
    arn: str = ""
    function: str | None = None
    region: str | None = None
    account: str | None = None
    version: str | None = None
    generation: int = 0
    recorded_at_s: float | None = None
    gone: bool = False
    known: bool = False
    fired: bool = False
    tried: Attempt | dict[str, Attempt] | None = None
    made: CallNode | dict[str, CallNode] | None = None
    causes: tuple[CauseNode, ...] = ()
    triggered: Causes = ()
    segments: tuple[ServiceSegment, ...] = ()
    function_segments: tuple[FunctionSegment, ...] = ()

    def __repr__(self) -> str:
        return f"<invocation {self.request_id} of {self.function}>"

    @property
    def node(self) -> NodeId:
        """The id that screens know it by."""
        return self.request_id

    @property
    def attempts(self) -> Mapping[str, Attempt]:
        """The attempts by their nonces."""
        tried = self.tried
        return {tried.nonce: tried} if isinstance(tried, Attempt) else tried or {}

    @property
    def calls(self) -> Mapping[str, CallNode]:
        """The calls by their ids."""
        made = self.made
        return {made.fact.id: made} if isinstance(made, CallNode) else made or {}

    def attempt(self, nonce: str) -> Attempt | None:
        """Find an attempt."""
        tried = self.tried
        if isinstance(tried, Attempt):
            return tried if tried.nonce == nonce else None
        return tried.get(nonce) if tried else None

    def call(self, call_id: str) -> CallNode | None:
        """Find a call."""
        made = self.made
        if isinstance(made, CallNode):
            return made if made.fact.id == call_id else None
        return made.get(call_id) if made else None

    def add_attempt(self, attempt: Attempt) -> None:
        """Take one more attempt."""
        if self.tried is None:
            self.tried = attempt
        elif isinstance(self.tried, dict):
            self.tried[attempt.nonce] = attempt
        else:
            self.tried = {self.tried.nonce: self.tried, attempt.nonce: attempt}

    def add_call(self, call: CallNode) -> None:
        """Take one more call."""
        if self.made is None:
            self.made = call
        elif isinstance(self.made, dict):
            self.made[call.fact.id] = call
        else:
            self.made = {self.made.fact.id: self.made, call.fact.id: call}

    def in_order(self) -> list[Attempt]:
        """Give the attempts by their start."""
        if isinstance(self.tried, Attempt):
            return [self.tried]
        return sorted(self.attempts.values(), key=attempt_order)

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        attempts = self.in_order()
        return attempts[-1] if attempts else None

    @property
    def consumer(self) -> tuple[str, str]:
        """Who consumes records: two aliases of a function each get their own."""
        return (self.region or "", self.arn)

    @property
    def place(self) -> tuple[str | None, str | None, str]:
        """What match keys depend on."""
        return (self.function, self.region, self.arn)

    @property
    def started_at_s(self) -> float | None:
        """When the first attempt began."""
        if isinstance(self.tried, Attempt):
            return self.tried.started_at_s
        times = [t for a in self.attempts.values() if (t := a.started_at_s) is not None]
        return min(times) if times else None

    @property
    def state(self) -> State:
        """How the newest attempt stands."""
        last = self.last
        return last.state if last is not None else "unknown"

    def take_start(self) -> None:
        """Take what the first attempt's start says of the function."""
        first = min(
            (a for a in self.attempts.values() if a.start is not None),
            key=attempt_order,
            default=None,
        )
        if first is not None and first.start is not None:
            self.begin(first.start)

    def begin(self, start: Start) -> None:
        """Take what the only attempt's start says of the function."""
        self.recorded_at_s = start.at_s
        self.arn = start.arn
        self.describe(start.arn, start.region, start.version)

    def describe(self, arn: str, region: str | None, version: str | None = None) -> None:
        """Take name, region, account and version from the function's ARN, as far as not given."""
        parts = names.function_arn(arn)
        if parts is None:
            self.region = region or self.region
            self.version = version or self.version
            return
        self.function = parts.name
        # A local server writes its own region into every ARN: the runtime's is the true one.
        self.region = region or parts.region or self.region
        self.account = parts.account or None
        self.version = version or parts.qualifier
