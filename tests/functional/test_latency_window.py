"""The window of the latency table: chosen by key, named in the title, counted by the model."""

from __future__ import annotations

from functools import partial

from gammaray_tui.watch import Watch
from providers.events import RecordBatch
from tests.functional.mock_model import image_model, shop_model
from tests.functional.running import line_with, running, text_of, until
from tests.unit.analysis.chains import World
from widgets.latency_table import LatencyTable


async def test_the_key_goes_through_the_windows_and_the_title_names_them() -> None:
    model = shop_model()
    async with running(model) as (app, pilot):
        table = app.main.latency
        await pilot.press("2")
        for window_s, title in (
            (60.0, "2 latency of functions, last 1 min"),
            (300.0, "2 latency of functions, last 5 min"),
            (900.0, "2 latency of functions, last 15 min"),
            (None, "2 latency of functions"),
        ):
            await pilot.press("W")
            await until(pilot, partial(_is_named, table, title))
            assert model.window_s == window_s
        await pilot.press("W", "v")
        await until(pilot, partial(_is_named, table, "2 latency of edges, last 1 min"))


async def test_names_of_edges_are_told_apart_where_there_is_little_room() -> None:
    async with running(image_model(4)) as (app, pilot):
        await pilot.press("2", "v")
        await until(pilot, lambda: "PutItem→image-proc-B→DBSyncPy" in text_of(app))
        assert "p95" in line_with(app, "edge ")


async def test_long_names_of_functions_are_told_apart_where_there_is_little_room() -> None:
    watch = Watch("test")
    world = World()
    names = [f"prod-orders-service-{what}" for what in ("checkout", "billing", "mail")]
    for number, name in enumerate(names):
        world.run(f"r{number}", name, float(number), number + 1.0)
    watch.apply(RecordBatch("us-east-1", "", world.records))
    async with running(watch) as (app, pilot):
        await until(pilot, lambda: "2 latency" in text_of(app))
        below = text_of(app).split("2 latency")[1]
        assert all(f"  {name} " in below for name in names)
        assert all(column in below for column in ("n▾", "p50", "p95"))


async def test_the_heat_map_shows_how_long_how_many_took_when() -> None:
    async with running(shop_model()) as (app, pilot):
        await pilot.press("2", "H")
        await until(pilot, lambda: "duration of checkout-api us-west-2" in text_of(app))
        rows = [line for line in text_of(app).splitlines() if any(s in line for s in "░▒▓")]
        assert len(rows) > 5
        assert all("ms" in line or "s │" in line or "10 s" in line for line in rows)
        assert "failed ✗" in text_of(app)
        assert "now" in text_of(app)
        await pilot.press("escape")
        assert app.screen is app.main


def _is_named(table: LatencyTable, title: str) -> bool:
    return table.border_title == title
