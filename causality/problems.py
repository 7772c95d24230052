"""What the reader of a graph should know: doubts, losses and failures, in words."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from itertools import islice

import msgspec

from causality import names
from causality.accounts import Place, has_several_accounts, shared_places, told
from causality.analysis.loops import Loop, all_below, functions_above, lineage, loops
from causality.engine import DEADLINE_S, Engine
from causality.facts import Cause
from causality.graph import CallNode, CauseNode, Invocation
from causality.hops import happening, origin_of
from causality.keys import display_key
from causality.latency import SeriesKey, function_key
from causality.matching.match_keys import (
    exact_cause_keys,
    is_destination,
    record_identity,
    s3_change,
)
from causality.silence import Silence

_CANDIDATES = 4
_DEEDS = {"dynamodb": "wrote", "s3": "wrote", "stepfunctions": "started"}
# Error codes of calls that a service refused because they were too many: those that botocore
# retries as such, and HTTP's.
THROTTLED = frozenset(
    (
        *("ThrottlingException", "Throttling", "ThrottledException", "RequestThrottled"),
        *("TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "429"),
        *("ProvisionedThroughputExceededException", "RequestThrottledException"),
        *("BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException"),
        *("PriorRequestNotComplete", "TransactionInProgressException"),
    )
)


class Problem(msgspec.Struct, frozen=True):
    """One problem.

    Attributes:
        kind: orphan, ambiguous, unreadable, gap, retry, timeout, throttled, dropped, loop, or
            never-triggered.
    """

    kind: str
    detail: str
    request_id: str | None = None
    at_s: float | None = None


def problems(engine: Engine, now_s: float) -> list[Problem]:
    """List the problems of a settled graph, in order of time."""
    index = ProblemIndex(engine)
    index.update(engine.invocations.values())
    members = engine.invocations.values()
    shared = frozenset[Place]()
    if has_several_accounts(members):
        shared = shared_places(map(function_key, members))
    return index.newest(now_s, sys.maxsize, shared)


class ProblemIndex:
    """The newest problems of a graph that changes, without looking at all of it again."""

    def __init__(self, engine: Engine) -> None:
        """Make an empty index."""
        self._engine = engine
        self._standing: dict[Invocation, list[Problem]] = {}
        self._loops: dict[Invocation, Loop] = {}
        self._lineage: dict[Invocation, tuple[object, ...]] = {}  # of those that led to others
        self._silence = Silence()

    def update(self, touched: Iterable[Invocation]) -> None:
        """Take over what changed in the graph."""
        for invocation in touched:
            self._silence.update(invocation)
            standing = () if invocation.gone else _standing(self._engine, invocation)
            found = list(dict.fromkeys(standing))  # records of one key are in doubt together
            if found:
                self._standing[invocation] = found
            else:
                self._standing.pop(invocation, None)
            self._look_for_turn(invocation)
            self._look_below(invocation)

    def _look_for_turn(self, invocation: Invocation) -> None:
        turns = loops((invocation,)) if _has_parent(invocation) else []
        if turns and not invocation.gone:
            self._loops[invocation] = turns[0]
        else:
            self._loops.pop(invocation, None)

    def _look_below(self, invocation: Invocation) -> None:
        """Look at turns again that end below an invocation of which more has become known."""
        if invocation.gone or not invocation.triggered:
            self._lineage.pop(invocation, None)
            return
        now = lineage(invocation)
        before = self._lineage.setdefault(invocation, now)
        if now == before:
            return  # who it led to for the first time is looked at with it
        self._lineage[invocation] = now
        above = functions_above(invocation)
        for member in all_below(invocation):
            if member.function in above or member in self._loops:
                self._look_for_turn(member)

    def newest(self, now_s: float, limit: int, shared: Container[Place] = ()) -> list[Problem]:
        """List the newest problems in order of time, at most `limit` of each sort.

        Args:
            now_s: epoch seconds against which deadlines are judged.
            limit: how many of a sort.
            shared: the names and regions of functions whose account is to be told.
        """
        found = _losses(self._engine)
        for standing in islice(reversed(self._standing.values()), limit):
            found.extend(standing)
        waiting = islice(reversed(self._engine.waiting), limit)
        orphans = (_orphan(self._engine, cause, now_s) for cause in waiting)
        found.extend(dict.fromkeys(orphan for orphan in orphans if orphan is not None))
        found.extend(islice(_looping(self._loops), limit))
        finished = self._engine.finished
        until_s = float("inf") if finished else now_s - DEADLINE_S
        # What has ended may have ended before the deadline.
        within = "" if finished else f" within {DEADLINE_S:.0f} s"
        for calls in self._silence.before(until_s, limit):
            found.append(_never_triggered(calls, within))
        return sorted((self._placed(problem, shared) for problem in found), key=_order)

    def _placed(self, problem: Problem, shared: Container[Place]) -> Problem:
        """Tell the account of a problem's function where several have one of its name."""
        invocation = self._engine.invocations.get(problem.request_id or "")
        account = told(function_key(invocation), shared)[2] if invocation is not None else ""
        if not account:
            return problem
        return msgspec.structs.replace(problem, detail=f"{problem.detail} (account {account})")


def describe_cause(cause: Cause) -> str:
    """Say what an event says of its trigger, in a few words."""
    resource = origin_of(cause)
    if is_destination(cause):
        brought = f" through {resource}" if resource else ""
        return f"result of another invocation{brought}"
    if cause.service == "lambda":
        if cause.caller is not None:
            return f"Invoke by {cause.caller_function or 'a function'}"
        return "invoked by a person" if cause.name == "external" else "invoked directly"
    if cause.service == "unknown":
        return resource or "unknown trigger"
    key = f"/{display_key(cause.key)}" if cause.key else ""
    return f"{happening(cause)} {resource}{key}".strip() or "unknown trigger"


def _losses(engine: Engine) -> list[Problem]:
    unread = engine.losses.unread()
    found = [Problem("unreadable", u.text, u.request_id, u.last_at_s) for u in unread]
    found += [
        Problem(lost.kind, lost.detail, lost.request_id, lost.at_s)
        for lost in engine.lost
        if lost.kind != "unreadable"
    ]
    return found


def _orphan(engine: Engine, cause: CauseNode, now_s: float) -> Problem | None:
    if not engine.is_orphan(cause, now_s):
        return None
    invocation = cause.invocation
    function = invocation.function or "an unknown function"
    detail = _why_orphan(function, cause)
    return Problem("orphan", detail, invocation.request_id, invocation.started_at_s)


def _standing(engine: Engine, invocation: Invocation) -> Iterator[Problem]:
    request_id, at_s = invocation.request_id, invocation.started_at_s
    function = invocation.function or "an unknown function"
    for cause in invocation.causes:
        if cause.edge is not None and cause.edge.evidence == "ambiguous":
            calls = ", ".join(
                f"{call.fact.operation} by {call.invocation.function or 'unknown'} "
                f"{call.invocation.request_id}"
                for call in cause.edge.candidates[:_CANDIDATES]
            )
            more = len(cause.edge.candidates) - _CANDIDATES
            yield Problem(
                "ambiguous",
                f"{_how_started(function, cause.fact)}; "
                f"it may be {calls}{f' and {more} more' if more > 0 else ''}",
                request_id,
                at_s,
            )
    attempts = invocation.in_order()
    if len(attempts) > 1:
        yield Problem("retry", f"{function} was tried {len(attempts)} times", request_id, at_s)
    tries = engine.matcher.redeliveries.tries(invocation)
    if len(tries) > 1 and tries[-1] is invocation and invocation.causes:
        what = describe_cause(invocation.causes[0].fact)
        given = Counter(record_identity(cause) for member in tries for cause in member.causes)
        times = max(given.values())
        parts = " in parts," if times < len(tries) else ""  # a batch may come again in halves
        detail = f"{function} was given {what} {times} times,{parts} under other request ids"
        yield Problem("retry", detail, request_id, at_s)
    if tries[0] is invocation and any(cause.repeated for cause in invocation.causes):
        again = [cause for cause in invocation.causes if cause.repeated]
        what = describe_cause(again[0].fact)
        number = f"{len(again)} of {len(invocation.causes)} records"
        detail = f"{function} was given {number} again, beside new ones: {what}"
        yield Problem("retry", detail, request_id, at_s)
    throttles = sum(segment.throttles for segment in invocation.segments)
    throttles = throttles or sum(attempt.state == "throttled" for attempt in attempts)
    if throttles:
        often = "" if throttles == 1 else f" {throttles} times"
        yield Problem("throttled", f"{function} was throttled{often}", request_id, at_s)
    for attempt in attempts:
        if attempt.state == "timeout":
            yield Problem("timeout", f"{function} timed out", request_id, attempt.started_at_s)
        if attempt.end is not None and attempt.end.dropped:
            yield Problem(
                "dropped",
                f"the recorder lost {attempt.end.dropped} events of {function}",
                request_id,
                attempt.started_at_s,
            )
    for call in invocation.calls.values():
        if call.error in THROTTLED:
            detail = f"{_call_text(call)} by {function} was throttled"
            yield Problem("throttled", detail, request_id, call.started_at_s)


def _has_parent(invocation: Invocation) -> bool:
    return any(c.edge is not None and c.edge.parent is not None for c in invocation.causes)


def _looping(turns: dict[Invocation, Loop]) -> Iterator[Problem]:
    """Give a problem for each way in which chains come back, at its newest turn.

    In a ring of functions each one comes back. That is told once, of the one that did so first.
    """
    by_way: dict[tuple[str, ...], list[tuple[float, Invocation, Loop]]] = {}
    for invocation, loop in turns.items():
        account = invocation.account or ""
        way = (loop.function, loop.region, account, loop.service, loop.resource)
        by_way.setdefault(way, []).append((invocation.started_at_s or 0.0, invocation, loop))
    first: dict[tuple[str, ...], SeriesKey] = {}
    for found in sorted(by_way.values(), key=lambda found: min(turn[0] for turn in found)):
        at_s, invocation, loop = max(found, key=lambda turn: (turn[0], turn[1].request_id))
        function = function_key(invocation)
        if first.setdefault((function[2], *_ring(loop.functions)), function) != function:
            continue
        path = " → ".join((*loop.functions, loop.function))
        times = "once" if len(found) == 1 else f"{len(found):,} times"
        detail = f"{loop.function} started itself again {times} through {loop.resource}: {path}"
        yield Problem("loop", detail, invocation.request_id, at_s)


def _ring(functions: tuple[str, ...]) -> tuple[str, ...]:
    """Give the same for the same ring, wherever one begins to go round."""
    turned = (functions[at:] + functions[:at] for at in range(len(functions)))
    return min(turned, default=functions)


def _never_triggered(calls: list[CallNode], within: str) -> Problem:
    newest = max(calls, key=lambda call: (call.started_at_s or 0.0, call.id))
    function = newest.invocation.function or "an unknown function"
    what = f"{_call_text(newest)} by {function} started nothing"
    if len(calls) > 1:
        what = f"{len(calls)} of {_call_text(newest)} by {function} started nothing"
    detail = f"{what}{within}, although others did"
    return Problem("never-triggered", detail, newest.invocation.request_id, newest.started_at_s)


def _call_text(call: CallNode) -> str:
    resource = call.fact.resource
    return f"{call.fact.operation} {names.last_part(resource)}" if resource else call.fact.operation


def _why_orphan(function: str, cause: CauseNode) -> str:
    fact = cause.fact
    if fact.caller is not None and is_destination(fact):
        return f"{function} was given the result of {fact.caller}, of which no record was read"
    if fact.caller is not None:
        return (
            f"{function} was invoked by {fact.caller_function or 'a function'} "
            f"{fact.caller}, of which no record was read"
        )
    reason = f"no recorded call {_DEEDS.get(fact.service, 'sent')} it"
    if fact.service == "sqs":
        reason += ", unless a topic did whose messages are delivered raw, without their ids"
    elif fact.service == "s3" and s3_change(fact.name) is None:
        reason = "calls that do so are recorded without an id to match by"
    if not cause.keys and not exact_cause_keys(cause):
        reason = "its record holds no id or key to match by"
    return f"{_how_started(function, fact)}: {reason}"


def _how_started(function: str, cause: Cause) -> str:
    what = describe_cause(cause)
    return f"{function} was {'' if what.startswith('invoked ') else 'started by '}{what}"


def _order(problem: Problem) -> tuple[float, str, str, str]:
    at_s = problem.at_s
    return (
        at_s if at_s is not None else float("inf"),
        problem.kind,
        problem.request_id or "",
        problem.detail,
    )
