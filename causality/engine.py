"""The engine: records in any order and any number of times in, one graph out.

Single writer of the graph. `apply_*` take what providers bring, `settle` brings every edge up
to date; between the two nothing may read edges.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from sys import intern

import msgspec

from causality.attempt import Attempt
from causality.calls import Calls
from causality.clock import CLOCK_SKEW_S
from causality.facts import (
    Call,
    Cause,
    End,
    Facts,
    Start,
    UnreadablePayload,
    shrink_start,
)
from causality.graph import CauseNode, Edge, Invocation
from causality.join import join_segments
from causality.links import Touched, relink, take_all_apart, take_apart, touch_effects, unlink
from causality.losses import Losses, Lost
from causality.matching.departures import halves_of
from causality.matching.match_keys import must_have_a_call
from causality.matching.matcher import Matcher
from causality.merging import either, unknown
from causality.reading import xray
from causality.reading.decoding import decode_image
from causality.records import StreamRecord, Unreadable
from causality.retention import Retention
from causality.traces import Traces

# A cause whose call has not been seen after this long is called an orphan; it is repaired when
# the call comes after all.
DEADLINE_S = 60.0
# A call's record comes at most this much later than others of its time, when all is well.
LATEST_CALL_S = 5.0
# Lambda ends every attempt by then: one without an end has lost its record.
LONGEST_RUN_S = 900.0

_KEPT_PROBLEMS = 1000
_AHEAD_S = 1.0 + CLOCK_SKEW_S  # a machine's clock can be years ahead, a stream's is not


class Engine:
    """The causal graph and what brings it up to date.

    Attributes:
        invocations: every invocation known, by request id.
        touched: invocations changed since the reader of this set last cleared it.
        waiting: causes without an edge, although a call must have caused them.
        records: records applied, repetitions included.
        unreadable: records that could not be read.
        losses: the reasons why they could not.
        finished: whether the input has ended, so that nothing can still turn up.
        read_until_s: until when every source that lags behind the others has been read; calls
            made later may still be on their way, however new other sources' records are.
        matcher: the index of match keys; readers may ask it why an edge is there.
    """

    def __init__(self, *, max_invocations: int | None = None, at_once: int | None = None) -> None:
        """Make an empty graph.

        Args:
            max_invocations: past this many, the oldest leave; None keeps everything.
            at_once: of the edges that only time decides, look at no more than these at once, and
                leave the others `due`; None looks at all.
        """
        self.invocations: dict[str, Invocation] = {}
        self.touched = Touched()
        self.waiting: dict[CauseNode, None] = {}
        self.lost: deque[Lost] = deque(maxlen=_KEPT_PROBLEMS)
        self.losses = Losses()
        self.records = 0
        self.unreadable = 0
        self.gaps = 0
        self.finished = False
        self.read_until_s = float("inf")
        self._at_once = at_once
        self.matcher = Matcher(self.edge_changed, self.invocations.get)
        self._calls = Calls(self.matcher)
        self._callers_awaited: dict[str, list[CauseNode]] = {}
        self._running: dict[Invocation, None] = {}
        # Those of which X-Ray's segments, or records beside them, came since the last settling.
        self._unjoined: dict[Invocation, None] = {}
        self._newest_s = 0.0  # when the newest record was written
        self._traces = Traces()
        self._retention = Retention(max_invocations)

    # --- input ----------------------------------------------------------------------------

    def apply_records(self, records: Iterable[StreamRecord]) -> None:
        """Apply stream records; a record that cannot be read becomes a problem."""
        for record in records:
            self.records += 1
            image = record.dynamodb.NewImage
            if image is None and record.eventName == "REMOVE":
                continue  # an item left the table: says nothing of invocations
            try:
                facts = decode_image(image)
            except UnreadablePayload as error:
                name = image.reqID.S.split(":", 1)[0] if image is not None else ""
                # What could not be read of the original's text is quoted in the reason.
                raw = image.payload.S if image is not None and image.v is not None else ""
                self._keep_unreadable(str(error), raw, name or None)
            else:
                self._apply(facts, record.dynamodb.ApproximateCreationDateTime)

    def apply_facts(self, facts: Iterable[Facts]) -> None:
        """Apply what records say, where others have decoded them."""
        for said in facts:
            self.records += 1
            self._apply(said)

    def apply_unreadable(self, unreadable: Iterable[Unreadable]) -> None:
        """Keep records that could not even be taken apart."""
        for record in unreadable:
            self.records += 1
            self._keep_unreadable(record.reason, record.raw)

    def apply_documents(self, documents: Iterable[str | bytes]) -> None:
        """Apply X-Ray segment documents."""
        for document in documents:
            try:
                segment = xray.decode(document)
            except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
                self._keep_unreadable(f"X-Ray document: {error}", document)
                continue
            if segment is not None:
                for invocation in self._traces.add(segment, self.invocations):
                    self._unjoined[invocation] = None

    def apply_gap(self, detail: str, at_s: float) -> None:
        """Note that records are known to be lost."""
        self.gaps += 1
        self.matcher.doubts.note_gap(at_s)
        self.lost.append(Lost("gap", detail, None, at_s))

    def finish(self) -> None:
        """Say that the input has ended: what waits now will wait for ever."""
        self.finished = True
        self._unjoined |= dict.fromkeys(self._traces.adopt(self.invocations))
        self.matcher.doubts.advance(float("inf"), self._at_once)
        self.settle()

    def settle(self) -> None:
        """Bring every edge up to date, and let the oldest go when there are too many."""
        unjoined, self._unjoined = self._unjoined, {}
        for invocation in unjoined:
            self._join(invocation)
        self._advance(self._newest_s)
        self.matcher.settle()
        self.expire()
        for invocation in self._retention.surplus(self):
            self._forget(invocation)

    def expire(self, quiet_s: float = 0.0) -> None:
        """Call unknown what cannot be running any more.

        Args:
            quiet_s: seconds since the newest record came; time is what the records say.
        """
        now_s = self._newest_s + quiet_s
        if self._advance(now_s):
            self.matcher.settle()
        while self._running:
            invocation = next(iter(self._running))
            started_s = invocation.started_at_s
            if started_s is not None and now_s - started_s <= LONGEST_RUN_S:
                return  # those behind it are younger, or will be looked at soon
            del self._running[invocation]
            for attempt in invocation.attempts.values():
                attempt.silent = attempt.end is None
            self.touched[invocation] = None

    def _advance(self, now_s: float) -> bool:
        horizon_s = min(now_s, self.read_until_s) - LATEST_CALL_S
        return self.matcher.doubts.advance(horizon_s, self._at_once)

    @property
    def due(self) -> bool:
        """Whether the next settling has edges to look at that time has decided."""
        return self.matcher.doubts.due

    # --- reading --------------------------------------------------------------------------

    def edges(self) -> Iterator[Edge]:
        """Give every edge, certain or ambiguous."""
        for invocation in self.invocations.values():
            for cause in invocation.causes:
                if cause.edge is not None:
                    yield cause.edge

    def is_orphan(self, cause: CauseNode, now_s: float) -> bool:
        """Say whether a cause names a call that was never seen, and is not just too young."""
        began = cause.invocation.recorded_at_s
        late = self.finished or began is None or now_s - began > DEADLINE_S
        return late and cause in self.waiting

    def sizes(self) -> dict[str, int]:
        """Give the number of entries of everything that is kept."""
        return {
            "invocations": len(self.invocations),
            "waiting": len(self.waiting),
            "callers": len(self._callers_awaited),
            "running": len(self._running),
            **self.matcher.sizes(),
            **self._traces.sizes(),
            **self._retention.sizes(),
        }

    # --- records --------------------------------------------------------------------------

    def _keep_unreadable(
        self,
        reason: str,
        raw: str | bytes,
        request_id: str | None = None,
        at_s: float | None = None,
    ) -> None:
        self.unreadable += 1
        text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
        self.losses.add(reason, text, request_id, at_s)
        detail = f"{reason}: {text[:200]}" if text else reason
        self.lost.append(Lost("unreadable", detail, request_id, at_s))

    def _apply(self, facts: Facts, created: float | str | None = None) -> None:
        invocation = self.invocations.get(facts.request_id)
        if invocation is None:
            if facts.request_id in self._retention.left:
                for half in halves_of(facts):
                    self.matcher.missed(half)
                return
            invocation = self._new_invocation(facts)
        else:
            if facts.generation > invocation.generation:
                invocation.generation = facts.generation
            if invocation.region is None:
                invocation.region = facts.region
        written_at_s = facts.written_at_s
        if written_at_s > self._newest_s:
            if type(created) is not float or written_at_s < created + _AHEAD_S:
                self._newest_s = written_at_s
            elif created > self._newest_s:
                self._newest_s = created
        for reason in facts.unreadable:
            self._keep_unreadable(reason, "", facts.request_id, written_at_s)
        self.touched[invocation] = None
        maker = facts.attempt
        attempt = invocation.attempt(maker or "") if invocation.tried is not None else None
        if attempt is not None and maker:
            maker = attempt.nonce  # the one copy of it
        for fact in facts.facts:
            if type(fact) is Call:
                self._calls.apply(invocation, fact, maker, written_at_s)
                continue
            if attempt is None:
                attempt = Attempt(maker or "", facts.generation)
                invocation.add_attempt(attempt)
            if type(fact) is Start:
                self._apply_start(invocation, attempt, fact)
            elif type(fact) is End:
                self._apply_end(invocation, attempt, fact)
        if invocation.segments or invocation.function_segments:
            self._unjoined[invocation] = None

    def _apply_start(self, invocation: Invocation, attempt: Attempt, start: Start) -> None:
        shrink_start(start)
        causes: Sequence[Cause] = start.causes
        start.causes = ()
        attempt.start = start if attempt.start is None else either(attempt.start, start)
        if attempt.end is None and attempt.generation == 2:
            self._running[invocation] = None
        if invocation.causes or invocation.made or invocation.tried is not attempt:
            began_s, place = invocation.recorded_at_s, invocation.place
            invocation.take_start()
            if invocation.place != place:
                self._reindex(invocation)
                touch_effects(invocation, self.touched)
            elif invocation.recorded_at_s != began_s:
                for cause in invocation.causes:
                    self.matcher.moved(cause)
            # A start with many causes comes in parts; another attempt shows the same again.
            causes = unknown(causes, [cause.fact for cause in invocation.causes])
        else:
            invocation.begin(attempt.start)
            if invocation.triggered:
                touch_effects(invocation, self.touched)
            if len(causes) > 1:
                causes = unknown(causes, ())
        number = len(invocation.causes)
        if len(causes) == 1:
            new: tuple[CauseNode, ...] = (CauseNode(invocation, causes[0], number),)
        else:
            new = tuple([CauseNode(invocation, fact, n) for n, fact in enumerate(causes, number)])
        invocation.causes += new
        for cause in new:
            self.matcher.add_cause(cause)
            if cause.fact.caller is not None:
                self._callers_awaited.setdefault(cause.fact.caller, []).append(cause)

    def _apply_end(self, invocation: Invocation, attempt: Attempt, end: End) -> None:
        if end.status is not None:
            end.status = intern(end.status)
        if attempt.end is None or end.at_s > attempt.end.at_s:
            attempt.end = end  # a timeout seen coming is written ahead; the true end corrects it
        elif end.at_s == attempt.end.at_s:
            attempt.end = either(attempt.end, end)
        if invocation.tried is attempt or all(
            known.end is not None for known in invocation.attempts.values()
        ):
            self._running.pop(invocation, None)

    def _reindex(self, invocation: Invocation) -> None:
        """Enter again what was entered before its function and region were known."""
        for cause in invocation.causes:
            self.matcher.remove_cause(cause)
            self.matcher.add_cause(cause)
        for call in invocation.calls.values():
            if call.outputs:
                self._calls.withdraw(call)
                self._calls.weigh(call)

    def _new_invocation(self, facts: Facts) -> Invocation:
        request_id = facts.request_id
        invocation = Invocation(request_id, region=facts.region, generation=facts.generation)
        self.invocations[request_id] = invocation
        self._traces.hand_over(invocation)
        for cause in self._callers_awaited.get(request_id, ()):
            self.matcher.moved(cause)
        return invocation

    def _join(self, invocation: Invocation) -> None:
        place = invocation.place
        join_segments(invocation, self._traces.loose_calls(invocation))
        if invocation.place != place:
            self._reindex(invocation)
        self.matcher.doubts.note_unread(invocation)
        touch_effects(invocation, self.touched)
        for call in invocation.calls.values():
            if call.outputs:
                self._calls.weigh(call)
        if invocation.state == "running":
            self._running[invocation] = None
        self.touched[invocation] = None

    # --- edges ----------------------------------------------------------------------------

    def edge_changed(self, cause: CauseNode, old: Edge | None) -> None:
        """Take over that a cause has another edge than it had."""
        relink(cause, old, self.touched)
        if cause.edge is not None:
            self.waiting.pop(cause, None)
        elif must_have_a_call(cause.fact):
            self.waiting[cause] = None

    # --- leaving --------------------------------------------------------------------------

    def let_go(self) -> None:
        """Take the graph apart before it is dropped, else its memory stays taken.

        A view that still reads it finds invocations without calls and causes.
        """
        take_all_apart(self.invocations.values())

    def _forget(self, invocation: Invocation) -> None:
        """Let an invocation go; what is decided about others stays decided."""
        del self.invocations[invocation.request_id]
        invocation.gone = True
        self._running.pop(invocation, None)
        self._traces.forget(invocation)
        self.matcher.redeliveries.forget(invocation)
        self._calls.forget(invocation)
        for cause in invocation.causes:
            self.matcher.forget_cause(cause)
            self.waiting.pop(cause, None)
            self._forget_caller(cause)
            unlink(cause)
        if invocation.known:
            self.touched[invocation] = None  # taken apart once readers have let go of it
        else:
            self.touched.pop(invocation, None)
            take_apart(invocation)

    def _forget_caller(self, cause: CauseNode) -> None:
        caller = cause.fact.caller
        awaiting = self._callers_awaited.get(caller) if caller is not None else None
        if caller is not None and awaiting is not None and cause in awaiting:
            awaiting.remove(cause)
            if not awaiting:
                del self._callers_awaited[caller]
