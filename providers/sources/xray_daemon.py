"""X-Ray segments of local runs: what aws-xray-sdk sends to a daemon, over UDP.

Each datagram is a line of JSON that names the format, and a segment document behind it.
Source: AWS X-Ray developer guide, "Sending trace data to AWS X-Ray".
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import msgspec

from causality.records import UNDECODABLE
from providers.errors import UserError
from providers.events import Gap, ProviderEvent, RegionStatus, TraceBatch
from providers.streams.timing import Timing

NAME: Final = "xray-daemon"
HOST: Final = "127.0.0.1"
PORT: Final = 2000
# Nobody waits for a sender over UDP: past so many, segments are lost, and that is told.
_MOST_WAITING: Final = 10_000


class _Head(msgspec.Struct):
    format: str
    version: int


_head = msgspec.json.Decoder(_Head)


class DaemonSource:
    """Listens on this machine only, in the place of the X-Ray daemon.

    Attributes:
        address: host and port, once it listens; a port of 0 takes a free one.
    """

    def __init__(self, port: int = PORT, *, timing: Timing | None = None) -> None:
        self.address = (HOST, port)
        self._timing = timing or Timing()

    async def run(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        """Put segments on the queue until cancelled.

        Raises:
            UserError: the port is taken.
        """
        try:
            transport, mailbox = await asyncio.get_running_loop().create_datagram_endpoint(
                _Mailbox, local_addr=self.address
            )
        except OSError as error:
            raise UserError(
                f"UDP port {self.address[1]} cannot be listened on: {error.strerror or error}.",
                on=HOST,
                todo="An X-Ray daemon may run there: end it, or name another port with "
                "--source xray-daemon:PORT and AWS_XRAY_DAEMON_ADDRESS.",
                kind="port-taken",
            ) from error
        try:
            self.address = transport.get_extra_info("sockname")
            await queue.put(RegionStatus(NAME, "live", brings="traces"))
            while True:
                await mailbox.came.wait()
                mailbox.came.clear()
                await self._deliver(mailbox, queue)
        finally:
            transport.close()

    async def _deliver(self, mailbox: _Mailbox, queue: asyncio.Queue[ProviderEvent]) -> None:
        documents = list(mailbox.documents)
        mailbox.documents.clear()
        lost, mailbox.lost = mailbox.lost, 0
        if documents:
            await queue.put(TraceBatch(NAME, documents))
        if lost:
            detail = f"{lost} datagrams held no segment, or came faster than they were read"
            await queue.put(Gap("", NAME, detail, self._timing.now_s()))


class _Mailbox(asyncio.DatagramProtocol):
    """Takes datagrams apart.

    Attributes:
        came: set when something came.
        lost: datagrams that could not be read or kept.
    """

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.documents: deque[str] = deque()
        self.lost = 0

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        document = segment_of(data)
        if document is None or len(self.documents) >= _MOST_WAITING:
            self.lost += 1
        else:
            self.documents.append(document)
        self.came.set()


def segment_of(datagram: bytes) -> str | None:
    """Give the segment document in a datagram, None when there is none."""
    first, _, rest = datagram.partition(b"\n")
    try:
        head = _head.decode(first)
        document = rest.decode().strip()
    except UNDECODABLE:
        return None
    return document if (head.format, head.version) == ("json", 1) and document else None
