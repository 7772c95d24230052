"""The time line of a chain on screen."""

from __future__ import annotations

import re

from tests.functional.mock_model import image_model, shop_model
from tests.functional.running import line_with, running, text_of, until


async def test_keys_zoom_pan_and_fit() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("k", "t")
        await until(pilot, lambda: "critical path" in text_of(app))
        whole = line_with(app, "took")
        await pilot.press("j", "plus", "plus")
        await until(pilot, lambda: line_with(app, "took") != whole)
        zoomed = line_with(app, "took")
        await pilot.press("l")
        await until(pilot, lambda: line_with(app, "took") != zoomed)
        await pilot.press("0")
        await until(pilot, lambda: line_with(app, "took") == whole)
        await pilot.press("z")
        await until(pilot, lambda: line_with(app, "took") != whole)
        await pilot.press(*["minus"] * 8)
        await until(pilot, lambda: line_with(app, "took") == whole)


async def test_its_keys_are_the_users_in_the_footer_and_in_the_help() -> None:
    async with running(shop_model(), keys={"waterfall.in": "i", "waterfall.out": "u"}) as (
        app,
        pilot,
    ):
        await pilot.press("k", "t")
        await until(pilot, lambda: "critical path" in text_of(app))
        assert "i u zoom" in text_of(app).splitlines()[-1]
        whole = line_with(app, "took")
        await pilot.press("i", "i")
        await until(pilot, lambda: line_with(app, "took") != whole)
        await pilot.press("question_mark")
        await until(pilot, lambda: "the whole chain" in text_of(app))
        assert re.search(r"\bi +zoom in", text_of(app))


async def test_enter_goes_to_the_line_in_the_tree() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("k", "t")
        await until(pilot, lambda: "critical path" in text_of(app))
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: app.screen is app.main)
        current = app.main.causal_tree.current
        assert current is not None
        assert current.depth == 1


async def test_what_was_done_stands_on_the_time_line() -> None:
    model = shop_model()
    model.mark("fired", "shop")
    model.mark("paused", "")
    async with running(model) as (app, pilot):
        await pilot.press("k", "t")
        await until(pilot, lambda: "100ms after: fired shop" in text_of(app))
        assert "▾paused" in line_with(app, "took")


async def test_calls_come_and_go() -> None:
    async with running(image_model()) as (app, pilot):
        await pilot.press("k", "t")
        await until(pilot, lambda: "critical path" in text_of(app))
        lines = len(text_of(app).split())
        await pilot.press("a")
        await until(pilot, lambda: len(text_of(app).split()) != lines)
        await pilot.press("escape")
        assert app.screen is app.main
