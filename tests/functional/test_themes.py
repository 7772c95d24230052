"""Themes on screen: chosen by pointing, written by the user, read again as they are edited."""

from __future__ import annotations

import os
from pathlib import Path

from gammaray_tui.app import GammarayApp
from tests.functional.mock_model import shop_model
from tests.functional.running import running, text_of, until

_THEME = (Path(__file__).parents[2] / "themes" / "gammaray-dark.toml").read_text("utf-8")


async def test_each_theme_is_shown_as_it_is_pointed_at() -> None:
    async with running(shop_model()) as (app, pilot):
        before = app.theme
        await pilot.press("T")
        await until(pilot, lambda: "keep" in text_of(app))
        await pilot.press("down")
        await until(pilot, lambda: app.theme != before)
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == before)
        await pilot.press("T", "down", "enter")
        await until(pilot, lambda: app.screen is app.main)
        assert app.theme != before


async def test_a_users_theme_is_read_again_as_it_is_edited(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(_THEME.replace("gammaray-dark", "mine"))
    model = shop_model()
    app = GammarayApp(model, title="x", theme="mine", theme_folder=tmp_path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.pause()
        assert app.current_theme.primary == "#7c9cff"
        path.write_text(_THEME.replace("gammaray-dark", "mine").replace("#7c9cff", "#123456"))
        os.utime(path, ns=(1, 1))
        await until(pilot, lambda: app.theme_variables["primary"] == "#123456")
        path.write_text("name = 3")
        await until(pilot, lambda: "a theme cannot be read" in text_of(app))
        assert app.current_theme.primary == "#123456"


async def test_keys_of_the_user_work_and_are_shown() -> None:
    app = GammarayApp(shop_model(), title="x", keys={"map": "p", "problems": "v"})
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        assert "p map" in text_of(app)
        await pilot.press("m")
        await pilot.pause()
        assert app.screen is app.main
        await pilot.press("p")
        await until(pilot, lambda: "service map" in text_of(app))
