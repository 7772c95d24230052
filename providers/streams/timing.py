"""Time as the stream readers see it, so that tests can bring their own."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from providers.aws_errors import NEEDS_USER

# Error kind -> first and longest wait between tries.
_WAITS_S: Final = {
    "throttled": (0.5, 10.0),
    "unreachable": (0.2, 15.0),
    "server-error": (0.2, 10.0),
    "not-aws": (0.2, 15.0),
}
_USER_WAIT_S: Final = (2.0, 15.0)
_OTHER_WAIT_S: Final = (0.2, 15.0)


@dataclass(frozen=True)
class Timing:
    """The clocks and the sleep.

    Attributes:
        now_s: epoch seconds.
        monotonic_s: seconds that never go back.
        sleep: waits for some seconds.
        chance: random numbers in [0, 1) for jitter.
    """

    now_s: Callable[[], float] = time.time
    monotonic_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    async def sleep_or(self, seconds: float, event: asyncio.Event) -> None:
        """Wait for some seconds or for the event, whichever comes first."""
        sleeping = asyncio.ensure_future(self.sleep(seconds))
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({sleeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waiting.cancel()


class Backoff:
    """Growing, jittered waits between failing tries of one thing."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self.failures = 0

    def next_s(self, kind: str) -> float:
        """Count one more failure of this kind and say how long to wait after it."""
        first, longest = _WAITS_S.get(kind, _USER_WAIT_S if kind in NEEDS_USER else _OTHER_WAIT_S)
        wait = min(longest, first * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return wait * (0.5 + 0.5 * self._timing.chance())

    def reset(self) -> None:
        """Forget past failures: a try went well."""
        self.failures = 0
