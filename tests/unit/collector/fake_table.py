"""A table in memory with DynamoDB's semantics, that fails and is slow when it is told to."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence

from gammaray_collector.items import EXPIRES, PK, SK, VERSION, Item, Key
from gammaray_collector.table import MOST_WRITES, Asked, Busy, Version, Write


class FakeTable:
    """Each single operation is atomic; `before` is called ahead of each, and may fail it."""

    def __init__(self, before: Callable[[str], None] = lambda _what: None) -> None:
        self.items: dict[str, dict[str, Item]] = {}
        self.before = before
        self.operations: dict[str, int] = {}

    def put(self, items: Iterable[Item]) -> None:
        for item in items:
            self._begin("put")
            self.items.setdefault(str(item[PK]), {})[str(item[SK])] = dict(item)

    def delete(self, keys: Iterable[Key]) -> None:
        for partition, place in keys:
            self._begin("delete")
            self.items.get(partition, {}).pop(place, None)

    def get(self, keys: Iterable[Key]) -> dict[Key, Item]:
        found = {}
        for key in keys:
            self._begin("get")
            item = self.items.get(key[0], {}).get(key[1])
            if item is not None:
                found[key] = dict(item)
        return found

    def query(self, asked: Sequence[Asked]) -> list[list[Item]]:
        found = []
        for one in asked:
            self._begin("query")
            places = sorted(self.items.get(one.partition, {}), reverse=one.newest_first)
            chosen = [place for place in places if one.first <= place <= one.last]
            found.append([dict(self.items[one.partition][p]) for p in chosen[: one.limit]])
        return found

    def transact(self, writes: Sequence[Write]) -> frozenset[int]:
        self._begin("transact")
        assert 0 < len(writes) <= MOST_WRITES
        keys = [w.key if not isinstance(w, Version) else _key(w.item) for w in writes]
        assert len(set(keys)) == len(keys), "one item twice in a transaction"
        late = set()
        for number, write in enumerate(writes):
            if isinstance(write, Version):
                there = self.items.get(str(write.item[PK]), {}).get(str(write.item[SK]))
                version = there[VERSION] if there is not None else None
                if version != write.expected:
                    late.add(number)
        if late:
            return frozenset(late)
        for write in writes:
            if isinstance(write, Version):
                partition, place = _key(write.item)
                self.items.setdefault(partition, {})[place] = dict(write.item)
            else:
                partition, place = write.key
                item = self.items.setdefault(partition, {}).setdefault(
                    place, {PK: partition, SK: place}
                )
                for what, count in write.counts.items():
                    item[what] = int(item.get(what, 0)) + count
                item.update(write.texts)
                item[EXPIRES] = write.expires
        return frozenset()

    def of(self, *prefixes: str) -> list[Item]:
        return [
            item
            for partition, items in sorted(self.items.items())
            if partition.startswith(prefixes)
            for _, item in sorted(items.items())
        ]

    def _begin(self, what: str) -> None:
        self.operations[what] = self.operations.get(what, 0) + 1
        self.before(what)


def _key(item: Item) -> Key:
    return str(item[PK]), str(item[SK])


def failing(chance: random.Random, share: float) -> Callable[[str], None]:
    """Let operations fail at random, as throttled ones do."""

    def before(_what: str) -> None:
        if chance.random() < share:
            raise Busy("throttled", collided=chance.random() < 0.5)

    return before


class Turns:
    """Lets several threads do one operation at a time, in an order that chance decides."""

    def __init__(self, chance: random.Random, count: int) -> None:
        self._chance = chance
        self._condition = threading.Condition()
        self._running = count
        self._waiting: list[int] = []
        self._next: int | None = None

    def wait(self, _what: str) -> None:
        me = threading.get_ident()
        with self._condition:
            self._waiting.append(me)
            self._choose()
            self._condition.wait_for(lambda: self._next == me, timeout=60)
            assert self._next == me, "nobody's turn"
            self._next = None
            self._waiting.remove(me)

    def leave(self) -> None:
        with self._condition:
            self._running -= 1
            self._choose()

    def _choose(self) -> None:
        if self._waiting and len(self._waiting) == self._running and self._next is None:
            self._next = self._chance.choice(sorted(self._waiting))
            self._condition.notify_all()
