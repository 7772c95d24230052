"""The deploy dialog: the plan first, then each step, behind a closed dialog, too."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

import examples
from providers.errors import UserError
from tests.functional.mock_model import shop_model
from tests.functional.mock_operations import SHOP, MockOperations
from tests.functional.running import focus_of, line_with, running, text_of, until


async def test_deploy_shows_the_plan_first_and_then_each_step() -> None:
    operations = MockOperations()
    operations.may_go_on.clear()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "This will take 5 steps" in text_of(app))
        assert focus_of(app) == "cancel"
        assert operations.deployed == []
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "» " in line_with(app, "role gammaray-imageproc"))
        operations.may_go_on.set()
        await until(pilot, lambda: "is deployed; close this" in text_of(app))
        assert "✓" in line_with(app, "table image-proc-B")
        await pilot.press("enter")
        assert focus_of(app) == "tree"


async def test_what_was_deployed_is_shown_as_deployed() -> None:
    operations = MockOperations()
    operations.listed = (SHOP,)
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "not deployed" in line_with(app, "a shop"))
        await until(pilot, lambda: "This will take" in text_of(app))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "shop is deployed; close this" in text_of(app))
        await until(pilot, lambda: "not deployed" not in line_with(app, "a shop"))


async def test_deploy_takes_configuration_and_regions_and_plans_for_them() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=(80, 24)) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "This will take 5 steps" in text_of(app))
        await pilot.press(*["shift+tab"] * 3)
        assert focus_of(app) == "configuration"
        await pilot.press("G", "space")
        await until(pilot, lambda: "(●) B" in text_of(app))
        await pilot.press("tab", "space")
        await until(pilot, lambda: "[ ] us-east-1" in text_of(app))
        await until(pilot, lambda: "This will take 4 steps" in text_of(app))
        await pilot.press(*["shift+tab"] * 3, "j", "space")
        await until(pilot, lambda: "[✓] us-east-1" in text_of(app))
        await until(pilot, lambda: "This will take 5 steps" in text_of(app))
        await pilot.press("tab", "tab", "tab", "space")
        await until(pilot, lambda: "This will take 4 steps" in text_of(app))
        await pilot.press("tab", "tab", "tab", "enter")
        await until(pilot, lambda: "imageproc:B, shop:B are deployed" in text_of(app))
    assert operations.deployed == ["imageproc:B", "shop:B"]
    assert operations.deployed_in == [["us-west-2"]] * 2


async def test_deploy_takes_an_application_of_the_users_own(tmp_path: Path) -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=(80, 24)) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "This will take 5 steps" in text_of(app))
        await pilot.press(*["shift+tab"] * 4, *"nothing", "enter")
        await until(pilot, lambda: "There is no application named nothing" in text_of(app))
        await pilot.press("ctrl+a", "ctrl+k")
        folder = Path(examples.__file__).parent / "microbench"
        app.screen.query_one("#manifest", Input).value = str(folder)
        await pilot.press("enter")
        await until(pilot, lambda: "[✓] us-west-2" in text_of(app))
        await until(pilot, lambda: "[✓] us-east-1" not in text_of(app))
        await until(pilot, lambda: "This will take" in text_of(app))
        await pilot.press(*["tab"] * 5, "enter")
        await until(pilot, lambda: operations.deployed == [str(folder.resolve())])
        await until(pilot, lambda: "is deployed; close this" in text_of(app))
        await pilot.press("escape", "f")
        await until(pilot, lambda: focus_of(app) == "fire")
        assert app.screen.query_one("#target", Input).value == str(folder.resolve())
        assert "cannot be fired" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: operations.fired == [(str(folder.resolve()), 1)])


async def test_nothing_chosen_is_not_deployed() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "This will take 5 steps" in text_of(app))
        await pilot.press(*["shift+tab"] * 5, "space")
        await until(pilot, lambda: "Choose an application" in text_of(app))
        assert app.screen.query_one("#deploy").disabled


async def test_deploy_goes_on_behind_a_closed_dialog() -> None:
    operations = MockOperations()
    operations.may_go_on.clear()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "This will take 5 steps" in text_of(app))
        await pilot.press("tab", "enter", "escape")
        assert focus_of(app) == "tree"
        operations.may_go_on.set()
        await until(pilot, lambda: "imageproc is deployed" in text_of(app))


async def test_a_failed_deployment_says_why_and_can_be_tried_again() -> None:
    operations = MockOperations()
    operations.deploy_error = UserError(
        "lambda:CreateFunction was denied.", on="us-west-2", todo="Allow it to the role."
    )
    async with running(shop_model(), operations=operations, size=(80, 24)) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "This will take 5 steps" in text_of(app))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "lambda:CreateFunction was denied." in text_of(app))
        assert "Allow it to the role." in text_of(app)
        assert "AccessDenied" in line_with(app, "function DBSyncPy")
        operations.deploy_error = None
        await pilot.press("r")
        await until(pilot, lambda: "is deployed; close this" in text_of(app))
        assert operations.deployed == ["imageproc", "imageproc"]
