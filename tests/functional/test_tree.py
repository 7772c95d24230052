"""The causal tree: moving, folding, following, and keeping the cursor on its invocation."""

from __future__ import annotations

from tests.functional.mock_data import START_S, image_chain, shop_chain
from tests.functional.mock_model import MockModel, image_model, shop_model
from tests.functional.running import line_with, running, text_of, until


async def test_vim_keys_and_arrows_move_the_cursor() -> None:
    async with running(shop_model()) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press("g")
        assert tree.cursor == 0
        await pilot.press("j", "down", "down")
        assert tree.cursor == 3
        await pilot.press("k", "up")
        assert tree.cursor == 1
        await pilot.press("}")
        assert tree.cursor == 4
        await pilot.press("{")
        assert tree.cursor == 0
        await pilot.press("ctrl+d")
        assert tree.cursor == len(tree.window) // 2


async def test_the_selection_is_told_to_the_model() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("g", "j", "j")
        detail = app.snapshot.detail
        assert detail is not None
        assert detail.function == "notify-email"
        assert "try" not in line_with(app, "ok  notify-email")


async def test_folding_hides_and_sums_up() -> None:
    model = shop_model()
    async with running(model) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press("g", *["}"] * 3)
        assert tree.cursor == 12
        before = len(app.snapshot.rows)
        await pilot.press("h")
        assert len(app.snapshot.rows) == before - 3
        assert "+3 1✗" in line_with(app, "▌")
        await pilot.press("l")
        assert len(app.snapshot.rows) == before
        await pilot.press("l")
        assert tree.cursor == 13
        await pilot.press("l", "l")
        assert tree.cursor == 14
        await pilot.press("h", "h")
        assert model.folds[-1] == (True, "shop000003-work/0")


async def test_fold_all_keeps_the_chain_of_the_cursor() -> None:
    async with running(shop_model()) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press("g", *["j"] * 6)
        assert tree.current is not None
        assert tree.current.node == "shop000001-mail/0"
        await pilot.press("z")
        assert len(app.snapshot.rows) == 14
        assert tree.current.node == "shop000001-api/0"
        await pilot.press("z")
        assert len(app.snapshot.rows) == 56
        assert tree.current.node == "shop000001-api/0"


async def test_follow_keeps_to_the_newest_until_the_user_moves() -> None:
    model = shop_model(20)
    async with running(model) as (app, pilot):
        tree = app.main.causal_tree
        assert tree.following
        assert "FOLLOW" in text_of(app)
        assert tree.scroll_offset.y == tree.max_scroll_y
        model.feed(shop_chain(20, START_S + 3))
        await until(pilot, lambda: len(app.snapshot.rows) == 84)
        await until(pilot, lambda: tree.scroll_offset.y == tree.max_scroll_y)
        assert tree.current is not None
        assert tree.current.node == "shop000020-api/0"

        await pilot.press("k")
        assert not tree.following
        assert "HOLD" in text_of(app)
        held, top = tree.current.node, tree.scroll_offset.y
        model.feed(*[shop_chain(n, START_S + 4) for n in range(21, 30)])
        await until(pilot, lambda: len(app.snapshot.rows) == 120)
        assert tree.current.node == held
        assert tree.scroll_offset.y == top

        await pilot.press("G")
        assert tree.following
        assert tree.scroll_offset.y == tree.max_scroll_y
        assert tree.current.node == "shop000029-api/0"


async def test_scrolling_up_with_the_mouse_ends_following() -> None:
    async with running(shop_model(30)) as (app, pilot):
        tree = app.main.causal_tree
        assert tree.following
        tree.scroll_up(animate=False)
        await pilot.pause()
        assert not tree.following


async def test_the_cursor_stays_on_its_invocation_when_lines_come_above() -> None:
    model = MockModel([shop_chain(n, START_S + n) for n in range(20)])
    async with running(model) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press("g", *["}"] * 10)
        assert tree.current is not None
        held = tree.current.node
        in_view = tree.cursor - tree.scroll_offset.y
        model.chains.insert(0, image_chain(0, START_S - 1))
        model.touch()
        await until(pilot, lambda: len(app.snapshot.rows) == 87)
        assert tree.current.node == held
        assert tree.cursor == 47
        assert tree.cursor - tree.scroll_offset.y == in_view

        model.chains = model.chains[6:]
        model.touch()
        await until(pilot, lambda: len(app.snapshot.rows) == 60)
        assert tree.current.node == held


async def test_a_click_selects_and_a_click_on_the_mark_folds() -> None:
    async with running(shop_model()) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press("g")
        await pilot.click("#tree", offset=(20, 4))  # border and head are above
        assert tree.cursor == 2
        await pilot.click("#tree", offset=(4, 2))
        assert tree.cursor == 0
        assert tree.current is not None
        assert tree.current.folded


async def test_next_and_previous_error_unfold_what_hides_them() -> None:
    async with running(shop_model()) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press("g", "z", "]")
        assert tree.current is not None
        assert tree.current.node == "shop000003-mail/0"
        await pilot.press("n")
        assert tree.current.node == "shop000008-mail/0"
        await pilot.press("[")
        assert tree.current.node == "shop000003-mail/0"
        await pilot.press("[")
        assert tree.current.node == "shop000003-mail/0"
        await until(pilot, lambda: "no error further up" in text_of(app))


async def test_calls_that_triggered_nothing_can_be_hidden() -> None:
    async with running(image_model()) as (app, pilot):
        await pilot.press("o")  # the tree alone: the invocation's pane lists calls in any case
        assert "DetectLabels" in text_of(app)
        await pilot.press("a")
        assert "DetectLabels" not in text_of(app)
        assert len(app.snapshot.rows) == 9
        await pilot.press("a")
        assert "DetectLabels" in text_of(app)


async def test_evidence_shows_as_rail_and_letter() -> None:
    async with running(shop_model(), size=(180, 50)) as (app, pilot):
        await pilot.press("g")
        text = text_of(app)
        assert "├── notify-email" in text
        assert "╰╌╌ stock-sync" in text
        assert "╰?┈ stock-sync" in text
        assert line_with(app, "╰?┈").split("│")[1].rstrip().endswith("?")


async def test_running_invocations_show_how_long_they_run() -> None:
    model = shop_model()
    async with running(model) as (app, pilot):
        assert "1.90s" in line_with(app, "»")
        model.now_s += 3
        await until(pilot, lambda: "4.90s" in line_with(app, "»"))


async def test_bookmarks_are_shown_and_gone_to_in_a_circle() -> None:
    async with running(shop_model()) as (app, pilot):
        tree = app.main.causal_tree
        await pilot.press("g", "b", "j", "j", "j", "j", "b", "j")
        assert sum(line[3:4] == "•" for line in text_of(app).splitlines()) == 2
        lines = []
        for _ in range(3):
            await pilot.press("B")
            lines.append(tree.cursor)
        assert lines == [0, 4, 0]
        await pilot.press("b")
        await until(pilot, lambda: sum(line[3:4] == "•" for line in text_of(app).splitlines()) == 1)


async def test_the_next_cold_start_is_found() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("g", "C")
        current = app.main.causal_tree.current
        assert current is not None
        assert current.cold
