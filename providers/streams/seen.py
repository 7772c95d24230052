"""Which records were delivered already, within a bounded memory."""

from __future__ import annotations

from typing import Final

_GENERATION: Final = 32_768


class Seen:
    """Remembers the last `size` to twice `size` keys: cheaper than an exact LRU, as good here.

    Delivery is at-least-once, and repeats come soon after the first (a page asked for twice,
    a shard opened again), so a window is enough.
    """

    def __init__(self, size: int = _GENERATION) -> None:
        self._size = size
        self._young: set[str] = set()
        self._old: set[str] = set()

    def is_new(self, key: str) -> bool:
        """Say whether the key comes for the first time, and remember it."""
        if key in self._young:
            return False
        known = key in self._old
        self._young.add(key)
        if len(self._young) >= self._size:
            self._old, self._young = self._young, set()
        return not known
