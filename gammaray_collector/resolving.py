"""Edges brought up to date: read all that matters, solve it, write what follows, or begin again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from causality.clock import CLOCK_SKEW_S
from causality.graph import CauseNode
from causality.matching.match_keys import must_have_a_call, source_of
from gammaray_collector import edges
from gammaray_collector.attempts import is_failed
from gammaray_collector.evidence import FELT, Evidence, Rushes
from gammaray_collector.halves import halves_in
from gammaray_collector.items import (
    EFFECTS,
    RECORDS,
    SK,
    Edge,
    Item,
    Key,
    attempts_in,
    attempts_key,
    edge_key,
    edge_of,
    effect_item,
    effect_of,
    invocation_partition,
    request_of,
)
from gammaray_collector.ledger import Conclusion, Ledger
from gammaray_collector.lookups import Callers, TableKeys
from gammaray_collector.rollups import PATIENCE_S, doubt_item, doubt_source, stretch_of
from gammaray_collector.solving import Solved, solve
from gammaray_collector.table import Asked, Busy, Table
from gammaray_collector.waiting import CauseHalf, Half, OutputHalf, due_items

_ROUNDS: Final = 12
_MOST_FOLLOWED: Final = 1000


@dataclass(frozen=True)
class Found:
    """What was found for a cause.

    Attributes:
        functions: those of the calls that can be meant, as far as they are known.
        mature: whether calls that come late are here by now.
        crowded: whether not all was read that it depends on.
        known: its edge's item, as it was read; None if it was not there.
        failed: whether its invocation failed; None when that was not looked up.
    """

    half: CauseHalf
    cause: CauseNode
    solved: Solved
    functions: edges.Functions
    mature: bool
    crowded: bool
    known: Item | None
    failed: bool | None = None

    @property
    def key(self) -> Key:
        """The key of its edge's item."""
        return edge_key(self.half.request, self.half.cause_id)

    @cached_property
    def edge(self) -> Edge:
        """Its edge."""
        return edges.edge_from(
            self.half,
            self.cause,
            self.solved,
            self.functions,
            edge_of(self.known) if self.known is not None else None,
            mature=self.mature,
            crowded=self.crowded,
            failed=self.failed,
        )

    @property
    def source(self) -> str:
        """Whose doubts concern it; "" if none do."""
        return doubt_source(source_of(self.cause.keys[0])) if self.cause.keys else ""

    @cached_property
    def conclusion(self) -> Conclusion | None:
        """How its item has to be written; None if it is right already."""
        return edges.conclusion(self.known, self.edge, self.half)

    def is_unfinished(self) -> bool:
        """Say whether there is something that only time tells."""
        edge = self.edge
        if self.mature or edge.mature:
            return False
        if edge.grade == "exact":
            return edge.parent is not None and edge.parent_function is None
        return bool(self.cause.keys) or must_have_a_call(self.half.cause)


class Resolver:
    """Brings edges up to date, whoever else does so at the same time."""

    def __init__(
        self, table: Table, ledger: Ledger, callers: Callers, keys: TableKeys, rushes: Rushes
    ) -> None:
        """Read from there, and write there."""
        self._table = table
        self._ledger = ledger
        self._callers = callers
        self._keys = keys
        self._rushes = rushes

    def resolve(
        self,
        seeds: Collection[Half],
        now_s: float,
        *,
        felt: int = FELT,
        mature: Collection[str] = (),
        ended: Collection[str] = (),
        lag_s: float = 0.0,
    ) -> None:
        """Bring every edge up to date that some halves can change. Raises Busy.

        What was written by others since it was read is read again before all that it depends on:
        so who writes has seen no less than who wrote before.

        Args:
            seeds: the halves, which were written before.
            now_s: the time.
            felt: how many steps from them others are changed.
            mature: ids of causes by which all calls are here that come late.
            ended: request ids of invocations that may go another way than was known.
            lag_s: how far the stream is behind that brings them.
        """
        known: dict[Key, Item] = {}
        new = {half.cause_id for half in seeds if isinstance(half, CauseHalf)} - set(mature)
        left: Collection[Half] = seeds
        for number in range(_ROUNDS):
            if not left:
                return
            if number or mature:
                known = self._read_edges(h for h in left if isinstance(h, CauseHalf))
            found = self._find(left, felt if not number else 0, known, mature)
            late = self._read_edges(one.half for one in found if one.key not in known)
            found = [replace(o, known=late[o.key]) if o.key in late else o for o in found]
            found = self._with_outcomes(found, ended)
            again = [one for one in found if one.key in late]
            ready = [one for one in found if one.key not in late]
            self._wait_for_late_calls(ready, new, now_s)
            self._note_doubts([*ready, *again])
            changed = {one.key: one for one in ready if one.conclusion is not None}
            self._point(one.edge for one in changed.values())
            lost = self._ledger.write(one.conclusion for one in changed.values() if one.conclusion)
            written = [one for key, one in changed.items() if key not in lost]
            self._follow_late_lineage(written, now_s, lag_s)
            left = [
                *(one.half for key, one in changed.items() if key in lost),
                *(one.half for one in again if one.conclusion is not None),
            ]
        raise Busy("others kept writing the same edges", collided=True)

    def _find(
        self,
        seeds: Collection[Half],
        felt: int,
        known: dict[Key, Item],
        mature: Collection[str],
    ) -> list[Found]:
        evidence = Evidence(self._table, self._keys.names, self._rushes)
        causes = evidence.gather(seeds, felt)
        makers = {
            output.request
            for half in causes
            for output in evidence.outputs_near(half)
            if (output.call.at_s or 0.0) > half.began_s - CLOCK_SKEW_S
        }
        named = (half.cause.caller for half in causes if half.cause.caller is not None)
        nodes = evidence.nodes
        solved = solve(
            nodes,
            [half.cause_id for half in causes],
            self._callers.proven_parents(makers),
            self._callers.recorded(named),
        )
        functions = self._callers.functions(end for one in solved.values() for end in _ends(one))
        return [
            Found(
                half,
                nodes.causes[half.cause_id],
                solved[half.cause_id],
                functions,
                half.cause_id in mature,
                evidence.is_crowded(half, _told_by_content(nodes.causes[half.cause_id])),
                known.get(edge_key(half.request, half.cause_id)),
            )
            for half in causes
        ]

    def _with_outcomes(self, found: list[Found], ended: Collection[str]) -> list[Found]:
        """Look up how the invocations ended whose edges are to be written.

        That is read after all that the edges depend on, and who writes how one ended resolves its
        edges after that: so one of both sees what the other one wrote.
        """
        wanted = {one.half.request for one in found if one.conclusion is not None}
        wanted |= {one.half.request for one in found} & {*ended}
        items = self._table.get(map(attempts_key, wanted))
        failed = dict.fromkeys(wanted, False)
        for (partition, _), item in items.items():
            failed[request_of(partition)] = is_failed(attempts_in(item))
        # What is right as it is keeps its conclusion: to make it is work.
        return [
            replace(one, failed=not one.edge.failed)
            if failed.get(one.half.request, one.edge.failed) != one.edge.failed
            else one
            for one in found
        ]

    def _read_edges(self, halves: Iterable[CauseHalf]) -> dict[Key, Item]:
        return self._table.get({edge_key(half.request, half.cause_id) for half in halves})

    def _point(self, found: Iterable[Edge]) -> None:
        """Let invocations lead to what they may have caused."""
        self._table.put(effect_item(parent, edge) for edge in found for parent in _makers(edge))

    def _note_doubts(self, found: Iterable[Found]) -> None:
        """Note what makes others doubtful, once calls that come late are here."""
        items: dict[tuple[str, str, int], Item] = {}
        for one in found:
            if not one.source or not one.edge.mature:
                continue
            at_s = one.half.began_s
            if not one.solved.explained:
                items["unexplained", one.source, stretch_of(at_s)] = doubt_item(
                    "unexplained", one.source, at_s
                )
            if one.solved.returns:
                items["returning", one.source, stretch_of(at_s)] = doubt_item(
                    "returning", one.source, at_s
                )
        self._table.put(items.values())

    def _wait_for_late_calls(
        self, found: Iterable[Found], new: Collection[str], now_s: float
    ) -> None:
        """Have those looked at again that a late call, or a late start, may change."""
        waiting = [
            one.half
            for one in found
            # Others were put off when they came, and are past it if they had no edge until now.
            if (one.half.cause_id in new or (one.known is None and one.conclusion is not None))
            and one.is_unfinished()
        ]
        self._table.put(due_items(waiting, now_s + PATIENCE_S))

    def _follow_late_lineage(self, written: Iterable[Found], now_s: float, lag_s: float) -> None:
        """Look again at what those may have caused of which it became known late who led to them.

        An effect cannot be the cause of what led to it, and that may have been decided by now:
        but not while everybody waits for a stream that lags.
        """
        level = {
            one.edge.child
            for one in written
            if one.edge.grade == "exact" and one.half.began_s < now_s - lag_s - PATIENCE_S
        }
        reached: set[str] = set()
        outputs: list[Half] = []
        while level and len(reached) < _MOST_FOLLOWED:
            reached |= level
            asked = [
                Asked(invocation_partition(i), kind, kind + "~")
                for kind in (RECORDS, EFFECTS)
                for i in sorted(level)
            ]
            items = [item for items in self._table.query(asked) for item in items]
            records = [item for item in items if str(item[SK]).startswith(RECORDS)]
            effects = [item for item in items if str(item[SK]).startswith(EFFECTS)]
            halves = (half for item in records for half in halves_in(item))
            outputs += [half for half in halves if isinstance(half, OutputHalf)]
            found = self._table.get(edge_key(*effect_of(item)) for item in effects)
            level = {e.child for e in map(edge_of, found.values()) if e.grade == "exact"} - reached
        if outputs:
            self.resolve(outputs, now_s)


def _ends(solved: Solved) -> Iterator[str]:
    """Give the invocations that an edge may come from."""
    if solved.edge is not None:
        if solved.edge.parent is not None:
            yield solved.edge.parent.request_id
        for call in solved.edge.candidates:
            yield call.invocation.request_id


def _told_by_content(cause: CauseNode) -> float | None:
    """Give when the earliest call was made that equal content tells of, if it tells of any."""
    if cause.content is None:
        return None
    return min(output.made_s for output in cause.content.outputs)


def _makers(edge: Edge) -> set[str]:
    makers = {candidate.request_id for candidate in edge.candidates}
    return makers | {edge.parent} if edge.parent is not None else makers
