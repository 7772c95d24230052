"""Rollups as they are told: the newest minutes apart, all that lies before them merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gammaray_collector.rollups import EdgeName, Name, Rollup, stretch_of
from providers.collected import KEPT_MINUTES, MINUTE_S, CountedMinutes


class Minutes:
    """What was counted of each name.

    Attributes:
        revision: grows whenever more is known of how long things took.
    """

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.revision = 0
        self._minutes: dict[int, dict[Name, Rollup]] = {}
        # By name and hour: what a doubt concerns is found out later, an hour at a time.
        self._past: dict[Name, dict[int, Rollup]] = {}
        self._past_to = -1

    def put(self, told: CountedMinutes) -> None:
        """Take over what was counted in some minutes, in the place of what is known of them."""
        for minute in range(max(told.first, self._past_to), told.last + 1):
            self._minutes[minute] = {}
        for rollup in told.rollups:
            if rollup.minute in self._minutes:
                self._minutes[rollup.minute][rollup.name] = rollup
        self.revision += 1
        for minute in sorted(self._minutes):
            if minute > told.last - KEPT_MINUTES:
                break
            self.put_past(self._minutes.pop(minute).values())
            self._past_to = minute + 1

    def put_counts(self, rollups: Iterable[Rollup]) -> None:
        """Take over newer counts of some minutes; how long things took is known as before."""
        for counted in rollups:
            if counted.minute < self._past_to:
                continue
            there = self._minutes.setdefault(counted.minute, {})
            known = there.get(counted.name)
            if known is not None:
                counted.sketch = known.sketch
                counted.examples = {**known.examples, **counted.examples}
            there[counted.name] = counted

    def put_past(self, rollups: Iterable[Rollup]) -> None:
        """Take over what is never told again."""
        self.revision += 1
        for rollup in rollups:
            stretch = 0
            if isinstance(rollup.name, EdgeName) and rollup.name.needs:
                stretch = stretch_of(rollup.minute * MINUTE_S)
            merged = self._past.setdefault(rollup.name, {})
            known = merged.get(stretch)
            if known is None:
                known = merged[stretch] = Rollup(rollup.name, rollup.minute)
            known.merge(rollup)

    def since(self, first: int | None) -> Iterator[Rollup]:
        """Give what was counted from a minute on; None: all of it."""
        if first is None:
            for merged in self._past.values():
                yield from merged.values()
        for minute, rollups in self._minutes.items():
            if first is None or minute >= first:
                yield from rollups.values()

    def in_minute(self, minute: int) -> Iterable[Rollup]:
        """Give what was counted in one of the newest minutes."""
        return self._minutes.get(minute, {}).values()


def window_start(now_s: float, window_s: float | None) -> int | None:
    """Give the first minute of a window: so many whole ones, and the running one."""
    if window_s is None:
        return None
    return int(now_s) // MINUTE_S - max(1, round(window_s / MINUTE_S))


RECENT: Final = KEPT_MINUTES - 1
"""So many minutes a row's sparkline shows."""
