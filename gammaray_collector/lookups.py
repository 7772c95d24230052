"""What the collector remembers of the table between batches: nothing that could change any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from causality.matching.lineage import LINEAGE
from gammaray_collector.edges import Functions
from gammaray_collector.halves import KeyNames, Nodes, table_of_put
from gammaray_collector.items import (
    EDGES,
    RECORDS,
    Attempt,
    attempts_in,
    attempts_key,
    edge_of,
    invocation_partition,
)
from gammaray_collector.table import Asked, Table
from gammaray_collector.waiting import (
    Half,
    OutputHalf,
    TablePlace,
    half_of_put,
    key_names_item,
    key_names_of_item,
    key_names_partition,
    put_item,
    put_partitions,
)

_KEPT = 50_000
_K = TypeVar("_K")
_V = TypeVar("_V")


class _Recent(dict[_K, _V], Generic[_K, _V]):
    """A dict that forgets the oldest of too many."""

    def __setitem__(self, key: _K, value: _V) -> None:
        super().__setitem__(key, value)
        if len(self) > _KEPT:
            del self[next(iter(self))]


class Callers:
    """Whose invocations they are, and which invocations led to them."""

    def __init__(self, table: Table) -> None:
        """Look up there."""
        self._table = table
        self._functions: _Recent[str, tuple[str, str]] = _Recent()

    def note(self, attempt: Attempt) -> None:
        """Take over whose invocation it is."""
        if attempt.function is not None:
            self._functions[attempt.request_id] = (attempt.region or "", attempt.function)

    def functions(self, request_ids: Iterable[str]) -> Functions:
        """Find whose invocations they are, as far as starts of them came."""
        wanted = set(request_ids)
        unknown = wanted - self._functions.keys()
        for item in self._table.get(map(attempts_key, unknown)).values():
            for attempt in attempts_in(item).values():
                self.note(attempt)
        return {i: self._functions[i] for i in wanted if i in self._functions}

    def recorded(self, request_ids: Iterable[str]) -> set[str]:
        """Say of which invocations any record came."""
        wanted = list(set(request_ids))
        asked = [Asked(invocation_partition(i), RECORDS, RECORDS + "~", limit=1) for i in wanted]
        return {i for i, items in zip(wanted, self._table.query(asked), strict=True) if items}

    def proven_parents(self, request_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Follow proven edges back from invocations, as far as matching asks for it."""
        found: dict[str, tuple[str, ...]] = {}
        level = set(request_ids)
        for _ in range(LINEAGE):
            wanted = list(level)
            asked = [Asked(invocation_partition(i), EDGES, EDGES + "~") for i in wanted]
            for child, items in zip(wanted, self._table.query(asked), strict=True):
                edges = [edge_of(item) for item in items]
                parents = {e.parent for e in edges if e.grade == "exact" and e.parent is not None}
                found[child] = tuple(sorted(parents))
            level = {p for i in wanted for p in found[i]} - found.keys()
            if not level:
                break
        return found


class TableKeys:
    """Which attributes are the key of each table.

    DynamoDB's puts do not tell, causes and deletes do. A put that came before anyone told waits
    in a place of its own, and whoever learns a key enters the puts that wait for it.

    Attributes:
        names: as far as they are known.
    """

    def __init__(self, table: Table) -> None:
        """Look up there."""
        self.names: KeyNames = {}
        self._table = table
        self._entered: set[tuple[TablePlace, tuple[str, ...]]] = set()

    def learn(self, halves: Iterable[Half], nodes: Nodes, at_s: float) -> list[Half]:
        """Take over what halves tell; gives the puts that had to wait for it.

        Args:
            halves: new ones.
            nodes: those, as nodes.
            at_s: when they came.
        """
        told = set(nodes.told())
        new = told - self._entered
        for table, names in new:
            self.names.setdefault(table, set()).add(names)
        self._table.put([key_names_item(table, names, at_s) for table, names in new])
        puts = [half for half in halves if isinstance(half, OutputHalf)]
        self._look_up({table for _, table in self._nameless(puts, nodes)})
        waiting = self._nameless(puts, nodes)
        if waiting:
            self._table.put([put_item(half, table) for half, table in waiting])
            # Whoever learned it meanwhile may not have seen them.
            self._look_up({table for _, table in waiting})
        return self._entering({table for table, _ in new})

    def entered(self, nodes: Nodes) -> None:
        """Note that the puts which waited for what these told are entered."""
        self._entered.update(nodes.told())

    def _nameless(
        self, puts: Iterable[OutputHalf], nodes: Nodes
    ) -> list[tuple[OutputHalf, TablePlace]]:
        """Give the puts into tables of which nobody told the key."""
        found = [(half, table_of_put(nodes.outputs[half.output_id])) for half in puts]
        return [(h, table) for h, table in found if table and not self.names.get(table)]

    def _look_up(self, tables: Iterable[TablePlace]) -> None:
        wanted = list(tables)
        found = self._table.query([Asked(key_names_partition(table)) for table in wanted])
        for table, items in zip(wanted, found, strict=True):
            for item in items:
                self.names.setdefault(table, set()).add(key_names_of_item(item))

    def _entering(self, tables: Iterable[TablePlace]) -> list[Half]:
        asked = [Asked(partition) for table in tables for partition in put_partitions(table)]
        return [half_of_put(item) for items in self._table.query(asked) for item in items]
