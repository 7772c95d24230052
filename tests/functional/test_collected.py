"""The screen over what the collector counted: tables, map, problems, and chains when opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from gammaray_collector.rollups import EdgeName, ProblemName
from gammaray_tui.app import GammarayApp
from gammaray_tui.collected import CollectedWatch
from gammaray_tui.collected_rows import FILTERED, NOTES
from gammaray_tui.screens.error import ErrorScreen
from providers.collected import CollectedSource, CountedMinutes
from providers.collected_chain import FetchedChain, fetch_chain
from providers.session import AwsSession, AwsSettings
from providers.streams import parse_since
from providers.streams.timing import Timing
from tests.fakes.collected import EAST, WEST, FakeCollected
from tests.fakes.services import serving
from tests.functional.running import running, text_of, until
from widgets.heat_lines import heat_lines

NOW_S = 1_800_000_030.0
MINUTE = int(NOW_S) // 60
SHOP = EdgeName(WEST, "checkout", EAST, "mail", "sqs", "arn:aws:sqs:us-west-2:1:jobs")


def shop() -> FakeCollected:
    """Two functions that ran in two minutes, an edge between them, a problem, two chains."""
    table = FakeCollected()
    table.ran("checkout", WEST, MINUTE - 1, *[0.2] * 60, latest="c-1", slowest="c-2")
    table.ran("checkout", WEST, MINUTE, *[0.4] * 20, latest="c-3")
    table.ran("mail", EAST, MINUTE, *[1.0] * 10, failed="m-1", latest="m-1")
    table.caused(SHOP, MINUTE, "exact", *[0.05] * 10)
    table.told(ProblemName("timeout", EAST, "mail", "timed out"), MINUTE, 3, "m-1")
    table.invocation("c-1", "checkout", NOW_S - 60, calls=("one", "two"))
    table.invocation("m-1", "mail", NOW_S - 59, cause="one", parent="c-1", status="error")
    table.invocation("m-2", "mail", NOW_S - 58, cause="two", parent="c-1")
    return table


@asynccontextmanager
async def collected(
    table: FakeCollected, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[GammarayApp, Pilot[None]]]:
    """Run the application over a table, with the source that the command gives it."""
    async with serving(table.answer) as fake:
        session = AwsSession.open(AwsSettings(regions=(WEST,), endpoint_url=fake.endpoint_url))
        timing = Timing(now_s=lambda: NOW_S, sleep=lambda _: asyncio.sleep(0.2))
        source = CollectedSource(session, since=parse_since("15m"), timing=timing)

        async def fetch(request_id: str) -> FetchedChain:
            return await fetch_chain(source.table, request_id, most=50)

        model = CollectedWatch("testuser (collected)", fetch, clock=lambda: NOW_S)
        feed = (lambda: source.run(model.queue, model.counted.put),)
        async with running(model, size=size, sources=feed) as (app, pilot):
            app.main.causal_tree.set_following(False)
            yield app, pilot


async def test_tables_map_and_problems_come_from_rollups() -> None:
    table = shop()
    async with collected(table) as (app, pilot):
        await until(pilot, lambda: _is_timed(app) and app.snapshot.edges)
        functions = {row.name: row for row in app.snapshot.functions}
        assert (functions["checkout"].count, functions["mail"].errors) == (80, 1)
        assert abs((functions["checkout"].p50_s or 0) - 0.2) < 0.01
        assert abs((functions["checkout"].max_s or 0) - 0.4) < 0.01
        (edge,) = app.snapshot.edges
        assert (edge.name, edge.region, edge.count) == ("checkout → jobs → mail", EAST, 10)
        assert app.snapshot.header.invocations == 90
        assert "inv/s" in text_of(app)
        (problem,) = app.snapshot.problems
        assert (problem.kind, problem.node) == ("timeout", "m-1")
        drawn = app.model.service_map()
        assert {node.name for node in drawn.nodes} == {"checkout", "mail"}
        assert [(e.source[0], e.channel, e.count) for e in drawn.edges] == [
            ("checkout", "jobs", 10)
        ]
        await pilot.press("m")
        await until(pilot, lambda: "jobs" in text_of(app))
        await pilot.press("escape")
        table.ran("checkout", WEST, MINUTE, *[0.4] * 5)
        await until(pilot, lambda: app.snapshot.header.invocations == 95)
        app.model.set_latency_window(60.0)
        app.refresh_views()
        assert app.snapshot.window_s == 60.0
        heat = app.model.heat("functions", ("checkout", WEST, ""))
        assert heat.greatest == 60
        # Fifteen minutes share the room that there is: six cells each.
        lines = ["".join(piece.text for piece in line) for line in heat_lines(heat, 100, app.look)]
        assert {len(line) for line in lines} == {9 + 15 * 6}
        assert lines[-1].endswith("-2m      now")
        (scope,) = app.model.exports().scopes()
        assert scope.meaning == "chains that were fetched"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_what_is_not_live_is_said_in_every_size(size: tuple[int, int]) -> None:
    async with collected(shop(), size) as (app, pilot):
        await until(pilot, lambda: "slowest" in text_of(app))
        assert all(note in text_of(app) for note in NOTES)
        assert " 3 examples to fetch: enter" in text_of(app)
        await pilot.press("g", "enter")  # read once, it can be folded away
        await until(pilot, lambda: NOTES[0] not in text_of(app))
        assert "checkout" in text_of(app)


async def test_a_chain_is_fetched_when_it_is_opened() -> None:
    table = shop()
    async with collected(table) as (app, pilot):
        await until(pilot, lambda: "to fetch: enter" in text_of(app))
        tree = app.main.causal_tree
        assert tree.go_to("m-1")
        await pilot.press("enter")
        await until(pilot, lambda: app.snapshot.detail and app.snapshot.detail.chain_count == 3)
        assert tree.current is not None
        assert (tree.current.node, tree.current.depth) == ("m-1", 1)
        assert sorted(p for p in table.queries if p.startswith("i#")) == ["i#c-1", "i#m-1", "i#m-2"]
        # What was fetched is no longer offered.
        assert not [row for row in _rows(app) if row == ("m-1", 0)]
        await pilot.press("t")
        await until(pilot, lambda: "critical" in text_of(app))


async def test_a_request_id_can_be_asked_for() -> None:
    table = shop()
    table.invocation("apart", "lonely", NOW_S - 3000)
    async with collected(table) as (app, pilot):
        await until(pilot, lambda: app.snapshot.functions)
        await pilot.press("#")
        app.screen.query_one(Input).value = "apart"
        await pilot.press("enter")
        await until(pilot, lambda: app.snapshot.detail and app.snapshot.detail.node == "apart")
        await pilot.press("#")
        app.screen.query_one(Input).value = "nothing"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ErrorScreen))
        await until(pilot, lambda: "keeps no record of nothing" in text_of(app))


async def test_what_is_chosen_in_the_table_filters_the_examples() -> None:
    async with collected(shop()) as (app, pilot):
        await until(pilot, lambda: len(_rows(app)) == 8 and _is_timed(app))
        await pilot.press("2", "enter")
        await until(pilot, lambda: {node for node, _ in _rows(app)[6:]} == {"c-2", "c-3"})
        assert FILTERED in text_of(app)
        assert app.snapshot.problems == []
        assert [row.name for row in app.snapshot.functions] == ["checkout"]
        assert app.snapshot.edges == []
        await pilot.press("escape")
        await until(pilot, lambda: len(app.snapshot.functions) == 2)


@pytest.mark.parametrize(
    ("text", "functions", "edges", "examples"),
    [
        ("function:mail caller:checkout resource:jobs region:us-east-1", ["mail"], 1, {"m-1"}),
        ("error", ["mail"], 0, {"m-1"}),
        ("-error", ["checkout", "mail"], 1, {"c-2", "c-3"}),
        ("region:us-west-2", ["checkout"], 0, {"c-2", "c-3"}),
        ("caller:nobody", [], 0, set()),
    ],
)
async def test_a_filter_chooses_from_what_was_counted(
    text: str, functions: list[str], edges: int, examples: set[str]
) -> None:
    model = CollectedWatch("w", lambda _: asyncio.sleep(0, FetchedChain("")), clock=lambda: NOW_S)
    model.counted.put_nowait(CountedMinutes(MINUTE - 1, MINUTE, shop().rollups(MINUTE - 1, MINUTE)))
    model.drain()
    model.set_filter(text)
    shown = model.snapshot()
    assert [row.name for row in shown.functions] == functions
    assert (len(shown.edges), len(model.service_map().edges)) == (edges, edges)
    assert [row.kind for row in shown.problems] == (["timeout"] if "mail" in functions else [])
    assert shown.header.problems == 1
    rows = [shown.rows.row(index) for index in range(len(shown.rows))]
    assert {row.node for row in rows if row.kind == "offer"} == examples


async def test_without_a_collector_it_says_what_to_do() -> None:
    table = FakeCollected()
    table.missing = True
    async with collected(table, (80, 24)) as (app, pilot):
        await until(pilot, lambda: "setup --collector" in text_of(app))
        (state,) = app.snapshot.header.regions
        assert (state.phase, state.kind) == ("down", "collector-missing")
        table.missing = False
        await until(pilot, lambda: app.snapshot.header.regions[0].phase == "live")
        assert "Not live" in text_of(app)
        table.refused = "ThrottlingException"
        await until(pilot, lambda: app.snapshot.header.regions[0].phase == "retrying")
        table.refused = ""
        table.ran("late", WEST, MINUTE, 0.1, latest="l-1")
        await until(pilot, lambda: "late" in text_of(app))


async def test_pause_lets_the_tables_stand_still() -> None:
    table = shop()
    async with collected(table) as (app, pilot):
        await until(pilot, lambda: app.snapshot.functions)
        await pilot.press("space")
        table.ran("checkout", WEST, MINUTE, 0.1)
        queries = len(table.queries)
        await until(pilot, lambda: len(table.queries) > queries + 20)
        assert app.snapshot.header.invocations == 90
        await pilot.press("space")
        await until(pilot, lambda: app.snapshot.header.invocations == 91)


def _is_timed(app: GammarayApp) -> bool:
    """Say whether it is known how long things took, too: that comes after the counts."""
    rows = [*app.snapshot.functions, *app.snapshot.edges]
    return bool(rows) and all(row.p50_s is not None for row in rows)


def _rows(app: GammarayApp) -> list[tuple[str, int]]:
    rows = app.snapshot.rows
    return [(row.node, row.depth) for row in map(rows.row, range(len(rows)))]
