"""A server that accepts every request at once: what is left is the client's own time.

Run as a process of its own, it prints its port and answers `{}` until it is killed.
"""

from __future__ import annotations

import asyncio

_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n"
    b"x-amzn-requestid: r\r\ncontent-length: 2\r\n\r\n{}"
)


class Accepting(asyncio.Protocol):
    """Counts bytes up to the end of each request, and answers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(rest) < length:
                return
            self._received = rest[length:]
            self._transport.write(_ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Accepting, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 (the parent reads it)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
