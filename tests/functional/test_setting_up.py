"""The dialogs that set up, record existing functions, and finish what was stopped half-way."""

from __future__ import annotations

import pytest

from gammaray_tui.handlers import tell_unfinished
from providers.acts import Act, Unfinished
from tests.functional.mock_model import shop_model
from tests.functional.mock_operations import RESOURCES, STOPPED, MockOperations
from tests.functional.running import focus_of, line_with, running, text_of, until

SMALL = (80, 24)


async def test_functions_are_planned_for_before_the_recorder_is_attached() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=SMALL) as (app, pilot):
        await pilot.press("I")
        await until(pilot, lambda: "Choose functions." in text_of(app))
        assert "is no Python" in line_with(app, "Frontend")
        await pilot.press(*["shift+tab"] * 3)
        assert focus_of(app) == "functions"
        await pilot.press("space", "tab", "space")
        await until(pilot, lambda: "This will take 1 step" in text_of(app))
        assert operations.instrumented == []
        await pilot.press(*["tab"] * 3, "enter")
        await until(pilot, lambda: "The functions are recorded now." in text_of(app))
    assert operations.instrumented == [("attach", ("arn:checkout",), True)]


async def test_the_recorder_is_detached() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("I")
        await until(pilot, lambda: "Choose functions." in text_of(app))
        await pilot.press(*["shift+tab"] * 4, "j", "space", "tab", "space")
        await until(pilot, lambda: "This will take 1 step" in text_of(app))
        await pilot.press("tab", "tab", "tab", "enter")
        await until(pilot, lambda: "as they were before" in text_of(app))
    assert operations.instrumented == [("detach", ("arn:worker",), False)]


@pytest.mark.parametrize("size", [SMALL, (120, 40)])
async def test_role_and_policy_are_shown_before_they_are_made(size: tuple[int, int]) -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=size) as (app, pilot):
        await pilot.press("M")
        await until(pilot, lambda: "The tables will take 1 step" in text_of(app))
        assert "gammaray-execution" not in text_of(app)
        await pilot.press(*["shift+tab"] * 2, "j", "j", "space")
        await until(pilot, lambda: '"name": "gammaray-execution"' in text_of(app))
        assert operations.made == []
        await pilot.press(*["tab"] * 4, "enter")
        await until(pilot, lambda: "Attach the policy /gammaray/gammaray-operator" in text_of(app))
    assert operations.made == ["tables", "roles"]


async def test_the_collector_is_planned_for_when_it_is_chosen() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=SMALL) as (app, pilot):
        await pilot.press("M")
        await until(pilot, lambda: "The tables will take 1 step" in text_of(app))
        assert "function gammaray-collector" not in text_of(app)
        await pilot.press(*["shift+tab"] * 2, "j", "j", "j", "space")
        await until(pilot, lambda: "its tables will take 2 steps" in text_of(app))
        assert "function gammaray-collector" in text_of(app)
        assert operations.made == []
        await pilot.press(*["tab"] * 3, "enter")
        await until(pilot, lambda: "Watch what is collected" in text_of(app))
    assert operations.made == ["tables", "collector"]


async def test_tables_are_emptied_only_when_the_word_was_typed() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=SMALL) as (app, pilot):
        await pilot.press("M")
        await until(pilot, lambda: "The tables will take 1 step" in text_of(app))
        await pilot.press(*["shift+tab"] * 2, "j", "space")
        await until(pilot, lambda: "All records of all regions will be deleted" in text_of(app))
        await pilot.press(*["tab"] * 3, "enter")
        await until(pilot, lambda: "type testuser to confirm" in text_of(app))
        await pilot.press("enter", *"testuse", "enter")
        assert operations.made == []
        await pilot.press("r", "enter")
        await until(pilot, lambda: "Everything stands." in text_of(app))
    assert operations.made == ["tables anew"]


async def test_what_was_stopped_half_way_is_told_and_finished() -> None:
    operations = MockOperations()
    operations.stopped = list(STOPPED)
    async with running(shop_model(), operations=operations, on_start=tell_unfinished) as (
        app,
        pilot,
    ):
        await until(pilot, lambda: "deploy imageproc was stopped half-way" in text_of(app))
        await pilot.press("U")
        await until(pilot, lambda: "1 of 2 steps were through, then at table" in text_of(app))
        await pilot.press(*["shift+tab"] * 3)
        await until(pilot, lambda: focus_of(app) == "finish")
        await pilot.press("enter")
        await until(pilot, lambda: "deploy imageproc is finished" in text_of(app))
        assert "instrument Checkout" in text_of(app)
    assert operations.finished == ["a1"]


async def test_a_cleanup_is_not_finished_before_it_was_agreed_to_once_more() -> None:
    operations = MockOperations()
    operations.stopped = [Unfinished("c3", Act("cleanup", resources=tuple(RESOURCES)), 1.7e9)]
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("U")
        await until(pilot, lambda: "no step was begun" in text_of(app))
        while focus_of(app) != "finish":
            await pilot.press("shift+tab")
        await pilot.press("enter")
        await until(pilot, lambda: "This cannot be undone" in text_of(app))
        assert RESOURCES[0].name in text_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: "This cannot be undone" not in text_of(app))
        assert operations.finished == []
        await pilot.press("enter")
        await until(pilot, lambda: "This cannot be undone" in text_of(app))
        await pilot.press(*app.account_name, "enter")
        await until(pilot, lambda: operations.finished == ["c3"])


async def test_what_was_stopped_half_way_is_undone_or_forgotten() -> None:
    operations = MockOperations()
    operations.stopped = list(STOPPED)
    async with running(shop_model(), operations=operations, size=SMALL) as (app, pilot):
        await pilot.press("U")
        await until(pilot, lambda: "1 of 2 steps were through" in text_of(app))
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: "5 resources chosen" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "1 of 2 steps were through" in text_of(app))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "deploy imageproc" not in text_of(app))
        await until(pilot, lambda: "instrument Checkout" in text_of(app))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "is undone" in text_of(app))
    assert operations.instrumented == [("detach", ("Checkout",), False)]
    assert operations.deleted == []
    assert operations.stopped == []


async def test_read_only_takes_all_of_it_away() -> None:
    operations = MockOperations()
    operations.stopped = list(STOPPED)
    async with running(
        shop_model(), operations=operations, read_only=True, on_start=tell_unfinished
    ) as (app, pilot):
        await until(pilot, lambda: "deploy imageproc was stopped half-way" in text_of(app))
        assert "finishes or undoes" not in text_of(app)
        for key in ("I", "M", "U"):
            await pilot.press(key)
            await until(pilot, lambda: "this session only reads" in text_of(app))
            await pilot.press("escape")
