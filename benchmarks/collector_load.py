"""What the collector asks of its table, counted and timed: a table in memory that keeps books."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from gammaray_collector.items import PK, SK, Item, Key
from gammaray_collector.table import Asked, Version, Write
from tests.unit.collector.fake_table import FakeTable

_KB = 1024
_READ_B = 4096
_PUTS, _GETS = 25, 100  # items that a request of BatchWriteItem or BatchGetItem takes


@dataclass
class Books:
    """What was asked of the table.

    Attributes:
        rounds: calls of the table, each of which waits for its answer.
        requests: HTTP requests that they are made of, by operation.
        write_units: by operation.
        read_units: strongly consistent.
        additions: in how many transactions each rollup was added to.
        heat: write units by partition.
        cpu_s: what the table itself took, which is not the collector's.
    """

    rounds: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    write_units: Counter[str] = field(default_factory=Counter)
    read_units: int = 0
    additions: Counter[Key] = field(default_factory=Counter)
    heat: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0


class CountingTable(FakeTable):
    """A table in memory.

    Attributes:
        books: what was asked; may be exchanged for empty ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()

    def put(self, items: Iterable[Item]) -> None:
        """Write items."""
        written = list(items)
        for item in written:
            self._wrote("BatchWriteItem", str(item[PK]), units_of(item))
        with self._asked("BatchWriteItem", math.ceil(len(written) / _PUTS)):
            super().put(written)

    def delete(self, keys: Iterable[Key]) -> None:
        """Take items away."""
        gone = list(keys)
        for pk, _sk in gone:
            self._wrote("BatchWriteItem", pk, 1)
        with self._asked("BatchWriteItem", math.ceil(len(gone) / _PUTS)):
            super().delete(gone)

    def get(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Read items; one that is not there takes a unit, too."""
        wanted = list(keys)
        with self._asked("BatchGetItem", math.ceil(len(wanted) / _GETS)):
            found = super().get(wanted)
        self.books.read_units += sum(_read_units([found.get(key, {})]) for key in wanted)
        return found

    def query(self, asked: Sequence[Asked]) -> list[list[Item]]:
        """Read ranges."""
        with self._asked("Query", len(asked)):
            answers = super().query(asked)
        self.books.read_units += sum(map(_read_units, answers))
        return answers

    def transact(self, writes: Sequence[Write]) -> frozenset[int]:
        """Write all or nothing."""
        with self._asked("TransactWriteItems", 1):
            late = super().transact(writes)
        for write in writes if not late else ():
            pk, sk = (write.item[PK], write.item[SK]) if isinstance(write, Version) else write.key
            key = str(pk), str(sk)
            units = 2 * units_of(self.items[key[0]][key[1]])
            self._wrote("TransactWriteItems", key[0], units)
            if not isinstance(write, Version):
                self.books.additions[key] += 1
        return late

    def stored(self) -> int:
        """Count the bytes that the table holds."""
        return sum(_size(item) for items in self.items.values() for item in items.values())

    def _wrote(self, operation: str, partition: str, units: int) -> None:
        self.books.write_units[operation] += units
        self.books.heat[partition] += units

    @contextmanager
    def _asked(self, operation: str, requests: int) -> Iterator[None]:
        if requests:
            self.books.rounds += 1
            self.books.requests[operation] += requests
        began_s = time.process_time()
        try:
            yield
        finally:
            self.books.cpu_s += time.process_time() - began_s


def units_of(item: Item) -> int:
    """Give the write units of an item."""
    return math.ceil(_size(item) / _KB)


def _read_units(items: Sequence[Item]) -> int:
    return max(1, math.ceil(sum(map(_size, items)) / _READ_B))


def _size(item: Item) -> int:
    """Give the bytes of an item as DynamoDB counts them: a number's digits go two into a byte."""
    return sum(
        len(name) + (1 + len(str(value)) // 2 if isinstance(value, int) else len(value))
        for name, value in item.items()
    )
