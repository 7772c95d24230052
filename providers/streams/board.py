"""What is known of reading one region, told to the rest of the application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from providers.aws_errors import NEEDS_USER
from providers.errors import UserError
from providers.events import RegionPhase, RegionStatus
from providers.streams.timing import Timing

_INTERVAL_S: Final = 0.5
_OLD_LAG_S: Final = 5.0
# A single closed connection or throttled call is everyday life; this many in a row are told.
_TOLD_AFTER: Final = {"throttled": 3, "unreachable": 2, "server-error": 2, "not-aws": 2}


@dataclass(frozen=True)
class _Problem:
    error: UserError
    retry_in_s: float


class RegionBoard:
    """Collects what the readers of a region meet and publishes it when it changes.

    Attributes:
        recovered: set, and replaced by a fresh event, when a problem of the region is over;
            readers that wait out the same problem need not wait to the end.
    """

    def __init__(self, region: str, timing: Timing) -> None:
        self.region = region
        self.recovered = asyncio.Event()
        self._timing = timing
        self._changed = asyncio.Event()
        self._live = False
        self._shards = 0
        self._failures: dict[str, int] = {}
        self._problems: dict[str, _Problem] = {}
        self._behind_s: dict[str, float] = {}

    async def publish(self, put: Callable[[RegionStatus], Awaitable[None]]) -> None:
        """Put a status whenever it changed, at most twice a second, until cancelled."""
        told: RegionStatus | None = None
        while True:
            status = self.status()
            if status != told:
                await put(status)
                told = status
                await self._timing.sleep(_INTERVAL_S)
            await self._changed.wait()
            self._changed.clear()

    def status(self) -> RegionStatus:
        """Give the status as of now; of several problems the latest counts."""
        lag_s = round(max(self._behind_s.values()), 1) if self._behind_s else None
        if not self._problems:
            phase: RegionPhase = "live" if self._live else "connecting"
            return RegionStatus(self.region, phase, lag_s=lag_s, shards=self._shards)
        problem = next(reversed(self._problems.values()))
        error = problem.error
        down = error.kind in NEEDS_USER
        return RegionStatus(
            self.region,
            "down" if down else "retrying",
            kind=error.kind,
            message=f"{error.what} ({error.on})" if error.on else error.what,
            todo=error.todo,
            lag_s=lag_s,
            retry_in_s=None if down else round(problem.retry_in_s, 1),
            shards=self._shards,
        )

    def live(self) -> None:
        """Note that all shards that were open at the start are being read."""
        if not self._live:
            self._live = True
            self._changed.set()

    def count_shards(self, change: int) -> None:
        """Note that as many more (or, negative, fewer) shards are being read."""
        self._shards += change
        self._changed.set()

    def failed(self, source: str, error: UserError, retry_in_s: float) -> None:
        """Note that something about `source` (a shard, the table) failed and is tried again."""
        failures = self._failures[source] = self._failures.get(source, 0) + 1
        if failures < _TOLD_AFTER.get(error.kind, 1):
            return
        self._problems.pop(source, None)
        self._problems[source] = _Problem(error, retry_in_s)
        self._changed.set()

    def silent(self, source: str, seconds: float, retry_in_s: float) -> None:
        """Note that for so long there has been no answer about `source`: it is not live."""
        self._failures.setdefault(source, 1)
        error = UserError(
            f"There has been no answer for {seconds:g} s",
            todo="A network or a VPN that loses packets looks so. It is asked again.",
            kind="unreachable",
        )
        self._problems.pop(source, None)
        self._problems[source] = _Problem(error, retry_in_s)
        self._changed.set()

    def went_well(self, source: str) -> None:
        """Note that a try about `source` went well."""
        if not self._failures.pop(source, 0):
            return
        if self._problems.pop(source, None):
            self._changed.set()
        self.recovered.set()
        self.recovered = asyncio.Event()

    def behind(self, source: str, seconds: float) -> None:
        """Note how old a shard's newest record was when it arrived."""
        if self._behind_s.get(source) != seconds:
            self._behind_s[source] = seconds
            self._changed.set()

    def caught_up(self, source: str) -> None:
        """Note that a shard has nothing more to give for now, so an old lag is over."""
        if self._behind_s.get(source, 0.0) > _OLD_LAG_S:
            self._behind_s[source] = 0.0
            self._changed.set()

    def forget(self, source: str) -> None:
        """Note that a shard is not read any more."""
        self.went_well(source)
        # The region keeps the last lag that it showed rather than going back to "unknown".
        if len(self._behind_s) > 1:
            self._behind_s.pop(source, None)
