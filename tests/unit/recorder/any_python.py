"""Run by each interpreter of Lambda's: the recorder in the ways that differ between versions.

    python any_python.py <folder that holds gammaray_recorder>

Prints what was recorded. Standard library only, Python 3.9 or later.
"""

from __future__ import annotations

import asyncio
import http.client
import http.server
import json
import os
import socketserver
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ITEMS: list[Any] = []


class Handler(http.server.BaseHTTPRequestHandler):
    """Accepts everything, and keeps the items."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        if "Item" in body:
            ITEMS.append(body["Item"])
        for request in body.get("RequestItems", {}).get("gammaRays", []):
            ITEMS.append(request["PutRequest"]["Item"])
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


class Context:
    """What Lambda's context tells."""

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = "arn:aws:lambda:us-west-2:1:function:F:live"
        self.function_name = "F"
        self.function_version = "7"
        self.memory_limit_in_mb = "128"

    def get_remaining_time_in_millis(self) -> int:
        return 3000


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_ACCESS_KEY_ID="a",
        AWS_SECRET_ACCESS_KEY="b",
        AWS_REGION="us-west-2",
        GAMMARAY_FLUSH_MS="5000",
    )
    from gammaray_recorder import recorded

    def call() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/called", b"{}")
        connection.getresponse().read()
        connection.close()

    @recorded
    def handler(event: Any, context: Any) -> Any:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        with ThreadPoolExecutor(2) as pool:
            pool.submit(call).result()
        return event

    @recorded
    async def coroutine(event: str, context: Any) -> None:
        call()
        await asyncio.sleep(0)
        raise KeyError(event)

    assert handler({"a": 1}, Context("r-1")) == {"a": 1}
    try:
        asyncio.run(coroutine("mine", Context("r-2")))
        raise AssertionError
    except KeyError:
        pass  # the handler's own
    found = []
    for item in ITEMS:
        payload = json.loads(item["payload"]["S"])
        found += [[payload["r"], event["k"], event.get("st")] for event in payload["e"]]
        for event in payload["e"]:
            if event["k"] == "s":
                assert event["alias"] == "live", event
                assert event["left"] <= 3000, event
    print(json.dumps(found))  # noqa: T201


main(sys.argv[1])
