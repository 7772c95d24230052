"""DynamoDB and DynamoDB Streams over HTTP, for unmodified clients, misbehaving on demand."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from aiohttp import web

from tests.fakes.stream_model import FakeRegion, Fault, ServiceError

_OPERATIONS: dict[str, Callable[[FakeRegion, dict[str, Any]], dict[str, Any]]] = {
    "DescribeTable": FakeRegion.describe_table,
    "ListStreams": FakeRegion.list_streams,
    "DescribeStream": FakeRegion.describe_stream,
    "GetShardIterator": FakeRegion.get_shard_iterator,
    "GetRecords": FakeRegion.get_records,
}
_CODES = {
    "throttle": ServiceError("ThrottlingException", "Rate exceeded"),
    "limit": ServiceError("LimitExceededException", "Too many readers"),
    "server-error": ServiceError("InternalServerError", "", 500),
    "unavailable": ServiceError("ServiceUnavailable", "", 503),
    "expired-iterator": ServiceError("ExpiredIteratorException"),
}


class FakeAws:
    """All regions behind one endpoint; the region comes from the request's signature.

    Attributes:
        clock_ahead_s: how far the service's clock is ahead of the client's.
        expired_keys: access keys that the service calls expired.
        endpoint_url: where it listens, once started.
        activity: grows with every call that comes and goes.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.now_s = now_s
        self.clock_ahead_s = 0.0
        self.expired_keys: set[str] = set()
        self.in_flight = 0
        self.activity = 0
        self.endpoint_url = ""
        self._ids = itertools.count(1)
        self._regions: dict[str, FakeRegion] = {}
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    def region(self, name: str) -> FakeRegion:
        if name not in self._regions:
            self._regions[name] = FakeRegion(name, self.server_now_s, self._ids)
        return self._regions[name]

    def trim_what_is_a_day_old(self) -> None:
        for region in self._regions.values():
            region.trim_what_is_a_day_old()

    def server_now_s(self) -> float:
        return self.now_s() + self.clock_ahead_s

    def reset(self) -> None:
        """Forget everything: as new, at the same address."""
        self._regions.clear()
        self.expired_keys.clear()
        self.clock_ahead_s = 0.0

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.endpoint_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        try:
            body = json.loads(await request.read())
            operation = request.headers["X-Amz-Target"].rsplit(".", 1)[1]
            scope = request.headers["Authorization"].split("Credential=", 1)[1].split("/")
            region = self.region(scope[2])
            region.calls[operation] += 1
            fault = _take_fault(region, operation)
            self.activity += 1
            try:
                if fault is not None and fault.kind in _CODES:
                    raise _CODES[fault.kind]
                self._check_access(scope[0], region, operation)
                answer = _OPERATIONS[operation](region, body)
                region.answered_s = self.now_s()
            except ServiceError as error:
                return self._json({"__type": error.code, "message": error.message}, error.status)
            return await self._misbehave(request, answer, fault)
        finally:
            self.in_flight -= 1
            self.activity += 1

    def _check_access(self, key: str, region: FakeRegion, operation: str) -> None:
        if key in self.expired_keys:
            raise ServiceError("ExpiredTokenException", "The security token has expired")
        if operation in region.denied:
            raise ServiceError(
                "AccessDeniedException",
                f"User: u is not authorized to perform: dynamodb:{operation} on resource: r",
            )

    async def _misbehave(
        self, request: web.Request, answer: dict[str, Any], fault: Fault | None
    ) -> web.StreamResponse:
        """Send the answer, or what the fault makes of it: the call was carried out."""
        kind = fault.kind if fault is not None else ""
        if kind == "empty-object":
            return self._json({})
        if kind == "garbage":
            return web.Response(body=b"<html>captive portal</html>")
        if kind == "not-aws":
            return web.Response(body=b"<html>Not Found</html>", status=404)
        if kind == "slow":
            self.in_flight -= 1
            await self._stopping.wait()
            self.in_flight += 1
        if kind == "close" and request.transport is not None:
            request.transport.close()
        if kind == "half":
            data = json.dumps(answer).encode()
            half = web.StreamResponse(headers={"Content-Length": str(len(data))})
            await half.prepare(request)
            await half.write(data[: len(data) // 2])
            if request.transport is not None:
                request.transport.close()
            return half
        return self._json(answer)

    def _json(self, answer: dict[str, Any], status: int = 200) -> web.Response:
        return web.Response(
            body=json.dumps(answer).encode(),
            status=status,
            content_type="application/x-amz-json-1.0",
            headers={"Date": formatdate(self.server_now_s(), usegmt=True)},
        )


def _take_fault(region: FakeRegion, operation: str) -> Fault | None:
    for fault in region.faults:
        if fault.operation in ("", operation):
            fault.times -= 1
            if fault.times <= 0:
                region.faults.remove(fault)
            return fault
    return None
