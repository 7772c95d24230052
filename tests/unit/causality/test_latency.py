"""Latency tables: right within 1 %, whatever comes, changes and leaves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causality.latency import SLOT_S, LatencyTable, Sample
from causality.sketch import Sketch

NOW_S = 1_795_000_000.0
KEY = ("fn", "us-west-2", "")

durations = st.floats(0.0, 1000.0) | st.sampled_from([0.0, 1e-12, 1e-6, 899.99])


def _nearest_rank(values: list[float], fraction: float) -> float:
    return sorted(values)[max(1, math.ceil(fraction * len(values))) - 1]


@given(st.lists(durations, min_size=1, max_size=200), st.lists(durations, max_size=50))
def test_quantiles_are_within_one_percent(values: list[float], taken_out: list[float]) -> None:
    sketch, other = Sketch(), Sketch()
    for number, value in enumerate([*values, *taken_out]):
        (sketch if number % 2 else other).add(value)
    sketch.merge(other)
    for value in taken_out:
        sketch.add(value, -1)
    assert sketch.count == len(values)
    for fraction, found in zip((0.5, 0.9, 0.99), sketch.quantiles(0.5, 0.9, 0.99), strict=True):
        assert found == pytest.approx(_nearest_rank(values, fraction), rel=0.01, abs=2e-9)


def test_an_empty_sketch_has_no_quantile() -> None:
    assert Sketch().quantiles(0.5, 0.99) == [None, None]


def _sample(value_s: float, at_s: float = NOW_S, *, failed: bool = False) -> Sample:
    return (KEY, value_s, at_s, failed, False)


def test_of_few_samples_the_slowest_is_the_high_quantile() -> None:
    table = LatencyTable()
    for number, value_s in enumerate((0.1, 0.2, 5.0)):
        table.put(number, _sample(value_s))
    (row,) = table.rows(NOW_S)
    assert (row.count, row.p99_s, row.max_s) == (3, 5.0, 5.0)
    assert row.p50_s == pytest.approx(0.2, rel=0.01)


def test_what_is_near_the_slowest_is_not_told_as_the_slowest() -> None:
    table = LatencyTable()
    values = [1.0 + number * 0.00001 for number in range(2000)]
    for number, value_s in enumerate(values):
        table.put(number, _sample(value_s))
    (row,) = table.rows(NOW_S)
    assert row.max_s == values[-1]
    for fraction, found in (
        (0.5, row.p50_s),
        (0.9, row.p90_s),
        (0.95, row.p95_s),
        (0.99, row.p99_s),
    ):
        assert found == pytest.approx(_nearest_rank(values, fraction), rel=0.01)


def test_one_sample_is_every_quantile() -> None:
    table = LatencyTable()
    table.put("a", _sample(0.123))
    (row,) = table.rows(NOW_S)
    assert (row.p50_s, row.p90_s, row.p95_s, row.p99_s, row.max_s) == (0.123,) * 5


def test_a_sample_that_changes_counts_as_it_is_now() -> None:
    table = LatencyTable()
    table.put("a", _sample(9.0, failed=True))
    table.put("b", _sample(1.0))
    table.put("a", _sample(2.0))
    (row,) = table.rows(NOW_S)
    assert (row.count, row.errors) == (2, 0)
    assert row.max_s == pytest.approx(2.0, rel=0.01)
    table.put("a", None)
    table.put("b", None)
    assert not table.rows(NOW_S)
    assert not len(table)


def test_what_left_the_graph_stays_counted() -> None:
    table = LatencyTable()
    for number in range(100):
        table.replace(number, [_sample(0.5), _sample(0.7)])
        table.forget(number)
    (row,) = table.rows(NOW_S)
    assert row.count == 200
    assert not len(table)


def test_a_consumer_that_began_before_the_answer_had_no_delay() -> None:
    table = LatencyTable()
    table.put("a", _sample(-0.3))
    (row,) = table.rows(NOW_S)
    assert (row.p50_s, row.max_s) == (0.0, 0.0)


def test_the_rate_is_that_of_the_last_minute() -> None:
    table = LatencyTable()
    for number in range(120):
        table.put(number, _sample(0.1, NOW_S - number))
    (row,) = table.rows(NOW_S)
    assert row.rate == pytest.approx(1.0, abs=0.2)
    assert sum(row.recent) == 120
    assert len(row.recent) == 30
    assert table.rows(NOW_S + 3600)[0].rate == 0.0


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.lists(durations, max_size=3), st.booleans()), max_size=60
    )
)
def test_any_changes_end_in_what_counting_the_last_state_gives(
    changes: list[tuple[int, list[float], bool]],
) -> None:
    table, last = LatencyTable(), {}
    kept: list[float] = []
    for source, values, leaves in changes:
        table.replace(source, [_sample(value) for value in values])
        last[source] = values
        if leaves:
            table.forget(source)
            kept += last.pop(source)
    fresh = LatencyTable()
    for number, value in enumerate(
        [*kept, *(value for values in last.values() for value in values)]
    ):
        fresh.put(number, _sample(value))
    shown, expected = table.rows(NOW_S), fresh.rows(NOW_S)
    assert [row.count for row in shown] == [row.count for row in expected]
    for row, other in zip(shown, expected, strict=True):
        assert row.p90_s == pytest.approx(other.p90_s, rel=0.021, abs=2e-9)
        assert row.max_s == pytest.approx(other.max_s, rel=0.021, abs=2e-9)


samples = st.lists(
    st.tuples(durations, st.floats(0.0, 2000.0), st.booleans(), st.booleans(), st.booleans()),
    max_size=120,
)


@given(samples, st.sampled_from([60.0, 300.0, 900.0]), st.floats(0.0, 2200.0))
def test_a_window_counts_exactly_what_lies_in_it(
    drawn: list[tuple[float, float, bool, bool, bool]], window_s: float, until_s: float
) -> None:
    table = LatencyTable()
    until = NOW_S + until_s
    for number, (value_s, at_s, failed, cold, withdrawn) in enumerate(drawn):
        table.put(number, (KEY, value_s, NOW_S + at_s, failed, cold))
        if number % 3 == 0:
            table.rows(until, window_s)  # looking on the way changes nothing
        if withdrawn:
            table.put(number, None)
    last = int(until // SLOT_S)
    first = last - int(window_s) // SLOT_S + 1
    oldest = max((int((NOW_S + d[1]) // SLOT_S) for d in drawn), default=0) - 90
    inside = [d for d in drawn if not d[4] and first <= int((NOW_S + d[1]) // SLOT_S) <= last]

    rows = table.rows(until, window_s)

    if first <= oldest:
        return  # what is asked for lies before the newest quarter of an hour: it is not kept
    assert sum(row.count for row in rows) == len(inside)
    if inside:
        (row,) = rows
        assert row.errors == sum(d[2] for d in inside)
        assert row.cold == sum(d[3] for d in inside)
        assert row.rate == pytest.approx(len(inside) / window_s)
        values = [d[0] for d in inside]
        for fraction, found in ((0.5, row.p50_s), (0.9, row.p90_s), (0.95, row.p95_s)):
            assert found == pytest.approx(_nearest_rank(values, fraction), rel=0.01, abs=2e-9)
        assert row.max_s == pytest.approx(max(values), rel=0.01, abs=2e-9)


def test_a_window_slides_on_and_leaves_out_who_has_nothing_in_it() -> None:
    table = LatencyTable()
    table.put("old", (("old", "r", ""), 1.0, NOW_S - 400, False, False))
    table.put("new", (("new", "r", ""), 1.0, NOW_S, False, False))

    assert {row.name for row in table.rows(NOW_S, 900.0)} == {"old", "new"}
    assert {row.name for row in table.rows(NOW_S, 300.0)} == {"new"}
    assert table.rows(NOW_S + 1000, 900.0) == []
    assert {row.name for row in table.rows(NOW_S + 1000)} == {"old", "new"}


def test_what_comes_late_counts_where_it_belongs_or_not_at_all() -> None:
    table = LatencyTable()
    for number in range(300):  # the ring goes round three times
        table.put(number, _sample(1.0, NOW_S + 10 * number))
    table.put("late", _sample(9.0, NOW_S + 5))
    table.put("late", None)
    (row,) = table.rows(NOW_S + 2990, 900.0)
    assert (row.count, row.max_s) == (90, 1.0)
    assert table.rows(NOW_S + 2990)[0].count == 300
