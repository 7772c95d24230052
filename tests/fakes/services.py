"""Any AWS service that speaks JSON, over HTTP, as a function of the test's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiohttp import web

Answer: TypeAlias = Callable[[str, str, dict[str, Any]], dict[str, Any]]


class Refusal(Exception):
    """An error that the service answers with."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class FakeServices:
    """Answers with what `answer` makes of region, operation and arguments.

    Attributes:
        calls: calls by (region, operation).
        endpoint_url: where it listens.
    """

    def __init__(self, answer: Answer) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.endpoint_url = ""
        self._answer = answer

    async def take(self, request: web.Request) -> web.Response:
        # JSON services name the operation in a header, REST ones in the path.
        target = request.headers.get("X-Amz-Target") or request.path
        operation = target.rpartition(".")[2].strip("/")
        region = request.headers["Authorization"].split("Credential=", 1)[1].split("/")[2]
        self.calls[region, operation] += 1
        try:
            body = self._answer(region, operation, json.loads(await request.read() or b"{}"))
        except Refusal as refusal:
            return web.json_response(
                {"__type": refusal.code, "message": ""},
                status=refusal.status,
                headers={"x-amzn-ErrorType": refusal.code},
            )
        return web.Response(
            body=json.dumps(body).encode(), content_type="application/x-amz-json-1.1"
        )


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[FakeServices]:
    """Serve on a free port of this machine."""
    fake = FakeServices(answer)
    application = web.Application()
    application.router.add_post("/{path:.*}", fake.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.endpoint_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
