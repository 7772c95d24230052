"""The rank test: right against counted and published values, and never sure of noise."""

from __future__ import annotations

import math
import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causality.analysis.rank_test import holm, rank_test

values = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=5)


def _counted(first: list[float], second: list[float]) -> tuple[float, float]:
    """Count superiority, and deal all values anew in every way there is."""

    def superiority(one: list[float], other: list[float]) -> float:
        wins = [(b > a) + (a == b) / 2 for a in one for b in other]
        return sum(wins) / len(wins)

    seen = superiority(first, second)
    everything = [*first, *second]
    dealt = []
    for chosen in combinations(range(len(everything)), len(second)):
        other = [everything[index] for index in chosen]
        one = [v for index, v in enumerate(everything) if index not in chosen]
        dealt.append(abs(superiority(one, other) - 0.5) >= abs(seen - 0.5) - 1e-9)
    return seen, sum(dealt) / len(dealt)


@given(values, values)
def test_small_sets_are_counted_exactly(first: list[float], second: list[float]) -> None:
    superiority, p_value = _counted(first, second)

    found = rank_test(first, second)

    assert found.superiority == pytest.approx(superiority)
    assert found.p_value == pytest.approx(p_value)


def test_large_sets_are_close_to_a_published_value() -> None:
    # The normal approximation at z = 1.96 is 0.05 by definition: 30 against 30, moved so far.
    first = [float(n) for n in range(0, 60, 2)]
    second = [value + 1 + 16 for value in first]

    found = rank_test(first, second)

    pairs = len(first) * len(second)
    deviation = math.sqrt(pairs * (len(first) + len(second) + 1) / 12)
    z = (abs(found.superiority - 0.5) * pairs - 0.5) / deviation
    assert found.p_value == pytest.approx(math.erfc(z / math.sqrt(2)))
    assert 0.0001 < found.p_value < 0.01


def test_a_clear_shift_is_seen_and_its_direction_too() -> None:
    source = random.Random(1)
    before = [source.expovariate(10) for _ in range(200)]
    after = [source.expovariate(5) for _ in range(100)]

    found = rank_test(before, after)

    assert found.p_value < 0.001
    assert found.superiority > 0.6
    assert rank_test(after, before).superiority == pytest.approx(1 - found.superiority)


def test_of_equal_distributions_one_in_twenty_is_called_different() -> None:
    source = random.Random(2)
    called = sum(
        rank_test(
            [round(source.gauss(1, 0.1), 2) for _ in range(25)],
            [round(source.gauss(1, 0.1), 2) for _ in range(40)],
        ).p_value
        <= 0.05
        for _ in range(400)
    )

    assert 6 <= called <= 36  # 20 expected; four standard deviations around


def test_equal_samples_tell_nothing() -> None:
    assert rank_test([1.0] * 50, [1.0] * 60) == (0.5, 1.0)
    assert rank_test([1.0], [2.0]).p_value == 1.0  # one sample a side never tells


def test_an_empty_side_is_refused() -> None:
    with pytest.raises(ValueError, match="sample"):
        rank_test([], [1.0])


def test_many_tests_are_corrected_for() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
