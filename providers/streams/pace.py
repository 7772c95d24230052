"""How long a reader that found nothing waits before it asks again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_ACTIVE_S: Final = 5.0  # seconds since the last record, while polls are short
_RESTING_S: Final = 30.0
_SHORT_S: Final = 0.1
_MIDDLE_S: Final = 0.25
_LONG_S: Final = 1.0
# All idle readers together ask about this often a second while there is activity.
_POLLS_PER_S: Final = 40.0


class Pace:
    """Shared by all shards of all regions: what one region shows soon shows in another.

    Every call is billed and costs about 0.7 ms of CPU, so polls are short only for a while
    after records were seen, and the more shards are read the longer each of them waits.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._last_s = monotonic_s()
        self.readers = 0

    def active(self) -> None:
        """Note that records came, or are about to."""
        self._last_s = self._monotonic_s()

    def idle_s(self) -> float:
        """Say how long a reader of an open shard waits after an empty page."""
        quiet_s = self._monotonic_s() - self._last_s
        if quiet_s >= _RESTING_S:
            return _LONG_S
        base = _SHORT_S if quiet_s < _ACTIVE_S else _MIDDLE_S
        return min(_LONG_S, max(base, self.readers / _POLLS_PER_S))
