"""One kept-alive HTTP/1.1 connection to one service, on a bare socket.

Not `http.client`: with the `email` package behind it, importing that takes longer than all of
the recorder (measured in docs/records.md). What a JSON service needs of HTTP is little.
"""

from __future__ import annotations

import socket
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Dict, List, Optional, Tuple

# Servers close idle connections, and a frozen function does not see it happen.
_IDLE_LIMIT_S = 45.0
_TIMEOUT_S = 1.0
_LINE_LIMIT = 65536


class ProtocolError(OSError):
    """The other side closed the connection, or answered something that is not HTTP/1.1."""


class Connection:
    """Sends requests one after another, and opens the connection again when it went stale."""

    def __init__(self, url: str, timeout_s: float = _TIMEOUT_S) -> None:
        scheme, _, rest = url.partition("://")
        authority = rest.split("/", 1)[0]
        self.authority = authority
        self._secure = scheme.lower() == "https"
        host, port = authority, 443 if self._secure else 80
        head, colon, tail = authority.rpartition(":")
        if colon and tail.isdigit():
            host, port = head, int(tail)
        # Bytes: for text, Python would import the codec of international names.
        self._address: Any = (host.strip("[]").encode("ascii"), port)
        if self._secure:
            # Here and not in the writer's thread, lest a fork finds the import half done.
            import ssl  # noqa: F401 (a local endpoint does without)
        self._timeout_s = timeout_s
        self._socket: Optional[socket.socket] = None
        self._buffer = b""
        self._used_at_s = 0.0

    def open(self) -> None:
        """Connect, unless there is a connection that can be used. Raises OSError."""
        if self._socket is not None and self._is_alive(self._socket):
            return
        self.close()
        connected = socket.create_connection(self._address, self._timeout_s)
        try:
            # A request is one short write; waiting to fill a packet would cost its latency.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                connected = _tls_context().wrap_socket(connected, server_hostname=self._address[0])
        except BaseException:
            connected.close()
            raise
        self._socket = connected
        self._buffer = b""
        self._used_at_s = time.time()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def forget(self) -> None:
        """Drop the connection without a farewell: after a fork it belongs to the parent."""
        if self._socket is not None:
            socket.close(self._socket.detach())
            self._socket = None

    def exchange(self, request: bytes) -> Tuple[int, bytes]:
        """Send a whole request and give the response's status and body.

        A connection that was kept may have died unseen, so its failure is retried once on a
        new one: `request` must be safe to send twice. Raises OSError.
        """
        kept = self._socket
        self.open()
        try:
            return self._exchange(request)
        except OSError:
            if self._socket is not kept:
                self.close()
                raise
            self.close()
        self.open()
        try:
            return self._exchange(request)
        except OSError:
            self.close()
            raise

    def _exchange(self, request: bytes) -> Tuple[int, bytes]:
        assert self._socket is not None
        self._socket.sendall(request)
        status = 100
        while 100 <= status < 200:  # interim responses carry no body and precede the real one
            version, status = self._status_line()
            headers = self._headers()
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = self._chunks()
        elif "content-length" in headers:
            body = self._take(_number(headers["content-length"], 10))
        else:
            body = self._rest()
            self.close()
        if version == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
            self.close()
        self._used_at_s = time.time()
        return status, body

    def _is_alive(self, connected: socket.socket) -> bool:
        # The wall clock, because the monotonic one may stand still in a frozen container.
        if not 0 <= time.time() - self._used_at_s < _IDLE_LIMIT_S:
            return False
        # An idle connection has nothing to say: whatever can be read of it is its end.
        connected.setblocking(False)
        try:
            connected.recv(1)
            return False
        except OSError as error:
            return isinstance(error, BlockingIOError) or type(error).__name__ == "SSLWantReadError"
        finally:
            connected.settimeout(self._timeout_s)

    def _status_line(self) -> Tuple[str, int]:
        version, _, rest = self._line().partition(" ")
        if not version.startswith("HTTP/1."):
            raise ProtocolError("not an HTTP/1 response")
        return version, _number(rest[:3], 10)

    def _headers(self) -> Dict[str, str]:
        headers: Dict[str, str] = {}
        while True:
            line = self._line()
            if not line:
                return headers
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()

    def _chunks(self) -> bytes:
        body = b""
        while True:
            size = _number(self._line().split(";", 1)[0], 16)
            if not size:
                self._headers()  # trailers
                return body
            body += self._take(size)
            self._line()

    def _line(self) -> str:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LINE_LIMIT:
                raise ProtocolError("a header line without end")
            self._receive()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _rest(self) -> bytes:
        try:
            while True:
                self._receive()
        except ProtocolError:
            return self._buffer

    def _receive(self) -> None:
        assert self._socket is not None
        received = self._socket.recv(65536)
        if not received:
            raise ProtocolError("closed by the other side")
        self._buffer += received


def _number(text: str, base: int) -> int:
    try:
        return int(text, base)
    except ValueError as error:
        raise ProtocolError("not an HTTP/1.1 response") from error


_tls_contexts: List[ssl.SSLContext] = []


def _tls_context() -> ssl.SSLContext:
    """Make the one TLS context: reading the authorities' certificates takes several ms."""
    if not _tls_contexts:
        import os
        import ssl

        bundle = os.environ.get("AWS_CA_BUNDLE") or None
        _tls_contexts.append(ssl.create_default_context(cafile=bundle))
    return _tls_contexts[0]
