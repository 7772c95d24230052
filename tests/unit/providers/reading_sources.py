"""Reading a source until what it should bring has come, without waiting between its calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gammaray_recorder import wire
from providers.events import ProviderEvent, RecordBatch, RegionStatus, TraceBatch
from providers.session import AwsSession, AwsSettings
from providers.streams import Timing
from tests.unit.expectations.making import END, START

REGIONS = ("us-west-2", "us-east-1")
PATIENCE_S = 60.0
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
