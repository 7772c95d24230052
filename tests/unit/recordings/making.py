"""Recordings of the oracle's runs, as a watch would have made them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from providers.events import Gap, Mark, Position, ProviderEvent, RecordBatch, RegionStatus
from providers.files import collect, read
from providers.recordings.entries import Began
from providers.recordings.writer import Recorder

ORACLE = Path(__file__).parents[2] / "data" / "oracle"
START_S = 1_700_000_000.0


def watched(case: str, page: int = 3) -> list[ProviderEvent]:
    """Give a case's records and traces as small pages that came one a second."""
    events: list[ProviderEvent] = [RegionStatus("us-west-2", "live", shards=1)]
    at_s = START_S
    for event in read(collect([ORACLE / case])):
        if not isinstance(event, RecordBatch):
            events.append(event)
            continue
        for start in range(0, len(event.records), page):
            records = event.records[start : start + page]
            at_s += 1
            position = Position("arn:s", "shard-1", records[-1].dynamodb.SequenceNumber)
            events.append(RecordBatch(event.region, "shard-1", records, [], at_s, position))
    events.append(Mark(at_s, "fired", "imageproc × 1"))
    events.append(Gap("us-west-2", "shard-1", "trimmed", at_s + 1))
    return events


def recorded(path: Path, events: Iterable[ProviderEvent]) -> Path:
    """Record events as a watch does."""
    recorder = Recorder(path, Began(at_s=START_S, title="t"), now_s=lambda: START_S)
    for event in events:
        recorder.record(event)
    recorder.close()
    assert recorder.failure is None
    return path
