from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from causality.snapshot import Span
from tests.functional.mock_model import image_model
from tests.functional.mock_tables import detail_of
from widgets import formats
from widgets.detail_items import DetailItems
from widgets.glyphs import ASCII, UNICODE
from widgets.look import Look
from widgets.palette import Palette
from widgets.text import cut, left, right, shortened, shortened_path, shown
from widgets.timeline import half_cells
from widgets.tree_columns import tree_columns
from widgets.wrapping import wrapped


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "0ms"),
        (0.00001, "<.1ms"),
        (0.0004, "0.4ms"),
        (0.147, "147ms"),
        (0.9994, "999ms"),
        (0.9996, "1.00s"),
        (1.155, "1.16s"),
        (12.34, "12.3s"),
        (99.96, "1m40s"),
        (125, "2m05s"),
        (3725, "1h02m"),
        (90_000, "25h00m"),
        (400_000, "4d15h"),
        (-0.012, "-12ms"),
    ],
)
def test_durations_fit_six_cells(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text
    assert len(text) <= 6


def test_offsets_and_clocks_fit_seven_cells() -> None:
    assert formats.offset(0.098) == "+98ms"
    assert formats.offset(-0.003) == "-3ms"
    assert formats.offset(None) == "–"
    assert formats.clock(1_760_000_019.94) == "08:53:39"
    assert formats.instant(1_760_000_019.0405) == "2025-10-09 08:53:39.040 UTC"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8s"), (12.3, "12s"), (200, "3m"), (9000, "2h"), (500_000, "6d"), (-3, "0.0s")],
)
def test_lags_fit_four_cells(seconds: float, text: str) -> None:
    assert formats.lag(seconds) == text


@pytest.mark.parametrize(
    ("region", "short"),
    [
        ("us-west-2", "usw2"),
        ("us-east-1", "use1"),
        ("ap-southeast-1", "apse1"),
        ("us-gov-west-1", "usgw1"),
        ("local", "local"),
        ("", ""),
    ],
)
def test_regions_are_shortened_as_aws_does(region: str, short: str) -> None:
    assert formats.short_region(region) == short


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0"), (0.02, "0.02"), (0.25, "0.2"), (7.54, "7.5"), (371.2, "371"), (12_345, "12k")],
)
def test_rates_fit_four_cells(rate: float, text: str) -> None:
    assert formats.rate(rate) == text


def test_sparklines_take_the_newest_values() -> None:
    assert formats.sparkline((0, 0, 1, 4, 8), 3, UNICODE.bars) == "▂▅█"
    assert formats.sparkline((0, 0), 5, UNICODE.bars) == "▁▁"
    assert formats.sparkline((), 5, UNICODE.bars) == ""


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain-name_1", "plain-name_1"),
        ("\x1b[2J", "␛[2J"),
        ("a\tb\nc\x7f", "a␉b␊c␡"),
        ("x\u202ey\u200bz\u2028", "x\ufffdy\ufffdz\ufffd"),
        ("\x9b31m", "\ufffd31m"),
        ("\ud800", "\ufffd"),
        ("[bold]", "[bold]"),
        ("日本語 é", "日本語 é"),
    ],
)
def test_what_a_terminal_might_obey_is_made_visible(text: str, safe: str) -> None:
    assert shown(text) == safe
    safe.encode()


@pytest.mark.parametrize("text", ["", "a", "abcdef", "日本語の名前", "aé日b本c"])
@pytest.mark.parametrize("width", range(9))
def test_cutting_and_padding_count_cells(text: str, width: int) -> None:
    assert cell_len(cut(text, width)) <= width
    assert cell_len(shortened(text, width)) <= width
    assert cell_len(left(text, width)) == width
    assert cell_len(right(text, width)) == width
    if cell_len(text) <= width:
        assert left(text, width).startswith(text)
        assert right(text, width).endswith(text)


def test_names_are_cut_in_their_middle() -> None:
    assert shortened("orders-production-charge-card", 17) == "orders-p…rge-card"
    assert shortened("orders-production-charge-card", 29) == "orders-production-charge-card"
    assert shortened("orders", 4) == "ord…"
    edge = "orders-production-intake → jobs → orders-production-charge-card"
    assert shortened_path(edge, " → ", 40) == "orders-…-intake → jobs → orders-…ge-card"
    assert shortened_path(edge, " → ", 20) == "orders-pr…harge-card"


def test_lines_are_folded_at_spaces_and_long_words_anywhere() -> None:
    assert list(wrapped("one two three", 8)) == [(True, "one two"), (False, "three")]
    assert list(wrapped("abcdefghij", 4)) == [(True, "abcd"), (False, "efgh"), (False, "ij")]
    assert list(wrapped("", 8)) == [(True, "")]


def test_bars_have_half_cells() -> None:
    spans = (Span("wait", 0.0, 0.25), Span("init", 0.25, 0.5), Span("run", 0.5, 1.0))
    assert list(half_cells(spans, 1.0, 4)) == [1, 1, 2, 2, 4, 4, 4, 4]
    assert list(half_cells((Span("run", 0.25, 0.5),), 1.0, 2)) == [0, 4, 0, 0]


def test_the_shortest_run_still_shows() -> None:
    assert 4 in half_cells((Span("run", 0.5, 0.5),), 1000.0, 10)
    assert half_cells((Span("run", 1000.0, 1000.0),), 1000.0, 10)[-1] == 4
    assert half_cells((Span("run", 0.0, 0.0),), 0.0, 10)[0] == 4
    assert half_cells((), 0.0, 3) == bytearray(6)


@pytest.mark.parametrize("width", range(20, 260))
def test_tree_columns_fill_the_width_exactly(width: int) -> None:
    columns = tree_columns(width)
    cells = [
        columns.function,
        columns.region,
        columns.trigger,
        columns.start,
        columns.duration,
        columns.timeline,
        columns.delay,
        columns.cold,
        columns.evidence,
    ]
    used = 2 + sum(cell + 1 for cell in cells if cell)
    assert used == max(width, 12 + 2 + 1 + 7 + 2)
    assert columns.function <= 36 or not columns.timeline


def test_columns_give_way_as_the_width_shrinks() -> None:
    assert tree_columns(160).full_region
    assert tree_columns(117).trigger
    assert not tree_columns(79).trigger
    assert not tree_columns(60).evidence
    assert not tree_columns(50).timeline
    assert tree_columns(116).trigger >= len("fired: invoked directly")  # of 120 columns
    assert all(tree_columns(width).start >= len(formats.clock(0.0)) for width in range(54, 260))


def test_the_ascii_signs_are_ascii() -> None:
    signs = [
        *ASCII.state.values(),
        *ASCII.region.values(),
        *ASCII.mode.values(),
        *ASCII.step.values(),
        *ASCII.evidence_rail.values(),
        *(
            value
            for value in (getattr(ASCII, name) for name in ASCII.__slots__)
            if isinstance(value, str)
        ),
    ]
    assert all(sign.isascii() for sign in signs)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_signs_of_a_kind_differ(glyphs: object) -> None:
    for kind in ("state", "region", "mode", "step", "evidence_rail"):
        signs = list(getattr(glyphs, kind).values())
        assert len(set(signs)) == len(signs), kind
        assert all(cell_len(sign) == 1 for sign in signs)


def test_no_figure_of_the_detail_is_cut_in_a_narrow_pane() -> None:
    chain = image_model(1).chains[0]
    found = detail_of(chain, chain.root)
    detail = replace(found, init_s=1.17, cold=True, used_mb=257, memory_mb=3008, billed_s=0.271)
    look = Look(Palette.from_theme({}, ansi=True))
    lines = ["".join(s.text for s in item.paint(56)) for item in DetailItems(detail, look).full()]
    assert " mem 257/3008MB  billed 271ms " in lines[2]
    assert all("…" not in line for line in lines[:3])
