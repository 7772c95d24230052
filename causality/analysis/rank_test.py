"""Whether two sets of samples differ by more than chance: the rank test of Mann and Whitney.

It assumes no shape of distribution, which latencies would not keep to. Source: Mann, Whitney,
"On a Test of Whether one of Two Random Variables is Stochastically Larger than the Other", 1947;
for ties, Lehmann, "Nonparametrics", 1975. Holm, "A Simple Sequentially Rejective Multiple Test
Procedure", 1979, for many tests at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

# Up to so many samples in all, every way of dealing the ranks is counted.
_EXACT_UP_TO = 24


class RankTest(NamedTuple):
    """What the ranks of two sets tell.

    Attributes:
        superiority: how often a sample of the second set is the greater one, ties counting half:
            0.5 for no difference.
        p_value: how likely chance alone gives a difference as large, in either direction.
    """

    superiority: float
    p_value: float


def rank_test(first: Sequence[float], second: Sequence[float]) -> RankTest:
    """Compare two sets of samples.

    Raises:
        ValueError: one of them is empty.
    """
    if not first or not second:
        raise ValueError("each side needs a sample")
    # Twice the mid-rank is a whole number.
    doubled, ties = _doubled_ranks([*first, *second])
    rank_sum = sum(doubled[len(first) :])
    pairs = len(first) * len(second)
    least = len(second) * (len(second) + 1)
    superiority = (rank_sum - least) / 2 / pairs
    if len(doubled) <= _EXACT_UP_TO:
        p_value = _exact(doubled, len(second), rank_sum)
    else:
        p_value = _normal(len(first), len(second), ties, superiority)
    return RankTest(superiority, p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for the number of tests, so that among many few are right by chance."""
    adjusted = [0.0] * len(p_values)
    reached = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for done, index in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - done) * p_values[index]))
        adjusted[index] = reached
    return adjusted


def _doubled_ranks(values: list[float]) -> tuple[list[int], list[int]]:
    """Give twice the mid-rank of each value, and how many share each rank."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, ties = [0] * len(values), []
    begin = 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for index in order[begin:end]:
            ranks[index] = begin + 1 + end
        ties.append(end - begin)
        begin = end
    return ranks, ties


def _exact(doubled: list[int], size: int, rank_sum: int) -> float:
    """Count the ways to choose `size` ranks whose sum is as far from its mean as this one."""
    ways: list[dict[int, int]] = [{0: 1}] + [{} for _ in range(size)]
    for rank in doubled:
        for chosen in range(size, 0, -1):
            row = ways[chosen]
            for total, count in ways[chosen - 1].items():
                row[total + rank] = row.get(total + rank, 0) + count
    # Ranks of n values have the mean (n + 1) / 2.
    mean = size * (len(doubled) + 1)
    distance = abs(rank_sum - mean)
    extreme = sum(count for total, count in ways[size].items() if abs(total - mean) >= distance)
    return extreme / math.comb(len(doubled), size)


def _normal(first: int, second: int, ties: list[int], superiority: float) -> float:
    count, pairs = first + second, first * second
    tied = sum(tie**3 - tie for tie in ties)
    variance = pairs / 12 * (count + 1 - tied / (count * (count - 1)))
    if variance <= 0:
        return 1.0  # all samples are equal
    distance = max(0.0, abs(superiority - 0.5) * pairs - 0.5)
    return math.erfc(distance / math.sqrt(variance) / math.sqrt(2))
