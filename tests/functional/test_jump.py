"""Jumping by letter, and how close things stand."""

from __future__ import annotations

from gammaray_tui.screens.jump import LETTERS
from tests.functional.mock_model import shop_model
from tests.functional.mock_operations import MockOperations
from tests.functional.running import focus_of, running, text_of, until


async def test_a_letter_goes_to_a_pane_or_to_a_line() -> None:
    async with running(shop_model()) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press("g", "ctrl+o")
        await until(pilot, lambda: app.screen is not app.main)
        await pilot.press(LETTERS[1])
        await until(pilot, lambda: focus_of(app) == "latency")
        await pilot.press("ctrl+o", LETTERS[0])
        await until(pilot, lambda: focus_of(app) == "tree")
        await pilot.press("ctrl+o")
        shown = text_of(app).splitlines()
        assert LETTERS[3] in shown[3][:6]  # below the border and the head of the tree
        await pilot.press(LETTERS[3 + 5])
        await until(pilot, lambda: app.screen is app.main)
        assert tree.cursor == 5
        await pilot.press("ctrl+o", "escape")
        await until(pilot, lambda: app.screen is app.main)
        assert (focus_of(app), tree.cursor) == ("tree", 5)


async def test_it_works_in_dialogs_while_typing() -> None:
    async with running(shop_model(), operations=MockOperations()) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: focus_of(app) == "export")
        chain = app.screen.focus_chain
        dialog = app.screen
        await pilot.press("ctrl+o", LETTERS[len(chain) - 1])
        await until(pilot, lambda: app.screen is dialog and app.focused is chain[-1])


async def test_roomy_gives_the_panes_more_space() -> None:
    async with running(shop_model(), size=(160, 50), density="roomy") as (app, pilot):
        tree = app.main.causal_tree
        roomy = tree.line_width
        await until(pilot, lambda: "checkout-api" in text_of(app))
        await pilot.press("V")
        await until(pilot, lambda: tree.line_width > roomy)
        assert app.density == "compact"
        await pilot.press("V")
        await until(pilot, lambda: tree.line_width == roomy)
