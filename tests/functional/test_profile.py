from __future__ import annotations

import pytest

from gammaray_tui.app import GammarayApp
from gammaray_tui.screens import profile
from gammaray_tui.switching import Place, Switching
from providers.errors import UserError
from tests.functional.mock_model import shop_model
from tests.functional.running import text_of, until


@pytest.fixture(autouse=True)
def two_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        profile, "known_profiles", lambda: {"shop": "us-west-2", "test": "eu-west-1"}
    )


async def test_a_profile_that_works_ends_this_watch_for_the_next() -> None:
    async def check(place: Place) -> None:
        if place.profile != "test":
            raise UserError("No AWS credentials found", todo="Make some.", kind="no-credentials")

    switching = Switching(Place("shop", ("us-west-2", "us-east-1")), check)
    app = GammarayApp(shop_model(), title="shop", switching=switching)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("A")
        await until(pilot, lambda: "eu-west-1" in text_of(app))
        assert "us-west-2, us-east-1" in text_of(app)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "No AWS credentials found" in text_of(app))
        assert switching.chosen is None
        await pilot.press("shift+tab", "end", "space", "tab", "end", *", sa-east-1", "enter")
        await until(pilot, lambda: switching.chosen is not None)
    assert switching.chosen == Place("test", ("eu-west-1", "sa-east-1"))


async def test_without_profiles_the_key_says_so() -> None:
    app = GammarayApp(shop_model(), title="demo")
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("A")
        await until(pilot, lambda: "no profiles to choose from" in text_of(app))
