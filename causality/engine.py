"""The engine: records in any order and any number of times in, one graph out.

Single writer of the graph. `apply_*` take what providers bring, `settle` brings every edge up
to date; between the two nothing may read edges.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from causality import gen1, gen2, xray
from causality.facts import Call, Cause, Facts, Start, UnreadablePayload
from causality.graph import Attempt, CallNode, CauseNode, Edge, Invocation, OutputNode
from causality.join import join_segments
from causality.matching import Matcher
from causality.records import StreamRecord, Unreadable

# A cause whose call has not been seen after this long is called an orphan; it is repaired when
# the call comes after all.
DEADLINE_S = 60.0
_Segment = TypeVar("_Segment", xray.ServiceSegment, xray.FunctionSegment)

_KEPT_PROBLEMS = 1000
_KEPT_FORGOTTEN = 500_000


class Lost(msgspec.Struct, frozen=True):
    """Something that could not be read, or is known to be missing.

    Attributes:
        kind: "unreadable" or "gap".
        request_id: the invocation it belonged to, when that could be told.
    """

    kind: str
    detail: str
    request_id: str | None = None
    at_s: float | None = None


class Engine:
    """The causal graph and what brings it up to date.

    Attributes:
        invocations: every invocation known, by request id.
        touched: invocations changed since the reader of this set last cleared it.
        waiting: causes without an edge, although a call must have caused them.
        records: records applied, repetitions included.
        unreadable: records that could not be read.
        finished: whether the input has ended, so that nothing can still turn up.
        matcher: the index of match keys; readers may ask it why an edge is there.
    """

    def __init__(self, *, max_invocations: int | None = None) -> None:
        """Make an empty graph.

        Args:
            max_invocations: past this many, the oldest leave; None keeps everything.
        """
        self.invocations: dict[str, Invocation] = {}
        self.touched: dict[Invocation, None] = {}
        self.waiting: dict[CauseNode, None] = {}
        self.lost: deque[Lost] = deque(maxlen=_KEPT_PROBLEMS)
        self.records = 0
        self.unreadable = 0
        self.gaps = 0
        self.finished = False
        self._max_invocations = max_invocations
        self._forgotten: dict[str, None] = {}
        self.matcher = Matcher(self._edge_changed, self.invocations.get)
        self._callers_awaited: dict[str, list[CauseNode]] = {}
        # X-Ray documents that came before the records they belong to.
        self._services_ahead: dict[str, list[xray.ServiceSegment]] = {}
        self._functions_ahead: dict[str, list[xray.FunctionSegment]] = {}
        self._request_of_segment: dict[str, str] = {}

    # --- input ----------------------------------------------------------------------------

    def apply_records(self, records: Iterable[StreamRecord]) -> None:
        """Apply stream records; a record that cannot be read becomes a problem."""
        for record in records:
            self.records += 1
            facts = self._decode(record)
            if facts is not None:
                self._apply(facts)

    def apply_unreadable(self, unreadable: Iterable[Unreadable]) -> None:
        """Keep records that could not even be taken apart."""
        for record in unreadable:
            self.records += 1
            self._keep_unreadable(f"{record.reason}: {record.raw[:200]}", None, None)

    def apply_documents(self, documents: Iterable[str | bytes]) -> None:
        """Apply X-Ray segment documents."""
        for document in documents:
            try:
                segment = xray.decode(document)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                self._keep_unreadable(f"X-Ray document: {error}", None, None)
                continue
            if isinstance(segment, xray.ServiceSegment):
                self._apply_service(segment)
            elif isinstance(segment, xray.FunctionSegment):
                self._apply_function(segment)

    def apply_gap(self, detail: str, at_s: float) -> None:
        """Note that records are known to be lost."""
        self.gaps += 1
        self.lost.append(Lost("gap", detail, None, at_s))

    def finish(self) -> None:
        """Say that the input has ended: what waits now will wait for ever."""
        self.finished = True

    def settle(self) -> None:
        """Bring every edge up to date, and let the oldest go when there are too many."""
        self.matcher.settle()
        limit = self._max_invocations
        if limit is not None and len(self.invocations) > limit + max(limit // 10, 1):
            self._evict(len(self.invocations) - limit)

    # --- reading --------------------------------------------------------------------------

    def edges(self) -> Iterator[Edge]:
        """Give every edge, certain or ambiguous."""
        for invocation in self.invocations.values():
            for cause in invocation.causes:
                if cause.edge is not None:
                    yield cause.edge

    def is_orphan(self, cause: CauseNode, now_s: float) -> bool:
        """Say whether a cause names a call that was never seen, and is not just too young."""
        if cause not in self.waiting:
            return False
        began = cause.invocation.recorded_at_s
        return self.finished or began is None or now_s - began > DEADLINE_S

    # --- records --------------------------------------------------------------------------

    def _decode(self, record: StreamRecord) -> Facts | None:
        image = record.dynamodb.NewImage
        if image is None:
            return None  # an item left the table (TTL, cleanup): says nothing of invocations
        item_key = image.reqID.S
        try:
            written_at_s = float(image.ts.N) / 1000
            if image.v is None:
                return gen1.decode(item_key, image.payload.S, written_at_s)
            if image.v.N != "2":
                raise UnreadablePayload(f"generation {image.v.N} is newer than this program")
            return gen2.decode(image.payload.S, written_at_s)
        except (UnreadablePayload, ValueError, RecursionError) as error:
            self._keep_unreadable(str(error), item_key.split(":", 1)[0] or None, None)
            return None

    def _keep_unreadable(self, detail: str, request_id: str | None, at_s: float | None) -> None:
        self.unreadable += 1
        self.lost.append(Lost("unreadable", detail, request_id, at_s))

    def _apply(self, facts: Facts) -> None:
        if facts.request_id in self._forgotten:
            return  # late news of an invocation that has left already
        invocation = self._invocation(facts.request_id)
        invocation.generation = max(invocation.generation, facts.generation)
        self.touched[invocation] = None
        for fact in facts.facts:
            if isinstance(fact, Call):
                self._apply_call(invocation, fact)
                continue
            nonce = facts.attempt or ""
            attempt = invocation.attempts.get(nonce)
            if attempt is None:
                attempt = invocation.attempts[nonce] = Attempt(nonce, facts.generation)
            if isinstance(fact, Start):
                # A start with many causes comes in parts: each says the rest of them.
                before = invocation.recorded_at_s
                attempt.start = attempt.start or fact
                self._apply_start(invocation, fact, moved=invocation.recorded_at_s != before)
            elif attempt.end is None or fact.at_s > attempt.end.at_s:
                # A timeout seen coming is written ahead; the true end corrects it.
                attempt.end = fact
        if invocation.segments or invocation.function_segments:
            self._join(invocation)

    def _apply_start(self, invocation: Invocation, start: Start, *, moved: bool) -> None:
        known = invocation.function is not None
        invocation.describe(start.arn, start.region)
        if start.version:
            invocation.version = start.version
        if moved or not known:
            for cause in invocation.causes:
                self.matcher.moved(cause)
        for fact in start.causes:
            if any(cause.fact == fact for cause in invocation.causes):
                continue  # another attempt at the same event
            cause = CauseNode(invocation, fact)
            invocation.causes.append(cause)
            self.matcher.add_cause(cause)
            if _must_have_a_call(fact):
                self.waiting[cause] = None
            if fact.caller is not None:
                self._callers_awaited.setdefault(fact.caller, []).append(cause)
        if not known:
            for call in invocation.calls.values():
                self._reindex(call)

    def _apply_call(self, invocation: Invocation, fact: Call) -> None:
        node = invocation.calls.get(fact.id)
        if node is None:
            node = invocation.calls[fact.id] = CallNode(invocation, fact)
        elif node.segment is node.fact:
            node.fact = fact  # until now only X-Ray knew it
        if fact.error is None and node.error is None:
            # A repetition adds nothing; a call with many outputs comes in parts.
            known = [output.fact for output in node.outputs]
            for output in fact.outputs:
                if output not in known:
                    self._add_output(node, OutputNode(node, output))

    def _add_output(self, call: CallNode, output: OutputNode) -> None:
        call.outputs.append(output)
        self.matcher.add_output(output)

    def _reindex(self, call: CallNode) -> None:
        """Enter a call again whose own region was unknown until now."""
        if call.fact.region is None:
            for output in call.outputs:
                self.matcher.remove_output(output)
                self.matcher.add_output(output)

    def _invocation(self, request_id: str) -> Invocation:
        invocation = self.invocations.get(request_id)
        if invocation is None:
            invocation = self.invocations[request_id] = Invocation(request_id)
            invocation.segments = self._services_ahead.pop(request_id, [])
            invocation.function_segments = self._functions_ahead.pop(request_id, [])
            for cause in self._callers_awaited.get(request_id, ()):
                self.matcher.moved(cause)
        return invocation

    # --- X-Ray ----------------------------------------------------------------------------

    def _apply_service(self, segment: xray.ServiceSegment) -> None:
        request_id = segment.request_id
        if request_id in self._forgotten:
            return
        for part in (segment.id, *(attempt for attempt, _, _ in segment.attempts)):
            self._request_of_segment[part] = request_id
            for waiting in self._functions_ahead.pop(part, ()):
                self._keep_function(request_id, waiting)
        invocation = self.invocations.get(request_id)
        known = (
            invocation.segments if invocation else self._services_ahead.setdefault(request_id, [])
        )
        _replace(known, segment)
        if invocation is not None:
            self._join(invocation)

    def _apply_function(self, segment: xray.FunctionSegment) -> None:
        request_id = segment.request_id or self._request_of_segment.get(segment.parent_id or "")
        if request_id is None:
            _replace(self._functions_ahead.setdefault(segment.parent_id or "", []), segment)
        else:
            self._keep_function(request_id, segment)

    def _keep_function(self, request_id: str, segment: xray.FunctionSegment) -> None:
        if request_id in self._forgotten:
            return
        invocation = self.invocations.get(request_id)
        if invocation is None:
            _replace(self._functions_ahead.setdefault(request_id, []), segment)
        else:
            _replace(invocation.function_segments, segment)
            self._join(invocation)

    def _join(self, invocation: Invocation) -> None:
        join_segments(invocation)
        self.touched[invocation] = None
        for call in invocation.calls.values():
            if call.outputs and call.error is not None:
                # The original wrote before the call ran: only X-Ray tells that it failed.
                for output in call.outputs:
                    self.matcher.remove_output(output)
                call.outputs.clear()

    # --- edges ----------------------------------------------------------------------------

    def _edge_changed(self, cause: CauseNode, old: Edge | None) -> None:
        if old is not None:
            for call in old.candidates:
                if cause in call.edges:
                    call.edges.remove(cause)
                self.touched[call.invocation] = None
            if old.parent is not None:
                if cause in old.parent.triggered:
                    old.parent.triggered.remove(cause)
                self.touched[old.parent] = None
        new = cause.edge
        if new is not None:
            for call in new.candidates:
                call.edges.append(cause)
                self.touched[call.invocation] = None
            if new.parent is not None:
                new.parent.triggered.append(cause)
                self.touched[new.parent] = None
            self.waiting.pop(cause, None)
        elif _must_have_a_call(cause.fact):
            self.waiting[cause] = None
        self.touched[cause.invocation] = None

    # --- leaving --------------------------------------------------------------------------

    def _evict(self, count: int) -> None:
        """Let the oldest invocations go; what is decided about others stays decided."""
        oldest = sorted(
            self.invocations.values(), key=lambda i: (i.started_at_s or 0.0, i.request_id)
        )[:count]
        for invocation in oldest:
            del self.invocations[invocation.request_id]
            self._forgotten[invocation.request_id] = None
            self.touched[invocation] = None
            for cause in invocation.causes:
                self.matcher.remove_cause(cause)
                self.waiting.pop(cause, None)
                if cause.fact.caller is not None:
                    self._callers_awaited.pop(cause.fact.caller, None)
            for call in invocation.calls.values():
                for output in call.outputs:
                    self.matcher.remove_output(output)
        while len(self._forgotten) > _KEPT_FORGOTTEN:
            del self._forgotten[next(iter(self._forgotten))]


def _must_have_a_call(cause: Cause) -> bool:
    """Say whether some call must have caused this, as far as the cause itself tells."""
    if cause.service == "lambda":
        return cause.caller is not None
    if cause.name == "REMOVE:ttl":
        return False
    return cause.service in ("dynamodb", "s3", "sns", "sqs", "events", "kinesis", "stepfunctions")


def _replace(segments: list[_Segment], segment: _Segment) -> None:
    """Keep one document a segment: the finished one, when it came twice."""
    for index, known in enumerate(segments):
        if known.id == segment.id:
            if known.ended_at_s is None:
                segments[index] = segment
            return
    segments.append(segment)
