"""Sources beside the streams, and resumed recordings, against the local AWS."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gammaray_recorder import wire
from gammaray_tui.commands import resuming
from gammaray_tui.watch import Watch
from providers.events import ProviderEvent, RecordBatch, TraceBatch
from providers.recordings.entries import Began
from providers.recordings.reader import open_recording, read_events
from providers.recordings.writer import Recorder
from providers.session import AwsSession
from providers.sources.cloudwatch_logs import LogsSource
from providers.sources.kinesis import KinesisSource
from providers.sources.xray_api import XRaySource
from providers.streams import StreamSource, parse_since
from providers.tables import ensure_record_table
from tests.unit.expectations.making import END, START, item
from tests.unit.providers.reading_sources import change, log_line

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

PATIENCE_S = 60.0
ALL = parse_since("all")


async def ids_from(
    run: Callable[[asyncio.Queue[ProviderEvent]], Awaitable[None]],
    count: int,
    take: Callable[[ProviderEvent], None] = lambda _event: None,
) -> list[str]:
    """Read until so many records came."""
    queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(50)
    running = asyncio.ensure_future(run(queue))
    ids: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(ids) < count:
                event = await queue.get()
                take(event)
                if isinstance(event, RecordBatch):
                    ids += [
                        image.reqID.S
                        for record in event.records
                        if (image := record.dynamodb.NewImage) is not None
                    ]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return ids


async def write(session: AwsSession, *names: str) -> None:
    region = session.regions[0]
    async with session.client("dynamodb", region) as client:
        for name in names:
            typed = wire.encode_item(name, "ab", 0, [START, END], time.time(), 60, region)
            await client.put_item(TableName=session.table, Item=typed)


async def test_a_recorded_watch_is_resumed(aws_session: AwsSession, tmp_path: Path) -> None:
    for region in aws_session.regions:
        await ensure_record_table(aws_session, region, lambda _step: None)
    path = tmp_path / "run.gammaray"
    await write(aws_session, "r1", "r2")
    recorder = Recorder(path, Began(at_s=1.0, regions=aws_session.regions))
    first = StreamSource(aws_session, since=ALL)
    assert await ids_from(first.run, 2, recorder.record) == ["r1:ab:0", "r2:ab:0"]
    recorder.close()

    await write(aws_session, "r3", "r4")
    model = Watch("t")
    resumed = resuming.take_up(path, model)
    assert sorted(model.engine.invocations) == ["r1", "r2"]
    recorder = Recorder(path, Began(at_s=2.0), go_on=True)
    second = StreamSource(aws_session, since=ALL, resume=resumed.resume)
    assert await ids_from(second.run, 2, recorder.record) == ["r3:ab:0", "r4:ab:0"]
    recorder.close()
    with open_recording(path) as stream:
        batches = [e for _, e in read_events(stream, "r") if isinstance(e, RecordBatch)]
    assert len([record for batch in batches for record in batch.records]) == 4


async def test_lines_of_a_functions_log_are_found(aws_session: AwsSession) -> None:
    region = aws_session.regions[0]
    group = "/aws/lambda/logging-fn"
    now_ms = int(time.time() * 1000)
    async with aws_session.client("logs", region) as client:
        await client.create_log_group(logGroupName=group)
        await client.create_log_stream(logGroupName=group, logStreamName="s")
        lines = ["START RequestId: r1 Version: $LATEST", log_line("r1"), "END RequestId: r1"]
        await client.put_log_events(
            logGroupName=group,
            logStreamName="s",
            logEvents=[{"timestamp": now_ms, "message": line} for line in lines],
        )
    source = LogsSource(aws_session, since=parse_since("15m"))
    assert await ids_from(source.run, 1) == ["r1:ab:0"]


async def test_traces_that_records_name_are_asked_for(aws_session: AwsSession) -> None:
    trace_id = f"1-{int(time.time()):08x}-{0xABCDEF:024x}"
    now_s = time.time()
    segment = {
        "trace_id": trace_id,
        "id": "00000000000000aa",
        "name": "a",
        "start_time": now_s - 1,
        "end_time": now_s,
    }
    for region in aws_session.regions:
        async with aws_session.client("xray", region) as client:
            await client.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])
    source = XRaySource(aws_session)
    source.note(item("r1", {**START, "trace": trace_id}, END))
    queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(50)
    running = asyncio.ensure_future(source.run(queue))
    found: set[str] = set()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < len(aws_session.regions):
                event = await queue.get()
                if isinstance(event, TraceBatch):
                    assert json.loads(event.documents[0])["trace_id"] == trace_id
                    found.add(event.region)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_changes_in_a_kinesis_stream_are_read(aws_session: AwsSession) -> None:
    region = aws_session.regions[0]
    async with aws_session.client("kinesis", region) as client:
        await client.create_stream(StreamName="changes", ShardCount=2)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                stream = await client.describe_stream_summary(StreamName="changes")
                if stream["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE":
                    break
        for name in ("k1", "k2", "k3"):
            await client.put_record(StreamName="changes", Data=change(name), PartitionKey=name)
    source = KinesisSource(aws_session, "changes", since=ALL)
    assert sorted(await ids_from(source.run, 3)) == ["k1:ab:0", "k2:ab:0", "k3:ab:0"]
