"""An archive: what is written to it, how often, and what a crash leaves."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from causality.records import Unreadable, decode_record
from gammaray_recorder import wire
from providers.archive import workers
from providers.archive.compaction import compact
from providers.archive.dataset import Dataset, folder_of
from providers.archive.schema import TABLES
from providers.archive.store import Folder, open_store
from providers.errors import UserError
from providers.events import Gap, RecordBatch
from tests.unit.archive.making import batch, demo_records, files, rows, write
from tests.unit.cli.run import run_inside


def test_a_record_becomes_rows_of_all_that_it_says(tmp_path: Path) -> None:
    write(tmp_path, batch(demo_records()))
    starts = [row for row in rows(tmp_path, "invocations") if row["event"] == "start"]
    ends = [row for row in rows(tmp_path, "invocations") if row["event"] == "end"]
    assert {row["request_id"] for row in starts} == {row["request_id"] for row in ends}
    assert all(row["function"] and row["at_s"] > 0 for row in starts)
    calls, causes = rows(tmp_path, "calls"), rows(tmp_path, "causes")
    shown = {key for row in calls for key in row["match_ids"] or ()}
    shown |= {row["match_content"] for row in calls}
    received = {key for row in causes for key in (*row["match_ids"], row["match_content"])}
    assert shown & received - {None}  # halves of edges meet under equal keys


def test_files_stand_by_day_and_region_and_tell_their_version(tmp_path: Path) -> None:
    write(tmp_path, batch(demo_records()))
    for table, schema in TABLES.items():
        for path in files(tmp_path, table):
            day, region = path.parts[-3:-1]
            assert day.startswith("date=20")
            assert region.startswith("region=us-")
            metadata = pq.read_metadata(path).metadata
            assert metadata[b"gammaray.archive"] == b"3"
            found = pq.read_schema(path)
            assert (found.names, found.types) == (schema.names, schema.types)
    assert json.loads((tmp_path / "_gammaray.json").read_text()) == {"schema": "gammaray-archive/3"}


def test_the_same_records_twice_are_the_same_files(tmp_path: Path) -> None:
    write(tmp_path, batch(demo_records()))
    before = {path: path.read_bytes() for table in TABLES for path in files(tmp_path, table)}
    write(tmp_path, batch(demo_records()))
    assert before == {
        path: path.read_bytes() for table in TABLES for path in files(tmp_path, table)
    }


def test_compaction_names_a_file_that_is_damaged(tmp_path: Path) -> None:
    records = demo_records()
    write(tmp_path, batch(records[:10]))
    dataset = write(tmp_path, batch(records[10:]))
    damaged = files(tmp_path, "calls")[0]
    damaged.write_bytes(b"PAR1")
    with pytest.raises(UserError, match="as Parquet") as refused:
        compact(dataset)
    assert refused.value.on == str(damaged)
    assert damaged.exists()


def test_compaction_leaves_one_file_and_each_row_once(tmp_path: Path) -> None:
    records = demo_records()
    write(tmp_path / "once", batch(records))
    write(tmp_path / "twice", batch(records[: len(records) // 2]), rows_a_file=5)
    dataset = write(tmp_path / "twice", *[batch([record]) for record in records], rows_a_file=7)
    assert len(files(tmp_path / "twice", "calls")) > 2
    done = compact(dataset)
    assert done.after < done.before
    assert done.repeated
    for table in TABLES:
        assert rows(tmp_path / "twice", table) == rows(tmp_path / "once", table)
        by_folder = [path.parent for path in files(tmp_path / "twice", table)]
        assert len(by_folder) == len(set(by_folder))
    assert compact(dataset).repeated == 0


def test_a_crash_before_old_files_are_deleted_costs_nothing(tmp_path: Path) -> None:
    records = demo_records()
    dataset = write(tmp_path, *[batch([record]) for record in records], rows_a_file=3)
    old = {path: path.read_bytes() for table in TABLES for path in files(tmp_path, table)}
    compact(dataset)
    for path, data in old.items():
        path.write_bytes(data)
    assert compact(dataset).repeated
    write(tmp_path / "once", batch(records))
    assert all(rows(tmp_path, table) == rows(tmp_path / "once", table) for table in ("calls",))


def test_other_processes_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_ALONE", 1)
    dataset = Dataset(Folder(tmp_path / "shared"))
    place = workers.Place(dataset.store.url, None, None)
    with workers.ArchiveWorkers(place, dataset, processes=2) as sharing:
        for record in demo_records():
            sharing.take(batch([record]))
        sharing.flush()
    write(tmp_path / "alone", batch(demo_records()))
    for table in TABLES:
        assert rows(tmp_path / "shared", table) == rows(tmp_path / "alone", table)


def test_other_processes_end_with_one_that_is_killed(tmp_path: Path) -> None:
    program = f"""
from multiprocessing import active_children
from providers.archive.dataset import Dataset
from providers.archive.store import open_store
from providers.archive.workers import ArchiveWorkers, Place
if __name__ == "__main__":
    place = Place({str(tmp_path)!r}, None, None)
    with ArchiveWorkers(place, Dataset(open_store(place.url)), processes=2) as archive:
        archive._start()
        archive.flush()
        print(*(child.pid for child in active_children()), flush=True)
        input()
"""
    script = tmp_path / "archiving.py"
    script.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(Path(workers.__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, str(script)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        children = [Path("/proc", pid) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        parent.kill()
    deadline_s = time.monotonic() + 60
    while any(child.exists() for child in children):
        assert time.monotonic() < deadline_s, "they are still there"
        time.sleep(0.05)


def test_losses_are_kept(tmp_path: Path) -> None:
    torn = decode_record(b'{"dynamodb": {"SequenceNumber": "7", "NewImage": {}}, "eventID": "e"}')
    strange = decode_record(
        b'{"dynamodb": {"NewImage": {"reqID": {"S": "r:entry1"}, "payload": {"S": "?"},'
        b' "ts": {"N": "1e999"}}}, "awsRegion": "../../etc"}'
    )
    assert isinstance(torn, Unreadable)
    assert not isinstance(strange, Unreadable)
    gap = Gap("us-west-2", "shard-1", "trimmed", 1_795_000_000.0)
    lost = RecordBatch("us-west-2", "shard-1", [strange], [torn], 1_795_000_000.0)
    write(tmp_path, gap, lost, gap)
    found = {(row["kind"], row["source"]): row["detail"] for row in rows(tmp_path, "gaps")}
    assert found["gap", "shard-1"] == "trimmed"
    assert "reqID" in found["unreadable", "7"]
    assert ("unreadable", "") in found
    assert all(path.is_relative_to(tmp_path) for path in files(tmp_path, "gaps"))


def test_a_region_is_no_path() -> None:
    assert folder_of(0.0, "../us west") == "date=1970-01-01/region=___us_west"
    assert folder_of(float("inf"), "") == "date=5138-11-16/region=unknown"


def test_nothing_unfinished_is_a_file_of_the_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Folder(tmp_path)
    seen: list[list[str]] = []

    def failing(_self: Path, _target: Path) -> None:
        seen.append([file.path for file in store.files("")])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(UserError, match="No space left"):
        store.write("calls/a.parquet", b"x" * 100)
    assert seen == [[]]
    assert list((tmp_path / "calls").iterdir()) == []


@pytest.mark.parametrize(("version", "todo"), [(9, "Update"), (1, "again, into another folder")])
def test_another_version_is_refused(version: int, todo: str, tmp_path: Path) -> None:
    (tmp_path / "_gammaray.json").write_text(f'{{"schema": "gammaray-archive/{version}"}}')
    with pytest.raises(UserError, match=f"version {version}") as refused:
        Dataset(Folder(tmp_path))
    assert todo in (refused.value.todo or "")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "_gammaray.json").write_text("{}")
    with pytest.raises(UserError, match="is not an archive"):
        Dataset(Folder(tmp_path))
    with pytest.raises(UserError, match="no bucket"):
        open_store("s3:///prefix")


def test_exports_of_dynamodb_are_read_whole_and_in_increments(tmp_path: Path) -> None:
    records = demo_records()
    images = [record.dynamodb.NewImage for record in records]
    items = [
        {"reqID": {"S": i.reqID.S}, "payload": {"S": i.payload.S}, "ts": {"N": i.ts.N}}
        | ({wire.ITEM_VERSION: {"N": i.v.N}} if i.v is not None else {})
        for i in images
        if i is not None
    ]
    data = tmp_path / "AWSDynamoDB" / "01693685827463-2d8752fd" / "data"
    data.mkdir(parents=True)
    half = len(items) // 2
    full = [json.dumps({"Item": item}) for item in items[:half]]
    with gzip.open(data / "asdl123dsrgo.json.gz", "wt") as file:
        file.write("\n".join(full) + "\n")
    changes = [
        json.dumps(
            {
                "Metadata": {"WriteTimestampMicros": {"N": "1680109764000000"}},
                "Keys": {"reqID": item["reqID"]},
                "NewImage": item,
            }
        )
        for item in items[half:]
    ]
    gone = json.dumps({"Metadata": {}, "Keys": {"reqID": {"S": "old"}}, "OldImage": items[0]})
    with gzip.open(data / "increment.json.gz", "wt") as file:
        file.write("\n".join([*changes, gone]) + "\n")
    (data.parent / "manifest-summary.json").write_text('{"version": "2020-06-30"}')

    done = run_inside("archive", str(tmp_path / "AWSDynamoDB"), "--to", str(tmp_path / "archive"))
    assert done.returncode == 0, done.stderr
    write(tmp_path / "streamed", batch(records))
    for table in TABLES:
        assert rows(tmp_path / "archive", table) == rows(tmp_path / "streamed", table)


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    assert "--to" in run_inside("archive", "x.jsonl").stderr
    assert "--compact" in run_inside("archive", "--to", str(tmp_path)).stderr
    nothing = run_inside("archive", "--compact", "--to", str(tmp_path / "none"))
    assert nothing.returncode == 2
    assert "no archive" in nothing.stderr
