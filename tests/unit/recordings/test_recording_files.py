"""The file of a recording: what is written is read again, whatever happened to its end."""

from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from causality.records import Unreadable
from providers.errors import UserError
from providers.events import Mark, ProviderEvent, RecordBatch, RegionStatus
from providers.files import collect, read
from providers.recordings.entries import Began, Ended
from providers.recordings.members import scan_heads
from providers.recordings.reader import open_recording, read_entries, read_events, summarise
from providers.recordings.writer import Recorder
from tests.unit.recordings.making import START_S, recorded, watched


def events_in(path: Path) -> list[ProviderEvent]:
    with open_recording(path) as stream:
        return [event for _, event in read_events(stream, path.name)]


def unreadable_in(path: Path) -> list[Unreadable]:
    batches = [event for event in events_in(path) if isinstance(event, RecordBatch)]
    return [lost for batch in batches for lost in batch.unreadable]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.gammaray"


def in_parts(path: Path, count: int = 4) -> list[tuple[int, int]]:
    """Make a recording of several parts; give the place and size of each."""
    for number in range(count):
        recorder = Recorder(path, Began(at_s=START_S + number), go_on=number > 0)
        recorder.record(Mark(START_S + number, "fired", str(number)))
        recorder.close()
    with path.open("rb") as stream:
        return [(place, head.size) for place, head in scan_heads(stream)]


def until(reached: Callable[[], object]) -> None:
    """Wait for what the writing thread does."""
    give_up_s = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < give_up_s, "this never came true"
        time.sleep(0.01)


def fired(path: Path) -> list[str]:
    return [e.text for e in events_in(path) if isinstance(e, Mark) and e.kind == "fired"]


def test_what_is_recorded_is_read_again(path: Path) -> None:
    events = watched("imageproc")
    assert events_in(recorded(path, events)) == events


def test_a_recording_is_read_like_any_other_file(path: Path) -> None:
    events = watched("imageproc")
    recorded(path, events)
    renamed = path.rename(path.with_suffix(".bin"))
    assert list(read(collect([renamed]))) == events


def test_any_gzip_reads_it(path: Path) -> None:
    recorded(path, watched("imageproc"))
    lines = gzip.decompress(path.read_bytes()).splitlines()
    assert [json.loads(line)["k"] for line in lines][:: len(lines) - 1] == ["began", "ended"]


def test_it_is_summarised_without_reading_it(path: Path) -> None:
    events = watched("imageproc")
    recorded(path, events)
    summary = summarise(path)
    assert summary.began.title == "t"
    assert summary.records == sum(len(e.records) for e in events if isinstance(e, RecordBatch))
    assert (summary.start_s, summary.size) == (START_S, path.stat().st_size)
    assert summary.end_s >= summary.start_s


def test_only_its_owner_can_read_it(path: Path) -> None:
    recorded(path, [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_recording_is_never_written_over(path: Path) -> None:
    recorded(path, watched("imageproc"))
    before = path.read_bytes()
    with pytest.raises(UserError, match="exists already"):
        Recorder(path, Began(at_s=0.0))
    assert path.read_bytes() == before


def test_two_cannot_write_one_recording(path: Path) -> None:
    recorder = Recorder(path, Began(at_s=START_S))
    with pytest.raises(UserError, match="Another gammaray-tui"):
        Recorder(path, Began(at_s=START_S), go_on=True)
    recorder.close()


def test_what_is_no_recording_is_not_added_to(path: Path) -> None:
    path.write_text("my diary\n")
    with pytest.raises(UserError, match="no recording"):
        Recorder(path, Began(at_s=START_S), go_on=True)
    assert path.read_text() == "my diary\n"


@pytest.mark.parametrize("cut", [1, 8, 30, 60])
def test_a_torn_end_costs_the_last_part_only_and_is_cut_off(path: Path, cut: int) -> None:
    parts = in_parts(path)
    with path.open("r+b") as file:
        file.truncate(sum(parts[-1]) - cut)
    whole = fired(path)
    assert whole[:3] == ["0", "1", "2"]
    assert unreadable_in(path) == []
    recorder = Recorder(path, Began(at_s=START_S + 9), go_on=True)
    recorder.record(Mark(START_S + 9, "fired", "later"))
    recorder.close()
    assert fired(path) == [*whole, "later"]
    assert unreadable_in(path) == []


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\x1f\x8b\x08\x04" + b"\0" * 40, b"x"])
def test_what_a_power_cut_left_behind_the_end_is_cut_off(path: Path, tail: bytes) -> None:
    in_parts(path)
    length = path.stat().st_size
    with path.open("ab") as file:
        file.write(tail)
    assert fired(path) == ["0", "1", "2", "3"]
    Recorder(path, Began(at_s=START_S), go_on=True).close()
    assert fired(path) == ["0", "1", "2", "3"]
    with path.open("rb") as stream:
        assert [place for place, _ in scan_heads(stream)].count(length) == 1


def test_a_damaged_part_is_told_and_costs_nothing_else(path: Path) -> None:
    parts = in_parts(path)
    data = bytearray(path.read_bytes())
    # Of each run there are two parts: the one written at once, and the rest.
    place, size = next(part for part in parts if part[0] > len(data) // 3)
    data[place + size // 2 + 20] ^= 0xFF
    path.write_bytes(data)
    (lost,) = unreadable_in(path)
    assert lost.reason.startswith(f"run.gammaray, byte {place}: damaged")
    assert len(fired(path)) >= 3
    data[place : place + 4] = b"oops"
    path.write_bytes(data)
    (lost,) = unreadable_in(path)
    assert f"byte {place}" in lost.reason
    assert len(fired(path)) >= 3


def test_lines_of_a_newer_version_are_told_and_skipped(path: Path) -> None:
    recorder = Recorder(path, Began(at_s=START_S, version=99))
    recorder.close()
    with pytest.raises(UserError, match="newer version"):
        events_in(path)


def test_it_can_be_read_while_it_is_written(path: Path) -> None:
    recorder = Recorder(path, Began(at_s=START_S))
    try:
        recorder.record(Mark(START_S, "fired", "0"))
        until(lambda: fired(path) == ["0"])
    finally:
        recorder.close()


def test_a_quiet_watch_leaves_a_sign_of_life_as_long_as_it_can_read(path: Path) -> None:
    now_s = [START_S]
    recorder = Recorder(path, Began(at_s=START_S), now_s=lambda: now_s[0], alive_every_s=0.01)
    try:
        recorder.record(RegionStatus("us-west-2", "retrying"))
        recorder.record(RegionStatus("us-east-1", "live"))
        now_s[0] += 3600
        until(lambda: len(events_in(path)) == 2)
        assert summarise(path).end_s == START_S
        recorder.record(RegionStatus("us-west-2", "live"))
        now_s[0] += 3600
        until(lambda: summarise(path).end_s == START_S + 7200)
        assert len(events_in(path)) == 3
    finally:
        recorder.close()


def test_what_was_written_survives_kill_9(path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from providers.events import Mark
from providers.recordings.entries import Began
from providers.recordings.writer import Recorder
recorder = Recorder(Path({str(path)!r}), Began(at_s=1.0))
for number in range(10**9):
    recorder.record(Mark(1.0, "fired", str(number)))
    print(number, flush=True)
    time.sleep(0.01)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 150:
            break
    child.send_signal(signal.SIGKILL)
    last = max([150, *(int(line) for line in child.stdout.read().split())])
    child.wait()
    child.stdout.close()
    kept = fired(path)
    assert kept == [str(number) for number in range(len(kept))]
    assert last - len(kept) <= 100  # a second's worth
    with open_recording(path) as stream:
        assert not any(isinstance(entry, Ended) for _, entry in read_entries(stream, "r"))


def test_a_full_disk_stops_the_recording_and_is_said_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[UserError] = []
    failed = threading.Event()

    def fail(error: UserError) -> None:
        said.append(error)
        failed.set()

    recorder = Recorder(path, Began(at_s=START_S), on_failure=fail)
    really_write = os.write

    def write(descriptor: int, data: memoryview) -> int:
        if len(data) > 10:
            return really_write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    recorder.record(Mark(START_S, "fired", "lost"))
    assert failed.wait(60)
    monkeypatch.undo()
    recorder.record(Mark(START_S, "fired", "too late"))
    recorder.close()
    assert [error.what for error in said] == ["The disk is full; nothing more is recorded."]
    assert events_in(path) == []
    assert unreadable_in(path) == []


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        Recorder(tmp_path / "file" / "run.gammaray", Began(at_s=START_S))
