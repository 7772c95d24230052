"""Stretches of time: one for each attempt, with the calls made in it."""

from __future__ import annotations

import msgspec

from causality.attempt import Attempt
from causality.graph import CallNode, Edge, Invocation
from causality.views.selection import call_order
from gammaray_recorder import wire


class Stretch(msgspec.Struct, frozen=True):
    """One attempt on the time line; epoch seconds.

    Attributes:
        began_s: when initialisation began, or the handler when there was none.
        started_s: when the handler began; where no record tells, the first that is known of it.
        ended_s: when the handler returned; of one that still runs, the last that is known of it.
        number: 1 for the first attempt.
    """

    invocation: Invocation
    attempt: Attempt
    number: int
    began_s: float
    started_s: float
    ended_s: float
    calls: list[CallNode]


def stretches(invocation: Invocation) -> list[Stretch]:
    """Give the attempts of which any time is known, in order."""
    calls = sorted(
        (call for call in invocation.calls.values() if call.started_at_s is not None),
        key=call_order,
    )
    attempts = invocation.in_order()
    if calls and not attempts:  # its start and its end were lost, or not read
        attempts = [Attempt("", invocation.generation, silent=True)]
    begun = [
        (attempt, began)
        for attempt in attempts
        if (began := _first_known_s(attempt, calls, alone=len(attempts) == 1)) is not None
    ]
    found = []
    for number, (attempt, started) in enumerate(begun, start=1):
        following = begun[number][1] if number < len(begun) else None
        made = [
            call
            for call in calls
            if (
                call.attempt == attempt.nonce
                if call.attempt in invocation.attempts
                else (number == 1 or _made_s(call) >= started)
                and (following is None or _made_s(call) < following)
            )
        ]
        ended = attempt.ended_at_s
        if ended is None:
            ended = max((call.ended_at_s or _made_s(call) for call in made), default=started)
        found.append(
            Stretch(
                invocation,
                attempt,
                number,
                started - max(0.0, attempt.init_s or 0.0),
                started,
                max(started, ended),
                made,
            )
        )
    return found


def _first_known_s(attempt: Attempt, calls: list[CallNode], *, alone: bool) -> float | None:
    if attempt.started_at_s is not None:
        return attempt.started_at_s
    made = (_made_s(call) for call in calls if alone or call.attempt == attempt.nonce)
    return next(made, attempt.ended_at_s)


def is_synchronous(edge: Edge) -> bool:
    """Say whether the caller waited for the invocation."""
    return edge.call is not None and waited(edge.call, edge.cause.invocation)


def waited(call: CallNode, called: Invocation) -> bool:
    """Say whether a call waited for the invocation that it started, or may have started."""
    if call.fact.service not in ("lambda", "http"):
        return False
    if any(output.fact.operation == wire.INVOKE_LATER for output in call.outputs):
        return False  # however quick the function was, or wrong its clock
    if call.fact.operation == "Invoke" and call.error is None and call.ended_at_s is not None:
        return True  # answered by the function, whatever the clocks of the two say
    made, answered, started = call.started_at_s, call.ended_at_s, called.started_at_s
    last = called.last
    ended = last.ended_at_s if last is not None else None
    if made is None or answered is None or started is None or ended is None:
        return False
    return made <= started and ended <= answered


def _made_s(call: CallNode) -> float:
    return call.started_at_s or 0.0
