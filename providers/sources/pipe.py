"""Records that another program writes to a pipe, as they come."""

from __future__ import annotations

import asyncio
import io
import os
import select
import threading
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from providers.events import EndOfInput, ProviderEvent
from providers.file_formats import LINES, Format, decode_lines, format_of_start
from providers.files import batches, read_stream
from providers.recordings.members import HEAD_BYTES
from providers.recordings.reader import is_recording

if TYPE_CHECKING:
    from typing_extensions import Buffer

NAME: Final = "standard input"
_CHUNK: Final = 256 * 1024
_LOOK_EVERY_S: Final = 0.2


class PipeSource:
    """Reads a file descriptor in a thread; what can be read in a file can be read here.

    A thread, because not every descriptor can be waited for on the event loop.
    """

    def __init__(self, descriptor: int) -> None:
        """Take a descriptor over; it is closed at the end."""
        self._raw = _Interruptible(descriptor)

    async def run(self, queue: asyncio.Queue[ProviderEvent]) -> None:
        """Put events on the queue until the input ends, then EndOfInput.

        Raises:
            UserError: the input holds nothing known.
        """
        stream = _buffered(self._raw)
        events = _events(stream)
        try:
            while (event := await asyncio.to_thread(next, events, None)) is not None:
                await queue.put(event)
            await queue.put(EndOfInput(NAME))
        finally:
            self._raw.stop()


def _events(stream: io.BufferedReader) -> Iterator[ProviderEvent]:
    """Give events as soon as they can be told: lines are not waited for."""
    start = stream.peek(HEAD_BYTES)
    if is_recording(start):
        yield from read_stream(NAME, stream, Format.RECORDING, set())
        return
    first = stream.readline()
    file_format = format_of_start(first)
    if file_format is None or file_format not in LINES:
        # A document over many lines, or nothing known: it has to be there as a whole.
        whole = _buffered(io.BytesIO(first + stream.read()))
        yield from read_stream(NAME, whole, None, set())
        return
    numbers = count(1)
    rest = first
    while True:
        # What is repeated later costs a look-up in the graph, and no memory here.
        *lines, rest = rest.split(b"\n")
        numbered = ((next(numbers), line + b"\n") for line in lines)
        yield from batches(
            NAME,
            decode_lines(((n, x) for n, x in numbered if not x.isspace()), file_format, NAME),
            set(),
        )
        more = stream.read1(_CHUNK)
        if not more:
            break
        rest += more
    if rest.strip():
        yield from batches(
            NAME, decode_lines(iter([(next(numbers), rest)]), file_format, NAME), set()
        )


def _buffered(raw: Any) -> io.BufferedReader:
    return io.BufferedReader(raw, _CHUNK)


class _Interruptible(io.RawIOBase):
    """A descriptor whose reading can be given up: then it is at its end."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let a reader that waits come back."""
        self._stopped.set()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._stopped.is_set():
            if select.select([self._descriptor], [], [], _LOOK_EVERY_S)[0]:
                view = memoryview(buffer)
                data = os.read(self._descriptor, len(view))
                view[: len(data)] = data
                return len(data)
        return 0

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
