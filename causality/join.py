"""Joining X-Ray's segments to the recorder's attempts and calls of one invocation.

A pure function of what is known of the invocation, done again whenever that changes, so that
the order of arrival does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from causality.attempt import Attempt
from causality.facts import Call
from causality.graph import CallNode, Invocation
from causality.reading.xray import FunctionSegment

# Recorder and X-Ray SDK take their times in one process, on one clock, around one call.
_SAME_CALL_S = 0.05
_SAME_ATTEMPT_S = 1.0
_ONLY_XRAY = "xray:"


def join_segments(invocation: Invocation, loose: Sequence[Call] = ()) -> None:
    """Give each attempt its function segment and each call its subsegment.

    Attempts and calls that only X-Ray knows are added: the recorder's record of them was lost,
    or they are of kinds that the recorder leaves out.

    Args:
        invocation: with its segments.
        loose: calls of subsegments that were sent by themselves.
    """
    _forget_what_only_xray_knows(invocation)
    recorded = invocation.in_order()
    for attempt in recorded:
        attempt.segment = None
    for node in invocation.calls.values():
        node.segment = None
    segments = invocation.function_segments
    if len(segments) > 1:
        inner = {part for segment in segments for part in segment.parts}
        tries = [segment for segment in segments if segment.parent_id not in inner]
        segments = tuple(sorted(tries, key=_segment_order))
    attempt_of = _paired(segments, recorded)
    for segment in segments:
        attempt = attempt_of.get(segment.id) or Attempt(f"{_ONLY_XRAY}{segment.id}", 0)
        if attempt.generation == 0:
            invocation.add_attempt(attempt)
        attempt.segment = segment
    _describe(invocation)
    calls = {call.id: call for call in loose}
    told = (call for segment in invocation.function_segments for call in segment.calls)
    calls.update({call.id: call for call in told})
    _join_calls(invocation, sorted(calls.values(), key=_call_order))


def _join_calls(invocation: Invocation, calls: list[Call]) -> None:
    joined = {call.id: node for call in calls if (node := invocation.call(call.id)) is not None}
    taken = set(joined)
    for call in calls:
        node = joined.get(call.id) or _same_call(invocation, call, taken)
        if node is None:
            node = CallNode(invocation, call)
            invocation.add_call(node)
        node.segment = call
        taken.add(node.id)


def _forget_what_only_xray_knows(invocation: Invocation) -> None:
    attempts, calls = invocation.attempts, invocation.calls
    recorded = [attempt for attempt in attempts.values() if attempt.generation]
    if len(recorded) < len(attempts):
        invocation.tried = None
        for attempt in recorded:
            invocation.add_attempt(attempt)
    noted = [call for call in calls.values() if call.segment is not call.fact]
    if len(noted) < len(calls):
        invocation.made = None
        for call in noted:
            invocation.add_call(call)


def _call_order(call: Call) -> tuple[float, str]:
    return (call.at_s if call.at_s is not None else float("inf"), call.id)


def _segment_order(segment: FunctionSegment) -> tuple[float, str]:
    started = segment.started_at_s
    return (started if started is not None else float("inf"), segment.id)


def _paired(segments: Sequence[FunctionSegment], recorded: list[Attempt]) -> dict[str, Attempt]:
    """Pair segments with attempts: those nearest in time first; all tries share one trace."""
    if len(segments) == 1 and len(recorded) == 1:
        began_s, start = segments[0].started_at_s, recorded[0].start
        if began_s is None or start is None or distance_s(segments[0], recorded[0]) is not None:
            return {segments[0].id: recorded[0]}
        return {}
    pairs = sorted(
        (apart_s, segment.id, index)
        for segment in segments
        for index, attempt in enumerate(recorded)
        if (apart_s := distance_s(segment, attempt)) is not None
    )
    attempt_of: dict[str, Attempt] = {}
    for _, segment_id, index in pairs:
        if segment_id not in attempt_of and recorded[index] not in attempt_of.values():
            attempt_of[segment_id] = recorded[index]
    return attempt_of


def distance_s(segment: FunctionSegment, attempt: Attempt) -> float | None:
    """Give how far a segment's start is from an attempt's; None when it is another one's."""
    began_s, ended_s, start = segment.started_at_s, segment.ended_at_s, attempt.start
    if start is None or began_s is None:
        return None
    if start.trace_id and segment.trace_id and start.trace_id != segment.trace_id:
        return None
    inside = began_s - _SAME_ATTEMPT_S <= start.at_s <= (start.at_s if ended_s is None else ended_s)
    return abs(start.at_s - began_s) if inside else None


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


def _same_call(invocation: Invocation, seen: Call, taken: set[str]) -> CallNode | None:
    """Find the recorder's own record of a call that X-Ray shows under another id.

    The original's records have X-Ray's own ids, and no attempt: their ids are all that counts.
    """
    if seen.at_s is None:
        return None
    alike = [
        (abs(node.fact.at_s - seen.at_s), node.id)
        for node in invocation.calls.values()
        if node.id not in taken
        and node.attempt is not None
        and node.fact.at_s is not None
        and node.fact.service == seen.service
        and node.fact.operation == seen.operation
    ]
    apart_s, call_id = min(alike, default=(_SAME_CALL_S + 1, ""))
    return invocation.calls[call_id] if apart_s <= _SAME_CALL_S else None
