"""Files and folders of records: recognised, streamed, each record once."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path

import pytest

from causality.records import StreamRecord, Unreadable
from providers.errors import UserError
from providers.events import RecordBatch, TraceBatch
from providers.files import FileSet, collect, read

ORACLE = Path(__file__).parents[2] / "data" / "oracle"


def record(number: int, region: str = "us-west-2") -> dict[str, object]:
    image = {"reqID": {"S": f"r{number}"}, "payload": {"S": "end"}, "ts": {"N": str(number)}}
    return {
        "eventID": f"e{number}",
        "eventName": "INSERT",
        "awsRegion": region,
        "dynamodb": {"SequenceNumber": str(number), "NewImage": image},
    }


def line(number: int, region: str = "us-west-2") -> str:
    return json.dumps(record(number, region)) + "\n"


def dump_line(number: int) -> str:
    image = {"reqID": {"S": f"r{number}"}, "payload": {"S": "end"}, "ts": {"N": str(number)}}
    return f"{number} INSERT:e{number}:{image}\n"


def batches(*paths: Path) -> list[RecordBatch]:
    return [event for event in read(collect(paths)) if isinstance(event, RecordBatch)]


def records(*paths: Path) -> list[StreamRecord]:
    return [record for batch in batches(*paths) for record in batch.records]


def unreadable(*paths: Path) -> list[Unreadable]:
    return [bad for batch in batches(*paths) for bad in batch.unreadable]


def documents(*paths: Path) -> list[str]:
    return [
        document
        for event in read(collect(paths))
        if isinstance(event, TraceBatch)
        for document in event.documents
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def test_the_whole_oracle_is_read_without_an_unreadable_record() -> None:
    found = collect([ORACLE])
    assert {path.suffix for path in found.files} == {".new", ".jsonl", ".xray"}
    assert {path.suffix for path in found.ignored} == {".gv", ".json", ".md"}
    assert not unreadable(ORACLE)
    lines = {
        json.loads(text)["eventID"]
        for path in ORACLE.rglob("*.jsonl")
        for text in path.read_text().splitlines()
    }
    assert {r.eventID for r in records(ORACLE)} >= lines


@pytest.mark.parametrize("case", ["imageproc", "webapp", "mapreduce", "imageproc_overlap"])
def test_records_in_both_forms_count_once_and_come_from_the_better_one(case: str) -> None:
    read_records = records(ORACLE / case)
    assert len(read_records) == len({r.eventID for r in read_records})
    assert all(r.dynamodb.ApproximateCreationDateTime for r in read_records)
    dumps = list((ORACLE / case).glob("*.new"))
    assert {r.eventID for r in records(*dumps)} == {r.eventID for r in read_records}


def test_a_folder_is_searched_in_order_and_other_files_are_named(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / ".git").mkdir()
    for name in ("b.jsonl", "a.jsonl", "sub/c.JSONL", "notes.txt", ".git/d.jsonl"):
        (folder / name).write_text("")
    found = collect([folder])
    assert [path.relative_to(folder).as_posix() for path in found.files] == [
        "a.jsonl",
        "b.jsonl",
        "sub/c.JSONL",
    ]
    assert found.ignored == (folder / "notes.txt",)


def test_a_path_named_twice_is_read_once(folder: Path) -> None:
    path = folder / "a.jsonl"
    path.write_text(line(1))
    (folder / "link.jsonl").symlink_to(path)
    assert collect([path, folder, path]).files == (path,)


def test_a_named_file_beats_being_ignored_in_its_folder(folder: Path) -> None:
    path = folder / "saved.txt"
    path.write_text(line(1))
    assert collect([folder]).ignored == (path,)
    both = collect([folder, path])
    assert both.files == (path,)
    assert both.ignored == ()


def test_empty_files_and_folders_give_nothing(folder: Path) -> None:
    assert collect([folder]) == FileSet((), ())
    for name in ("a.jsonl", "b.new"):
        (folder / name).write_text("")
    assert batches(folder) == []
    (folder / "empty").write_text("")
    assert collect([folder / "empty"]).ignored == (folder / "empty",)


@pytest.mark.parametrize(
    ("text", "recognised"),
    [
        (line(1), True),
        (dump_line(1), True),
        ("\ufeff" + line(1), True),
        (json.dumps({"Records": [record(1)]}), True),
        (json.dumps({"Records": [record(1)]}, indent=2), True),
        (json.dumps([record(1)], indent=2), True),
        ("123 something else\n", False),
        ('{"name": "package"}\n', False),
        ("{\n  'python': 1\n}\n", False),
        ("\x7fELF\x00\x00", False),
        ("plain text\n", False),
    ],
)
def test_a_named_file_is_recognised_by_how_it_begins(
    folder: Path, text: str, recognised: bool
) -> None:
    path = folder / "saved"
    path.write_text(text)
    assert bool(collect([path]).files) is recognised
    if recognised:
        assert [r.eventID for r in records(path)] == ["e1"]
    else:
        assert collect([path]).ignored == (path,)


def test_lines_can_be_whole_answers(folder: Path) -> None:
    path = folder / "a.jsonl"
    answer = json.dumps({"Records": [record(2), {"bad": 1}, record(3)], "NextShardIterator": "x"})
    path.write_text(line(1) + answer + "\n" + line(4))
    assert [r.eventID for r in records(path)] == ["e1", "e2", "e3", "e4"]
    assert len(unreadable(path)) == 1


def test_a_bad_line_costs_only_itself(folder: Path) -> None:
    path = folder / "a.jsonl"
    path.write_bytes(
        line(1).encode() + b"\n  \nnot json\n" + b'{"eventID": "\xff"}\n[1]\n' + line(2).encode()
    )
    assert [r.eventID for r in records(path)] == ["e1", "e2"]
    assert len(unreadable(path)) == 3
    path = folder / "b.new"
    path.write_bytes(dump_line(1).encode() + b"7 INSERT:x:__import__('os')\n\xff\xfe\n9 x\n")
    assert [r.eventID for r in records(path)] == ["e1"]
    assert [bad.event_id for bad in unreadable(path)] == ["x", "", ""]


@pytest.mark.parametrize("name", ["a.jsonl", "a.new"])
def test_a_torn_last_line_is_told_as_such(folder: Path, name: str) -> None:
    make = line if name == "a.jsonl" else dump_line
    path = folder / name
    path.write_text(make(1) + make(2)[:-20])
    assert [r.eventID for r in records(path)] == ["e1"]
    (torn,) = unreadable(path)
    assert torn.reason.startswith(f"{path}:2: the file ends in the middle of a record")
    path.write_text(make(1) + make(2).rstrip("\n"))
    assert [r.eventID for r in records(path)] == ["e1", "e2"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.jsonl", "saved"])
def test_byte_order_marks_are_understood(folder: Path, encoding: str, name: str) -> None:
    path = folder / name
    text = ("\ufeff" if encoding == "utf-16-be" else "") + line(1) + line(2)
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert [r.eventID for r in records(path)] == ["e1", "e2"]
    assert not unreadable(path)


def test_batches_are_of_one_region_and_at_most_a_thousand(folder: Path) -> None:
    path = folder / "a.jsonl"
    path.write_text(
        "".join(line(i, "us-east-1" if i >= 2500 else "us-west-2") for i in range(4000))
    )
    shape = [(batch.region, len(batch.records)) for batch in batches(path)]
    assert shape == [
        ("us-west-2", 1000),
        ("us-west-2", 1000),
        ("us-west-2", 500),
        ("us-east-1", 1000),
        ("us-east-1", 500),
    ]
    assert {batch.source for batch in batches(path)} == {str(path)}


def test_records_without_an_event_id_are_told_apart_by_item_and_place(folder: Path) -> None:
    path = folder / "a.jsonl"
    path.write_text("".join(line(i).replace(f'"e{i}"', '""') for i in (1, 2, 1)))
    assert len(records(path)) == 2


SEGMENT = {"id": "a", "name": "f", "start_time": 1.5, "end_time": 2.5, "trace_id": "1-2-3"}
TEXT = json.dumps(SEGMENT)


@pytest.mark.parametrize(
    "value",
    [
        {"Traces": [{"Id": "1", "Segments": [{"Id": "a", "Document": TEXT}]}]},
        {"Traces": [{"Id": "1", "Segments": [{"Id": "a", "Document": SEGMENT}]}]},
        [{"Id": "a", "Document": TEXT}],
        [{"Id": "1", "Segments": [{"Document": TEXT}]}],
        {"TraceFormat": "XRAY", "Traces": [{"Id": "1", "Spans": [{"Id": "a", "Document": TEXT}]}]},
        [SEGMENT],
        SEGMENT,
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["a.xray", "saved.json"])
def test_traces_in_every_wrapping(
    folder: Path, value: object, indent: int | None, name: str
) -> None:
    path = folder / name
    path.write_text(json.dumps(value, indent=indent))
    assert [json.loads(document) for document in documents(path)] == [SEGMENT]


def test_traces_one_a_line_and_what_is_torn_among_them(folder: Path) -> None:
    path = folder / "a.xray"
    answer = json.dumps({"Traces": [{"Id": "1", "Segments": [{"Id": "a", "Document": TEXT}]}]})
    path.write_text(f"{answer}\n\n{answer[:40]}\n{TEXT}\n")
    assert [json.loads(document) for document in documents(path)] == [SEGMENT, SEGMENT]
    assert len(unreadable(path)) == 1


@pytest.mark.parametrize("text", ["{", '{"Traces": 5}', "[1]", "\x00"])
def test_a_broken_trace_file_is_unreadable_not_a_crash(folder: Path, text: str) -> None:
    path = folder / "a.xray"
    path.write_text(text)
    assert len(unreadable(path)) == 1
    assert documents(path) == []


def test_a_missing_path_says_so(folder: Path) -> None:
    with pytest.raises(UserError) as caught:
        collect([folder / "none.jsonl"])
    assert caught.value.kind == "no-such-file"
    assert "none.jsonl" in caught.value.on


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to the superuser")
@pytest.mark.parametrize("name", ["a.jsonl", "saved"])
def test_a_file_that_may_not_be_read_says_so(folder: Path, name: str) -> None:
    path = folder / name
    path.write_text(line(1))
    path.chmod(0)
    with pytest.raises(UserError) as caught:
        records(path)
    assert caught.value.kind == "unreadable-file"


def test_a_file_that_vanishes_after_it_was_found_says_so(folder: Path) -> None:
    path = folder / "a.jsonl"
    path.write_text(line(1))
    found = collect([path])
    path.unlink()
    with pytest.raises(UserError) as caught:
        list(read(found))
    assert caught.value.kind == "no-such-file"


@pytest.mark.parametrize(
    "text",
    [line(1) + line(2), dump_line(1) + dump_line(2), json.dumps([record(1), record(2)], indent=1)],
)
def test_a_pipe_is_recognised_when_it_is_read(folder: Path, text: str) -> None:
    assert [r.eventID for r in _piped(folder, text)] == ["e1", "e2"]


def test_a_pipe_with_something_else_says_so(folder: Path) -> None:
    with pytest.raises(UserError) as caught:
        _piped(folder, "hello\n")
    assert caught.value.kind == "unknown-format"
    assert _piped(folder, "") == []


def _piped(folder: Path, text: str) -> list[StreamRecord]:
    pipe = folder / f"pipe{len(list(folder.iterdir()))}"
    os.mkfifo(pipe)
    found = collect([pipe])
    assert found.files == (pipe,)
    writing = threading.Thread(target=pipe.write_text, args=(text,))
    writing.start()
    try:
        return [r for e in read(found) if isinstance(e, RecordBatch) for r in e.records]
    finally:
        writing.join()


ITEM = {"reqID": {"S": "r1"}, "payload": {"S": "end"}, "ts": {"N": "1"}, "expires": {"N": "9"}}
OTHER = {"id": {"S": "of another table"}}
CHANGE = {"Metadata": {}, "Keys": {"reqID": {"S": "r1"}}, "NewImage": ITEM}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "scan.json",
            json.dumps({"Items": [ITEM, OTHER], "Count": 2, "ScannedCount": 2}, indent=4),
        ),
        ("scan", json.dumps({"Items": [ITEM, OTHER], "Count": 2})),
        ("items.json", json.dumps([ITEM, OTHER], indent=2)),
        ("items.jsonl", f"{json.dumps(ITEM)}\r\n{json.dumps(OTHER)}\r\n"),
        ("items", f"{json.dumps(ITEM)}\n{json.dumps(OTHER)}\n"),
        ("item.json", json.dumps({"Item": ITEM}, indent=1) + json.dumps({"Item": OTHER}, indent=1)),
        ("export", f"{json.dumps({'Item': ITEM})}\n{json.dumps({'Item': OTHER})}\n"),
        ("export", f"{json.dumps({'Item': ITEM})}\n{json.dumps({'a': 1})}\n"),
        ("changes", f"{json.dumps(CHANGE)}\n{json.dumps({'Item': OTHER})}\n"),
    ],
)
def test_what_a_table_holds_is_read_as_it_was_printed(folder: Path, name: str, text: str) -> None:
    (folder / name).write_bytes(text.encode())
    (found,) = records(folder / name)
    assert found.dynamodb.NewImage is not None
    assert found.dynamodb.NewImage.reqID.S == "r1"
    (bad,) = unreadable(folder / name)
    assert bad.reason.startswith(str(folder / name))


def test_answers_one_after_another_are_read_and_so_is_what_comes_before_a_torn_one(
    folder: Path,
) -> None:
    answers = [
        json.dumps({"Records": [record(n)], "NextShardIterator": "x"}, indent=4) for n in (1, 2)
    ]
    (folder / "all.json").write_text("\n".join([*answers, answers[0][:80]]))
    assert [found.eventID for found in records(folder / "all.json")] == ["e1", "e2"]
    assert len(unreadable(folder / "all.json")) == 1


def test_a_record_without_its_image_does_not_stand_in_the_way_of_itself(folder: Path) -> None:
    bare = record(1) | {"dynamodb": {"Keys": {}, "SequenceNumber": "1"}}
    (folder / "a.jsonl").write_text(f"{json.dumps(bare)}\n{line(1)}{json.dumps(bare)}\n")
    images = [found.dynamodb.NewImage is not None for found in records(folder)]
    assert images == [False, True]


def test_documents_that_a_query_gave_are_read(folder: Path) -> None:
    told = [json.dumps({"id": str(n), "trace_id": "1-a-b", "start_time": n}) for n in (1, 2)]
    for indent in (None, 4):
        (folder / "documents.json").write_text(json.dumps(told, indent=indent))
        assert documents(folder / "documents.json") == told


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("name", ["a.jsonl", "a.new", "a.log", "a.xray", "a.json.gz", "a.json"])
def test_what_is_nested_too_deeply_is_unreadable_and_no_crash(folder: Path, name: str) -> None:
    lines = {
        "a.new": f"1 INSERT:e:{DEEP}\n",
        "a.log": f"gammaray:2 {DEEP}\n",
        "a.json": f'{{"Records": {DEEP}}}\n',
    }
    data = lines.get(name, f'{{"dynamodb": {DEEP}}}\n').encode()
    (folder / name).write_bytes(
        gzip.compress(b'{"Item": null}\n' + data) if name[-1] == "z" else data
    )
    found = unreadable(folder / name)
    assert found
    assert all(bad.reason for bad in found)
