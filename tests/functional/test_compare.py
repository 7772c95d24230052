"""Comparing two sets of chains on screen."""

from __future__ import annotations

from textual.widgets import Input

from tests.functional.mock_model import shop_model
from tests.functional.running import line_with, running, text_of, until


async def test_before_and_after_the_middle_are_compared_at_once() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: "latency of both" in text_of(app))
        assert "before 120 chains · after 118 chains" in text_of(app)
        assert "started<2025-10-09T" in text_of(app)
        assert "slower" in line_with(app, "▴ order-worker")
        assert "+110ms +55%" in line_with(app, "▴ order-worker")
        await pilot.press("escape")
        assert app.screen is app.main


async def test_an_expression_that_is_missing_is_asked_for() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: "latency of both" in text_of(app))
        app.screen.query_one("#before", Input).value = ""
        await until(pilot, lambda: "which chains?" in text_of(app))
