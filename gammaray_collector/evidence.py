"""Everything that the edges of some causes depend on, read from all over the table.

What an edge is depends on who shares its match keys, on what is known of these others, and so on:
a few steps from half to half. Each step is one round of queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable
from heapq import nsmallest
from typing import Final

from causality.clock import CLOCK_SKEW_S, ORDER_WINDOW_S
from causality.matching.match_keys import CALLER, CONTENT, EXACT, MESSAGE_IDS, ORDER
from causality.matching.stretch import REACH
from gammaray_collector.halves import (
    AWAITS,
    KeyNames,
    LeveledKey,
    Nodes,
    halves_in,
    identity,
    time_of,
)
from gammaray_collector.items import (
    RECORDS,
    instant,
    invocation_partition,
    invoked_key,
)
from gammaray_collector.table import Asked, Table
from gammaray_collector.waiting import CauseHalf, Half, OutputHalf, half_of, key_partition
from gammaray_recorder import wire

# How far a half's arrival is felt, and how far what is decided then depends on others: an order
# depends on contents, contents on ids, and a forwarded header on the ids of others.
FELT: Final = 3
DEPENDS: Final = 3
# Of those who share a key, the newest are read; what is older than these may be missing.
CROWD: Final = 512
# Where so many come within that time, nothing can be told, and one partition would get hot.
_RUSH_S: Final = 120.0
_OF_RUSH: Final = 48
# A change is felt by so many on either side of it, as far as order goes (causality.matching.lane).
_NEAREST: Final = 2 * REACH
_SHOWN: Final = 1200  # DeleteObjects: one id, a thousand objects

_HOUR_S: Final = 3600.0
# How long before and after a half the others of its key are read, and felt.
_BEFORE_S: Final = {CONTENT: 49 * _HOUR_S, ORDER: 4 * _HOUR_S}
_AFTER_S: Final = {CONTENT: 25 * _HOUR_S, ORDER: 1.2 * _HOUR_S}
_FELT_S: Final = {CONTENT: 25 * _HOUR_S, ORDER: 1.2 * _HOUR_S}
# Order is told by what was made in the hour before, and by who else may have taken that.
_TELLING_S: Final = 1.5 * ORDER_WINDOW_S
_STEP_S: Final = 600.0
_RUSHING_S: Final = 30.0
_RUSHES: Final = 10_000
# Where other causes that show the same id matter.
_CLAIMED: Final = frozenset({CALLER, wire.ID_TRACEPARENT})


class Rushes:
    """Keys under which too many came a moment ago: no more are written there for a while."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin without any; `clock` gives seconds, monotonic."""
        self._clock = clock
        self._until: dict[LeveledKey, float] = {}

    def __contains__(self, key: LeveledKey) -> bool:
        return self._until.get(key, 0.0) > self._clock()

    def add(self, key: LeveledKey) -> None:
        """Note that too many came."""
        if len(self._until) >= _RUSHES:
            self._until.clear()
        self._until[key] = self._clock() + _RUSHING_S


class Evidence:
    """Halves with all that matters to them.

    Attributes:
        nodes: all halves that were read.
    """

    def __init__(self, table: Table, names: KeyNames, rushes: Rushes) -> None:
        """Read from a table."""
        self.nodes = Nodes(names)
        self._table = table
        self._rushes = rushes
        # Keys of which not all was read, and since when it was.
        self._cut: dict[LeveledKey, float] = {}
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
        latest_first = sorted(seeds, key=time_of, reverse=True)
        first = list({identity(half): half for half in latest_first}.values())
        self._add(first)
        frontier: list[Half] = first
        reached = {identity(half) for half in first}
        changed: dict[str, CauseHalf] = {}
        for _ in range(felt + DEPENDS):
            self._fetch(frontier, reached if frontier is first else changed)
            changed = self._felt(first, felt)
            following = {
                cause.cause_id: cause for half in frontier for cause in self._sharing(half)
            }
            frontier = [half for name, half in following.items() if name not in reached]
            reached.update(following)
            if not frontier:
                break
        return list(changed.values())

    def is_crowded(self, half: CauseHalf, content_s: float | None) -> bool:
        """Say whether something that may matter to a cause's edge was not read.

        Args:
            half: the cause.
            content_s: when the earliest call was made that equal content tells of, if it does.
        """
        since_s = {CONTENT: half.began_s - _BEFORE_S[CONTENT], ORDER: half.began_s - _TELLING_S}
        if content_s is not None:
            since_s[ORDER] = content_s - CLOCK_SKEW_S  # only what was written since matters
        return any(
            key in self._cut and self._cut[key] > since_s[key[0]]
            for key in self._keys[half.cause_id]
        )

    def outputs_near(self, half: CauseHalf) -> Iterable[OutputHalf]:
        """Give the outputs that share a key with a cause that is no proof."""
        for key in self._keys[half.cause_id]:
            if key[0] != EXACT:
                for output_id in self._outputs[key]:
                    output = self.nodes.halves[output_id]
                    if isinstance(output, OutputHalf):
                        yield output

    def _felt(self, seeds: list[Half], steps: int) -> dict[str, CauseHalf]:
        found = {half.cause_id for half in seeds if isinstance(half, CauseHalf)}
        frontier = seeds
        for _ in range(steps):
            following = {c.cause_id: c for half in frontier for c in self._near(half)}
            frontier = [half for name, half in following.items() if name not in found]
            found.update(following)
        # The earliest of its attempts.
        halves = ((name, self.nodes.halves[name]) for name in sorted(found))
        return {name: half for name, half in halves if isinstance(half, CauseHalf)}

    def _sharing(self, half: Half) -> Iterable[CauseHalf]:
        """Give the causes that a half matters to, or the other way round."""
        for key in self._keys[identity(half)]:
            yield from self._concerned(half, key)

    def _near(self, half: Half) -> Iterable[CauseHalf]:
        """Give the causes whose edges a half can change."""
        at_s = time_of(half)
        for key in self._keys[identity(half)]:
            near = list(self._concerned(half, key))
            if key[0] != EXACT:
                near = [c for c in near if abs(c.began_s - at_s) <= _FELT_S[key[0]]]
            if key[0] == ORDER and len(near) > _NEAREST:
                near = nsmallest(_NEAREST, near, key=lambda cause: abs(cause.began_s - at_s))
            yield from near

    def _concerned(self, half: Half, key: LeveledKey) -> Iterable[CauseHalf]:
        """Give the causes under a key that a half matters to."""
        causes = self._causes_of(key)
        if not isinstance(half, CauseHalf) or not self._is_plain(half, key):
            return causes
        if key[1][0] not in MESSAGE_IDS:
            return ()
        # One message, delivered to it again.
        return (c for c in causes if (c.arn, c.region) == (half.arn, half.region))

    def _causes_of(self, key: LeveledKey) -> Iterable[CauseHalf]:
        for cause_id in self._causes[key]:
            cause = self.nodes.halves[cause_id]
            if isinstance(cause, CauseHalf):
                yield cause

    @staticmethod
    def _is_plain(half: Half, key: LeveledKey) -> bool:
        """Say whether a cause's key is an id of which it is all the same who else shows it."""
        return key[0] == EXACT and isinstance(half, CauseHalf) and key[1][0] not in _CLAIMED

    def _add(self, halves: Iterable[Half]) -> None:
        new = [half for half in halves if self.nodes.add(half)]
        invoked = self._marked(half for half in new if isinstance(half, CauseHalf))
        # Causes first: they tell which attributes are the key of a table.
        for half in sorted(new, key=lambda half: isinstance(half, OutputHalf)):
            name = identity(half)
            keys = self._keys[name] = self.nodes.keys(half)
            if isinstance(half, CauseHalf) and half.request in invoked:
                # Its event was handed on by whoever invoked it. That is only read, and not written
                # for every cause: see _add_invoked.
                keys.append((EXACT, (wire.ID_LAMBDA_REQUEST, half.request)))
            members = self._outputs if isinstance(half, OutputHalf) else self._causes
            for key in keys:
                members[key][name] = None

    def _fetch(self, halves: Iterable[Half], changed: Container[str]) -> None:
        wanted: dict[tuple[LeveledKey, bool], tuple[float, float]] = {}
        for half in halves:
            keys = self._keys[identity(half)]
            # Whoever shares a content shares its place, too: with that, its own edge is left.
            told = identity(half) not in changed and any(key[0] == ORDER for key in keys)
            for key in keys:
                if key[1][0] == AWAITS or (told and key[0] == CONTENT):
                    continue
                place = (key, self._is_plain(half, key) and key[1][0] not in MESSAGE_IDS)
                span = _span(key[0], time_of(half))
                known = wanted.get(place) or self._read.get(place) or span
                wanted[place] = (min(known[0], span[0]), max(known[1], span[1]))
        whole = {key for key, outputs_only in (*wanted, *self._read) if not outputs_only}
        wanted = {
            place: span
            for place, span in wanted.items()
            if self._read.get(place) != span and not (place[1] and place[0] in whole)
        }
        self._read.update(wanted)
        asked = [self._asked(key, only, span) for (key, only), span in wanted.items()]
        found: list[Half] = []
        for (key, _), one, items in zip(wanted, asked, self._table.query(asked), strict=True):
            read = list(map(half_of, items))
            found += read
            if key[0] != EXACT and len(read) == one.limit:
                newest_s, oldest_s = time_of(read[0]), time_of(read[-1])
                self._cut[key] = oldest_s
                if newest_s - oldest_s < _RUSH_S:
                    self._rushes.add(key)
            if key in self._rushes:
                self._cut[key] = float("inf")
        self._add(found)
        self._add_invoked(half for half in halves if isinstance(half, OutputHalf))

    def _marked(self, causes: Iterable[CauseHalf]) -> set[str]:
        """Give the invocations that a call started of which these events do not tell."""
        untold = {
            cause.request
            for cause in causes
            if cause.cause.caller is None and wire.ID_LAMBDA_REQUEST not in cause.cause.ids
        }
        marks = self._table.get(map(invoked_key, untold)) if untold else {}
        return {request_id for request_id in untold if invoked_key(request_id) in marks}

    def _add_invoked(self, outputs: Iterable[OutputHalf]) -> None:
        """Read what was started by an Invoke, where no cause names that Invoke."""
        started = {
            key[1][1]
            for half in outputs
            for key in self._keys[identity(half)]
            if key[1][0] == wire.ID_LAMBDA_REQUEST and not self._causes[key]
        }
        asked = [Asked(invocation_partition(i), RECORDS, f"{RECORDS}~") for i in sorted(started)]
        if asked:
            records = [item for items in self._table.query(asked) for item in items]
            found = (half for item in records for half in halves_in(item))
            self._add(half for half in found if isinstance(half, CauseHalf))

    def _asked(self, key: LeveledKey, outputs_only: bool, span: tuple[float, float]) -> Asked:
        partition = key_partition(*key)
        if key[0] == EXACT:
            first, last = ("o#", "o#~") if outputs_only else (" ", "~")
            return Asked(partition, first, last, _SHOWN)
        since, until = instant(span[0]), instant(span[1])
        most = _OF_RUSH if key in self._rushes else CROWD
        return Asked(partition, since, until + "~", most, newest_first=True)


def _span(level: int, at_s: float) -> tuple[float, float]:
    """Give the time within which others of a key matter, in steps: what is near has the same."""
    if level == EXACT:
        return 0.0, 0.0
    since_s, until_s = at_s - _BEFORE_S[level], at_s + _AFTER_S[level]
    return since_s // _STEP_S * _STEP_S, until_s // _STEP_S * _STEP_S + _STEP_S
