"""The collector: records in, any number of times and by any number of collectors, edges out.

Each step may be repeated without harm. Halves and records are written first, whatever is there;
then everybody who shares a key with them is read, consistently, and what follows is written by the
ledger, on condition that nobody wrote it meanwhile. Of two collectors that bring the two halves of
an edge at the same time, at least the one that reads last sees both.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from causality.facts import Facts
from causality.matching.match_keys import EXACT
from gammaray_collector import attempts, lags, problems, silence
from gammaray_collector.evidence import Rushes
from gammaray_collector.halves import AWAITS, Nodes, halves_in, halves_of, invoked_by
from gammaray_collector.items import (
    PK,
    RECORDS,
    SK,
    Attempt,
    attempts_key,
    instant,
    invocation_partition,
    invoked_item,
    record_item,
)
from gammaray_collector.ledger import Conclusion, Ledger, Together, in_threads
from gammaray_collector.lookups import Callers, TableKeys
from gammaray_collector.reading import Lost, Read, Unread, read, unread
from gammaray_collector.resolving import Resolver
from gammaray_collector.rollups import doubt_item
from gammaray_collector.table import Asked, Busy, Table
from gammaray_collector.waiting import (
    CauseHalf,
    Half,
    OutputHalf,
    due_causes_of,
    due_partition,
    half_item,
    half_of,
    key_partition,
)

_ROUNDS: Final = 12
# Items of causes to look at again at once.
_AT_ONCE: Final = 8


class Collector:
    """Takes records, and keeps what follows from them in a table."""

    def __init__(
        self,
        table: Table,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        together: Together = in_threads,
    ) -> None:
        """Keep it there.

        Args:
            table: where.
            monotonic: a clock for what is remembered a while.
            pause: waits some seconds before another try.
            together: does several things at once.
        """
        self._table = table
        self._ledger = Ledger(table, pause, together)
        self._callers = Callers(table)
        self._keys = TableKeys(table)
        self._rushes = Rushes(monotonic)
        self._resolver = Resolver(table, self._ledger, self._callers, self._keys, self._rushes)

    # --- records --------------------------------------------------------------------------------

    def take(self, records: Iterable[Any], now_s: float) -> None:
        """Take records of a stream, as Lambda hands them over.

        Raises:
            Busy: not all could be written; all of them may be taken again.
        """
        said: list[Read] = []
        unreadable: list[Unread] = []
        for record in records:
            for found in read(record, now_s):
                if isinstance(found, Read):
                    said.append(found)
                else:
                    unreadable.append(found)
        self.take_read(said, now_s)
        self._note(map(problems.of_unread, unreadable))

    def take_read(self, said: list[Read], now_s: float) -> None:
        """Take records that were read. Raises Busy."""
        halves = [half for one in said for half in halves_of(one.facts, one.part)]
        nodes = Nodes(self._keys.names)
        for half in halves:
            nodes.add(half)
        waited = self._keys.learn(halves, nodes, now_s)
        for half in waited:
            nodes.add(half)
        seeds = list(nodes.halves.values())
        self._table.put(
            [
                *lags.told(said, now_s),
                *(
                    record_item(r.image, r.facts.request_id, r.region, r.facts.written_at_s)
                    for r in said
                ),
                *(
                    half_item(h, level, key)
                    for h in (*halves, *waited)
                    for level, key in nodes.keys(h)
                    # One partition takes only so many writes, and nothing would come of these.
                    if (level, key) not in self._rushes
                ),
                *(
                    invoked_item(request_id, half.call.at_s or now_s)
                    for half in halves
                    if isinstance(half, OutputHalf)
                    for request_id in invoked_by(nodes.outputs[half.output_id])
                ),
            ]
        )
        self._keys.entered(nodes)
        ended = self._count_attempts(
            [
                *(attempt for one in said for attempt in attempts.attempts_of(one.facts)),
                *silence.makers_of(nodes, halves),
            ]
        )
        self._note(found for one in said for found in problems.of_facts(one.facts, one.region))
        waiting = self._awaiting(one.facts for one in said)
        events = self._events_of(ended)
        lag_s = lags.lag_of(said, now_s)
        self._resolver.resolve([*seeds, *waiting, *events], now_s, ended=ended, lag_s=lag_s)

    def refuse(self, record: Any, reason: str, now_s: float) -> None:
        """Note a record that could be read, and could not be taken all the same. Raises Busy."""
        self._note([problems.of_unread(unread(record, reason, now_s))])

    def note_lost(self, lost: Lost) -> None:
        """Note that records were given up: for a while, order proves nothing. Raises Busy."""
        first, last = sorted((lost.first_s, lost.last_s))
        times = [first + 3600.0 * n for n in range(int((last - first) // 3600.0) + 1)]
        self._table.put([doubt_item("gap", "", at_s) for at_s in (*times, last)])
        self._note([problems.of_lost(lost)])

    def _count_attempts(self, said: Iterable[Attempt]) -> set[str]:
        """Count attempts; gives the invocations whose edges may have to tell how they ended."""
        ended: set[str] = set()
        told: dict[str, dict[str, Attempt]] = defaultdict(dict)
        for one in said:
            first = told[one.request_id].get(one.attempt)
            merged = one if first is None else attempts.merged(first, one)
            told[one.request_id][one.attempt] = merged
            self._callers.note(merged)
        left = {attempts_key(request_id): request_id for request_id in told}
        for _ in range(_ROUNDS):
            if not left:
                return ended
            items = self._table.get(left)
            known = {i: attempts.together(items.get(key), told[i]) for key, i in left.items()}
            found = (attempts.conclusion(i, items.get(k), known[i]) for k, i in left.items())
            lost = self._ledger.write(one for one in found if one is not None)
            # Each time that any of it is handed over: before, it may not have come to the edges.
            ended |= {i for i, all in known.items() if len(all) > 1 or attempts.is_failed(all)}
            left = {key: request_id for key, request_id in left.items() if key in lost}
        raise Busy("others kept writing the same attempts", collided=True)

    def _events_of(self, request_ids: Iterable[str]) -> list[Half]:
        """Read the causes of invocations from their records."""
        asked = [Asked(invocation_partition(i), RECORDS, RECORDS + "~") for i in request_ids]
        items = (item for items in self._table.query(asked) for item in items)
        return [h for item in items for h in halves_in(item) if isinstance(h, CauseHalf)]

    def _note(self, found: Iterable[Conclusion]) -> None:
        """Count what was not counted before; what is there already stays as it is."""
        wanted = {conclusion.key: conclusion for conclusion in found}
        if wanted:
            known = self._table.get(wanted)
            self._ledger.write(one for key, one in wanted.items() if key not in known)

    def _awaiting(self, said: Iterable[Facts]) -> list[Half]:
        """Give the callees of the original's that name one of these as their caller."""
        callers = {facts.request_id for facts in said if facts.generation == 1}
        asked = [Asked(key_partition(EXACT, (AWAITS, caller))) for caller in sorted(callers)]
        return [half_of(item) for items in self._table.query(asked) for item in items]

    def tell_silence(self, now_s: float) -> None:
        """Say which calls of the last minutes started nothing, where others do. Raises Busy."""
        self._ledger.write(silence.silent_minutes(self._table, now_s))

    # --- what has to be looked at again -------------------------------------------------------

    def sweep(self, now_s: float, shards: Iterable[int], most: int) -> int:
        """Look again at edges that waited long enough for late calls. Raises Busy.

        Args:
            now_s: the time.
            shards: in these partitions, of DUE_SHARDS.
            most: at so many items in each, of up to DUE_TOGETHER edges.

        Returns:
            How many items there were.
        """
        until_s = now_s - lags.longest_s(self._table, now_s)
        asked = [Asked(due_partition(s), " ", instant(until_s), limit=most) for s in shards]
        items = [item for items in self._table.query(asked) for item in items]
        for first in range(0, len(items), _AT_ONCE):
            part = items[first : first + _AT_ONCE]
            halves = [half for item in part for half in due_causes_of(item)]
            self._resolver.resolve(halves, now_s, felt=0, mature={half.cause_id for half in halves})
            self._table.delete((str(item[PK]), str(item[SK])) for item in part)
        return len(items)
