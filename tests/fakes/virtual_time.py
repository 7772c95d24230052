"""Time that passes only while everybody waits for it, so that hours take milliseconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from botocore.hooks import BaseEventHooks

from providers.streams import Timing

START_S = 1_800_000_000.0
# How many turns of the event loop without a sign of life count as "everybody waits".
_QUIET_TURNS = 6


class VirtualTime:
    """A clock whose sleepers wake in order as soon as nothing else is going on.

    An early wake-up is harmless: it looks like a slow network.

    Attributes:
        calls: calls that clients have under way.
        chance: where the readers' jitter comes from.
    """

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        self.calls = 0
        self.chance: Callable[[], float] = lambda: 0.5
        self._monotonic_s = 1000.0
        self._slept_s = START_S
        self._is_busy = is_busy
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def watch_calls(self, events: BaseEventHooks) -> None:
        """Let no time pass while a client of a session (whose events these are) is calling."""
        events.register("before-call", self._count_call, unique_id="calls")
        events.register("after-call", self._count_answer, unique_id="answers")
        events.register("after-call-error", self._count_answer, unique_id="errors")

    def _count_call(self, **_: object) -> None:
        self.calls += 1

    def _count_answer(self, **_: object) -> None:
        self.calls -= 1

    def now_s(self) -> float:
        return self._monotonic_s + self._slept_s

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def timing(self) -> Timing:
        return Timing(self.now_s, self.monotonic_s, self.sleep, self.chance)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic_s + seconds, next(self._order), waking))
        await waking

    def advance(self, seconds: float) -> None:
        """Let the computer sleep: only the wall clock goes on, as on Linux and macOS."""
        self._slept_s += seconds

    async def run(self) -> None:
        quiet = 0
        while True:
            await asyncio.sleep(0)
            quiet = 0 if self.calls > 0 or self._is_busy() else quiet + 1
            if quiet >= _QUIET_TURNS and self._sleepers:
                at_s, _, waking = heapq.heappop(self._sleepers)
                if not waking.done():
                    self._monotonic_s = max(self._monotonic_s, at_s)
                    waking.set_result(None)
                    quiet = 0
