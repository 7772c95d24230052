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


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c", "ctrl+backslash"])
async def test_a_key_leaves_from_a_dialog(key: str) -> None:
    async with running(shop_model(), operations=MockOperations()) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: "resources chosen" in text_of(app))
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)
