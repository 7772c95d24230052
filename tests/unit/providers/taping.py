"""Tapes, and a stage to play them on whose clock passes only while the player waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from causality.records import Change, Image, Number, StreamRecord, Text
from providers.events import EndOfInput, ProviderEvent, RecordBatch
from providers.replay import Player, Tape

PATIENCE_S = 60.0


def record(name: str, ts_ms: int | None) -> StreamRecord:
    image = None if ts_ms is None else Image(Text(name), Text("end"), Number(str(ts_ms)))
    return StreamRecord(Change("1", image), name)


def batch(source: str, *records: StreamRecord) -> RecordBatch:
    return RecordBatch("", source, list(records))


class Stage:
    """Notes when events come; its clock passes only during waits.

    Attributes:
        takes_s: what taking an event costs.
    """

    def __init__(self, takes_s: float = 0.0) -> None:
        self.now_s = 0.0
        self.takes_s = takes_s
        self.came: list[tuple[float, ProviderEvent]] = []
        self._changed = asyncio.Event()

    async def put(self, event: ProviderEvent) -> None:
        self.came.append((self.now_s, event))
        self.now_s += self.takes_s
        self._changed.set()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        if not event.is_set():
            self.now_s += seconds

    @property
    def events(self) -> list[ProviderEvent]:
        return [event for _, event in self.came]

    @property
    def names(self) -> list[str]:
        return [r.eventID for e in self.events if isinstance(e, RecordBatch) for r in e.records]

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def until_ended(self) -> None:
        await self.until(lambda: self.came and isinstance(self.came[-1][1], EndOfInput))


@asynccontextmanager
async def playing(
    tape: Tape, speed: float | None = 1.0, *, stage: Stage | None = None, paused: bool = False
) -> AsyncIterator[tuple[Player, Stage]]:
    """Play a tape until the test is over."""
    stage = stage or Stage()
    player = Player(tape, speed=speed, monotonic_s=lambda: stage.now_s, wait=stage.wait)
    if paused:
        player.toggle_pause()
    running = asyncio.create_task(player.run(stage.put))
    try:
        yield player, stage
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def played(tape: Tape, speed: float | None, stage: Stage | None = None) -> Stage:
    """Play a tape to its end."""
    async with playing(tape, speed, stage=stage) as (_, where):
        await where.until_ended()
        return where
