"""The dialogs: where the focus is, what they do, and that nothing is destroyed unasked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from gammaray_tui.actions import ACTIONS
from providers.errors import UserError
from tests.functional.mock_data import START_S
from tests.functional.mock_model import MockModel, shop_model
from tests.functional.mock_operations import CHECKS, RESOURCES, MockOperations
from tests.functional.running import focus_of, running, text_of, until
from widgets.choice_list import ChoiceList


async def test_fire_needs_two_keys_and_again_one() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: focus_of(app) == "fire")
        await pilot.press("enter")
        await until(pilot, lambda: operations.fired == [("imageproc", 1)])
        await until(pilot, lambda: "fired imageproc" in text_of(app))
        assert focus_of(app) == "tree"
        await pilot.press("F")
        await until(pilot, lambda: operations.fired == [("imageproc", 1)] * 2)


async def test_fire_takes_another_application_and_number() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=(80, 24)) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: focus_of(app) == "fire")
        await pilot.press(*["shift+tab"] * 6)
        assert focus_of(app) == "application"
        await pilot.press("j", "space")
        await until(pilot, lambda: "not deployed yet: press i first" in text_of(app))
        await pilot.press("tab", "tab")
        assert focus_of(app) == "count"
        await pilot.press("end", "backspace", "enter")
        await until(pilot, lambda: "a number from 1 to 1000" in text_of(app))
        await pilot.press("2", "5", "enter")
        await until(pilot, lambda: operations.fired == [("shop", 25)])


async def test_fire_takes_a_target_a_rate_and_a_payload_and_remembers_it() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: focus_of(app) == "fire")
        await pilot.press(*["shift+tab"] * 5, *"arn")
        await until(pilot, lambda: focus_of(app) == "target")
        await pilot.press(*":aws:x")
        await until(pilot, lambda: "cannot be fired" in text_of(app))
        await pilot.press("ctrl+a", "ctrl+k", *"Users", "tab", "tab", *"50", "tab", *'{"n":')
        assert focus_of(app) == "payload"
        await until(pilot, lambda: "The payload is not JSON" in text_of(app))
        await pilot.press("tab", "tab", "enter")
        assert operations.fired == []
        assert focus_of(app) == "payload"
        await pilot.press(*" 1}", "tab", "tab", "enter")
        await until(pilot, lambda: operations.fired == [("Users", 1)])
        assert operations.payloads == ['{"n": 1}']

        app.last_shot = None
        await pilot.press("f")
        await until(pilot, lambda: focus_of(app) == "fire")
        await pilot.press(*["shift+tab"] * 5, *"Users", "pageup")
        await until(pilot, lambda: '{"n": 1}' in text_of(app))


async def test_what_is_pasted_by_mistake_is_refused_and_fields_stay_as_they_are() -> None:
    async with running(shop_model(), operations=MockOperations()) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: focus_of(app) == "fire")
        await pilot.press(*["shift+tab"] * 5)
        assert focus_of(app) == "target"
        assert app.screen.query_one("#rate").size.height == 1  # passed by, and empty
        app.screen.query_one("#target", Input).value = "x/" * 100_000
        await until(pilot, lambda: "cannot be fired" in text_of(app))


async def test_escape_leaves_fire_without_firing() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: focus_of(app) == "fire")
        await pilot.press("escape")
        assert focus_of(app) == "tree"
        assert operations.fired == []


async def test_nothing_to_fire_says_so() -> None:
    operations = MockOperations()
    operations.listed = ()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: "There is no application to fire." in text_of(app))
        assert focus_of(app) == "cancel"


async def test_cleanup_asks_names_everything_and_deletes_only_what_is_chosen() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: "5 resources chosen, 1 kept" in text_of(app))
        assert "[ ] table            customers" in text_of(app)
        assert "not tagged as ours" in text_of(app)
        assert focus_of(app) == "resources"
        await pilot.press("space")
        await until(pilot, lambda: "4 resources chosen, 2 kept" in text_of(app))
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: "This cannot be undone" in text_of(app))
        assert focus_of(app) == "word"
        chosen = [r for r in RESOURCES if r.name not in ("customers", "UpdateWebsite")]
        for resource in chosen:
            assert f"– {resource.kind:<16} {resource.name}" in text_of(app)
        await pilot.press("enter", *"testuse", "enter")
        assert operations.deleted == []
        await pilot.press("r", "enter")
        await until(pilot, lambda: "4 resources deleted" in text_of(app))
        assert {resource.name for resource in operations.deleted} == {
            "ImageProcPy", "DBSyncPy", "image-proc-B", "eastSyncTable-B",
        }  # fmt: skip


@pytest.mark.parametrize("key", ["D", "d"])
async def test_buttons_stay_in_sight_below_a_long_list(key: str) -> None:
    operations = MockOperations()
    operations.existing = [replace(RESOURCES[0], id=f"f{n}", name=f"f{n}") for n in range(40)]
    operations.checks = [replace(CHECKS[0], id=f"{n}") for n in range(40)]
    async with running(shop_model(), operations=operations, size=(80, 24)) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: "40 " in text_of(app))
        await until(pilot, lambda: "delete 40 …" in text_of(app) or "set up the" in text_of(app))
        below = [app.screen.query_one(name).region.bottom for name in ("#buttons", "#box")]
        assert below[1] - below[0] == 2  # padding and frame: no room is lost
        if key == "D":
            await pilot.press("tab", "tab", "enter")
            await until(pilot, lambda: "type testuser to confirm" in text_of(app))
            await until(pilot, lambda: "keep them" in text_of(app))


async def test_cleanup_is_left_without_harm() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=(80, 24)) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: "5 resources chosen" in text_of(app))
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: "This cannot be undone" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "5 resources chosen" in text_of(app))
        await pilot.press("a")
        await until(pilot, lambda: "0 resources chosen" in text_of(app))
        await pilot.press("a")  # all of ours: what carries no tag goes by name only
        await until(pilot, lambda: "5 resources chosen, 1 kept" in text_of(app))
        app.screen.query_one("#resources").focus()
        await pilot.press("j", "j", "j", "j", "space")
        await until(pilot, lambda: "6 resources chosen, 0 kept; 1 of them" in text_of(app))
        await pilot.press("escape")
        assert focus_of(app) == "tree"
        assert operations.deleted == []


async def test_cleanup_tells_what_could_not_be_deleted() -> None:
    operations = MockOperations()
    operations.fails_to_delete = "DBSyncPy"
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: "5 resources chosen" in text_of(app))
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: focus_of(app) == "word" and "type testuser" in text_of(app))
        await pilot.press(*"testuser", "enter")
        await until(pilot, lambda: "4 resources deleted, 1 not" in text_of(app))
        assert "function DBSyncPy: AccessDenied" in text_of(app)
        assert "Clean up again" in text_of(app)


async def test_cleanup_that_could_not_look_can_be_told_to_look_again() -> None:
    operations = MockOperations()
    operations.list_error = UserError("The connection was closed.", on="us-west-2")
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: "The connection was closed." in text_of(app))
        await until(pilot, lambda: "r look again" in text_of(app))
        assert "looking for" not in text_of(app)
        operations.list_error = None
        await pilot.press("r")
        await until(pilot, lambda: "5 resources chosen" in text_of(app))
        assert "The connection was closed." not in text_of(app)


async def test_nothing_to_clean_up_says_so() -> None:
    operations = MockOperations()
    operations.existing = ()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("D")
        await until(pilot, lambda: "there is nothing to delete" in text_of(app))
        await pilot.press("enter")
        assert focus_of(app) == "tree"


async def test_export_writes_and_asks_before_it_replaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = shop_model()
    async with running(model) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: focus_of(app) == "export")
        assert "everything  56 invocations" in text_of(app)
        assert "2 invocations still running" in text_of(app)
        await pilot.press("shift+tab", "enter")
        await until(pilot, lambda: "preview: instance" in text_of(app))
        assert "checkout-api" in text_of(app)
        assert "the file has all" in text_of(app)
        await pilot.press("escape", "tab", "enter")
        await until(pilot, lambda: len(model.exported) == 1)
        view, kind, scope, path = model.exported[0]
        assert (view, kind, scope) == ("instance", "json", "everything")
        assert path.name == "gammaray-testuser-20251009T085343Z.json"
        assert await asyncio.to_thread((tmp_path / path).exists)

        await pilot.press("e", "enter")
        await until(pilot, lambda: "exists already" in text_of(app))
        assert focus_of(app) == "cancel"
        await pilot.press("n")
        assert len(model.exported) == 1
        await pilot.press("enter")
        await until(pilot, lambda: "exists already" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: len(model.exported) == 2)


async def test_export_to_where_no_file_can_be_says_so(tmp_path: Path) -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: focus_of(app) == "export")
        await pilot.press("shift+tab", "shift+tab", "shift+tab")
        assert focus_of(app) == "file"
        field = app.screen.query_one("#file", Input)
        for name, says in (
            ("", "No file is named"),
            ("/nowhere/x", "a folder that exists"),
            (str(tmp_path), "This is a folder"),
            (f"{tmp_path}/{'x' * 300}", "No file can be written there"),
            ("~no-such-user/x", "No file can be written there"),
        ):
            field.value = name
            await pilot.press("enter")
            await until(pilot, lambda says=says: says in text_of(app))  # type: ignore[misc]


async def test_the_name_of_a_file_follows_its_format() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: focus_of(app) == "export")
        field = app.screen.query_one("#file", Input)
        kinds = app.screen.query_one("#format", ChoiceList)
        for before, kind, after in (
            ("run-v1.2", "dot", "run-v1.2.dot"),
            ("run-v1.2.dot", "mermaid", "run-v1.2.mmd"),
            ("run-v1.2.mmd", "otlp", "run-v1.2.json"),
            ("", "csv", ""),
            ("x.csv", "png", "x.png"),
        ):
            field.value = before
            kinds.choose([kind])
            await pilot.pause()
            assert field.value == after


async def test_why_shows_fields_grade_and_rivals() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("g", "w")
        await until(pilot, lambda: "no edge leads to it" in text_of(app))
        await pilot.press("j", "w")
        text = text_of(app)
        assert "A exact" in text
        assert "✓ request id     8f3ca1" in text
        assert "3 ms earlier" in text


async def test_why_is_of_the_line_that_the_cursor_stands_on() -> None:
    """Also where keys come so fast that what the tree tells of its cursor is still on its way."""
    async with running(shop_model()) as (app, pilot):
        await pilot.press("g")
        await until(pilot, lambda: app.main.causal_tree.cursor == 0)
        app.main.causal_tree.move_to(1)
        await app.action_act("why")
        assert "A exact" in text_of(app)


async def test_keys_of_dialogs_can_be_changed_and_the_frame_says_so() -> None:
    keys = {"dialog.copy": "c", "dialog.cancel": "x"}
    async with running(shop_model(), keys=keys) as (app, pilot):
        await pilot.press("P")
        await until(pilot, lambda: "c copy · x close" in text_of(app))
        assert "1 orphan, 1 gap, 1 retry" in text_of(app)
        await pilot.press("j", "c")
        assert app.clipboard == "us-east-1: 12 records were trimmed before they were read"
        await pilot.press("x")
        await until(pilot, lambda: focus_of(app) == "tree")
        for opened, says in (("r", "us-west-2 live"), ("w", "rival: ")):
            await pilot.press("k", opened, "c", "x")
            assert says in app.clipboard


async def test_problems_lead_to_their_invocation() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("P")
        assert "12 records were trimmed" in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "this one is about no single invocation" in text_of(app))
        assert "orphan" in text_of(app)
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: focus_of(app) == "tree")
        assert app.main.causal_tree.current is not None
        assert app.main.causal_tree.current.node == "shop000003-mail/0"


async def test_problems_and_regions_go_on_showing_what_comes() -> None:
    model = MockModel(regions=())
    async with running(model) as (app, pilot):
        await pilot.press("P")
        assert "No problems" in text_of(app)
        assert "Errors of functions: ] in the tree goes to them." in text_of(app)
        model.problems = shop_model().problems
        model.touch()
        await until(pilot, lambda: "orphan" in text_of(app))
        await pilot.press("escape", "r")
        assert "No region is read." in text_of(app)
        model.regions = shop_model().regions
        model.touch()
        await until(pilot, lambda: "4 shards" in text_of(app))
        assert "lag 0.8s" in text_of(app)
        model.regions = tuple(
            replace(state, phase="retrying", retry_in_s=5.0) for state in model.regions
        )
        model.touch()
        await until(pilot, lambda: "again in 5s" in text_of(app))
        assert "lag" not in text_of(app)


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_commands_are_found_by_their_words(key: str) -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: "Search for commands" in text_of(app))
        await pilot.press(*"theme")
        await until(pilot, lambda: "Choose a theme" in text_of(app))


async def test_help_lists_every_action_of_the_registry() -> None:
    async with running(shop_model(), operations=MockOperations(), size=(200, 120)) as (app, pilot):
        await pilot.press("question_mark")
        text = text_of(app)
        offered = [one for one in ACTIONS if one.is_offered(can_operate=True, replaying=False)]
        for action in offered:
            assert action.text[:34] in text, action.id
        assert "an id that AWS gave proves it" in text


async def test_help_scrolls_on_a_small_screen() -> None:
    async with running(MockModel([], now_s=START_S), size=(80, 24)) as (app, pilot):
        await pilot.press("question_mark")
        assert "still running" not in text_of(app)
        await pilot.press(*["pagedown"] * 12)
        await until(pilot, lambda: "still running" in text_of(app))


async def test_keys_of_the_screen_below_do_nothing_in_a_dialog() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("r", "space", "z", "q")
        assert not app.paused
        assert app.is_running
        await pilot.press("escape", "q")
    assert app.return_code == 0
