"""Asking an archive from the screen, and opening a chain that it found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input

from gammaray_tui.app import GammarayApp
from gammaray_tui.history import extras, remembered
from gammaray_tui.past import ArchivePlaces
from gammaray_tui.screens.history import HistoryScreen
from providers.archive.dataset import Dataset
from providers.archive.store import Folder
from tests.functional.mock_model import shop_model
from tests.functional.mock_operations import MockOperations
from tests.functional.running import line_with, running, text_of, until
from tests.unit.archive.making import batch, demo_records, write
from widgets.answer_table import AnswerTable, Column, Row
from widgets.choice_line import ChoiceLine


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write(folder, batch(demo_records()))
    return folder


def screen_of(app: GammarayApp) -> HistoryScreen:
    assert isinstance(app.screen, HistoryScreen)
    return app.screen


async def test_a_chain_is_found_opened_and_left_again(archive: Path, tmp_path: Path) -> None:
    async with running(
        shop_model(), operations=MockOperations(), size=(160, 40), read_only=True
    ) as (app, pilot):
        app.archives = ArchivePlaces(watched=str(archive))
        live = app.main
        await pilot.press("E")
        await until(pilot, lambda: "slowest chains" in text_of(app))
        engine = screen_of(app).query_one("#engine", Input)
        engine.value = "athena"
        await until(pilot, lambda: screen_of(app).query_one("#output").region.area)
        await pilot.press("enter")
        await until(pilot, lambda: "this session only reads" in text_of(app))
        engine.value = "duckdb"
        await pilot.press("enter")
        await until(pilot, lambda: "6 rows" in text_of(app))
        assert "ImageProcPy" in line_with(app, "us-west-2")
        assert remembered.remembered().dataset == str(archive)
        # The slowest stands first, until another column is sorted by.
        first = app.screen.query_one("#value").render()
        await pilot.press("l", "l", "l", "s")
        assert "started▾" in text_of(app)
        await pilot.press("g", "h", "h", "h")
        assert str(app.screen.query_one("#value").render()) != str(first)
        await pilot.press("/", *"no-such-thing")
        assert "0 of 6 rows" in text_of(app)
        await pilot.press("escape", "y")
        await pilot.press("e", "shift+tab", "shift+tab")
        file = app.screen.query_one("#file", Input)
        file.value = str(tmp_path / "chains.csv")
        await pilot.press("enter")
        await until(pilot, lambda: "written to" in text_of(app))
        assert len((tmp_path / "chains.csv").read_text().splitlines()) == 7

        await pilot.press("enter")
        await until(pilot, lambda: app.live is not None and "1 chain" in text_of(app))
        assert "HISTORY" in text_of(app)
        assert "DBSyncPy" in text_of(app)
        assert "UpdateWebsite" in text_of(app)
        assert "back to history" in text_of(app)
        await pilot.press("space")
        assert not app.paused
        app.read_only = False
        await pilot.press("f")
        await until(pilot, lambda: "chain of the past" in text_of(app))
        await pilot.press("escape")
        await pilot.press("t")
        await until(pilot, lambda: "critical" in text_of(app))
        await pilot.press("escape")
        # Back to the answer, and from there to the watch, as it was left.
        await pilot.press("escape")
        await until(pilot, lambda: app.live is None and "chain of 3 invocations" in text_of(app))
        await pilot.press("escape")
        assert app.screen is live
        assert "HISTORY" not in text_of(app)


async def test_what_is_missing_is_said(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "_gammaray.json").write_text(json.dumps({"schema": "gammaray-archive/9"}))
    async with running(shop_model(), size=(80, 24), ascii_only=True) as (app, pilot):
        await pilot.press("E")
        await until(pilot, lambda: "slowest chains" in text_of(app))
        place = screen_of(app).query_one("#archive", Input)
        for dataset, says in (
            ("", "Which archive?"),
            (str(tmp_path / "nothing"), "no archive"),
            (str(strange), "has version 9"),
        ):
            place.value = dataset
            place.focus()
            await pilot.press("enter")
            await until(pilot, lambda says=says: says in text_of(app))  # type: ignore[misc]
        place.value = str(archive)
        screen_of(app).query_one("#between", Input).value = "yesterday"
        await pilot.press("enter")
        await until(pilot, lambda: "no stretch of time" in text_of(app))
        assert text_of(app).isascii()
        screen_of(app).query_one("#between", Input).value = ""
        monkeypatch.setattr(extras, "find_spec", lambda _name: None)
        await pilot.press("enter")
        await until(pilot, lambda: "pip install 'gammaray-tui[history]'" in text_of(app))


async def test_a_watch_that_has_archived_nothing_yet_says_when_it_will(tmp_path: Path) -> None:
    Dataset(Folder(tmp_path)).make()
    async with running(shop_model()) as (app, pilot):
        app.archives = ArchivePlaces(watched=str(tmp_path))
        await pilot.press("E")
        await until(pilot, lambda: "slowest chains" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "nothing was found; what is watched is added" in text_of(app))


async def test_a_question_that_takes_long_is_stopped(archive: Path) -> None:
    async with running(shop_model()) as (app, pilot):
        app.archives = ArchivePlaces(usual=str(archive))
        await pilot.press("E")
        await until(pilot, lambda: "slowest chains" in text_of(app))
        await pilot.press("j", "j")
        per = screen_of(app).query_one("#per", ChoiceLine)
        await until(pilot, lambda: per.region.area)
        per.focus()
        await pilot.press("l", "l")
        assert per.choice == "day"
        await pilot.press("h")
        assert "(●) hour" in text_of(app)
        screen_of(app).query_one("#questions").focus()
        await pilot.press("end")
        sql = screen_of(app).query_one("#sql", Input)
        await until(pilot, lambda: sql.region.area)
        sql.value = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
        sql.focus()
        await pilot.press("enter")
        await until(pilot, lambda: "reading the answer" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in text_of(app))
        # The next question is answered.
        sql.value = "SELECT count(*) AS n FROM attempts"
        await pilot.press("enter")
        await until(pilot, lambda: "1 row ·" in text_of(app))
        assert "18" in text_of(app)


async def test_columns_fill_a_line_and_no_more() -> None:
    async with running(shop_model(), size=(80, 24)) as (app, pilot):
        await pilot.press("E")
        table = screen_of(app).query_one(AnswerTable)
        columns = [Column("request id", 36), Column("function", 300), Column("region", 9)]
        rows = [Row(0, ("x" * 36, "checkout", "us-west-2"), (None,) * 3)]
        table.show_answer(columns, rows)
        for width in range(20, 120):
            for line in (table.paint_head(0, width), table.paint_line(0, width)):
                assert sum(piece.cell_length for piece in line) <= width
