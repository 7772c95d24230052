"""Where an earlier watch stopped, so that another can go on from there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from providers.events import Position


@dataclass(frozen=True)
class Resume:
    """What an earlier watch has read.

    Attributes:
        positions: client's region -> the last position of each shard. A region that was watched
            and brought nothing has an empty collection; one that is missing was not watched.
        start_s: the epoch second from which on the earlier watch wanted records, None if it
            wanted all: what shards without a position hold is wanted from then on.
        stopped_at_s: the epoch second at which the earlier watch was last reading.
    """

    positions: Mapping[str, Collection[Position]]
    start_s: float | None
    stopped_at_s: float
