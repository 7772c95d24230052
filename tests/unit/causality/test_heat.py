"""Heat maps: every sample in the row of its latency and the column of its time."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from causality.heat import HeatMap, heat_map, slots_until
from causality.latency import SLOT_S, Tally
from causality.sketch import bucket_of
from widgets.heat_lines import heat_lines, legend
from widgets.look import Look
from widgets.palette import Palette


def _tally(*values_s: float, failed: int = 0) -> Tally:
    tally = Tally()
    for number, value_s in enumerate(values_s):
        tally.add(bucket_of(value_s), value_s, number < failed, cold=False, count=1)
    return tally


@pytest.mark.parametrize(
    "values_s", [(0.05,), (0.0,), (0.1, 0.1001), (0.001, 30.0), (0.0, 0.002, 0.02, 0.2, 2.0)]
)
def test_every_sample_is_in_one_row(values_s: tuple[float, ...]) -> None:
    heat = heat_map([None, _tally(*values_s), _tally(*values_s, failed=1)], 1000.0)
    assert [sum(row[1] for row in heat.counts), sum(row[2] for row in heat.counts)] == [
        len(values_s)
    ] * 2
    assert heat.errors == (0, 0, 1)
    assert len(heat.bounds_s) == len(heat.counts) + 1 <= 11
    assert list(heat.bounds_s) == sorted(set(heat.bounds_s))
    for row, counts in enumerate(heat.counts):
        near = [
            value_s
            for value_s in (max(v, 0.0001) for v in values_s)
            if heat.bounds_s[row] * 0.97 <= value_s <= heat.bounds_s[row + 1] * 1.03
        ]
        assert counts[1] <= len(near)


def test_columns_are_the_slots_up_to_now() -> None:
    assert list(slots_until(100 * SLOT_S + 3.0, 3)) == [98, 99, 100]


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [12, 40, 120])
def test_the_newest_columns_are_drawn_in_the_width(width: int, ascii_only: bool) -> None:
    look = Look(Palette.from_theme({}, ansi=True), ascii_only=ascii_only)
    heat = heat_map([_tally(0.01), *[_tally(*[0.1] * n, failed=1) for n in range(1, 60)]], 600.0)
    lines = heat_lines(heat, width, look)
    texts = ["".join(segment.text for segment in line) for line in lines]
    assert all(cell_len(text) <= width for text in texts)
    assert texts[0].rstrip()[-1] == look.glyphs.shades[3]
    assert "failed" in texts[-2]
    shades = "".join(segment.text for segment in legend(heat, look))
    assert all(shade in shades for shade in look.glyphs.shades)
    assert not ascii_only or all(text.isascii() for text in texts)


def test_no_two_rows_are_labelled_alike() -> None:
    look = Look(Palette.from_theme({}, ansi=True))
    heat = heat_map([_tally(0.0075, 0.012)], 10.0)
    labels = [line[0].text.strip() for line in heat_lines(heat, 80, look)[:-1]]
    assert len(set(labels)) == len(labels) > 5


def test_nothing_is_said_to_be_nothing() -> None:
    look = Look(Palette.from_theme({}, ansi=True))
    heat = heat_map([None] * 5, 0.0)
    assert heat == HeatMap(0.0, (), (), (0,) * 5)
    assert "nothing came" in heat_lines(heat, 80, look)[0][0].text
    assert legend(heat, look) == []
