"""What the reader of a graph should know: doubts, losses and failures, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from causality import names
from causality.engine import Engine
from causality.facts import Cause
from causality.graph import CauseNode, Invocation
from causality.keys import display_key
from causality.match_keys import exact_cause_keys


class Problem(msgspec.Struct, frozen=True):
    """One problem.

    Attributes:
        kind: orphan, ambiguous, unreadable, gap, retry, timeout, throttled or dropped.
    """

    kind: str
    detail: str
    request_id: str | None = None
    at_s: float | None = None


def problems(engine: Engine, now_s: float) -> list[Problem]:
    """List the problems of a settled graph, in order of time."""
    found = _losses(engine)
    for invocation in engine.invocations.values():
        found.extend(_standing(invocation))
    found.extend(orphan for cause in engine.waiting if (orphan := _orphan(engine, cause, now_s)))
    return sorted(found, key=_order)


class ProblemIndex:
    """The newest problems of a graph that changes, without looking at all of it again."""

    def __init__(self, engine: Engine) -> None:
        """Make an empty index."""
        self._engine = engine
        self._standing: dict[Invocation, list[Problem]] = {}

    def update(self, touched: Iterable[Invocation]) -> None:
        """Take over what changed in the graph."""
        for invocation in touched:
            found = [] if invocation.gone else list(_standing(invocation))
            if found:
                self._standing[invocation] = found
            else:
                self._standing.pop(invocation, None)

    def newest(self, now_s: float, limit: int) -> list[Problem]:
        """List the newest problems in order of time, at most `limit` of each sort."""
        found = _losses(self._engine)
        for standing in islice(reversed(self._standing.values()), limit):
            found.extend(standing)
        for cause in islice(reversed(self._engine.waiting), limit):
            orphan = _orphan(self._engine, cause, now_s)
            if orphan is not None:
                found.append(orphan)
        return sorted(found, key=_order)


def describe_cause(cause: Cause) -> str:
    """Say what an event says of its trigger, in a few words."""
    resource = names.last_part(cause.resource) if cause.resource else ""
    if cause.service == "lambda":
        if cause.caller is not None:
            return f"Invoke by {cause.caller_function or 'a function'}"
        return "invoked directly"
    if cause.service == "unknown":
        return resource or "unknown trigger"
    what = f"{cause.name} " if cause.name else f"{cause.service} "
    key = f"/{display_key(cause.key)}" if cause.key else ""
    return f"{what}{resource}{key}".strip()


def _losses(engine: Engine) -> list[Problem]:
    return [Problem(lost.kind, lost.detail, lost.request_id, lost.at_s) for lost in engine.lost]


def _orphan(engine: Engine, cause: CauseNode, now_s: float) -> Problem | None:
    if not engine.is_orphan(cause, now_s):
        return None
    invocation = cause.invocation
    function = invocation.function or "an unknown function"
    detail = _why_orphan(function, cause)
    return Problem("orphan", detail, invocation.request_id, invocation.started_at_s)


def _standing(invocation: Invocation) -> Iterator[Problem]:
    request_id, at_s = invocation.request_id, invocation.started_at_s
    function = invocation.function or "an unknown function"
    for cause in invocation.causes:
        if cause.edge is not None and cause.edge.evidence == "ambiguous":
            calls = ", ".join(
                f"{call.fact.operation} by {call.invocation.function or 'unknown'} "
                f"{call.invocation.request_id}"
                for call in cause.edge.candidates[:4]
            )
            more = len(cause.edge.candidates) - 4
            yield Problem(
                "ambiguous",
                f"{function} was started by {describe_cause(cause.fact)}; "
                f"it may be {calls}{f' and {more} more' if more > 0 else ''}",
                request_id,
                at_s,
            )
    attempts = invocation.in_order()
    if len(attempts) > 1:
        yield Problem("retry", f"{function} was tried {len(attempts)} times", request_id, at_s)
    for attempt in attempts:
        if attempt.state == "timeout":
            yield Problem("timeout", f"{function} timed out", request_id, attempt.started_at_s)
        elif attempt.state == "throttled":
            yield Problem("throttled", f"{function} was throttled", request_id, at_s)
        if attempt.end is not None and attempt.end.dropped:
            yield Problem(
                "dropped",
                f"the recorder lost {attempt.end.dropped} events of {function}",
                request_id,
                attempt.started_at_s,
            )


def _why_orphan(function: str, cause: CauseNode) -> str:
    fact = cause.fact
    if fact.caller is not None:
        return (
            f"{function} was invoked by {fact.caller_function or 'a function'} "
            f"{fact.caller}, of which no record was read"
        )
    reason = "no recorded call wrote it"
    if not cause.keys and not exact_cause_keys(cause):
        reason = "its record holds no id or key to match by"
    return f"{function} was started by {describe_cause(fact)}: {reason}"


def _order(problem: Problem) -> tuple[float, str, str, str]:
    at_s = problem.at_s
    return (
        at_s if at_s is not None else float("inf"),
        problem.kind,
        problem.request_id or "",
        problem.detail,
    )
