"""Where archives are written to: buckets, and watches that add to one while they run."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

import msgspec
import pytest

from gammaray_tui.archiving import Archiving, archive_of
from gammaray_tui.watch import Watch
from providers.archive.compaction import compact
from providers.archive.dataset import Dataset
from providers.archive.schema import TABLES
from providers.archive.store import Bucket, Folder, open_store
from providers.archive.writer import ArchiveWriter
from providers.errors import UserError
from providers.events import EndOfInput
from tests.unit.archive.making import batch, demo_records, files, rows, write
from tests.unit.cli.run import run_inside
from tests.unit.history.asking import edges_of_archive, edges_of_engine, live


def test_a_bucket_holds_what_a_folder_does(bucket: Bucket, tmp_path: Path) -> None:
    dataset = Dataset(bucket)
    for records in ([record] for record in demo_records()):
        writer = ArchiveWriter(dataset)
        writer.take(batch(records))
        writer.flush()
    assert len(list(bucket.files("calls"))) > 2
    compact(Dataset(bucket))
    for file in bucket.files(""):
        target = tmp_path / "copy" / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bucket.read(file.path) or b"")
    write(tmp_path / "folder", batch(demo_records()))
    for table in TABLES:
        assert rows(tmp_path / "copy", table) == rows(tmp_path / "folder", table)
        folders = [file.path.rpartition("/")[0] for file in bucket.files(table)]
        assert len(folders) == len(set(folders))


def test_a_bucket_answers_as_the_live_view_does(bucket: Bucket) -> None:
    writer = ArchiveWriter(Dataset(bucket))
    writer.take(batch(demo_records()))
    writer.flush()
    assert edges_of_archive(bucket) == edges_of_engine(live(demo_records()))


def test_exports_are_read_where_they_were_written(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [record.dynamodb.NewImage for record in demo_records()]
    lines = b"".join(b'{"Item":' + msgspec.json.encode(image) + b"}\n" for image in images)
    bucket.write("AWSDynamoDB/0123-ab/data/x.json.gz", gzip.compress(lines))
    monkeypatch.setenv("GAMMARAY_ENDPOINT_URL", str(bucket.client.meta.endpoint_url))
    target = str(tmp_path / "archive")
    done = run_inside("archive", f"{bucket.url}/AWSDynamoDB", "--to", target)
    assert done.returncode == 0, done.stderr
    assert "could not be read" not in done.stderr
    assert edges_of_archive(Folder(tmp_path / "archive")) == edges_of_engine(live(demo_records()))


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    other, cut = tmp_path / "other.json.gz", tmp_path / "cut.json.gz"
    other.write_bytes(gzip.compress(b'{"Item":{"id":{"S":"1"}}}\n' * 3))
    cut.write_bytes(other.read_bytes()[:-12])
    done = run_inside("archive", str(other), "--to", str(tmp_path / "archive"))
    assert "3 of them could not be read" in done.stderr
    done = run_inside("archive", str(cut), "--to", str(tmp_path / "archive"))
    assert done.returncode == 2
    assert "copy it again" in done.stderr


def test_a_bucket_that_is_not_there_is_said_to_be_missing(bucket: Bucket) -> None:
    endpoint = bucket.client.meta.endpoint_url
    with pytest.raises(UserError) as refused:
        Dataset(open_store("s3://nowhere/x", endpoint_url=endpoint)).write(
            "calls", "date=x", TABLES["calls"].empty_table()
        )
    assert "s3://nowhere/x" in refused.value.on


def test_what_a_watch_is_given_is_archived_while_it_runs(tmp_path: Path) -> None:
    watch = Watch("test")
    with archive_of(str(tmp_path / "a")).of(watch):
        watch.apply(batch(demo_records()))
        watch.apply(EndOfInput("test"))
    assert not watch.taps
    write(tmp_path / "b", batch(demo_records()))
    for table in TABLES:
        assert rows(tmp_path / "a", table) == rows(tmp_path / "b", table)


def test_where_nothing_can_be_archived_is_told_before_the_watch() -> None:
    with pytest.raises(UserError, match="cannot be written"):
        archive_of("/dev/null/archive")


def test_an_archive_that_fails_is_told_and_the_watch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[UserError] = []
    failed = threading.Event()

    def failure(error: UserError) -> None:
        told.append(error)
        failed.set()

    def full(_self: Folder, path: str, _data: bytes) -> None:
        raise UserError("No space left on device", on=path)

    monkeypatch.setattr(Folder, "write", full)
    watch = Watch("test")
    archiving = Archiving(Dataset(Folder(tmp_path)), on_failure=failure, flush_every_s=0.0)
    with archiving.of(watch):
        watch.apply(batch(demo_records()))
        assert failed.wait(60.0)
        watch.apply(batch(demo_records()))
    assert [error.what for error in told] == ["No space left on device"]
    assert files(tmp_path, "calls") == []
    said = capsys.readouterr().err
    assert "archived" not in said
    assert "No space left on device" in said  # once more, when the screen has gone
    assert watch.engine.invocations


def test_a_replay_asks_aws_for_nothing_but_an_archive_in_s3(tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    records.write_text("")
    asked = ("replay", str(records), "--endpoint-url", "http://127.0.0.1:9", "--archive")
    assert "means nothing" in run_inside(*asked, str(tmp_path / "archive")).stderr
    assert "means nothing" not in run_inside(*asked, "s3://bucket/archive").stderr


def test_an_archive_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="File name too long") as raised:
        Dataset(Folder(tmp_path / ("x" * 5000)))
    assert raised.value.kind == "archive-failed"
