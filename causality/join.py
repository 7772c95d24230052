"""Joining X-Ray's segments to the recorder's attempts and calls of one invocation.

A pure function of what is known of the invocation, done again whenever that changes, so that
the order of arrival does not matter.
"""

from __future__ import annotations

from causality.facts import Call
from causality.graph import Attempt, CallNode, Invocation
from causality.xray import FunctionSegment

# Recorder and X-Ray SDK take their times in one process, on one clock, around one call.
_SAME_CALL_S = 0.05
_SAME_ATTEMPT_S = 1.0
_ONLY_XRAY = "xray:"


def join_segments(invocation: Invocation) -> None:
    """Give each attempt its function segment and each call its subsegment.

    Attempts and calls that only X-Ray knows are added: the recorder's record of them was lost,
    or they are of kinds that the recorder leaves out.
    """
    for nonce in [nonce for nonce in invocation.attempts if nonce.startswith(_ONLY_XRAY)]:
        del invocation.attempts[nonce]
    for call_id in [i for i, call in invocation.calls.items() if call.segment is call.fact]:
        del invocation.calls[call_id]
    recorded = invocation.in_order()
    for attempt in recorded:
        attempt.segment = None
    segments = sorted(invocation.function_segments, key=_segment_order)
    for segment in segments:
        attempt = _attempt_of(segment, recorded, len(segments)) or Attempt(
            f"{_ONLY_XRAY}{segment.id}", 0
        )
        invocation.attempts.setdefault(attempt.nonce, attempt)
        attempt.segment = segment
    _describe(invocation)
    taken: set[str] = set()
    for segment in segments:
        for call in segment.calls:
            _join_call(invocation, call, taken)


def _segment_order(segment: FunctionSegment) -> tuple[float, str]:
    started = segment.started_at_s
    return (started if started is not None else float("inf"), segment.id)


def _attempt_of(segment: FunctionSegment, recorded: list[Attempt], count: int) -> Attempt | None:
    free = [attempt for attempt in recorded if attempt.segment is None]
    for attempt in free:
        if attempt.start is not None and attempt.start.trace_id == segment.trace_id:
            return attempt
    if count == 1 and len(free) == 1:
        return free[0]
    began, ended = segment.started_at_s, segment.ended_at_s
    for attempt in free:
        if attempt.start is None or began is None:
            continue
        at_s = attempt.start.at_s
        if began - _SAME_ATTEMPT_S <= at_s <= (ended if ended is not None else at_s):
            return attempt
    return None


def _describe(invocation: Invocation) -> None:
    """Take the function's name from X-Ray where no entry of the recorder told it."""
    if invocation.function is not None:
        return
    told = [(segment.arn, segment.function) for segment in invocation.segments]
    told += [(segment.arn, segment.function) for segment in invocation.function_segments]
    for arn, function in told:
        if arn:
            invocation.describe(arn, None)
        if invocation.function is not None:
            return
        invocation.function = function or None


def _join_call(invocation: Invocation, seen: Call, taken: set[str]) -> None:
    node = invocation.calls.get(seen.id) or _same_call(invocation, seen, taken)
    if node is None:
        node = invocation.calls[seen.id] = CallNode(invocation, seen)
    node.segment = seen
    taken.add(node.id)


def _same_call(invocation: Invocation, seen: Call, taken: set[str]) -> CallNode | None:
    """Find the recorder's own record of a call that X-Ray shows under another id."""
    if seen.at_s is None:
        return None
    for node in invocation.calls.values():
        fact = node.fact
        if (
            node.id not in taken
            and fact.at_s is not None
            and fact.service == seen.service
            and fact.operation == seen.operation
            and abs(fact.at_s - seen.at_s) <= _SAME_CALL_S
        ):
            return node
    return None
