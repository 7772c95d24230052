"""The main screen: pause, rows, header, themes, and keys that lead somewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from causality.snapshot import ProblemRow, RegionState
from gammaray_tui.actions import ACTIONS, BY_ID
from gammaray_tui.app import GammarayApp
from gammaray_tui.screens.fire import Shot
from gammaray_tui.screens.main import MainScreen
from gammaray_tui.watch import Watch
from providers.errors import UserError
from providers.events import RecordBatch
from providers.operations import Step
from tests.functional.mock_data import START_S, shop_chain
from tests.functional.mock_model import MockModel, shop_model
from tests.functional.mock_operations import MockOperations
from tests.functional.running import focus_of, line_with, running, text_of, until
from tests.unit.analysis.chains import EPOCH_S, World


async def test_enter_opens_the_invocation_and_enter_on_a_bar_goes_there() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("g", "enter")
        assert focus_of(app) == "detail"
        assert "causal tree" not in text_of(app)
        await pilot.press(*["j"] * 8, "enter")
        assert focus_of(app) == "tree"
        assert app.main.causal_tree.current is not None
        assert app.main.causal_tree.current.function == "notify-email"


async def test_pause_goes_on_collecting_and_counts() -> None:
    model = shop_model()
    async with running(model) as (app, pilot):
        await pilot.press("space")
        assert "PAUSED" in text_of(app)
        model.feed(*[shop_chain(n, START_S + n) for n in range(14, 20)])
        await until(pilot, lambda: "PAUSED +6" in text_of(app))
        assert len(app.snapshot.rows) == 56
        assert "resume" in text_of(app)
        await pilot.press("space")
        assert len(app.snapshot.rows) == 80
        assert "FOLLOW" in text_of(app)


async def test_every_action_survives_an_empty_tree() -> None:
    async with running(MockModel(), operations=MockOperations()) as (app, pilot):
        for action in ACTIONS:
            if action.id == "quit":
                continue
            await app.action_act(action.id)
            await pilot.pause()
            assert "defect" not in text_of(app), action.id
            while not isinstance(app.screen, MainScreen):
                await app.pop_screen()


async def test_a_firing_that_failed_leaves_the_state_of_the_regions_in_sight() -> None:
    operations = MockOperations()
    operations.fire_error = UserError("The connection was closed.", on="us-west-2")
    missing = RegionState("us-west-2", "down", "table-missing", "There is no table gammaRays here")
    async with running(MockModel(regions=(missing,)), operations=operations) as (app, pilot):
        app.fire(Shot("imageproc", 1))
        await until(pilot, lambda: "The connection was closed." in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "There is no table gammaRays here" in text_of(app))
        assert text_of(app).splitlines()[-1].startswith(" r regions")  # which tells more
        assert "press i to deploy" in text_of(app)
        assert "press f" not in text_of(app)


async def test_an_action_that_fails_is_told_and_the_watch_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(app: GammarayApp) -> None:
        raise IndexError(7)

    monkeypatch.setitem(BY_ID, "clear", replace(BY_ID["clear"], run=fails))
    async with running(shop_model()) as (app, pilot):
        await pilot.press("x")
        await until(pilot, lambda: "defect of gammaray-tui" in text_of(app))
        await pilot.press("escape")
        assert focus_of(app) == "tree"


async def test_clear_shows_only_what_begins_from_now_on_until_escape() -> None:
    model = shop_model()
    model.problems = [ProblemRow("retry", "checkout-api was tried twice")]
    async with running(model) as (app, pilot):
        before = len(app.snapshot.rows)
        await pilot.press("x")
        assert len(app.snapshot.rows) == 0
        assert "No chain has begun since" in text_of(app)
        assert "press esc to show all chains again" in text_of(app)
        assert "No records yet" not in text_of(app)
        model.feed(shop_chain(50, START_S))
        await until(pilot, lambda: len(app.snapshot.rows) == 4)
        assert "causal tree, since" in text_of(app)
        assert "latency of functions, also before" in text_of(app)
        for key, said in (("m", "service map · also before"), ("P", "also of chains that began")):
            await pilot.press(key)
            await until(pilot, lambda said=said: said in text_of(app))  # type: ignore[misc]
            await pilot.press("escape")
        await pilot.press("escape")
        assert len(app.snapshot.rows) == before + 4
        assert "causal tree, since" not in text_of(app)


async def test_sorting_and_the_cursor_survive_refreshes() -> None:
    model = shop_model()
    async with running(model) as (app, pilot):
        table = app.main.latency
        await pilot.press("2", "s", "s")
        assert "p50▾" in text_of(app)
        assert [row.name for row in table._sorted][:2] == ["notify-email", "order-worker"]
        await pilot.press("S")
        assert "p50▴" in text_of(app)
        await pilot.press("j", "j")
        assert table.current is not None
        held = table.current.name
        for number in range(14, 40):
            model.feed(shop_chain(number, START_S + number))
        await until(pilot, lambda: table.current is not None and table.current.count == 40)
        assert table.current.name == held
        await pilot.press("v")
        assert "latency of edges" in text_of(app)
        assert "PutItem→Orders→stock-sync" in text_of(app) or "PutItem" in text_of(app)


async def test_a_function_of_two_regions_has_a_row_for_each() -> None:
    watch = Watch("test")
    world = World()
    for number, function in enumerate(("sync", "other", "sync")):
        world.run(f"r{number}", function, 0.0, 1.0)
    image = world.records[-1].dynamodb.NewImage
    assert image is not None
    image.payload.S = image.payload.S.replace("us-east-1", "eu-west-1")
    watch.apply(RecordBatch("us-east-1", "", world.records))
    async with running(watch) as (app, pilot):
        await pilot.press("2", "o")
        await until(pilot, lambda: "sync use1" in text_of(app) and "sync euw1" in text_of(app))
        assert "other use1" not in text_of(app)


async def test_a_moment_is_marked_and_compared_around() -> None:
    now_s = EPOCH_S
    watch = Watch("test", clock=lambda: now_s)
    watch.mark("fired", "shop × 1")
    now_s += 60.0
    async with running(watch) as (app, pilot):
        await pilot.press("apostrophe")
        await until(pilot, lambda: "mark this moment" in text_of(app))
        await pilot.press(*"v2", "enter")
        await until(pilot, lambda: "marked v2" in text_of(app))
    assert [(mark.kind, mark.text) for mark in watch.marks][1:] == [("marked", "v2")]
    assert watch.middle_s() == now_s


async def test_what_is_fired_comes_after_its_mark() -> None:
    model, operations = shop_model(), MockOperations()
    async with running(model, operations=operations) as (app, pilot):
        operations.before_firing = lambda: seen.extend(model.marks)
        seen: list[tuple[str, str]] = []
        app.fire(Shot("imageproc", 2))
        await until(pilot, lambda: "2 of 2 chains, 6 invocations, longest 1.50s" in text_of(app))
    assert seen == model.marks == [("fired", "imageproc × 2")]


async def test_copy_takes_what_the_pane_points_at() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("g", "y")
        assert app.clipboard == "shop000000-api-4d1e-9a52-0c5d1b6c7a10"
        await pilot.press("2", "y")
        assert app.clipboard == "checkout-api"


async def test_the_header_tells_every_state_of_a_region() -> None:
    regions = (
        RegionState("us-west-2", "live", lag_s=0.8),
        RegionState("us-east-1", "retrying", retry_in_s=12.0),
        RegionState("eu-west-1", "down", message="no table gammaRays"),
    )
    async with running(MockModel(regions=regions), size=(160, 40)) as (app, _):
        header = text_of(app).splitlines()[0]
        assert "● us-west-2 live 0.8s" in header
        assert "◐ us-east-1 retry 12s" in header
        assert "○ eu-west-1 down" in header


async def test_an_empty_table_says_what_to_do() -> None:
    down = RegionState(
        "us-east-1", "down", message="There is no table gammaRays.", todo="Deploy with i."
    )
    model = MockModel(regions=(RegionState("us-west-2", "live"), down))
    async with running(model, operations=MockOperations()) as (app, pilot):
        text = text_of(app)
        assert "No records yet" in text
        assert "There is no table gammaRays." in text
        assert "Deploy with i." in text
        assert "press f to fire an application" in text
        assert "press I to record functions that exist already" in text
        assert "press d to check account" in text
        model.feed(shop_chain(0, START_S))
        await until(pilot, lambda: "No records yet" not in text_of(app))


async def test_a_missing_table_offers_the_keys_that_make_it() -> None:
    missing = RegionState("us-east-1", "down", "table-missing", "There is no table gammaRays.")
    model = MockModel(regions=(missing,))
    async with running(model, operations=MockOperations()) as (app, _):
        assert "press i to deploy an application, record table and all" in text_of(app)
        assert "press M to make the record table" in text_of(app)
        assert "press f" not in text_of(app)
    async with running(model, operations=MockOperations(), read_only=True) as (app, _):
        assert "press d to check account" in text_of(app)
        assert "press i" not in text_of(app)


async def test_without_operations_nothing_is_offered_that_acts() -> None:
    async with running(MockModel()) as (app, pilot):
        assert "press " not in text_of(app)
        assert "f fire" not in text_of(app)
        await pilot.press("f")
        assert "nothing to act on yet" in text_of(app)


async def test_read_only_refuses_acts() -> None:
    async with running(shop_model(), operations=MockOperations(), read_only=True) as (app, pilot):
        await pilot.press("D")
        assert "this session only reads" in text_of(app)


async def test_the_start_shows_its_steps_until_rows_come() -> None:
    model = MockModel()

    async def start(app: GammarayApp) -> None:
        app.report(Step("aws", "local AWS on 127.0.0.1", "", "done", "ready in 1.2 s"))
        app.report(Step("table", "table gammaRays", "us-west-2", "running"))

    async with running(model, on_start=start) as (app, pilot):
        await until(pilot, lambda: "Starting" in text_of(app))
        assert "✓ local AWS on 127.0.0.1" in text_of(app)
        assert "» us-west-2  table gammaRays" in text_of(app)
        app.report(Step("table", "table gammaRays", "us-west-2", "done"))
        app.set_operations(MockOperations())
        await until(pilot, lambda: "f fire" in text_of(app))
        await until(pilot, lambda: "No records yet" in text_of(app))
        model.feed(shop_chain(0, START_S))
        await until(pilot, lambda: "checkout-api" in text_of(app))


async def test_an_unknown_theme_is_named_and_a_known_one_meant() -> None:
    with pytest.raises(UserError) as caught:
        GammarayApp(MockModel(), title="x", theme="gamaray-dark")
    assert 'Did you mean "gammaray-dark"?' in caught.value.todo


async def test_all_themes_that_textual_has_work() -> None:
    async with running(shop_model()) as (app, pilot):
        for name in app.available_themes:
            app.theme = name
            await pilot.pause()
            assert "checkout-api" in text_of(app)


async def test_ascii_draws_nothing_else() -> None:
    async with running(shop_model(), ascii_only=True, operations=MockOperations()) as (app, pilot):
        app.main.causal_tree.show_vertical_scrollbar = False
        await pilot.press("g")
        text = "\n".join(line[:116] for line in text_of(app).splitlines()[2:22])
        assert text.isascii(), sorted({c for c in text if not c.isascii()})
        await pilot.resize_terminal(90, 30)
        await pilot.press("t")
        # What is too long is cut without a sign that is none of ASCII's.
        await until(pilot, lambda: text_of(app).startswith(" time line"))
        assert text_of(app).isascii()


async def test_the_palette_offers_the_actions_of_the_registry() -> None:
    async with running(shop_model()) as (app, _):
        names = [command.title for command in app.get_system_commands(app.screen)]
        assert "Pause; collecting goes on" in names
        assert "Export: write the graph to a file" in names
        assert "Fire an application" not in names
        app.set_operations(MockOperations())
        names = [command.title for command in app.get_system_commands(app.screen)]
        assert "Fire an application" in names


async def test_an_action_of_the_palette_is_done() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("ctrl+p", *"pause")
        await until(pilot, lambda: "key space" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.paused)


async def test_a_theme_is_chosen_from_a_list() -> None:
    async with running(shop_model()) as (app, pilot):
        assert app.theme == "gammaray-dark"
        await pilot.press("T")
        await until(pilot, lambda: "gammaray-light" in text_of(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.theme == "gammaray-light")
        assert app.look.palette.text.color is not None
        assert app.look.palette.text.color.name == "#1e242c"


async def test_every_action_can_have_another_key() -> None:
    async with running(shop_model()) as (app, pilot):
        app.set_keymap({"pause": "p", "list.down": "ctrl+n"})
        await pilot.press("space")
        assert not app.paused
        await pilot.press("p")
        assert app.paused
        await pilot.press("g", "ctrl+n")
        assert app.main.causal_tree.cursor == 1


async def test_a_click_on_a_hint_does_what_its_key_does() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.click("#keys", offset=(3, 0))
        await until(pilot, lambda: app.paused)
        assert "resume" in text_of(app)


async def test_a_click_on_a_heading_sorts() -> None:
    async with running(shop_model()) as (app, pilot):
        table = app.main.latency
        heading = line_with(app, "p95").split("│")[1]
        await pilot.click("#latency", offset=(heading.index("p95") + 2, 1))
        assert "p95▾" in text_of(app)
        await pilot.click("#latency", offset=(heading.index("p95") + 2, 1))
        assert "p95▴" in text_of(app)
        await pilot.click("#latency", offset=(5, 1))
        assert "function▴" in text_of(app)
        assert table.current is not None
