"""Sources beside DynamoDB's streams, against servers that speak the services' own protocols."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any

import pytest

from causality.records import StreamRecord, Unreadable, parse_log_line
from providers.errors import UserError
from providers.events import EndOfInput, RecordBatch
from providers.sources.cloudwatch_logs import LogsSource
from providers.sources.kinesis import KinesisSource, decode
from providers.sources.pipe import PipeSource
from providers.streams import parse_since
from tests.fakes.services import Refusal, serving
from tests.unit.expectations.making import END, START
from tests.unit.providers.reading_sources import QUICK, change, image, log_line, reading, session
from tests.unit.recordings.making import ORACLE

# --- logs ---------------------------------------------------------------------------------------


def test_a_line_of_a_log_gives_the_items_that_the_table_would_hold() -> None:
    (first, second) = parse_log_line("2023-11-14T22:13:20Z stream " + log_line("r1", "r2"), "eu-x")
    assert isinstance(first, StreamRecord)
    assert isinstance(second, StreamRecord)
    written = image("r1", START, END)
    assert first.dynamodb.NewImage is not None
    assert written["reqID"]["S"] == first.dynamodb.NewImage.reqID.S
    assert json.loads(first.dynamodb.NewImage.payload.S) == json.loads(written["payload"]["S"])
    assert (first.awsRegion, first.eventID) == ("eu-x", "r1:ab:0")


@pytest.mark.parametrize("line", ["", "START RequestId: 1", "gammaray:2", "gammaray:3 [1]"])
def test_other_lines_of_a_log_say_nothing(line: str) -> None:
    assert parse_log_line(line) == []


@pytest.mark.parametrize("line", [log_line("r1")[:-9], 'gammaray:2 [{"a":1}]', "gammaray:2 [1"])
def test_a_broken_line_is_unreadable(line: str) -> None:
    (lost,) = parse_log_line(line)
    assert isinstance(lost, Unreadable)


async def test_logs_of_all_fitting_groups_and_regions_are_read_once() -> None:
    groups = {"/aws/lambda/a": [log_line("a1"), "START"], "/aws/lambda/b": [log_line("b1", "b2")]}
    refused = {"FilterLogEvents"}

    def answer(region: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation in refused:
            refused.discard(operation)
            raise Refusal("ThrottlingException")
        if operation == "DescribeLogGroups":
            assert asked["logGroupNamePrefix"] == "/aws/lambda/"
            names = list(groups) if "nextToken" not in asked else ["/aws/lambda/c"]
            more = {} if "nextToken" in asked else {"nextToken": "more"}
            return {"logGroups": [{"logGroupName": name} for name in names], **more}
        lines = groups.get(asked["logGroupName"], []) if region == "us-west-2" else []
        assert asked["filterPattern"] == '"gammaray:2"'
        page = int(asked.get("nextToken", 0))
        events = [
            {"eventId": f"{asked['logGroupName']}{n}", "timestamp": 1_700_000_000_000, "message": x}
            for n, x in enumerate(lines)
        ]
        more = {"nextToken": str(page + 1)} if page + 1 < len(events) else {}
        return {"events": events[page : page + 1], **more}

    async with serving(answer) as fake:
        source = LogsSource(session(fake.endpoint_url), since=parse_since("all"), timing=QUICK)
        async with reading(source.run) as came:
            await came.until(lambda: len(came.ids) == 3)
            groups["/aws/lambda/a"].append(log_line("a2"))
            await came.until(lambda: "a2:ab:0" in came.ids)
            await came.until(
                lambda: (
                    fake.calls["us-west-2", "FilterLogEvents"] > 40
                    and any(status.phase == "live" for status in came.statuses("us-east-1"))
                )
            )
            assert sorted(came.ids) == ["a1:ab:0", "a2:ab:0", "b1:ab:0", "b2:ab:0"]


async def test_a_group_that_may_not_be_read_is_told() -> None:
    def answer(region: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        raise Refusal("AccessDeniedException")

    async with serving(answer) as fake:
        west = session(fake.endpoint_url, "us-west-2")
        source = LogsSource(west, ["group"], since=parse_since("15m"), timing=QUICK)
        async with reading(source.run) as came:
            await came.until(lambda: any(s.phase == "down" for s in came.statuses("us-west-2")))
            assert came.statuses("us-west-2")[-1].kind == "access-denied"


# --- Kinesis ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "precision"),
    [(1_700_000_000_123, {}), (1_700_000_000_123_456, "MICROSECOND"), (1_700_000_000, {})],
)
def test_a_change_in_kinesis_is_a_record(at: int, precision: str) -> None:
    more = {"ApproximateCreationDateTime": at, "ApproximateCreationDateTimePrecision": precision}
    record = decode({"Data": change("e1", **more), "SequenceNumber": "77"}, "us-west-2")
    assert isinstance(record, StreamRecord)
    created_s = record.dynamodb.ApproximateCreationDateTime
    assert isinstance(created_s, float)
    assert int(created_s) == 1_700_000_000
    assert (record.eventID, record.dynamodb.SequenceNumber) == ("e1", "77")


async def test_all_shards_of_a_kinesis_stream_are_read_and_their_children_found() -> None:
    shards = {"s1": ["e1", "e2", "e2"], "s2": ["e3"]}
    expired = {"s1:1"}

    def answer(region: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "ListShards":
            return {"Shards": [{"ShardId": name} for name in shards]}
        if operation == "GetShardIterator":
            after = asked.get("StartingSequenceNumber")
            start = int(after) + 1 if after is not None else 0
            return {"ShardIterator": f"{asked['ShardId']}:{start}"}
        iterator = asked["ShardIterator"]
        if iterator in expired:
            expired.discard(iterator)
            raise Refusal("ExpiredIteratorException")
        shard, _, place = iterator.partition(":")
        page = shards[shard][int(place) : int(place) + 1]
        records = [
            {
                "Data": base64.b64encode(change(name)).decode(),
                "SequenceNumber": place,
                "PartitionKey": "p",
                "ApproximateArrivalTimestamp": 1_700_000_000,
            }
            for name in page
        ]
        following = f"{shard}:{int(place) + len(page)}"
        ended = shard == "s2" and not page
        return {
            "Records": records,
            "MillisBehindLatest": 0,
            **({} if ended else {"NextShardIterator": following}),
        }

    async with serving(answer) as fake:
        west = session(fake.endpoint_url, "us-west-2")
        source = KinesisSource(west, "changes", since=parse_since("all"), timing=QUICK)
        async with reading(source.run) as came:
            await came.until(lambda: len(came.ids) == 3)
            shards["s3"] = ["e4"]
            await came.until(lambda: "e4" in came.ids)
            assert sorted(came.ids) == ["e1", "e2", "e3", "e4"]
            assert not expired
            await came.until(lambda: came.statuses("us-west-2")[-1].phase == "live")


# --- a pipe -------------------------------------------------------------------------------------


async def test_lines_of_a_pipe_come_as_they_are_written() -> None:
    lines = (ORACLE / "imageproc" / "records.jsonl").read_bytes().splitlines(keepends=True)
    reader, writer = os.pipe()
    async with reading(PipeSource(reader).run) as came:
        os.write(writer, lines[0] + lines[1][:40])
        await came.until(lambda: len(came.ids) == 1)
        os.write(writer, lines[1][40:])
        await came.until(lambda: len(came.ids) == 2)
        os.write(writer, b"junk\n" + lines[2].rstrip())
        os.close(writer)
        await came.until(lambda: EndOfInput in map(type, came.events))
    assert len(came.ids) == 3
    (lost,) = [u for e in came.events if isinstance(e, RecordBatch) for u in e.unreadable]
    assert lost.reason.startswith("standard input:3: ")


async def test_a_whole_document_can_be_piped() -> None:
    path = next((ORACLE / "imageproc").glob("*.xray"))
    reader, writer = os.pipe()
    async with reading(PipeSource(reader).run) as came:
        os.write(writer, path.read_bytes()[:60_000])
        os.close(writer)
        await came.until(lambda: EndOfInput in map(type, came.events))
    assert came.documents


async def test_a_functions_log_can_be_piped() -> None:
    reader, writer = os.pipe()
    async with reading(PipeSource(reader).run) as came:
        os.write(writer, b"START RequestId: r1\n" + log_line("r1").encode() + b"END\n")
        os.close(writer)
        await came.until(lambda: EndOfInput in map(type, came.events))
    assert came.ids == ["r1:ab:0"]
    assert not any(e.unreadable for e in came.events if isinstance(e, RecordBatch))


async def test_a_pipe_that_brings_nothing_known_is_refused() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"hello\n")
    os.close(writer)
    with pytest.raises(UserError, match="neither"):
        await PipeSource(reader).run(asyncio.Queue())
