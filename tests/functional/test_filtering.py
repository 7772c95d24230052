"""The filter of the main screen: typed, completed, wrong, taken from a row, and taken off."""

from __future__ import annotations

from textual.widgets import Input

from gammaray_tui.watch import Watch
from providers.events import RecordBatch
from tests.functional.mock_model import MockModel, image_model, shop_model
from tests.functional.running import focus_of, running, text_of, until
from tests.unit.analysis.chains import World, received, send


async def test_the_filter_applies_says_what_is_wrong_and_is_taken_off() -> None:
    model = MockModel(
        [*shop_model(4).chains, *image_model(4).chains],
    )
    async with running(model) as (app, pilot):
        await pilot.press("slash", *"DBSync")
        await until(pilot, lambda: model.filter == "DBSync")
        assert "checkout-api" not in text_of(app).split("latency")[0]
        await pilot.press("left_parenthesis")
        await until(pilot, lambda: "not closed" in text_of(app))
        assert model.filter == "DBSync"
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: focus_of(app) == "tree")
        assert "DBSync" in text_of(app).splitlines()[-2]
        await pilot.press("g", "n")
        assert app.main.causal_tree.current is not None
        assert app.main.causal_tree.current.function == "DBSyncPy"
        await pilot.press("slash", "escape")
        await until(pilot, lambda: model.filter == "")
        assert "DBSync" not in text_of(app).splitlines()[-2]
        assert focus_of(app) == "tree"


async def test_what_is_wrong_and_what_was_meant_fit_into_80_columns() -> None:
    async with running(Watch("test"), size=(80, 24)) as (app, pilot):
        await pilot.press("slash", *"dur>1s")
        await until(pilot, lambda: "cannot be compared; did you mean duration?" in text_of(app))


async def test_escape_takes_the_filter_off_in_the_tree() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("slash", *"nobody", "enter")
        await until(pilot, lambda: "Nothing fits the filter" in text_of(app))
        assert "nothing has come" not in text_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: "Nothing fits the filter" not in text_of(app))
        assert app.main.filter_text == ""


async def test_a_filter_that_nothing_fits_says_so() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("slash", *"nothing", "enter")
        await until(pilot, lambda: "Nothing fits the filter" in text_of(app))


async def test_enter_on_a_function_filters_by_it() -> None:
    model = shop_model()
    async with running(model) as (app, pilot):
        await pilot.press("2", "enter")
        await until(pilot, lambda: model.filter == 'function:"checkout-api" region:us-west-2')
        assert focus_of(app) == "tree"


async def test_enter_on_an_edge_filters_by_it() -> None:
    watch = Watch("test")
    world = World()
    world.run("a", "F", 0.0, 1.0, send("x", 0.1, 0.1, "m1"))
    world.run("b", "G", 1.0, 2.0, causes=(received("m1"),))
    world.run("c", "G", 1.0, 2.0)
    watch.apply(RecordBatch("us-east-1", "", world.records))
    async with running(watch) as (app, pilot):
        await pilot.press("2", "v", "enter")
        wanted = 'function:"G" caller:"F" resource:jobs region:us-east-1'
        await until(pilot, lambda: app.main.filter_text == wanted)
        await until(pilot, lambda: "filtered" in text_of(app))
        assert len(app.snapshot.rows) == 2


async def test_a_filter_is_completed_and_what_was_typed_before_comes_back() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("slash", *"function:chec")
        field = app.screen.query_one("#expression", Input)
        await until(pilot, lambda: field._suggestion == "function:checkout-api")
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.main.filter_text == "function:checkout-api")
        await pilot.press("slash", "end", *([*["backspace"] * 30]), *"cold", "enter")
        await until(pilot, lambda: app.main.filter_text == "cold")
        await pilot.press("slash", "up")
        assert field.value == "cold"
        await pilot.press("up")
        assert field.value == "function:checkout-api"
        await pilot.press("down", "down")
        assert not field.value
    async with running(shop_model()) as (app, pilot):  # the next session
        await pilot.press("slash", "up")
        assert app.screen.query_one("#expression", Input).value == "cold"
