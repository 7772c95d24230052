"""The keys that leave the program, from the main screen and from a dialog."""

from __future__ import annotations

import pytest

from tests.functional.mock_model import shop_model
from tests.functional.mock_operations import MockOperations
from tests.functional.running import running, text_of, until


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c", "ctrl+backslash"])
async def test_a_key_leaves(key: str) -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)
        assert app.return_code == 0


async def test_it_asks_before_it_stops_something_half_way() -> None:
    operations = MockOperations()
    operations.may_go_on.clear()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "This will take 5 steps" in text_of(app))
        await pilot.press("tab", "enter", "escape", "q")
        await until(pilot, lambda: "Still under way: deploying" in text_of(app))
        await pilot.press("n")
        operations.may_go_on.set()
        await until(pilot, lambda: "imageproc is deployed" in text_of(app))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c", "ctrl+backslash"])
async def test_a_key_leaves_from_a_dialog(key: str) -> None:
    async with running(shop_model(), operations=MockOperations()) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: "resources chosen" in text_of(app))
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)
