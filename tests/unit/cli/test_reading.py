from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from gammaray_tui.commands.reading import Queue, events_of
from providers.events import EndOfInput, ProviderEvent


def event(number: int) -> EndOfInput:
    return EndOfInput(str(number))


async def test_every_event_comes_in_order_though_the_queue_is_small() -> None:
    async def source(queue: Queue) -> None:
        for number in range(10):
            await queue.put(event(number))

    assert [one async for one in events_of(source, asyncio.Queue(2))] == [
        event(number) for number in range(10)
    ]


async def test_a_source_that_fails_fails_the_reader_after_its_last_event() -> None:
    async def source(queue: Queue) -> None:
        queue.put_nowait(event(1))
        queue.put_nowait(event(2))
        raise OSError("gone")

    events = events_of(source, asyncio.Queue())
    got: list[ProviderEvent] = [await anext(events), await anext(events)]
    with pytest.raises(OSError, match="gone"):
        await anext(events)
    assert got == [event(1), event(2)]


async def test_closing_stops_the_source() -> None:
    stopped = asyncio.Event()

    async def source(queue: Queue) -> None:
        try:
            await queue.put(event(1))
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with aclosing(events_of(source, asyncio.Queue())) as events:
        assert await anext(events) == event(1)
    assert stopped.is_set()


async def test_cancelling_the_reader_stops_the_source() -> None:
    stopped, reading = asyncio.Event(), asyncio.Event()

    async def source(queue: Queue) -> None:
        try:
            reading.set()
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def read() -> None:
        async with aclosing(events_of(source, asyncio.Queue())) as events:
            async for _ in events:
                pass

    task = asyncio.create_task(read())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped.is_set()
