"""Sources beside DynamoDB's streams, against servers that speak the services' own protocols."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from aws_xray_sdk.core.models.segment import Segment

from causality.records import StreamRecord, Unreadable, parse_log_line
from gammaray_recorder import wire
from providers.errors import UserError
from providers.events import (
    EndOfInput,
    Gap,
    ProviderEvent,
    RecordBatch,
    RegionStatus,
    TraceBatch,
)
from providers.session import AwsSession, AwsSettings
from providers.sources.cloudwatch_logs import LogsSource
from providers.sources.kinesis import KinesisSource, decode
from providers.sources.pipe import PipeSource
from providers.sources.xray_api import XRaySource
from providers.sources.xray_daemon import DaemonSource, segment_of
from providers.streams import Timing, parse_since
from tests.fakes.services import Refusal, serving
from tests.unit.expectations.making import END, START, item
from tests.unit.recordings.making import ORACLE

REGIONS = ("us-west-2", "us-east-1")
PATIENCE_S = 20.0
TRACE = "1-5759e988-bd862e3fe1be46a994272793"


class Came:
    """A queue's events, as they come."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(50)
        self.events: list[ProviderEvent] = []

    async def until(self, reached: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                # What is waited for need not bring an event.
                while not reached():
                    await asyncio.sleep(0.001)
                    while not self.queue.empty():
                        self.events.append(self.queue.get_nowait())
        except TimeoutError:
            raise AssertionError(f"not reached: {self.events}") from None

    @property
    def ids(self) -> list[str]:
        return [r.eventID for e in self.events if isinstance(e, RecordBatch) for r in e.records]

    @property
    def documents(self) -> list[tuple[str, str]]:
        return [
            (e.region, d) for e in self.events if isinstance(e, TraceBatch) for d in e.documents
        ]

    def statuses(self, region: str) -> list[RegionStatus]:
        return [e for e in self.events if isinstance(e, RegionStatus) and e.region == region]


@asynccontextmanager
async def reading(
    run: Callable[[asyncio.Queue[ProviderEvent]], Awaitable[None]],
) -> AsyncIterator[Came]:
    came = Came()
    running = asyncio.ensure_future(run(came.queue))
    try:
        yield came
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def no_time(_seconds: float) -> None:
    """Wait for as long as everything else takes."""
    await asyncio.sleep(0.001)


QUICK = Timing(sleep=no_time)


def session(endpoint_url: str, *regions: str) -> AwsSession:
    return AwsSession.open(AwsSettings(regions=regions or REGIONS, endpoint_url=endpoint_url))


def image(request_id: str, *events: dict[str, Any]) -> dict[str, Any]:
    return wire.encode_item(request_id, "ab", 0, list(events), 1_700_000_000.0, 60, "us-west-2")


def log_line(*request_ids: str) -> str:
    entries = ",".join(wire.log_entry(image(request_id, START, END)) for request_id in request_ids)
    return f"{wire.LOG_MARK} [{entries}]\n"


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


def change(name: str, **more: Any) -> bytes:
    """Give what DynamoDB puts into a Kinesis stream."""
    record = {
        "awsRegion": "us-west-2",
        "eventID": name,
        "eventName": "INSERT",
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": "gammaRays",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000_123,
            "Keys": {"reqID": {"S": name}},
            "NewImage": image(name, START, END),
            "SizeBytes": 100,
            **more,
        },
        "eventSource": "aws:dynamodb",
    }
    return json.dumps(record).encode()


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


# --- X-Ray --------------------------------------------------------------------------------------


def document(number: int, **more: Any) -> str:
    return json.dumps({"trace_id": TRACE, "id": f"{number:016x}", **more})


def traced(trace_id: str = TRACE) -> RecordBatch:
    return item("r1", {**START, "trace": trace_id}, END)


def clocked() -> Timing:
    """Give a clock on which waiting takes no time."""
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds
        await asyncio.sleep(0.001)

    return Timing(monotonic_s=lambda: now[0], sleep=sleep)


async def test_a_trace_is_asked_for_in_every_region_until_it_is_whole() -> None:
    looks: dict[str, int] = {}

    def answer(region: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "GetTraceSegmentDestination":
            raise Refusal("AccessDeniedException")
        assert operation == "Traces"
        look = looks[region] = looks.get(region, 0) + 1
        if region == "us-east-1" or look == 1:
            return {"Traces": [], "UnprocessedTraceIds": asked["TraceIds"]}
        running = {"in_progress": True} if look == 2 else {}
        segments = [{"Id": "1", "Document": document(look, **running)}]
        return {"Traces": [{"Id": TRACE, "Segments": segments}]}

    async with serving(answer) as fake:
        source = XRaySource(session(fake.endpoint_url), timing=clocked())
        source.note(traced())
        source.note(traced())
        async with reading(source.run) as came:
            await came.until(lambda: len(came.documents) >= 2)
            assert came.documents[0] == ("us-west-2", document(2, in_progress=True))
            assert came.documents[1] == ("us-west-2", document(3))
            await came.until(lambda: "0 traces awaited" in came.statuses("xray")[-1].message)
            used = sum(fake.calls.values())
            assert f"{used} of 1,000 calls used" in came.statuses("xray")[-1].message
            assert looks["us-east-1"] == 7


async def test_five_traces_go_into_a_call_and_the_budget_is_kept() -> None:
    asked_for: list[list[str]] = []

    def answer(region: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "GetTraceSegmentDestination":
            return {"Destination": "XRay", "Status": "ACTIVE"}
        asked_for.append(asked["TraceIds"])
        return {"Traces": []}

    async with serving(answer) as fake:
        west = session(fake.endpoint_url, "us-west-2")
        source = XRaySource(west, budget=4, timing=clocked())
        for number in range(12):
            source.note(traced(f"1-5759e988-{number:024x}"))
        async with reading(source.run) as came:
            await came.until(lambda: source.calls >= 4)
            await came.until(lambda: came.statuses("xray")[-1].kind == "budget")
        assert [len(ids) for ids in asked_for] == [5, 5, 2]
        assert sum(fake.calls.values()) == 4


async def test_with_transaction_search_traces_are_retrieved() -> None:
    pages: Iterator[dict[str, Any]] = iter(
        [
            {"RetrievalStatus": "RUNNING", "Traces": []},
            {
                "RetrievalStatus": "COMPLETE",
                "Traces": [{"Id": TRACE, "Spans": [{"Id": "1", "Document": document(1)}]}],
                "NextToken": "n",
            },
            {
                "RetrievalStatus": "COMPLETE",
                "Traces": [{"Id": TRACE, "Spans": [{"Id": "2", "Document": document(2)}]}],
            },
        ]
    )
    started: list[dict[str, Any]] = []

    def answer(region: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "GetTraceSegmentDestination":
            return {"Destination": "CloudWatchLogs", "Status": "ACTIVE"}
        if operation == "StartTraceRetrieval":
            started.append(asked)
            return {"RetrievalToken": "t"}
        assert operation == "ListRetrievedTraces"
        assert (asked["RetrievalToken"], asked["TraceFormat"]) == ("t", "XRAY")
        return next(pages, {"RetrievalStatus": "COMPLETE", "Traces": []})

    async with serving(answer) as fake:
        source = XRaySource(session(fake.endpoint_url, "us-west-2"), timing=clocked())
        source.note(traced())
        async with reading(source.run) as came:
            await came.until(lambda: len(came.documents) == 2)
        assert came.documents == [("us-west-2", document(1)), ("us-west-2", document(2))]
        assert started[0]["TraceIds"] == [TRACE]
        assert started[0]["StartTime"] < int(TRACE[2:10], 16) < started[0]["EndTime"]


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"{}\n{}",
        b'{"format":"json","version":2}\n{}',
        b'{"format":"json","version":1}',
        b"\xff",
    ],
)
def test_what_is_no_segment_is_none(datagram: bytes) -> None:
    assert segment_of(datagram) is None


async def test_segments_are_taken_in_the_place_of_the_daemon() -> None:
    source = DaemonSource(0)
    async with reading(source.run) as came:
        await came.until(lambda: came.statuses("xray-daemon"))
        assert source.address[0] == "127.0.0.1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            head = b'{"format": "json", "version": 1}\n'
            sender.sendto(head + document(1).encode(), source.address)
            sender.sendto(b"noise", source.address)
            sender.sendto(head + document(2).encode(), source.address)
        await came.until(lambda: len(came.documents) == 2 and Gap in map(type, came.events))
        assert came.documents == [("", document(1)), ("", document(2))]


async def test_the_x_ray_sdk_is_understood() -> None:
    source = DaemonSource(0)
    async with reading(source.run) as came:
        await came.until(lambda: came.statuses("xray-daemon"))
        emitter = UDPEmitter()
        emitter.set_daemon_address(f"127.0.0.1:{source.address[1]}")
        segment = Segment("local run")
        segment.close()
        emitter.send_entity(segment)
        await came.until(lambda: came.documents)
    assert json.loads(came.documents[0][1])["name"] == "local run"


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(UserError, match=f"UDP port {other.getsockname()[1]}"):
            await DaemonSource(other.getsockname()[1]).run(asyncio.Queue())


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
