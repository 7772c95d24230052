"""Everything that the edges of some causes depend on, read from all over the table.

What an edge is depends on who shares its match keys, on what is known of these others, and so on:
a few steps from half to half. Each step is one round of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from causality.clock import CLOCK_SKEW_S
from causality.match_keys import CALLER, CONTENT, EXACT, ORDER
from gammaray_collector.halves import AWAITS, KeyNames, LeveledKey, Nodes, identity, time_of
from gammaray_collector.items import CauseHalf, Half, OutputHalf, half_of, instant, key_partition
from gammaray_collector.table import Asked, Table
from gammaray_recorder import wire

# How far a half's arrival is felt, and how far what is decided then depends on others: an order
# depends on contents, contents on ids, and a forwarded header on the ids of others.
FELT: Final = 3
DEPENDS: Final = 3
# A key that so many share within its time is not solved: all is ambiguous there.
CROWD: Final = 256
_OF_CROWD: Final = 48
_SHOWN: Final = 1200  # DeleteObjects: one id, a thousand objects

_HOUR_S: Final = 3600.0
# How long before and after a half the others of its key are read, and felt.
_BEFORE_S: Final = {CONTENT: 49 * _HOUR_S, ORDER: 6 * _HOUR_S}
_AFTER_S: Final = {CONTENT: 25 * _HOUR_S, ORDER: 1.2 * _HOUR_S}
_FELT_S: Final = {CONTENT: 25 * _HOUR_S, ORDER: 1.2 * _HOUR_S}
_STEP_S: Final = 600.0
_CROWDED_S: Final = 30.0
_CROWDS: Final = 10_000
# Where other causes that show the same id matter.
_CLAIMED: Final = frozenset({CALLER, wire.ID_TRACEPARENT})


class Crowds:
    """Keys that were crowded a moment ago: nothing is gained by reading them again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin without any; `clock` gives seconds, monotonic."""
        self._clock = clock
        self._until: dict[LeveledKey, float] = {}

    def __contains__(self, key: LeveledKey) -> bool:
        return self._until.get(key, 0.0) > self._clock()

    def add(self, key: LeveledKey) -> None:
        """Note that a key is crowded."""
        if len(self._until) >= _CROWDS:
            self._until.clear()
        self._until[key] = self._clock() + _CROWDED_S


class Evidence:
    """Halves with all that matters to them.

    Attributes:
        nodes: all halves that were read.
        crowded: the keys of which not all could be.
    """

    def __init__(self, table: Table, names: KeyNames, crowds: Crowds) -> None:
        """Read from a table."""
        self.nodes = Nodes(names)
        self.crowded: set[LeveledKey] = set()
        self._table = table
        self._crowds = crowds
        self._keys: dict[str, list[LeveledKey]] = {}
        self._outputs: dict[LeveledKey, dict[str, None]] = defaultdict(dict)
        self._causes: dict[LeveledKey, dict[str, None]] = defaultdict(dict)
        self._read: dict[tuple[LeveledKey, bool], tuple[float, float]] = {}

    def gather(self, seeds: Iterable[Half], felt: int = FELT) -> list[CauseHalf]:
        """Read what some halves can change, and all that it depends on.

        Args:
            seeds: the halves.
            felt: how many steps from them others are changed; 0 for the seeds alone.

        Returns:
            The causes whose edges may be others now.
        """
        first = list({identity(half): half for half in seeds}.values())
        self._add(first)
        frontier: list[Half] = first
        reached = {identity(half) for half in first}
        for _ in range(felt + DEPENDS):
            self._fetch(frontier)
            following = {
                cause.cause_id: cause for half in frontier for cause in self._sharing(half, {})
            }
            frontier = [half for name, half in following.items() if name not in reached]
            reached.update(following)
            if not frontier:
                break
        return self._felt(first, felt)

    def is_crowded(self, half: CauseHalf) -> bool:
        """Say whether not all is known of those who share a key with a cause."""
        near = (half, *self._sharing(half, {}))
        return any(key in self.crowded for one in near for key in self._keys[identity(one)])

    def outputs_near(self, half: CauseHalf) -> Iterable[OutputHalf]:
        """Give the outputs that share a key with a cause that is no proof."""
        for key in self._keys[half.cause_id]:
            if key[0] != EXACT:
                for output_id in self._outputs[key]:
                    output = self.nodes.halves[output_id]
                    if isinstance(output, OutputHalf):
                        yield output

    def _felt(self, seeds: list[Half], steps: int) -> list[CauseHalf]:
        found = {half.cause_id: half for half in seeds if isinstance(half, CauseHalf)}
        frontier = seeds
        for _ in range(steps):
            following: dict[str, CauseHalf] = {}
            for half in frontier:
                for cause in self._sharing(half, _FELT_S):
                    if cause.cause_id not in found:
                        found[cause.cause_id] = following[cause.cause_id] = cause
            frontier = list(following.values())
        # The earliest of its attempts.
        return [half for i in found if isinstance(half := self.nodes.halves[i], CauseHalf)]

    def _sharing(self, half: Half, within_s: dict[int, float]) -> Iterable[CauseHalf]:
        """Give the causes that a half matters to, at most so far away in time."""
        at_s = time_of(half)
        for key in self._keys[identity(half)]:
            level, (kind, *_) = key
            if level == EXACT and isinstance(half, CauseHalf) and kind not in _CLAIMED:
                continue
            for cause_id in self._causes[key]:
                cause = self.nodes.halves[cause_id]
                if isinstance(cause, CauseHalf) and (
                    level not in within_s or abs(cause.began_s - at_s) <= within_s[level]
                ):
                    yield cause

    def _add(self, halves: Iterable[Half]) -> None:
        new = [half for half in halves if self.nodes.add(half)]
        # Causes first: they tell which attributes are the key of a table.
        for half in sorted(new, key=lambda half: isinstance(half, OutputHalf)):
            name = identity(half)
            keys = self._keys[name] = self.nodes.keys(half)
            members = self._outputs if isinstance(half, OutputHalf) else self._causes
            for key in keys:
                members[key][name] = None

    def _fetch(self, halves: Iterable[Half]) -> None:
        wanted: dict[tuple[LeveledKey, bool], tuple[float, float]] = {}
        for half in halves:
            for key in self._keys[identity(half)]:
                level, (kind, *_) = key
                if key in self._crowds:
                    self.crowded.add(key)
                if kind == AWAITS or (key in self.crowded and (key, False) in self._read):
                    continue
                at_s = time_of(half)
                outputs_only = (
                    level == EXACT and isinstance(half, CauseHalf) and kind not in _CLAIMED
                )
                place = (key, outputs_only)
                since_s, until_s = at_s, at_s
                if level != EXACT:
                    # In steps, so that what is near is not read again.
                    since_s = (at_s - _BEFORE_S[level]) // _STEP_S * _STEP_S
                    until_s = (at_s + _AFTER_S[level]) // _STEP_S * _STEP_S + _STEP_S
                    if key in self.crowded:
                        until_s = at_s + CLOCK_SKEW_S
                known = wanted.get(place) or self._read.get(place) or (since_s, until_s)
                wanted[place] = (min(known[0], since_s), max(known[1], until_s))
        whole = {key for key, outputs_only in (*wanted, *self._read) if not outputs_only}
        wanted = {
            (key, outputs_only): span
            for (key, outputs_only), span in wanted.items()
            if not (outputs_only and key in whole) and self._is_new((key, outputs_only), span)
        }
        self._read.update(wanted)
        places = list(wanted)
        asked = [self._asked(place, wanted[place]) for place in places]
        found: list[Half] = []
        for (key, _), items in zip(places, self._table.query(asked), strict=True):
            if key[0] != EXACT and len(items) > CROWD:
                self.crowded.add(key)
                self._crowds.add(key)
            found.extend(map(half_of, items))
        self._add(found)

    def _is_new(self, place: tuple[LeveledKey, bool], span: tuple[float, float]) -> bool:
        key, known = place[0], self._read.get(place)
        if key[0] == EXACT:
            return known is None
        return known is None or span[0] < known[0] or known[1] < span[1]

    def _asked(self, place: tuple[LeveledKey, bool], span: tuple[float, float]) -> Asked:
        (level, key), outputs_only = place
        partition = key_partition(level, key)
        if level == EXACT:
            first, last = ("o#", "o#~") if outputs_only else (" ", "~")
            return Asked(partition, first, last, _SHOWN)
        since, until = instant(span[0]), instant(span[1])
        # Of a crowd, those shortly before: they are as good as any others.
        most = _OF_CROWD if place[0] in self.crowded else CROWD + 1
        return Asked(partition, since, until + "~", most, newest_first=True)
