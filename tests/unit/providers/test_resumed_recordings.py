"""A recorded watch that is killed and resumed: every record once, in the file and in the graph."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammaray_tui.commands import resuming
from gammaray_tui.watch import Watch
from providers.errors import UserError
from providers.events import Gap, Mark, ProviderEvent, RecordBatch
from providers.recordings.entries import Began
from providers.recordings.members import scan_heads
from providers.recordings.reader import open_recording, read_events
from providers.recordings.writer import Recorder
from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime
from tests.fakes.watch import WEST, watching


def record(path: Path, events: list[ProviderEvent], *, go_on: bool = False) -> None:
    recorder = Recorder(path, Began(at_s=1.0, regions=(WEST,)), go_on=go_on)
    for event in events:
        recorder.record(event)
    recorder.close()


def in_file(path: Path) -> list[ProviderEvent]:
    with open_recording(path) as stream:
        return [event for _, event in read_events(stream, path.name)]


def ids(events: list[ProviderEvent]) -> list[str]:
    return [r.eventID for e in events if isinstance(e, RecordBatch) for r in e.records]


async def test_a_killed_watch_goes_on_without_loss_or_repetition(
    aws: FakeAws, time: VirtualTime, tmp_path: Path
) -> None:
    path = tmp_path / "run.gammaray"
    west = aws.region(WEST)
    west.make_table(shards=2)
    west.page_records = 2
    parent, other = west.stream.open_shards()
    west.write(parent, 5)
    west.write(other, 5)
    async with watching(aws, time) as first:
        await first.until(lambda: first.has_all(west))
        early, late = first.events[:-2], first.events[-2:]
    record(path, early)
    record(path, late, go_on=True)
    with path.open("r+b") as file:  # kill -9 in the middle of the last part
        place, head = [part for part in scan_heads(file) if part[1].records][-1]
        file.truncate(place + head.size // 2)
    kept = ids(in_file(path))
    assert 0 < len(kept) < 10

    for child in west.split(parent):
        west.write(child, 3)
    west.write(other, 3)
    model = Watch("t")
    resumed = resuming.take_up(path, model)
    assert model.engine.records == len(kept)
    async with watching(aws, time, resume=resumed.resume) as second:
        wanted = {written.event_id for written in west.all_written()}
        await second.until(lambda: {*kept, *second.ids()} == wanted)
        record(path, second.events, go_on=True)
        assert not second.gaps
    assert sorted(ids(in_file(path))) == sorted(wanted)
    assert any(isinstance(e, Mark) and e.kind == "resumed" for e in in_file(path))


async def test_what_was_trimmed_meanwhile_is_shown_as_a_gap(
    aws: FakeAws, time: VirtualTime, tmp_path: Path
) -> None:
    path = tmp_path / "run.gammaray"
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 3)
    async with watching(aws, time) as first:
        await first.until(lambda: first.has_all(west))
        record(path, first.events)
    west.write(shard, 6)
    west.trim(shard, 7)
    resumed = resuming.take_up(path, Watch("t"))
    async with watching(aws, time, resume=resumed.resume) as second:
        await second.until(lambda: len(second.ids()) == 2)
        record(path, second.events, go_on=True)
    model = Watch("t")
    resuming.take_up(path, model)
    assert (model.engine.records, model.engine.gaps) == (5, 1)
    assert sum(isinstance(event, Gap) for event in in_file(path)) == 1


def test_which_recording_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = tmp_path / "run.gammaray"
    assert resuming.find("x.gammaray", path, "o") == Path("x.gammaray")
    assert resuming.find(resuming.LATEST, path, "o") is None
    record(path, [])
    assert resuming.find(resuming.LATEST, path, "o") == path
    with pytest.raises(UserError, match="no recording"):
        resuming.find(resuming.LATEST, None, "o")
