"""The time that an invocation spent in its calls."""

from __future__ import annotations

from collections.abc import Iterable

from causality.graph import CallNode


def time_in_calls(calls: Iterable[CallNode]) -> float | None:
    """Give the time spent in these calls, overlaps counted once; None when unknown."""
    spans = [
        (at_s, at_s + duration_s)
        for call in calls
        if (at_s := call.fact.at_s) is not None and (duration_s := call.duration_s) is not None
    ]
    if not spans:
        return None
    spans.sort()
    total, reached = 0.0, float("-inf")
    for start, end in spans:
        if end > reached:
            total += max(0.0, end - (start if start > reached else reached))
            reached = end
    return total
