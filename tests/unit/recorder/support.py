"""What the recorder's tests share: an HTTP server that does as told, and records in memory."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gammaray_recorder import wire
from gammaray_recorder.invocation import Invocation
from gammaray_recorder.recording import Recorder
from gammaray_recorder.settings import Settings
from gammaray_recorder.table import Table
from gammaray_recorder.writer import Writer

REGION = "us-west-2"
ACCOUNT = "123456789012"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:Resize"

Json = dict[str, Any]


@dataclass
class Context:
    """The part of Lambda's context object that a Python function sees."""

    aws_request_id: str = "6f1c2a34-0d1e-4f5a-9b8c-7d6e5f4a3b2c"
    invoked_function_arn: str = ARN
    function_name: str = "Resize"
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "256"
    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


class MemoryWriter(Writer):
    """Keeps every event that would have been written; starts no thread."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, Table(settings))
        self.events: list[Json] = []
        self.items: list[Any] = []
        self.changed = threading.Condition()

    def opened(self, invocation: Invocation, *, first: bool) -> None:
        self._keep(invocation)

    def closed(self, invocation: Invocation) -> None:
        invocation.over = True
        self._keep(invocation)
        invocation.flushed.release()

    def belated(self, invocation: Invocation) -> None:
        self._keep(invocation)

    def _keep(self, invocation: Invocation) -> None:
        with self.changed:
            self.events += invocation.take()
            self.changed.notify_all()

    def calls(self) -> list[Json]:
        return [event for event in self.events if event[wire.KIND] == wire.KIND_CALL]

    def starts(self) -> list[Json]:
        return [event for event in self.events if event[wire.KIND] == wire.KIND_START]

    def ends(self) -> list[Json]:
        return [event for event in self.events if event[wire.KIND] == wire.KIND_END]


def memory_recorder(**environment: str) -> tuple[Recorder, MemoryWriter]:
    """Make a recorder whose records stay in memory."""
    settings = Settings({"AWS_REGION": REGION, **environment})
    writer = MemoryWriter(settings)
    return Recorder(settings, writer), writer


@contextmanager
def invoked(
    recorder: Recorder, event: Any = None, context: Context | None = None
) -> Iterator[None]:
    """Be inside an invocation."""
    begun = recorder.begin(event, context or Context())
    try:
        yield
    finally:
        recorder.end(begun)


@dataclass
class Request:
    """What the server was sent."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What the server answers."""

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False
    close: bool = False


Responder = Callable[[Request], "Answer | None"]


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed or give up are what some tests are about."""


class Server:
    """An HTTP/1.1 server on 127.0.0.1 that answers as its responder says.

    A responder that gives None closes the connection without a word.
    """

    def __init__(
        self, responder: Responder | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.respond: Responder = responder or (lambda request: Answer())
        self.requests: list[Request] = []
        self.connections = 0
        self._closed = threading.Event()
        self._changed = threading.Condition()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # header and body in one packet, as real servers send them

            def setup(self) -> None:
                server.connections += 1
                super().setup()

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                answer = server.respond(request)
                server._note(request)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.close:
                    self.close_connection = True
                if answer.chunked:
                    self.send_header("transfer-encoding", "chunked")
                    self.end_headers()
                    middle = (len(answer.body) + 1) // 2
                    parts = filter(None, (answer.body[:middle], answer.body[middle:]))
                    for part in (*parts, b""):
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                else:
                    self.send_header("content-length", str(len(answer.body)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(answer.body)

            do_GET = do_PUT = do_DELETE = do_HEAD = do_POST

            def handle_expect_100(self) -> bool:
                accepted = super().handle_expect_100()
                self.wfile.flush()
                return accepted

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = _QuietServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            # The handshake belongs to the connection's own thread: it may fail.
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._http.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def _note(self, request: Request) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def hang(self) -> None:
        """Keep the client waiting until the server is closed, and then answer nothing."""
        self._closed.wait(60)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 60) -> None:
        """Wait until what was received fulfils a condition."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s), "the server waited in vain"

    def close(self) -> None:
        self._closed.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Tunnel:
    """A proxy that opens tunnels to one port, or refuses to."""

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Fine\r\n\r\n") -> None:
        self._port, self._answer = port, answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        self.asked.append(client.recv(65536))
        client.sendall(self._answer)
        if b" 200 " not in self._answer:
            client.close()
            return
        target = socket.create_connection(("127.0.0.1", self._port))
        threading.Thread(target=_pump, args=(client, target), daemon=True).start()
        _pump(target, client)

    def close(self) -> None:
        self._listener.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        return  # one side is gone
    finally:
        sink.close()


@contextmanager
def serving(responder: Responder | None = None) -> Iterator[Server]:
    server = Server(responder)
    try:
        yield server
    finally:
        server.close()


def payload_of(item: Any) -> Json:
    """Decode the payload of a written item."""
    decoded: Json = json.loads(item[wire.ITEM_PAYLOAD]["S"])
    return decoded


def items_in(requests: list[Request], table: str = "gammaRays") -> list[Any]:
    """Collect the items of PutItem and BatchWriteItem requests, in order."""
    items = []
    for request in requests:
        body = request.json()
        if "Item" in body:
            assert body["TableName"] == table
            items.append(body["Item"])
        for put in body.get("RequestItems", {}).get(table, []):
            items.append(put["PutRequest"]["Item"])
    return items


def events_in(requests: list[Request]) -> list[Json]:
    """Collect the events of all items that were sent."""
    return [event for item in items_in(requests) for event in payload_of(item)[wire.EVENTS]]


def kinds_in(requests: list[Request]) -> list[str]:
    """Collect what kinds of events were sent."""
    return [event[wire.KIND] for event in events_in(requests)]
