"""Playing recorded events again: at any pace, forth and back, from any point.

Nothing here knows AWS: what is played comes from files.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from causality.snapshot import Playback
from providers.events import EndOfInput, ProviderEvent, RecordBatch, Restart, TraceBatch
from providers.file_formats import Format
from providers.files import FileSet, format_of_file, read
from providers.recordings.reader import open_recording, read_events, summarise
from providers.timeline import Timeline

SOURCE: Final = "replay"
SPEEDS: Final[tuple[float | None, ...]] = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, None)
_READ_AHEAD: Final = 256
_BATCH: Final = 1000
_SAID_EVERY: Final = 5000

Timed: TypeAlias = tuple[float, ProviderEvent]
Put: TypeAlias = Callable[[ProviderEvent], Awaitable[None]]


class Tape(Protocol):
    """Recorded events with their times, which can be read again and again."""

    @property
    def start_s(self) -> float:
        """Epoch second of the first event."""

    @property
    def end_s(self) -> float:
        """Epoch second of the last event."""

    def events(self) -> Iterator[Timed]:
        """Give all events from the start, in the order of their times."""


@dataclass(frozen=True)
class RecordingTape:
    """A recording, read from its file as it is played."""

    path: Path
    start_s: float
    end_s: float

    @classmethod
    def of(cls, path: Path) -> RecordingTape:
        """Look a recording up.

        Raises:
            UserError: it cannot be read.
        """
        summary = summarise(path)
        return cls(path, summary.start_s, summary.end_s)

    def events(self) -> Iterator[Timed]:
        """Give all events by their times of arrival."""
        with open_recording(self.path) as stream:
            yield from read_events(stream, str(self.path))


@dataclass(frozen=True)
class MergedTape:
    """Several tapes played as one, by their times."""

    tapes: Sequence[Tape]

    @property
    def start_s(self) -> float:
        """Epoch second of the first event of all."""
        return min((tape.start_s for tape in self.tapes if tape.end_s), default=0.0)

    @property
    def end_s(self) -> float:
        """Epoch second of the last event of all."""
        return max((tape.end_s for tape in self.tapes), default=0.0)

    def events(self) -> Iterator[Timed]:
        """Give all events in the order of their times."""
        return heapq.merge(*(tape.events() for tape in self.tapes), key=itemgetter(0))


def tape_of(fileset: FileSet, told: Callable[[int], None] = lambda _count: None) -> Tape:
    """Make one tape of files: recordings by arrival, all else by the times that records carry.

    Args:
        fileset: the files; all but recordings are read to their end.
        told: is called with the number of records and documents read so far, now and then.

    Raises:
        UserError: a file cannot be read.
    """
    recordings = [path for path in fileset.files if format_of_file(path) is Format.RECORDING]
    others = tuple(path for path in fileset.files if path not in recordings)
    tapes: list[Tape] = [RecordingTape.of(path) for path in recordings]
    if others:
        tapes.append(Timeline.of(_counted(read(FileSet(others, ())), told)))
    return tapes[0] if len(tapes) == 1 else MergedTape(tapes)


def _counted(
    events: Iterator[ProviderEvent], told: Callable[[int], None]
) -> Iterator[ProviderEvent]:
    count = said = 0
    for event in events:
        if isinstance(event, RecordBatch):
            count += len(event.records)
        elif isinstance(event, TraceBatch):
            count += len(event.documents)
        if count - said >= _SAID_EVERY:
            said = count
            told(count)
        yield event


class Player:
    """Plays a tape: puts each event when it is due, and does what its controls say.

    Controls are called on the event loop; they return at once, and `run` carries them out.
    """

    def __init__(
        self,
        tape: Tape | None = None,
        *,
        speed: float | None = 1.0,
        monotonic_s: Callable[[], float] = time.monotonic,
        wait: Callable[[asyncio.Event, float], Awaitable[None]] | None = None,
    ) -> None:
        """Prepare playing; nothing is read yet.

        Args:
            tape: what to play; without it, `insert` one before `run`.
            speed: recorded seconds a second; None is as fast as it can be taken.
            monotonic_s: a clock.
            wait: waits for an event, but not longer than some seconds.

        Raises:
            ValueError: the speed is not above zero.
        """
        _check(speed)
        self._speed = speed
        self._monotonic_s = monotonic_s
        self._wait = wait or _wait
        self._paused = False
        self._ended = False
        self._events: Iterator[Timed] = iter(())
        self._ahead: deque[Timed] = deque()
        self._steps: deque[Literal["record", "page"]] = deque()
        self._target_s: float | None = None
        self._told = asyncio.Event()
        self.insert(tape or MergedTape(()))

    def insert(self, tape: Tape) -> None:
        """Play this from its start."""
        self._tape = tape
        self._given_s = tape.start_s  # everything up to here was put
        self._position_s = tape.start_s  # where playing was when the clock said _since_s
        self._since_s = self._monotonic_s()

    # --- what is known ----------------------------------------------------------------------

    def now_s(self) -> float:
        """Give the recorded time that playing has reached."""
        if self._is_still() or self._speed is None:
            return self._position_s
        passed_s = (self._monotonic_s() - self._since_s) * self._speed
        return min(self._position_s + passed_s, max(self._tape.end_s, self._position_s))

    def playback(self) -> Playback:
        """Give what the screen says about playing."""
        if self._target_s is not None:
            state: Literal["playing", "paused", "seeking", "ended"] = "seeking"
        elif self._ended:
            state = "ended"
        else:
            state = "paused" if self._paused else "playing"
        return Playback(state, self.now_s(), self._tape.start_s, self._tape.end_s, self._speed)

    # --- controls ---------------------------------------------------------------------------

    def toggle_pause(self) -> None:
        """Stand still, or go on; from the end, play it again."""
        if self._ended:
            self._paused = False
            self.seek(self._tape.start_s)
            return
        self._hold(self.now_s())
        self._paused = not self._paused
        self._told.set()

    def set_speed(self, speed: float | None) -> None:
        """Play so many recorded seconds a second; None is as fast as possible.

        Raises:
            ValueError: the speed is not above zero.
        """
        _check(speed)
        self._hold(self.now_s())
        self._speed = speed
        self._told.set()

    def change_speed(self, step: int) -> None:
        """Go to the next faster (1) or slower (-1) of the usual speeds."""
        speed = self._speed
        if speed in SPEEDS:
            at = SPEEDS.index(speed)
        else:
            at = sum(usual is not None and usual < (speed or 0.0) for usual in SPEEDS)
            at -= step > 0
        self.set_speed(SPEEDS[max(0, min(len(SPEEDS) - 1, at + step))])

    def step(self, what: Literal["record", "page"]) -> None:
        """Stand still, and give the next record, or the next page as it once arrived."""
        if self._ended:
            return
        self._hold(self.now_s())
        self._paused = True
        self._steps.append(what)
        self._told.set()

    def seek(self, at_s: float) -> None:
        """Go to a recorded time: forward at once, back by playing all again from the start."""
        self._target_s = min(max(at_s, self._tape.start_s), self._tape.end_s)
        self._steps.clear()
        self._told.set()

    # --- playing ----------------------------------------------------------------------------

    async def run(self, put: Put) -> None:
        """Put all events, each when it is due, and then wait for what the controls say.

        Raises:
            UserError: a file cannot be read.
        """
        self._rewind()
        while True:
            self._told.clear()
            if self._target_s is not None:
                await self._seek(put, self._target_s)
            elif self._steps:
                await self._take_step(put, self._steps.popleft())
            elif self._is_still():
                await self._told.wait()
            elif (upcoming := await self._peek()) is None:
                await self._end(put)
            else:
                await self._play(put, upcoming[0])

    async def _play(self, put: Put, due_s: float) -> None:
        if self._speed is None:
            await self._give(put, float("inf"))
            return
        wait_s = (due_s - self.now_s()) / self._speed
        if wait_s > 0:
            await self._wait(self._told, wait_s)
        else:
            await self._give(put, self.now_s())

    async def _seek(self, put: Put, target_s: float) -> None:
        if self._ended or target_s < self._given_s:
            await put(Restart(SOURCE))
            self._rewind()
        while (upcoming := await self._peek()) is not None and upcoming[0] <= target_s:
            await self._give(put, target_s)
            if self._target_s != target_s:
                return
        if self._target_s == target_s:
            self._target_s = None
        self._hold(target_s)
        if await self._peek() is None:
            await self._end(put)

    async def _take_step(self, put: Put, what: Literal["record", "page"]) -> None:
        """Give one record, document or page, and what was told in between."""
        while (upcoming := await self._peek()) is not None:
            at_s, event = self._ahead.popleft()
            if what == "record":
                event, rest = _first_of(event)
                if rest is not None:
                    self._ahead.appendleft((at_s, rest))
            await put(event)
            self._given_s = max(self._given_s, upcoming[0])
            self._hold(max(at_s, self._position_s))
            if isinstance(event, RecordBatch | TraceBatch):
                break
        if await self._peek() is None:
            await self._end(put)

    async def _give(self, put: Put, until_s: float) -> None:
        """Put what is due, neighbours together; stop when a control was used."""
        while not self._told.is_set() and self._ahead and self._ahead[0][0] <= until_s:
            at_s, event = self._ahead.popleft()
            while self._ahead and self._ahead[0][0] <= until_s:
                joined = _joined(event, self._ahead[0][1])
                if joined is None:
                    break
                event, at_s = joined, self._ahead.popleft()[0]
            await put(event)
            self._given_s = max(self._given_s, at_s)
            if self._speed is None or self._target_s is not None:
                self._hold(at_s)

    async def _end(self, put: Put) -> None:
        self._hold(self._tape.end_s)
        self._ended = True
        self._steps.clear()
        await put(EndOfInput(SOURCE))

    async def _peek(self) -> Timed | None:
        if not self._ahead:
            self._ahead.extend(await asyncio.to_thread(_read, self._events))
        return self._ahead[0] if self._ahead else None

    def _rewind(self) -> None:
        self._events = self._tape.events()
        self._ahead.clear()
        self._ended = False
        self._given_s = self._tape.start_s
        self._hold(self._tape.start_s)

    def _hold(self, position_s: float) -> None:
        self._position_s, self._since_s = position_s, self._monotonic_s()

    def _is_still(self) -> bool:
        return self._paused or self._ended or self._target_s is not None


def _read(events: Iterator[Timed]) -> list[Timed]:
    return list(islice(events, _READ_AHEAD))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _joined(one: ProviderEvent, other: ProviderEvent) -> ProviderEvent | None:
    """Put two pages of the same origin together, up to the size of a large page."""
    if (
        isinstance(one, RecordBatch)
        and isinstance(other, RecordBatch)
        and (one.region, one.source) == (other.region, other.source)
        and len(one.records) + len(other.records) <= _BATCH
    ):
        return replace(
            other,
            records=[*one.records, *other.records],
            unreadable=[*one.unreadable, *other.unreadable],
        )
    return None


def _first_of(event: ProviderEvent) -> tuple[ProviderEvent, ProviderEvent | None]:
    """Split off the first record or document of an event."""
    if isinstance(event, RecordBatch) and len(event.records) > 1:
        rest = replace(event, records=event.records[1:])
        return replace(event, records=event.records[:1], unreadable=[], position=None), rest
    if isinstance(event, TraceBatch) and len(event.documents) > 1:
        rest_of_traces = replace(event, documents=event.documents[1:])
        return replace(event, documents=event.documents[:1]), rest_of_traces
    return event, None


def _check(speed: float | None) -> None:
    if speed is not None and not 0 < speed < float("inf"):
        raise ValueError(f"a speed must be above zero, not {speed}")
