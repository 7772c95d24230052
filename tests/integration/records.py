"""Reading what the recorder wrote, straight from the record tables."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from gammaray_recorder import wire
from providers.clients import Clients
from providers.pieces import found
from providers.session import AwsSession

LOOK_EVERY_S = 0.1
FUNCTIONS = ("ImageProcPy", "DBSyncPy", "UpdateWebsite")


class Invocation:
    """What the records of one invocation say, put together."""

    def __init__(self, region: str, events: list[dict[str, Any]]) -> None:
        self.region = region
        (start,) = (event for event in events if event[wire.KIND] == wire.KIND_START)
        (end,) = (event for event in events if event[wire.KIND] == wire.KIND_END)
        calls = [event for event in events if event[wire.KIND] == wire.KIND_CALL]
        calls.sort(key=lambda call: call[wire.AT])
        self.function = start[wire.ARN].split(":")[6]
        self.status = end[wire.STATUS]
        self.operations = [call[wire.OPERATION] for call in calls]
        hashes = [
            output[wire.HASH]
            for call in calls
            for output in call.get(wire.OUTPUTS, ())
            if call[wire.OPERATION] == "PutItem"
        ]
        self.put_hash = hashes[0] if hashes else ""
        causes = start.get(wire.CAUSES, ())
        self.received_hash = causes[0][wire.HASH] if causes else ""


async def chains(session: AwsSession, count: int) -> list[Invocation]:
    """Read the record tables until `count` chains of imageproc are complete."""
    async with Clients(session) as clients:
        while True:
            invocations = [
                Invocation(region, events)
                for region in session.regions
                for events in (await recorded_events(clients, region)).values()
                if any(event[wire.KIND] == wire.KIND_END for event in events)
            ]
            names = [invocation.function for invocation in invocations]
            # All three: a function may end after those that it has caused.
            if all(names.count(name) >= count for name in FUNCTIONS):
                return invocations
            await asyncio.sleep(LOOK_EVERY_S)


async def until_logged(session: AwsSession, *functions: str) -> None:
    """Wait until functions have logged an invocation: that comes some time after its records."""
    async with Clients(session) as clients:
        waiting = set(functions)
        while waiting:
            for region in session.regions:
                client = await clients.of("logs", region)
                for name in sorted(waiting):
                    asked = client.filter_log_events(logGroupName=f"/aws/lambda/{name}")
                    logged = await found(asked, "ResourceNotFoundException") or {"events": []}
                    if any(event["message"].startswith("REPORT ") for event in logged["events"]):
                        waiting.remove(name)
            await asyncio.sleep(LOOK_EVERY_S)


async def recorded_events(clients: Clients, region: str) -> dict[str, list[dict[str, Any]]]:
    """Give the events of each attempt that a region's record table holds."""
    attempts: dict[str, list[dict[str, Any]]] = {}
    client = await clients.of("dynamodb", region)
    pages = client.get_paginator("scan").paginate(TableName=clients.session.table)
    async for page in pages:
        for item in page["Items"]:
            assert item[wire.ITEM_VERSION] == {"N": str(wire.VERSION)}
            payload = json.loads(item[wire.ITEM_PAYLOAD]["S"])
            attempts.setdefault(payload[wire.ATTEMPT], []).extend(payload[wire.EVENTS])
    return attempts
