"""Nothing that fails outside takes the screen down; it becomes a message that says what to do."""

from __future__ import annotations

import asyncio

from gammaray_tui.app import GammarayApp
from gammaray_tui.screens.error import ErrorScreen
from gammaray_tui.screens.fire import Shot
from providers.errors import UserError
from tests.functional.mock_data import START_S, shop_chain
from tests.functional.mock_model import MockModel, shop_model
from tests.functional.mock_operations import MockOperations
from tests.functional.running import running, text_of, until

EXPIRED = UserError(
    "The token has expired.", on="profile testuser", todo="Run aws sso login, then start again."
)


async def test_an_error_in_a_source_says_what_to_do_and_the_rest_goes_on() -> None:
    model = shop_model()
    cancelled = asyncio.Event()

    async def fails() -> None:
        raise EXPIRED

    async def runs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with running(model, sources=(fails, runs)) as (app, pilot):
        await until(pilot, lambda: "The token has expired." in text_of(app))
        assert "profile testuser" in text_of(app)
        assert "Run aws sso login" in text_of(app)
        assert not cancelled.is_set()
        await pilot.press("escape")
        model.feed(shop_chain(20, START_S))
        await until(pilot, lambda: len(app.snapshot.rows) == 60)
    assert cancelled.is_set()


async def test_errors_do_not_pile_up() -> None:
    async def fails() -> None:
        raise EXPIRED

    async def fails_too() -> None:
        raise UserError("Access was denied.", todo="Allow dynamodb:GetRecords.")

    async with running(shop_model(), sources=(fails, fails, fails_too)) as (app, pilot):
        await until(pilot, lambda: "Access was denied." in text_of(app))
        assert text_of(app).count("The token has expired.") == 1
        assert sum(isinstance(screen, ErrorScreen) for screen in app.screen_stack) == 1


async def test_a_defect_in_a_source_is_shown_with_its_traceback() -> None:
    async def fails() -> None:
        raise KeyError("[bold]ts\x1b[2J")

    async with running(shop_model(), sources=(fails,)) as (app, pilot):
        await until(pilot, lambda: "KeyError" in text_of(app))
        assert "defect of gammaray-tui" in text_of(app)
        assert "raise KeyError" in text_of(app)
        assert "\x1b" not in text_of(app)


async def test_a_model_that_fails_is_told_once_and_asked_again() -> None:
    class Failing(MockModel):
        failing = True

        def drain(self, budget_s: float = 0.01) -> bool:
            if self.failing:
                raise ValueError("a record that nobody foresaw")
            return super().drain(budget_s)

    model = Failing()
    async with running(model) as (app, pilot):
        await until(pilot, lambda: "nobody foresaw" in text_of(app))
        await pilot.press("escape")
        model.failing = False
        model.feed(shop_chain(0, START_S))
        await until(pilot, lambda: "checkout-api" in text_of(app))
        assert not isinstance(app.screen, ErrorScreen)


async def test_an_error_at_the_start_is_shown() -> None:
    async def start(app: GammarayApp) -> None:
        raise UserError("Port 4566 is taken.", todo="Stop what listens there.")

    async with running(MockModel(), on_start=start) as (app, pilot):
        await until(pilot, lambda: "Port 4566 is taken." in text_of(app))


async def test_a_source_added_later_runs() -> None:
    ran = asyncio.Event()

    async def source() -> None:
        ran.set()

    async with running(MockModel()) as (app, _):
        app.add_source(source)
        await asyncio.wait_for(ran.wait(), 60)


async def test_firing_that_fails_says_why() -> None:
    operations = MockOperations()
    operations.fire_error = UserError("imageproc is not deployed.", todo="Press i.")
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: "invokes ImageProcPy" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "imageproc is not deployed." in text_of(app))


async def test_what_was_accepted_is_followed_though_other_firings_failed() -> None:
    operations = MockOperations()
    operations.not_accepted = ("Too many requests.",)
    async with running(shop_model(), operations=operations) as (app, pilot):
        app.fire(Shot("imageproc", 3))
        await until(pilot, lambda: "1 of 3 firings of imageproc failed" in text_of(app))
        assert "Too many requests." in text_of(app)
        await until(pilot, lambda: "2 of 2 chains, 6 invocations" in text_of(app))
