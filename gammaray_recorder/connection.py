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

    def __init__(
        self, url: str, timeout_s: float = _TIMEOUT_S, proxy: Optional[str] = None
    ) -> None:
        scheme, self.authority, host, port = _parts(url)
        self._secure = scheme == "https"
        self._host = host
        self._proxy_head = ""
        self._prefix = b""
        self._address: Any = (host, port)
        if proxy:
            _, authority, *where = _parts(proxy)
            self._address = tuple(where)
            self._proxy_head = _proxy_authorization(authority)
            if self._secure:
                self._proxy_head = "CONNECT %s:%d HTTP/1.1\r\nhost: %s:%d\r\n%s\r\n" % (
                    *(host.decode(), port, host.decode(), port),
                    self._proxy_head,
                )
            else:
                self._prefix = ("http://%s" % self.authority).encode("ascii")
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
                if self._proxy_head:
                    self._ask_for_tunnel(connected)
                connected = _tls_context().wrap_socket(connected, server_hostname=self._host)
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
        if self._prefix:  # a proxy wants to be told all of the URL, and its own headers
            method, _, rest = request.partition(b" ")
            line, _, rest = rest.partition(b"\r\n")
            request = b"%s %s%s\r\n%s%s" % (
                *(method, self._prefix, line, self._proxy_head.encode("latin-1")),
                rest,
            )
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

    def _ask_for_tunnel(self, connected: socket.socket) -> None:
        connected.sendall(self._proxy_head.encode("latin-1"))
        answer = b""
        while b"\r\n\r\n" not in answer:
            # One byte at a time: what follows belongs to TLS.
            received = connected.recv(1)
            if not received or len(answer) > _LINE_LIMIT:
                raise ProtocolError("the proxy gave no answer")
            answer += received
        if answer.split(b" ", 2)[1:2] != [b"200"]:
            raise ProtocolError("the proxy refused")

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


def _parts(url: str) -> Tuple[str, str, bytes, int]:
    """Take a URL apart: scheme, authority, host, port."""
    scheme, _, rest = url.partition("://")
    scheme, authority = scheme.lower(), rest.split("/", 1)[0]
    host, port = authority.rpartition("@")[2], 443 if scheme == "https" else 80
    head, colon, tail = host.rpartition(":")
    if colon and tail.isdigit():
        host, port = head, int(tail)
    # Bytes: for text, Python would import the codec of international names.
    return scheme, authority, host.strip("[]").encode("ascii"), port


def _proxy_authorization(authority: str) -> str:
    user, at, _ = authority.rpartition("@")
    if not at:
        return ""
    from base64 import b64encode
    from urllib.parse import unquote

    token = b64encode(unquote(user).encode()).decode("ascii")
    return "proxy-authorization: Basic %s\r\n" % token


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
