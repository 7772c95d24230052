"""X-Ray as a source: its API, and the port of its daemon."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from aws_xray_sdk.core.models.segment import Segment

from providers.errors import UserError
from providers.events import Gap, RecordBatch
from providers.sources.xray_api import XRaySource
from providers.sources.xray_daemon import DaemonSource, segment_of
from providers.streams import Timing
from tests.fakes.services import Refusal, serving
from tests.unit.expectations.making import END, START, item
from tests.unit.providers.reading_sources import TRACE, reading, session


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
