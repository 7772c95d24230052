"""Quantiles at 1 % relative error, of values that can be taken out again.

DDSketch (Masson, Rim, Lee: "DDSketch", VLDB 2019): a value counts for the logarithmic bucket it
falls into. The library's own stores only ever grow, so the counts are kept here, by bucket.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ddsketch.mapping import LogarithmicMapping

ACCURACY = 0.0099  # what rounding adds stays within the one percent

_MAPPING = LogarithmicMapping(ACCURACY)
_LEAST = 1e-9  # what is less counts as nothing: no clock here is that fine
_ZERO = _MAPPING.key(_LEAST)


def bucket_of(value: float) -> int:
    """Give the bucket that a value, not negative, counts for."""
    return int(_MAPPING.key(value)) if value > _LEAST else _ZERO


class Sketch:
    """How many values fell into which bucket; sketches of parts can be merged."""

    __slots__ = ("_counts", "count")

    def __init__(self) -> None:
        """Make an empty sketch."""
        self._counts: dict[int, int] = {}
        self.count = 0

    def __contains__(self, bucket: int) -> bool:
        """Say whether a bucket holds anything."""
        return bucket in self._counts

    def add(self, value: float, count: int = 1) -> None:
        """Count a value, not negative; a negative count takes one out that was counted."""
        self.add_to(bucket_of(value), count)

    def add_to(self, bucket: int, count: int = 1) -> None:
        """Count a value of which the bucket is known."""
        left = self._counts.get(bucket, 0) + count
        if left > 0:
            self._counts[bucket] = left
        else:
            self._counts.pop(bucket, None)
        self.count += count

    def merge(self, other: Sketch) -> None:
        """Count all that the other one did."""
        for key, count in other._counts.items():
            self._counts[key] = self._counts.get(key, 0) + count
        self.count += other.count

    def values(self) -> Iterator[tuple[float, int]]:
        """Give what was counted, each value as near as it is known, with how often it came."""
        for key, count in self._counts.items():
            yield (0.0 if key == _ZERO else float(_MAPPING.value(key))), count

    def quantiles(self, *fractions: float) -> list[float | None]:
        """Give quantiles by nearest rank, for ascending fractions; None of an empty sketch."""
        found: list[float | None] = []
        ranks = [max(1, math.ceil(fraction * self.count)) for fraction in fractions]
        passed = 0
        for key in sorted(self._counts):
            passed += self._counts[key]
            while len(found) < len(ranks) and passed >= ranks[len(found)]:
                found.append(0.0 if key == _ZERO else float(_MAPPING.value(key)))
            if len(found) == len(ranks):
                break
        return found + [None] * (len(ranks) - len(found))
