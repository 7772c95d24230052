"""Replays: at the pace at which things came, and wherever the controls say."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from causality.document import encode
from causality.engine import Engine
from providers.events import (
    EndOfInput,
    Gap,
    ProviderEvent,
    RecordBatch,
    Restart,
    TraceBatch,
)
from providers.files import FileSet, collect, read
from providers.replay import SPEEDS, MergedTape, Player, tape_of
from tests.unit.providers.taping import Stage, played, playing
from tests.unit.recordings.making import ORACLE, recorded, watched

NOW_S = 1_700_000_000.0


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return recorded(tmp_path / "run.gammaray", watched("imageproc"))


def dump(path: Path, *ts_ms: int) -> Path:
    lines = []
    for i, ts in enumerate(ts_ms):
        image = {"reqID": {"S": "r"}, "payload": {"S": "end"}, "ts": {"N": str(ts)}}
        lines.append(f"{i} INSERT:e{i}:{image}\n")
    path.write_text("".join(lines))
    return path


def graph(events: list[ProviderEvent]) -> bytes:
    """Give the graph document of events, as if a watch had taken them."""
    engine = Engine()
    for event in events:
        if isinstance(event, Restart):
            engine = Engine()
        elif isinstance(event, RecordBatch):
            engine.apply_records(event.records)
            engine.apply_unreadable(event.unreadable)
        elif isinstance(event, TraceBatch):
            engine.apply_documents(event.documents)
        elif isinstance(event, Gap):
            engine.apply_gap(event.detail, event.at_s)
        elif isinstance(event, EndOfInput):
            engine.finish()
        engine.settle()
    return encode(engine, NOW_S)


def at_once(*paths: Path) -> bytes:
    return graph([*read(collect(paths)), EndOfInput("files")])


async def test_records_come_at_their_own_pace(tmp_path: Path) -> None:
    path = dump(tmp_path / "a.new", 1_000_000, 1_000_010, 1_002_000, 1_010_000)
    stage = await played(tape_of(collect([path])), 2.0)
    times = [
        (round(at_s, 3), len(e.records)) for at_s, e in stage.came if isinstance(e, RecordBatch)
    ]
    assert times == [(0.0, 2), (1.0, 1), (5.0, 1)]
    assert stage.events[-1] == EndOfInput("replay")


async def test_a_recording_plays_by_the_times_at_which_things_came(recording: Path) -> None:
    stage = await played(tape_of(collect([recording])), 10.0)
    came = [at_s for at_s, e in stage.came if isinstance(e, RecordBatch)]
    assert [round(at_s, 6) for at_s in came] == [0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize("speed", [0.1, 1.0, 1000.0, None])
@pytest.mark.parametrize("case", ["imageproc", "mapreduce"])
async def test_every_speed_gives_the_graph_that_reading_at_once_gives(
    case: str, speed: float | None
) -> None:
    stage = await played(tape_of(collect([ORACLE / case])), speed)
    assert graph(stage.events) == at_once(ORACLE / case)
    if speed is None:
        assert stage.came[-1][0] == 0.0


@pytest.mark.parametrize("speed", [0.1, 1.0, 1000.0, None])
async def test_a_recording_gives_the_same_graph_at_every_speed(
    recording: Path, speed: float | None
) -> None:
    stage = await played(tape_of(collect([recording])), speed)
    assert graph(stage.events) == at_once(recording)


async def test_a_recording_gives_the_graph_of_what_was_recorded(recording: Path) -> None:
    assert at_once(recording) == graph([*watched("imageproc"), EndOfInput("")])


async def test_several_files_play_together_by_their_times(tmp_path: Path, recording: Path) -> None:
    start_ms = int(tape_of(collect([recording])).start_s * 1000)
    path = dump(tmp_path / "a.new", start_ms + 500, start_ms + 2500)
    tape = tape_of(collect([path, recording]))
    assert isinstance(tape, MergedTape)
    times = [at_s for at_s, _ in tape.events()]
    assert times == sorted(times)
    stage = await played(tape, None)
    assert {"e0", "e1"} < set(stage.names)


async def test_nothing_to_play_ends_at_once() -> None:
    tape = tape_of(FileSet((), ()))
    assert (await played(tape, 1.0)).events == [EndOfInput("replay")]
    assert (await played(tape, None)).events == [EndOfInput("replay")]


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
async def test_a_speed_must_go_forward(recording: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Player(tape_of(collect([recording])), speed=speed)


async def test_a_slow_consumer_does_not_stretch_the_replay() -> None:
    tape = tape_of(collect([ORACLE / "imageproc"]))
    prompt = await played(tape, 1.0)
    slow = await played(tape, 1.0, Stage(takes_s=0.1))
    assert slow.came[-1][0] - prompt.came[-1][0] < 2


async def test_steps_give_one_record_or_one_page(recording: Path) -> None:
    tape = tape_of(collect([recording]))
    async with playing(tape, paused=True) as (player, stage):
        for count in (1, 2, 3, 4):
            player.step("record")
            await stage.until(partial(lambda count: len(stage.names) == count, count))
            assert player.playback().state == "paused"
        player.step("page")
        await stage.until(lambda: len(stage.names) > 4)
        assert len(stage.names) == 6
        assert player.playback().position_s == tape.start_s + 2


async def test_stepping_to_the_end_ends(recording: Path) -> None:
    expected = at_once(recording)
    async with playing(tape_of(collect([recording])), paused=True) as (player, stage):
        for _ in range(len(list(tape_of(collect([recording])).events()))):
            player.step("page")
        await stage.until_ended()
        assert graph(stage.events) == expected
        player.step("page")  # does nothing
        assert player.playback().state == "ended"


async def test_seeking_forward_gives_what_lies_between_at_once(recording: Path) -> None:
    tape = tape_of(collect([recording]))
    async with playing(tape, 0.1, paused=True) as (player, stage):
        player.seek(tape.start_s + 3)
        await stage.until(lambda: len(stage.names) >= 9)
        assert stage.now_s == 0.0
        await stage.until(lambda: player.playback().state == "paused")
        assert player.playback().position_s == tape.start_s + 3
        assert len(stage.names) == 9
        assert not any(isinstance(event, Restart) for event in stage.events)


async def test_seeking_back_begins_anew_and_gives_the_same_graph(recording: Path) -> None:
    tape = tape_of(collect([recording]))
    async with playing(tape, None) as (player, stage):
        await stage.until_ended()
        whole = graph(stage.events)
        player.seek(tape.start_s + 2)
        await stage.until(lambda: sum(isinstance(e, EndOfInput) for e in stage.events) == 2)
        assert sum(isinstance(event, Restart) for event in stage.events) == 1
        assert graph(stage.events) == whole == at_once(recording)


async def test_seeking_never_leaves_the_tape(recording: Path) -> None:
    tape = tape_of(collect([recording]))
    async with playing(tape, paused=True) as (player, stage):
        player.seek(0.0)
        player.seek(1e12)
        await stage.until_ended()
        assert player.playback().position_s == tape.end_s


async def test_a_replay_that_has_ended_can_be_played_again(recording: Path) -> None:
    async with playing(tape_of(collect([recording])), None) as (player, stage):
        await stage.until_ended()
        assert player.playback().state == "ended"
        player.toggle_pause()
        await stage.until(lambda: sum(isinstance(e, EndOfInput) for e in stage.events) == 2)
        assert len(stage.names) == 2 * len(set(stage.names))


async def test_the_position_follows_the_clock_and_stands_while_paused(recording: Path) -> None:
    tape = tape_of(collect([recording]))
    stage = Stage()
    player = Player(tape, speed=2.0, monotonic_s=lambda: stage.now_s, wait=stage.wait)
    stage.now_s = 1.5
    assert player.now_s() == tape.start_s + 3
    player.toggle_pause()
    stage.now_s = 9.0
    assert player.now_s() == tape.start_s + 3
    player.toggle_pause()
    player.set_speed(0.5)
    stage.now_s = 11.0
    assert player.now_s() == tape.start_s + 4


def test_speeds_go_up_and_down_in_the_usual_steps(recording: Path) -> None:
    player = Player(tape_of(collect([recording])), speed=1.0)
    for faster in (2, 5, 10, 20, 50, 100, None, None):
        player.change_speed(1)
        assert player.playback().speed == faster
    for slower in reversed(SPEEDS[:-1]):
        player.change_speed(-1)
        assert player.playback().speed == slower
    player.change_speed(-1)
    assert player.playback().speed == SPEEDS[0]
    player.set_speed(3.0)
    player.change_speed(1)
    assert player.playback().speed == 5
    player.set_speed(3.0)
    player.change_speed(-1)
    assert player.playback().speed == 2


def test_playing_needs_no_aws_client() -> None:
    program = "import sys, providers.replay; sys.exit('aiobotocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
