"""How the main screen is divided: layouts by size and by choice, pages, one pane alone."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from gammaray_tui.app import GammarayApp
from tests.functional.mock_model import shop_model
from tests.functional.running import focus_of, line_with, running, text_of, until


@pytest.mark.parametrize(
    ("size", "layout"),
    [
        ((80, 24), "mono"),
        ((120, 29), "mono"),
        ((99, 40), "mono"),
        ((100, 30), "stack"),
        ((159, 50), "stack"),
        ((160, 50), "side"),
        ((250, 70), "side"),
    ],
)
async def test_the_size_chooses_the_layout(size: tuple[int, int], layout: str) -> None:
    async with running(shop_model(), size=size) as (app, _):
        assert app.main.has_class(f"-{layout}")
        others = {"mono", "stack", "side"} - {layout}
        assert not any(app.main.has_class(f"-{other}") for other in others)


async def resize(app: GammarayApp, pilot: Pilot[None], width: int, height: int) -> None:
    """Give the terminal another size, and wait until all of it is in use."""
    await pilot.resize_terminal(width, height)
    keys = app.main.query_one("#keys")
    await until(pilot, lambda: (keys.region.right, keys.region.bottom) == (width, height))


async def test_resizing_goes_through_the_layouts_and_keeps_the_cursor() -> None:
    async with running(shop_model(40)) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press(*["k"] * 5)
        assert tree.current is not None
        held = tree.current.node
        for width, height in ((80, 24), (200, 50), (120, 40), (60, 15), (250, 70)):
            await resize(app, pilot, width, height)
            assert tree.current.node == held
            assert tree.cursor in tree.window
            assert app.main.latency.display or width < 100


async def test_following_survives_resizing() -> None:
    async with running(shop_model(40)) as (app, pilot):
        tree = app.main.causal_tree
        for width, height in ((80, 24), (200, 50), (120, 40)):
            await resize(app, pilot, width, height)
            await until(pilot, lambda: tree.scroll_offset.y == tree.max_scroll_y)
            assert tree.following


async def test_a_terminal_too_small_says_so() -> None:
    async with running(shop_model(), size=(50, 12)) as (app, pilot):
        assert "60x15" in text_of(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "checkout-api" in text_of(app))


async def test_the_layout_can_be_chosen() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("L")
        assert app.main.has_class("-mono")
        await pilot.press("L", "L")
        assert app.main.has_class("-side")
        await pilot.press("L")
        assert app.main.has_class("-stack")


async def test_panes_by_key_in_the_mono_layout_are_pages() -> None:
    async with running(shop_model(), size=(80, 24)) as (app, pilot):
        assert "function        n" not in text_of(app)
        await pilot.press("2")
        assert "order-worker" in line_with(app, "order-worker")
        assert focus_of(app) == "latency"
        assert "p95" in text_of(app)
        await pilot.press("3")
        assert focus_of(app) == "detail"
        assert "trace" in text_of(app)
        await pilot.press("tab")
        assert focus_of(app) == "tree"
        await pilot.press("shift+tab")
        assert focus_of(app) == "detail"
        await pilot.press("escape")
        assert focus_of(app) == "tree"
        assert "time line" in text_of(app)


async def test_a_pane_can_be_maximised() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("2", "o")
        assert "causal tree" not in text_of(app)
        assert "latency" in text_of(app)
        await pilot.press("escape")
        assert "causal tree" in text_of(app)
