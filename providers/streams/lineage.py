"""Which shards of a stream there are, how they descend, and which may be read now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """A shard as DescribeStream lists it.

    Attributes:
        parent: id of the shard that this one continues; None or an unlisted id at the top.
        first: StartingSequenceNumber, "" when the server does not say.
        ended: it has an EndingSequenceNumber.
    """

    id: str
    parent: str | None = None
    first: str = ""
    ended: bool = False


class Lineage:
    """The shards known so far and how far each has been read.

    A shard becomes ready when its parent is drained; a parent that is trimmed or not listed
    counts as drained. Drained shards are remembered for good, so that a listing that shows one
    again cannot make it be read twice.
    """

    def __init__(self) -> None:
        self._shards: dict[str, Shard] = {}
        self._children: dict[str, set[str]] = {}
        self._started: set[str] = set()
        self._drained: set[str] = set()

    def __iter__(self) -> Iterator[Shard]:
        return iter(self._shards.values())

    def add(self, shards: Iterable[Shard]) -> None:
        """Take in listed shards."""
        for shard in shards:
            self._shards[shard.id] = shard
            if shard.parent is not None:
                self._children.setdefault(shard.parent, set()).add(shard.id)

    def forget_unlisted(self, listed: Iterable[Shard]) -> list[Shard]:
        """Drop drained shards that a complete listing no longer has; give what was dropped.

        An unread shard that is no longer listed stays: reading it tells whether its data is
        gone, and until then its children must wait.
        """
        ids = {shard.id for shard in listed}
        gone = [
            shard
            for shard in self._shards.values()
            if shard.id not in ids and shard.id in self._drained
        ]
        for shard in gone:
            del self._shards[shard.id]
        return gone

    def ready(self) -> list[Shard]:
        """List the shards that can be read now and are not yet being read."""
        return [
            shard
            for shard in self._shards.values()
            if shard.id not in self._started
            and shard.id not in self._drained
            and self._is_drained(shard.parent)
        ]

    def start(self, shard_id: str) -> None:
        """Note that a shard is being read, or read on."""
        self._drained.discard(shard_id)
        self._started.add(shard_id)

    def drain(self, shard_id: str) -> None:
        """Note that a shard has been read to its end, or need not be read."""
        self._started.discard(shard_id)
        self._drained.add(shard_id)

    def children(self, shard_id: str) -> set[str]:
        """Give the ids of the shards that continue this one."""
        return self._children.get(shard_id, set())

    def is_closed(self, shard_id: str) -> bool:
        """Say whether nothing more is written to a shard.

        A shard that has children is closed, even where it is still listed as open.
        """
        shard = self._shards.get(shard_id)
        return shard is None or shard.ended or bool(self.children(shard_id))

    def leaves(self) -> list[Shard]:
        """List the shards without children."""
        return [shard for shard in self._shards.values() if not self.children(shard.id)]

    def parent(self, shard: Shard) -> Shard | None:
        """Give the shard that this one continues, when it is listed."""
        return None if shard.parent is None else self._shards.get(shard.parent)

    def ancestors(self, shard: Shard) -> set[str]:
        """Give the ids of all listed shards that this one continues."""
        found: set[str] = set()
        parent = self.parent(shard)
        while parent is not None and parent.id not in found:
            found.add(parent.id)
            parent = self.parent(parent)
        return found

    def unread(self) -> bool:
        """Say whether any listed shard has not been read to its end."""
        return any(shard_id not in self._drained for shard_id in self._shards)

    def _is_drained(self, shard_id: str | None) -> bool:
        return shard_id is None or shard_id in self._drained or shard_id not in self._shards
