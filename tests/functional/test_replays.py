"""Replays and recordings in the running application."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from causality.document import encode
from causality.snapshot import Playback
from gammaray_tui.app import GammarayApp
from gammaray_tui.commands.graph_input import graph_of
from gammaray_tui.recording import WatchRecording
from gammaray_tui.screens.error import ErrorScreen
from gammaray_tui.screens.seek import SeekScreen, place_of
from gammaray_tui.watch import Watch
from providers.events import Mark
from providers.files import collect, read
from providers.recordings.reader import open_recording, read_events
from providers.replay import Player, tape_of
from tests.functional.running import line_with, text_of, until
from tests.unit.recordings.making import recorded, watched

NOW_S = 1_900_000_000.0


@asynccontextmanager
async def replaying(
    path: Path, speed: float | None = None, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[GammarayApp, Pilot[None], Watch]]:
    player = Player(tape_of(collect([path])), speed=speed)
    watch = Watch("replay", max_invocations=None, clock=player.now_s)
    watch.playback = player.playback

    async def play() -> None:
        await player.run(watch.queue.put)

    app = GammarayApp(watch, title="replay", read_only=True, sources=(play,), player=player)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield app, pilot, watch


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return recorded(tmp_path / "run.gammaray", watched("imageproc"))


def graph(watch: Watch) -> bytes:
    return encode(watch.engine, NOW_S)


async def test_a_replay_says_where_it_is_and_that_it_has_ended(recording: Path) -> None:
    async with replaying(recording) as (app, pilot, watch):
        await until(pilot, lambda: "ended" in text_of(app) and watch.engine.finished)
        assert "space play again" in text_of(app).splitlines()[-1]
        assert "max" in line_with(app, "ended")
        assert "0:04.0 / 0:04.0" not in line_with(app, "ended")  # the gap came a second later
        assert "0:05.0 / 0:05.0" in line_with(app, "ended")
        assert graph(watch) == encode(graph_of(read(collect([recording]))), NOW_S)


async def test_a_replay_of_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    async with replaying(tmp_path / "empty.jsonl") as (app, pilot, _):
        await until(pilot, lambda: "There was no record" in text_of(app))


async def test_keys_go_through_a_replay(recording: Path) -> None:
    async with replaying(recording, 0.1, size=(80, 24)) as (app, pilot, watch):
        assert app.player is not None
        await pilot.press("space")
        # What came before may still wait to be taken up.
        await until(pilot, lambda: "paused" in text_of(app) and watch.queue.empty())
        records = watch.engine.records
        await pilot.press("full_stop")
        await until(pilot, lambda: watch.engine.records == records + 1)
        await pilot.press("semicolon")
        await until(pilot, lambda: watch.engine.records > records + 1)
        await pilot.press("greater_than_sign", "greater_than_sign", "less_than_sign")
        await until(pilot, lambda: "0.2×" in text_of(app))
        await pilot.press("at")
        await until(pilot, lambda: isinstance(app.screen, SeekScreen))
        await pilot.press(*"100%", "enter")
        await until(pilot, lambda: "ended" in text_of(app) and watch.engine.finished)
        whole = graph(watch)
        await pilot.press("left_parenthesis")
        await until(pilot, lambda: "paused" in text_of(app))
        await until(pilot, lambda: watch.engine.records and not watch.engine.gaps)
        await pilot.press("right_parenthesis")
        await until(pilot, lambda: "ended" in text_of(app) and watch.engine.finished)
        assert graph(watch) == whole


async def test_a_place_that_cannot_be_read_is_told(recording: Path) -> None:
    async with replaying(recording) as (app, pilot, _):
        await pilot.press("at")
        await until(pilot, lambda: isinstance(app.screen, SeekScreen))
        await pilot.press(*"soon", "enter")
        await until(pilot, lambda: "is no place" in text_of(app))


async def test_what_the_user_chose_outlives_going_back(recording: Path) -> None:
    async with replaying(recording) as (app, pilot, watch):
        await until(pilot, lambda: "ended" in text_of(app) and watch.engine.finished)
        watch.set_filter("DBSyncPyB")
        chains, before = len(watch.snapshot().rows), watch.engine
        await pilot.press("space")
        await until(pilot, lambda: watch.engine is not before and watch.engine.finished)
        assert len(watch.snapshot().rows) == chains


@pytest.mark.parametrize(
    ("text", "at_s"),
    [
        ("10s", 1010.0),
        ("1m 30s", 1090.0),
        ("+10s", 1060.0),
        ("-20s", 1030.0),
        ("50%", 1100.0),
        ("00:17:00", 1020.0),
        ("0:18", 1080.0),
        ("1970-01-01 00:17:00", 1020.0),
        ("1970-01-01T01:17:00+01:00", 1020.0),
    ],
)
def test_places_are_written_in_many_ways(text: str, at_s: float) -> None:
    assert place_of(text, Playback("playing", 1050.0, 1000.0, 1200.0)) == at_s


def test_a_clocks_time_past_midnight_is_the_next_days() -> None:
    playback = Playback("playing", 86_000.0, 86_000.0, 87_000.0)
    assert place_of("00:05:00", playback) == 86_400.0 + 300


@asynccontextmanager
async def recordable(
    path: Path | None = None,
) -> AsyncIterator[tuple[GammarayApp, Pilot[None], Watch, WatchRecording]]:
    watch = Watch("live")
    recording = WatchRecording(title="live", path=path)
    app = GammarayApp(watch, title="live", recording=recording)
    with recording.of(watch):
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.pause()
            yield app, pilot, watch, recording


async def test_the_key_starts_and_stops_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.gammaray"
    async with recordable(path) as (app, pilot, watch, recording):
        await pilot.press("R")
        await until(pilot, lambda: "REC" in text_of(app).splitlines()[0])
        for event in watched("imageproc"):
            watch.queue.put_nowait(event)
        await until(pilot, lambda: watch.engine.gaps)
        await pilot.press("space", "space", "R")
        await until(pilot, lambda: "REC" not in text_of(app).splitlines()[0])
        assert recording.path is None
    with open_recording(path) as stream:
        events = [event for _, event in read_events(stream, "r")]
    assert events[: len(watched("imageproc"))] == watched("imageproc")
    assert [e.kind for e in events if isinstance(e, Mark)] == ["fired", "paused", "continued"]


async def test_a_full_disk_is_said_and_the_watch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recordable(tmp_path / "run.gammaray") as (app, pilot, watch, recording):
        recording.start()

        def full(_descriptor: int, _data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            watch.mark("fired", "x")
            await until(pilot, lambda: isinstance(app.screen, ErrorScreen))
        await until(pilot, lambda: "disk is full" in text_of(app))
        assert recording.name() == ""
        assert recording.stop() is None
        assert recording.failure is not None
        watch.queue.put_nowait(watched("imageproc")[1])
        await until(pilot, lambda: watch.engine.records)


async def test_a_replay_is_not_recorded(recording: Path) -> None:
    async with replaying(recording) as (app, pilot, _):
        await pilot.press("R")
        await until(pilot, lambda: "a replay is not recorded" in text_of(app))


async def test_chains_go_under_headings_and_levels_are_stepped_through(recording: Path) -> None:
    async with replaying(recording) as (app, pilot, watch):
        await until(pilot, lambda: watch.engine.finished)
        tree = app.main.causal_tree
        await pilot.press("u")
        await until(pilot, lambda: "causal tree by time" in text_of(app))
        await pilot.press("u", "u")
        await until(pilot, lambda: "causal tree by function" in text_of(app))
        assert {row.kind for row in map(app.snapshot.rows.row, range(len(app.snapshot.rows)))} == {
            "group"
        }
        await pilot.press("g", "t")
        await until(pilot, lambda: "no chain is under the cursor" in text_of(app))
        await pilot.press("enter")
        assert tree.current is not None
        assert not tree.current.folded
        await pilot.press("l")
        root = tree.current
        assert root.kind == "invocation"
        await pilot.press("h", "h", "h")
        assert tree.current.kind == "group"
        await pilot.press("+")
        await until(pilot, lambda: "by function, 1 level" in text_of(app))
        await pilot.press("+", "+", "+", "+", "+")
        await until(pilot, lambda: "level" not in line_with(app, "causal tree"))
        await pilot.press("u")
        await until(pilot, lambda: "by function" not in text_of(app))
        assert not any(
            row.folded for row in map(app.snapshot.rows.row, range(len(app.snapshot.rows)))
        )
