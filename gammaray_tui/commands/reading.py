"""Reading a source to its end without a screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from providers.events import ProviderEvent

Queue: TypeAlias = "asyncio.Queue[ProviderEvent]"
Source: TypeAlias = Callable[[Queue], Awaitable[None]]


async def events_of(source: Source, queue: Queue) -> AsyncGenerator[ProviderEvent, None]:
    """Run a source and give its events as they come, until it ends and nothing is left.

    Close the iterator (contextlib.aclosing) to stop the source.

    Raises:
        Exception: whatever ended the source, after its last event.
    """
    reader = asyncio.ensure_future(source(queue))
    try:
        while not reader.done():
            waiting = asyncio.ensure_future(queue.get())
            try:
                await asyncio.wait({waiting, reader}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                # A cancelled get() leaves the event on the queue.
                taken = waiting.done() or not waiting.cancel()
            if taken:
                yield waiting.result()
        while not queue.empty():
            yield queue.get_nowait()
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
