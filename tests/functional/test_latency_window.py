"""The window of the latency table: chosen by key, named in the title, counted by the model."""

from __future__ import annotations

from functools import partial

from tests.functional.mock_model import shop_model
from tests.functional.running import running, until
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


def _is_named(table: LatencyTable, title: str) -> bool:
    return table.border_title == title
