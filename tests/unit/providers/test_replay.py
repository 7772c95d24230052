"""Replays: in the order and at the pace of the records' own times."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from causality.records import Change, Image, Number, StreamRecord, Text, Unreadable
from providers.events import EndOfInput, ProviderEvent, RecordBatch, TraceBatch
from providers.files import collect, read
from providers.replay import Timeline, replay
from providers.streams import Timing

ORACLE = Path(__file__).parents[2] / "data" / "oracle"


def record(name: str, ts_ms: int | None) -> StreamRecord:
    image = None if ts_ms is None else Image(Text(name), Text("end"), Number(str(ts_ms)))
    return StreamRecord(Change("1", image), name)


def batch(source: str, *records: StreamRecord) -> RecordBatch:
    return RecordBatch("", source, list(records))


class Stage(asyncio.Queue[ProviderEvent]):
    """A queue that notes when events come, with a clock that passes only during sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.came: list[tuple[float, ProviderEvent]] = []

    async def put(self, item: ProviderEvent) -> None:
        self.came.append((self.now_s, item))

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def timing(self) -> Timing:
        return Timing(monotonic_s=lambda: self.now_s, sleep=self.sleep)


async def played(paths: list[Path], speed: float | None) -> list[tuple[float, ProviderEvent]]:
    """Replay and give each event with the time at which it came."""
    stage = Stage()
    await replay(collect(paths), stage, speed=speed, timing=stage.timing())
    return stage.came


def names(events: list[tuple[float, ProviderEvent]]) -> list[str]:
    return [r.eventID for _, e in events if isinstance(e, RecordBatch) for r in e.records]


def test_entries_are_in_the_order_of_their_times_across_sources() -> None:
    timeline = Timeline.of(
        [
            batch("a", record("1", 1000), record("4", 4000)),
            batch("b", record("2", 2000), record("3", 3000)),
            TraceBatch("c", [json.dumps({"start_time": 1.0, "end_time": 2.5}), "{broken"]),
        ]
    )
    items = [
        e.item.eventID if isinstance(e.item, StreamRecord) else e.item for e in timeline.entries
    ]
    assert items[:2] == ["1", "2"]
    assert items[-2:] == ["3", "4"]
    assert "{broken" in items


def test_what_has_no_time_stays_with_its_neighbours() -> None:
    timeline = Timeline.of(
        [
            RecordBatch(
                "", "a", [record("first", None), record("1", 5000)], [Unreadable("r", "x")]
            ),
            batch("b", record("2", 1000), record("removed", None), record("3", 9000)),
            batch("c", record("timeless", None)),
        ]
    )
    order = [e.item.eventID for e in timeline.entries if isinstance(e.item, StreamRecord)]
    assert order == ["timeless", "2", "removed", "first", "1", "3"]
    assert len(timeline.entries) == 7


async def test_records_come_at_their_own_pace(tmp_path: Path) -> None:
    path = tmp_path / "a.new"
    lines = []
    for i, ts in enumerate((1_000_000, 1_000_010, 1_002_000, 1_010_000)):
        image = {"reqID": {"S": "r"}, "payload": {"S": "end"}, "ts": {"N": str(ts)}}
        lines.append(f"{i} INSERT:e{i}:{image}\n")
    path.write_text("".join(lines))
    events = await played([path], 2.0)
    times = [(round(at_s, 3), len(e.records)) for at_s, e in events if isinstance(e, RecordBatch)]
    assert times == [(0.0, 2), (1.0, 1), (5.0, 1)]
    batches = [e for _, e in events if isinstance(e, RecordBatch)]
    assert batches[-1].received_at_s == 1010.0
    assert events[-1][1] == EndOfInput("replay")


@pytest.mark.parametrize("speed", [1.0, 1000.0, None])
@pytest.mark.parametrize("case", ["imageproc", "mapreduce"])
async def test_every_speed_plays_everything_once(case: str, speed: float | None) -> None:
    events = await played([ORACLE / case], speed)
    expected = list(read(collect([ORACLE / case])))
    assert sorted(names(events)) == sorted(
        r.eventID for e in expected if isinstance(e, RecordBatch) for r in e.records
    )
    traces = [d for _, e in events if isinstance(e, TraceBatch) for d in e.documents]
    assert sorted(traces) == sorted(
        d for e in expected if isinstance(e, TraceBatch) for d in e.documents
    )
    if speed is None:
        assert events[-1][0] == 0.0


async def test_nothing_to_play_ends_at_once(tmp_path: Path) -> None:
    assert [event for _, event in await played([tmp_path], 1.0)] == [EndOfInput("replay")]
    assert [event for _, event in await played([tmp_path], None)] == [EndOfInput("replay")]


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
async def test_a_speed_must_go_forward(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        await replay(collect([tmp_path]), asyncio.Queue(), speed=speed)


async def test_a_slow_consumer_does_not_stretch_the_replay() -> None:
    class SlowStage(Stage):
        async def put(self, item: ProviderEvent) -> None:
            await super().put(item)
            self.now_s += 0.1

    prompt = await played([ORACLE / "imageproc"], 1.0)
    slow = SlowStage()
    await replay(collect([ORACLE / "imageproc"]), slow, speed=1.0, timing=slow.timing())
    assert slow.came[-1][0] - prompt[-1][0] < 2
