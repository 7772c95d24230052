"""Runs of collectors over records, and what came out, in a form that can be compared."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from causality.engine import Engine
from causality.records import StreamRecord
from gammaray_collector.collecting import Collector
from gammaray_collector.items import ATTEMPTS, BODY, COUNTED, EDGES, SK, digest, edge_of
from gammaray_collector.rollups import Doubts, rollup_of
from gammaray_collector.solving import look_at_keys_alone
from gammaray_collector.table import Busy
from gammaray_collector.waiting import DUE_SHARDS
from tests.unit.collector.fake_table import FakeTable, Turns

# Child, cause: evidence, parent, call, candidates.
Found: TypeAlias = dict[
    tuple[str, str], tuple[str, str | None, str | None, tuple[tuple[str, str], ...]]
]
NOW_S = 2e9


def handed_over(records: Iterable[StreamRecord]) -> list[dict[str, Any]]:
    """Give records as Lambda hands them over."""
    return [
        {
            **msgspec.to_builtins(record),
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                **msgspec.to_builtins(record.dynamodb),
                "SequenceNumber": str(1000 + number),
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }
        for number, record in enumerate(records)
    ]


def collector(table: FakeTable) -> Collector:
    return Collector(table, monotonic=lambda: 0.0, pause=lambda _s: None, together=map)


def collected(records: Sequence[StreamRecord], size: int) -> FakeTable:
    """Take records in batches of a size, each once, and look again at what had to wait."""
    table = FakeTable()
    one = collector(table)
    given = handed_over(records)
    for first in range(0, len(given), size):
        one.take(given[first : first + size], NOW_S)
    sweep(one)
    return table


def sweep(one: Collector) -> None:
    while one.sweep(NOW_S + 1000.0, range(DUE_SHARDS), 1000):
        pass


def in_pieces(given: list[dict[str, Any]], chance: random.Random) -> list[list[dict[str, Any]]]:
    """Cut records into batches at random, hand each over twice, in any order."""
    batches = []
    for _ in range(2):
        shuffled = list(given)
        if chance.random() < 0.5:
            chance.shuffle(shuffled)
        while shuffled:
            size = chance.randint(1, 12)
            batches.append(shuffled[:size])
            del shuffled[:size]
    chance.shuffle(batches)
    return batches


def collected_by_two(records: Sequence[StreamRecord], chance: random.Random) -> FakeTable:
    """Let two collectors take everything twice, in pieces, an operation at a time in any order.

    Operations fail at random; what failed is handed over again in two halves, as Lambda does.
    """
    turns = Turns(chance, 2)
    table = FakeTable(turns.wait)
    given = handed_over(records)
    work = [in_pieces(given, chance) for _ in range(2)]
    troubles = [random.Random(chance.random()) for _ in range(2)]
    errors: list[BaseException] = []

    def run(number: int) -> None:
        one, trouble = collector(_Failing(table, troubles[number])), troubles[number]
        try:
            batches = work[number]
            while batches:
                batch = batches.pop(0)
                try:
                    one.take(batch, NOW_S)
                except Busy:
                    middle = len(batch) // 2
                    batches[:0] = [batch[:middle], batch[middle:]] if middle else [batch]
                if trouble.random() < 0.1:
                    one = collector(_Failing(table, trouble))  # a new process remembers nothing
            while True:
                try:
                    sweep(one)
                    return
                except Busy:
                    continue
        except BaseException as error:
            errors.append(error)
        finally:
            turns.leave()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    table.before = lambda _what: None
    return table


class _Failing(FakeTable):
    """The same table, as one process sees it that has trouble to reach it."""

    def __init__(self, table: FakeTable, chance: random.Random) -> None:
        super().__init__(self._trouble)
        self.items = table.items
        self._table = table
        self._chance = chance

    def _trouble(self, what: str) -> None:
        self._table.before(what)
        if self._chance.random() < 0.004:
            raise Busy("throttled", collided=self._chance.random() < 0.5)


# --- what came out ------------------------------------------------------------------------------


def edges_in(table: FakeTable) -> Found:
    """Give the edges as a reader sees them."""
    doubts = Doubts(table.of("d#"))
    found: Found = {}
    for item in table.of("i#"):
        if str(item[SK]).startswith(EDGES):
            edge = edge_of(item)
            grade = doubts.graded(edge.grade, edge.needs, edge.source, edge.began_s)
            if grade == "none":
                continue
            certain = grade != "ambiguous"
            found[edge.child, edge.cause_id] = (
                grade,
                edge.parent if certain else None,
                edge.call if certain else None,
                tuple(sorted((c.request_id, c.call_id) for c in edge.candidates)),
            )
    return found


def edges_live(records: Sequence[StreamRecord]) -> Found:
    """Give the edges that the live view finds."""
    engine = Engine()
    look_at_keys_alone(engine.matcher)
    engine.apply_records(records)
    engine.finish()
    return edges_of(engine)


def edges_of(engine: Engine) -> Found:
    """Give the edges of a graph."""
    found: Found = {}
    for edge in engine.edges():
        cause = edge.cause
        child, fact = cause.invocation.request_id, cause.fact
        ids = {kind: fact.ids[kind] for kind in fact.ids}
        told = msgspec.json.encode(msgspec.structs.replace(fact, ids=ids))
        found[child, digest(f"{child}\n".encode() + told)] = (
            edge.evidence,
            edge.parent.request_id if edge.parent is not None else None,
            edge.call.id if edge.call is not None else None,
            tuple(sorted((c.invocation.request_id, c.id) for c in edge.candidates)),
        )
    return found


def conclusions(table: FakeTable) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Give what was concluded, and what that has added to rollups."""
    return {
        (str(item["pk"]), str(item[SK])): (item[BODY], item[COUNTED])
        for item in table.of("i#", "x#")
        if str(item[SK]).startswith((ATTEMPTS, EDGES, "x#"))
    }


def counted(table: FakeTable) -> Counter[tuple[Any, ...]]:
    """Give what rollups hold, their splits added up."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for item in table.of("t#", "w#"):
        minute, name = rollup_of(str(item[SK]))
        kind = str(item[SK]).split("#")[1]
        for what, value in item.items():
            if isinstance(value, int) and what != "expires":
                sums[minute, kind, tuple(name), what] += value
    return Counter({place: count for place, count in sums.items() if count})


def counted_again(table: FakeTable) -> Counter[tuple[Any, ...]]:
    """Count again what every conclusion says that it has added."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for _, text in conclusions(table).values():
        for minute, kind, name, counts in msgspec.json.decode(text):
            for what, count in counts.items():
                sums[minute, kind, tuple(name), what] += count
    return Counter({place: count for place, count in sums.items() if count})
