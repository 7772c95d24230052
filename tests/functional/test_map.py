"""The service map on screen."""

from __future__ import annotations

from tests.functional.mock_model import MockModel, shop_model
from tests.functional.running import line_with, running, text_of, until


async def test_keys_go_from_frame_to_frame_and_choose_a_filter() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "service map" in text_of(app))
        await pilot.press("l", "l", "l", "j")
        await until(pilot, lambda: "started by order-worker" in text_of(app))
        assert line_with(app, "invocations").startswith(" stock-sync  us-east-1")
        await pilot.press("enter")
        await until(pilot, lambda: app.main.filter_text)
        assert app.main.filter_text == 'function:"stock-sync" region:us-east-1'
        assert app.screen is app.main


async def test_a_click_chooses_a_frame_and_escape_leaves() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "checkout-api" in text_of(app))
        lines = text_of(app).splitlines()
        row = next(row for row, line in enumerate(lines) if "order-worker" in line)
        await pilot.click(offset=(lines[row].index("order-worker"), row))
        await until(pilot, lambda: "starts notify-email" in text_of(app))
        await pilot.press("escape")
        assert app.screen is app.main
        assert not app.main.filter_text


async def test_a_narrow_terminal_gets_an_indented_tree() -> None:
    async with running(shop_model(), size=(80, 24)) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "service map" in text_of(app))
        await pilot.press("j")
        await until(pilot, lambda: "started by POST /v1/checkout" in text_of(app))
        depths = [len(line) - len(line.lstrip(" ▌")) for line in text_of(app).splitlines()[1:6]]
        assert depths == sorted(depths)
        assert len(set(depths)) == 4


async def test_an_empty_map_says_so() -> None:
    async with running(MockModel()) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: "nothing has been seen yet" in text_of(app))
