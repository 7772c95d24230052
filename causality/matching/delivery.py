"""A record as one function consumed it, and what was found for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from causality.clock import CLOCK_SKEW_S, ROUNDING_S
from causality.graph import CauseNode, OutputNode
from causality.matching.found import Found

# More than so many outputs are not listed for a delivery, but the newest ones.
CANDIDATES = 32

Identity: TypeAlias = tuple[str, str, int]
Place: TypeAlias = tuple[float, Identity]


class Delivery:
    """One record as one function consumed it, redeliveries included.

    Attributes:
        began_s: when its first consumer began.
        latest_s: the latest time at which its output can have been made.
        written_s: when the service wrote it, in whole seconds; None when it did not tell.
        place: where it stands among the deliveries of its lane.
    """

    __slots__ = ("began_s", "causes", "identity", "latest_s", "place", "written_s")

    def __init__(self, identity: Identity, cause: CauseNode) -> None:
        self.identity = identity
        self.causes = [cause]
        self.take_time()

    def take_time(self) -> None:
        """Take its time from its causes."""
        self.began_s = _began_s(self.causes)
        self.written_s = self.causes[0].fact.at_s
        self.latest_s = self.began_s + CLOCK_SKEW_S
        if self.written_s is not None:
            self.latest_s = min(self.latest_s, self.written_s + 1.0 + CLOCK_SKEW_S)
        self.place: Place = (self.latest_s, self.identity)

    def is_timed(self) -> bool:
        """Say whether its time is still that of its causes."""
        return self.began_s == _began_s(self.causes)

    def written_after(self, output: OutputNode) -> bool:
        """Say whether the record was written when the output's call was long answered."""
        if self.written_s is None:
            return False
        ended_s = output.call.fact.ended_at_s
        return ended_s is not None and ended_s + CLOCK_SKEW_S < self.written_s


def _began_s(causes: list[CauseNode]) -> float:
    if len(causes) == 1:
        began_s = causes[0].invocation.recorded_at_s
        return float("inf") if began_s is None else began_s
    times = (cause.invocation.recorded_at_s for cause in causes)
    return min((time for time in times if time is not None), default=float("inf"))


class Verdict:
    """What was found for one delivery.

    Attributes:
        outputs: those that can be meant, in order of time.
        certain: whether one of them is certainly meant.
        left_out: whether some consistent reading gives it none.
        excluded: those that fit as well, and that others take.
        recurs: whether other outputs or deliveries show the same.
    """

    __slots__ = ("certain", "delivery", "excluded", "left_out", "outputs", "recurs")

    def __init__(self, delivery: Delivery, outputs: list[OutputNode]) -> None:
        self.delivery = delivery
        self.outputs = outputs
        self.certain = False
        self.left_out = False
        self.excluded: Sequence[OutputNode] = ()
        self.recurs = False

    def is_made_before(self) -> bool:
        """Say whether one of them was made before the delivery, if clocks are equal."""
        latest_s = self.delivery.began_s + ROUNDING_S
        return any(output.made_s <= latest_s for output in self.outputs)

    def found(self) -> Found | None:
        """Give it as a level's result."""
        if not self.outputs:
            return None
        return Found(
            self.outputs[-CANDIDATES:],
            self.certain,
            self.excluded[-CANDIDATES:],
            self.recurs,
            self.left_out,
        )
