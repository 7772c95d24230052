"""What the collector asks of its table; gammaray_collector.dynamo has the real one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

from gammaray_collector.items import Item, Key

# What DynamoDB takes in one transaction.
MOST_WRITES: Final = 100


class Asked(NamedTuple):
    """One query, strongly consistent.

    Attributes:
        partition: its `pk`.
        first, last: the least and the greatest `sk`, both included.
        limit: so many items at most.
        newest_first: from the greatest `sk` down.
    """

    partition: str
    first: str = " "
    last: str = "~"
    limit: int = 1_000_000
    newest_first: bool = False


class Version(NamedTuple):
    """A write of an item as long as nobody else wrote it.

    Attributes:
        item: as it will be, with its new version.
        expected: the version that must be there; None if the item must not be.
    """

    item: Item
    expected: int | None


class Addition(NamedTuple):
    """Numbers to add to an item, whatever it holds, and texts to set in it."""

    key: Key
    counts: Mapping[str, int]
    texts: Mapping[str, str]
    expires: int


Write: TypeAlias = Version | Addition


class Busy(Exception):
    """The table did not take a write or a read, after several tries; nothing was written.

    Attributes:
        collided: whether another writer was at the same items.
    """

    def __init__(self, reason: str, *, collided: bool = False) -> None:
        """Say why."""
        super().__init__(reason)
        self.collided = collided


class Table(Protocol):
    """A table of items with two keys, `pk` and `sk`. All of these raise Busy."""

    def put(self, items: Iterable[Item]) -> None:
        """Write items, whatever is there."""

    def delete(self, keys: Iterable[Key]) -> None:
        """Take items away."""

    def get(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Read those items that are there."""

    def query(self, asked: Sequence[Asked]) -> list[list[Item]]:
        """Read the items of each query, in order."""

    def transact(self, writes: Sequence[Write]) -> frozenset[int]:
        """Write all or nothing, at most MOST_WRITES.

        Returns:
            The places of those that others had written meanwhile: then nothing was written.
        """
