"""Latency over time: how many samples took how long, in stretches of time side by side."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from causality.latency import SLOT_S, Tally

_ROWS = 10
_LEAST_S = 0.0001  # below, no latency here is told apart
_NARROWEST = 1.02  # a row's upper bound to its lower one


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The latest samples of one function or edge.

    Attributes:
        end_s: when the last column ends, epoch seconds.
        bounds_s: of the rows, ascending, one more than there are rows.
        counts: samples by row (the fastest first) and column (the oldest first).
        errors: failed ones by column.
        slot_s: the seconds that each column stands for.
    """

    end_s: float
    bounds_s: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]
    errors: tuple[int, ...]
    slot_s: int = SLOT_S

    @property
    def greatest(self) -> int:
        """The most samples that any one cell stands for."""
        return max((count for row in self.counts for count in row), default=0)


def heat_map(tallies: Sequence[Tally | None], end_s: float, slot_s: int = SLOT_S) -> HeatMap:
    """Lay out what was counted in stretches of time one after the other.

    Args:
        tallies: of each stretch, the oldest first; None: nothing.
        end_s: when the last one ends, epoch seconds.
        slot_s: how long each one is.
    """
    seen = [
        [(max(value_s, _LEAST_S), count) for value_s, count in tally.sketch.values()]
        if tally is not None
        else []
        for tally in tallies
    ]
    bounds_s = _bounds_s([value_s for column in seen for value_s, _ in column])
    counts = [[0] * len(seen) for _ in bounds_s[1:]]
    for at, column in enumerate(seen):
        for value_s, count in column:
            row = min(len(counts), bisect_right(bounds_s, value_s)) - 1
            counts[max(0, row)][at] += count
    errors = tuple(tally.errors if tally is not None else 0 for tally in tallies)
    return HeatMap(end_s, bounds_s, tuple(tuple(row) for row in counts), errors, slot_s)


def slots_until(end_s: float, count: int) -> range:
    """Name the slots of a heat map whose last one is running at a time."""
    current = int(end_s // SLOT_S)
    return range(current - count + 1, current + 1)


def _bounds_s(values_s: Sequence[float]) -> tuple[float, ...]:
    """Give bounds, each so many times the one before: so far apart as one sees latencies."""
    if not values_s:
        return ()
    least_s, greatest_s = min(values_s), max(values_s)
    factor = max(_NARROWEST, (greatest_s / least_s) ** (1 / _ROWS))
    rows = max(1, min(_ROWS, math.ceil(math.log(greatest_s / least_s) / math.log(factor) - 1e-9)))
    return tuple(least_s * factor**row for row in range(rows + 1))
