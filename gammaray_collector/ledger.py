"""The ledger: what is concluded is written together with what it adds to rollups, once.

An item that was counted holds its version and what it added. It is written in one transaction with
the additions, on condition that nobody has written it since it was read: so whatever is retried,
delivered twice or done by two at a time is counted once, and a conclusion that changes takes out
what it had added before.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from gammaray_collector.items import COUNTED, PK, SK, VERSION, Item, Key
from gammaray_collector.rollups import (
    ROLLUPS_KEPT_S,
    SPLITS,
    RollupKind,
    example_name,
    rollup_key,
)
from gammaray_collector.table import MOST_WRITES, Addition, Busy, Table, Version, Write

_TRIES: Final = 8
_THREADS: Final = 16
_PAUSE_S: Final = 0.05
_PAUSES_S: Final = 1.0  # the longest


class Count(msgspec.Struct, frozen=True, array_like=True):
    """What a conclusion adds to one rollup."""

    minute: int
    kind: RollupKind
    name: tuple[str, ...]
    counts: dict[str, int]


class Conclusion(msgspec.Struct, frozen=True):
    """An item to be written with what it adds.

    Attributes:
        item: its keys, content and `expires`.
        counts: what it adds.
        examples: request ids by what they are examples of, for the rollups that it adds to.
        known: the item as it was read; None if it was not there.
    """

    item: Item
    counts: tuple[Count, ...]
    examples: dict[str, str]
    known: Item | None

    @property
    def key(self) -> Key:
        """The key of its item."""
        return str(self.item[PK]), str(self.item[SK])


_counts = msgspec.json.Decoder(tuple[Count, ...])
_encode = msgspec.json.Encoder().encode
_Place = tuple[int, RollupKind, tuple[str, ...]]


Chunk = list[Conclusion]
Together = Callable[[Callable[[Chunk], set[Key]], list[Chunk]], Iterable[set[Key]]]


def in_threads(write: Callable[[Chunk], set[Key]], chunks: list[Chunk]) -> Iterable[set[Key]]:
    """Write each chunk in a thread of its own, if there are several."""
    if len(chunks) < 2:
        return list(map(write, chunks))
    with ThreadPoolExecutor(min(len(chunks), _THREADS)) as threads:
        return list(threads.map(write, chunks))


class Ledger:
    """Writes conclusions."""

    def __init__(self, table: Table, pause: Callable[[float], None], together: Together) -> None:
        """Write there.

        Args:
            table: where.
            pause: waits some seconds between two tries.
            together: writes several transactions at once.
        """
        self._table = table
        self._pause = pause
        self._together = together

    def write(self, conclusions: Iterable[Conclusion]) -> set[Key]:
        """Write conclusions with what they add.

        Returns:
            The keys of those that others wrote since they were read, which are not written.

        Raises:
            Busy: the table did not take all of them, after several tries.
        """
        return set().union(*self._together(self._write, list(_chunks(conclusions))))

    def _write(self, conclusions: Sequence[Conclusion]) -> set[Key]:
        lost: set[Key] = set()
        left = list(conclusions)
        split = tries = 0
        while left:
            try:
                late = self._table.transact(_writes(left, split))
            except Busy as busy:
                tries += 1
                if tries == _TRIES:
                    raise
                if busy.collided:
                    split = random.randrange(SPLITS)
                self._pause(random.uniform(0, min(_PAUSES_S, _PAUSE_S * 2**tries)))
                continue
            if not late:
                break
            lost |= {left[place].key for place in late}
            left = [conclusion for conclusion in left if conclusion.key not in lost]
        return lost


def _chunks(conclusions: Iterable[Conclusion]) -> Iterable[Chunk]:
    """Put together what fits into one transaction, those that add to the same rollups first."""
    chunk: Chunk = []
    places: set[_Place] = set()
    for conclusion in sorted(conclusions, key=_first_place):
        more = places | _places(conclusion)
        if chunk and len(chunk) + 1 + len(more) > MOST_WRITES:
            yield chunk
            chunk, more = [], _places(conclusion)
        chunk.append(conclusion)
        places = more
    if chunk:
        yield chunk


def _first_place(conclusion: Conclusion) -> tuple[str, tuple[str, ...], int, Key]:
    if not conclusion.counts:
        return "", (), 0, conclusion.key
    first = conclusion.counts[0]
    return first.kind, first.name, first.minute, conclusion.key


def _places(conclusion: Conclusion) -> set[_Place]:
    return {(c.minute, c.kind, c.name) for c in (*conclusion.counts, *_before(conclusion))}


def _before(conclusion: Conclusion) -> tuple[Count, ...]:
    known = conclusion.known
    return _counts.decode(str(known[COUNTED])) if known is not None else ()


def _writes(conclusions: Sequence[Conclusion], split: int) -> list[Write]:
    """Give one transaction: the items in their order, then what they add, summed up."""
    writes: list[Write] = []
    sums: dict[_Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    examples: dict[_Place, dict[str, str]] = defaultdict(dict)
    for conclusion in conclusions:
        known = conclusion.known
        expected = int(known[VERSION]) if known is not None else None
        item = {**conclusion.item, VERSION: (expected or 0) + 1}
        item[COUNTED] = _encode(conclusion.counts).decode()
        writes.append(Version(item, expected))
        for sign, counts in ((1, conclusion.counts), (-1, _before(conclusion))):
            for count in counts:
                place = (count.minute, count.kind, count.name)
                for what, number in count.counts.items():
                    sums[place][what] += sign * number
                if sign > 0:
                    examples[place].update(conclusion.examples)
    for place, added in sums.items():
        minute, kind, name = place
        there = {what: number for what, number in added.items() if number}
        if there:
            key = rollup_key(minute, kind, name, split)
            texts = {example_name(what): text for what, text in examples[place].items()}
            expires = int(minute * 60 + ROLLUPS_KEPT_S)
            writes.append(Addition(key, there, texts, expires))
    return writes
