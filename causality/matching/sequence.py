"""The n-th write is the n-th record: what sequence numbers exclude where counts agree.

Records of one key carry numbers in the order in which they were written. Where as many writes as
records compete, each write is some record's; and a write that surely came after k others is
not among the first k records. Which of two writes came first is sure within one invocation, and
between two of them where clocks cannot be wrong by so much.
"""

from __future__ import annotations

from collections.abc import Sequence

from causality.clock import CLOCK_SKEW_S
from causality.graph import OutputNode
from causality.matching.delivery import Delivery
from gammaray_recorder import wire


def in_sequence(
    deliveries: Sequence[Delivery], fitting: Sequence[list[OutputNode]]
) -> list[list[OutputNode]] | None:
    """Leave those outputs to each delivery that its place in the sequence allows.

    Args:
        deliveries: records of one key.
        fitting: the outputs that fit each of them.

    Returns:
        What is left of `fitting`; None where counts or numbers tell nothing.
    """
    outputs = list(dict.fromkeys(output for found in fitting for output in found))
    if len(outputs) != len(deliveries) or any(o.spare or not o.proven for o in outputs):
        return None
    ranks = _ranks(deliveries)
    if ranks is None:
        return None
    before = [sum(_is_before(other, output) for other in outputs) for output in outputs]
    after = [sum(_is_before(output, other) for other in outputs) for output in outputs]
    allowed = {
        output: range(first, len(outputs) - last)
        for output, first, last in zip(outputs, before, after, strict=True)
    }
    left = [
        [output for output in found if rank in allowed[output]]
        for rank, found in zip(ranks, fitting, strict=True)
    ]
    return left if all(left) else None  # a contradiction: then the counts only seem to agree


def _ranks(deliveries: Sequence[Delivery]) -> list[int] | None:
    """Give the place of each record among these; None when one has no number."""
    numbers = []
    for delivery in deliveries:
        ids = delivery.causes[0].fact.ids
        number = ids.get(wire.ID_DDB_SEQUENCE, "")
        if number.isascii() and number.isdigit():
            numbers.append((number.lstrip("0").rjust(64, "0"), delivery.identity))
        elif wire.ID_S3_SEQUENCER in ids:
            numbers.append((ids[wire.ID_S3_SEQUENCER].upper().ljust(64, "0"), delivery.identity))
        else:
            return None
    if len({number for number, _ in numbers}) < len(numbers):
        return None  # a local AWS may give the same number to all
    places = {number: place for place, number in enumerate(sorted(numbers))}
    return [places[number] for number in numbers]


def _is_before(first: OutputNode, second: OutputNode) -> bool:
    """Say whether a write was surely over before another one began."""
    ended_s = first.call.fact.ended_at_s
    if ended_s is None:
        return False
    same_clock = first.call.invocation is second.call.invocation
    return ended_s + (0.0 if same_clock else CLOCK_SKEW_S) < second.made_s
