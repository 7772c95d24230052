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
    call = edge.call
    if call is None or not can_wait(call):
        return False
    made, answered = call.started_at_s, call.ended_at_s
    if made is None or answered is None:
        return False
    if call.fact.operation == "Invoke" and call.error is None:
        return True  # answered by the function, whatever the clocks of the two say
    called = edge.cause.invocation
    started, last = called.started_at_s, called.last
    ended = last.ended_at_s if last is not None else None
    return started is not None and ended is not None and made <= started and ended <= answered


def can_wait(call: CallNode) -> bool:
    """Say whether a call is of a kind whose answer can be what the invocation returned."""
    return call.fact.service in ("lambda", "http") and not any(
        output.fact.operation == wire.INVOKE_LATER for output in call.outputs
    )


def _made_s(call: CallNode) -> float:
    return call.started_at_s or 0.0
