from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from causality.records import Change, StreamRecord, Unreadable, decode_record
from gammaray_recorder import wire
from gammaray_tui.commands.reading import Queue
from gammaray_tui.commands.record_lines import RecordLines
from gammaray_tui.commands.tail import Printer, print_records, summary
from providers.errors import UserError
from providers.events import Gap, RecordBatch, RegionPhase, RegionStatus
from tests.unit.cli.run import ORACLE, clean_environment, command

REGIONS = ("us-west-2", "us-east-1")
REQUEST = "11111111-2222-3333-4444-555555555555"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:UpdateWebsite"


def recorded(case: str) -> list[StreamRecord]:
    lines = (ORACLE / case / "records.jsonl").read_bytes().splitlines()
    records = [decode_record(line) for line in lines]
    return [record for record in records if isinstance(record, StreamRecord)]


def batch(
    records: list[StreamRecord],
    unreadable: list[Unreadable] | None = None,
    region: str = "us-west-2",
) -> RecordBatch:
    return RecordBatch(region, "shard-1", records, unreadable or [], 0.0)


def written(sequence: int, *events: dict[str, Any]) -> StreamRecord:
    item = wire.encode_item(REQUEST, "abcd", sequence, list(events), 1_700_000_000.5, 3600)
    record = decode_record(
        json.dumps(
            {"eventID": f"e{sequence}", "dynamodb": {"SequenceNumber": "1", "NewImage": item}}
        ).encode()
    )
    assert isinstance(record, StreamRecord)
    return record


START = {
    wire.KIND: wire.KIND_START,
    wire.AT: 1_700_000_000.5,
    wire.ARN: ARN,
    wire.COLD: 1,
    wire.CAUSES: [
        {
            wire.SERVICE: "dynamodb",
            wire.RESOURCE: "sync",
            wire.NAME: "INSERT",
        }
    ],
}
CALL = {
    wire.KIND: wire.KIND_CALL,
    wire.AT: 1_700_000_000.6,
    wire.CALL_ID: "00",
    wire.SERVICE: "s3",
    wire.OPERATION: "PutObject",
    wire.RESOURCE: "pictures",
    wire.DURATION_S: 0.0214,
    wire.ERROR: "SlowDown",
}
END = {wire.KIND: wire.KIND_END, wire.AT: 1_700_000_000.7, wire.STATUS: "ok"}


def test_one_line_a_record_however_often_it_is_delivered() -> None:
    lines = RecordLines()
    records = recorded("imageproc")
    first = list(lines.of(batch(records)))
    again = list(lines.of(batch(records[3:] + records)))
    assert (len(first), again) == (len(records), [])
    assert (lines.told, lines.repeated) == (len(records), 2 * len(records) - 3)
    for line, record in zip(first, records, strict=True):
        image = record.dynamodb.NewImage
        assert image is not None
        assert image.reqID.S.split(":")[0] in line
        assert "\n" not in line


def test_the_same_event_id_in_two_regions_is_two_records() -> None:
    lines = RecordLines()
    records = recorded("imageproc")[:1]
    assert len(list(lines.of(batch(records)))) == 1
    assert len(list(lines.of(batch(records, region="us-east-1")))) == 1


def test_records_of_no_stream_are_told_by_their_items() -> None:
    lines = RecordLines()
    records = [written(number, END) for number in range(3)]
    for record in records:
        record.eventID = record.dynamodb.SequenceNumber = ""
    assert len(list(lines.of(batch([*records, *records])))) == 3
    gone = [StreamRecord(Change()), StreamRecord(Change())]
    assert len(list(lines.of(batch(gone)))) == 2


def test_a_line_tells_when_where_what_who() -> None:
    lines = RecordLines()
    start, rest = lines.of(batch([written(0, START), written(1, CALL, END)], region="us-east-1"))
    assert start.split() == [
        "2023-11-14T22:13:20.500Z", "us-east-1", "start", "UpdateWebsite", REQUEST,
        "cold,", "INSERT", "sync",
    ]  # fmt: skip
    assert rest.split() == [
        "2023-11-14T22:13:20.500Z", "us-east-1", "call+end", "UpdateWebsite", REQUEST,
        "PutObject", "pictures", "21ms", "failed:", "SlowDown;", "ok",
    ]  # fmt: skip


def test_json_lines_can_be_read_again_as_records() -> None:
    lines = RecordLines(as_json=True)
    records = [*recorded("imageproc"), written(0, START)]
    for line, record in zip(lines.of(batch(records)), records, strict=True):
        told = json.loads(line)
        image = record.dynamodb.NewImage
        assert image is not None
        assert told["request_id"] == image.reqID.S.split(":")[0]
        assert {"at", "region", "kind", "function", "what"} <= told.keys()
        again = decode_record(line.encode())
        assert isinstance(again, StreamRecord)
        assert again.dynamodb == record.dynamodb
        assert (again.eventID, again.awsRegion) == (record.eventID, "us-west-2")


def test_what_cannot_be_read_has_a_line_too() -> None:
    lines = RecordLines()
    bad = decode_record(b'{"eventID": "x", "dynamodb": {"NewImage": 3}}')
    assert isinstance(bad, Unreadable)
    newer = written(0, START)
    assert newer.dynamodb.NewImage is not None
    assert newer.dynamodb.NewImage.v is not None
    newer.dynamodb.NewImage.v.N = "9"
    told = list(lines.of(batch([newer], [bad, bad])))
    assert [line.split()[2] for line in told] == ["unreadable", "unreadable"]
    assert REQUEST in told[0]
    assert (lines.told, lines.unreadable, lines.repeated) == (2, 2, 1)
    assert summary(lines) == "2 records, 2 unreadable, 1 delivered again and left out"


def test_names_cannot_act_on_the_terminal() -> None:
    hostile = dict(START, **{wire.ARN: "arn:\x1b]0;x\x07\n\x9b2J"})
    (line,) = RecordLines().of(batch([written(0, hostile)]))
    assert line.isprintable()


def test_what_was_written_at_no_time_is_unreadable() -> None:
    record = written(0, START)
    assert record.dynamodb.NewImage is not None
    record.dynamodb.NewImage.ts.N = "9" * 30
    (line,) = RecordLines().of(batch([record]))
    assert "unreadable" in line
    assert "is no time" in line


def test_deletions_have_no_line() -> None:
    record = written(0, START)
    record.dynamodb.NewImage = None
    record.eventName = "REMOVE"
    lines = RecordLines()
    assert list(lines.of(batch([record]))) == []
    assert summary(lines) == "0 records, 1 deleted from the table"


def test_a_stream_without_images_is_told() -> None:
    record = written(0, START)
    record.dynamodb.NewImage = None
    (line,) = RecordLines().of(batch([record]))
    assert "NEW_AND_OLD_IMAGES" in line


def status(region: str, phase: RegionPhase, kind: str = "", message: str = "") -> RegionStatus:
    return RegionStatus(region, phase, kind, message, todo="Do this." if message else "")


async def test_lines_go_to_stdout_and_news_of_regions_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = recorded("imageproc")

    async def source(queue: Queue) -> None:
        for event in (
            status("us-west-2", "live"),
            status("us-west-2", "live"),
            status("us-east-1", "down", "table-missing", "There is no table gammaRays"),
            batch(records),
            Gap("us-west-2", "shard-1", "trimmed", 0.0),
            status("us-west-2", "retrying", "throttled", "AWS slows us down"),
        ):
            await queue.put(event)

    await print_records(source, Printer(RecordLines(), REGIONS), None)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == len(records)
    assert err.splitlines() == [
        "us-west-2: live",
        "us-east-1: down: There is no table gammaRays",
        "us-west-2: records were lost: trimmed",
        "us-west-2: retrying: AWS slows us down",
    ]


async def test_it_ends_when_no_region_can_be_read() -> None:
    async def source(queue: Queue) -> None:
        await queue.put(status("us-west-2", "down", "no-credentials", "No credentials"))
        await queue.put(status("us-east-1", "down", "no-credentials", "No credentials"))
        raise AssertionError("was read on")

    with pytest.raises(UserError, match="No credentials") as caught:
        await print_records(source, Printer(RecordLines(), REGIONS), None)
    assert (caught.value.kind, caught.value.todo) == ("no-credentials", "Do this.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_with_a_summary_and_success(
    tmp_path: Path, number: signal.Signals
) -> None:
    with closed_port() as port, started_tail(tmp_path, port) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "us-west-2: connecting\n"
        assert process.stderr.readline().startswith("us-west-2: retrying: ")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "0 records\n")


def test_it_ends_with_its_reader_though_nothing_comes(tmp_path: Path) -> None:
    with closed_port() as port, started_tail(tmp_path, port) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == "us-west-2: connecting\n"
        process.stdout.close()
        assert process.stderr.read().endswith("0 records\n")
        assert process.wait() == 0


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port of the loopback that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def started_tail(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("tail", "--region", "us-west-2", "--endpoint-url", f"http://127.0.0.1:{port}"),
        env=clean_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
