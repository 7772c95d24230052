"""Which attributes are the keys of DynamoDB's tables: causes and deletes show it, puts do not."""

from __future__ import annotations

from collections.abc import Iterable

from causality.graph import OutputNode
from causality.matching.match_keys import key_names_of

Names = set[tuple[str, ...]] | tuple[()]
_Table = tuple[str, str]


class TableKeys:
    """The names of each table's key attributes, and the puts that may gain a match key by them."""

    def __init__(self) -> None:
        """Begin without any table."""
        self._names: dict[_Table, set[tuple[str, ...]]] = {}
        self._puts: dict[_Table, dict[OutputNode, None]] = {}

    def __len__(self) -> int:
        """Give the number of puts."""
        return sum(map(len, self._puts.values()))

    def names_of(self, node: OutputNode) -> Names:
        """Give the attributes that are the key of an output's table, as far as they are known."""
        table = table_of(node)
        return self._names.get(table, ()) if table is not None else ()

    def add_put(self, table: _Table, node: OutputNode) -> Names:
        """Note a put that does not show its key; gives the names that are known."""
        self._puts.setdefault(table, {})[node] = None
        return self._names.get(table, ())

    def learn(self, table: _Table, key: str) -> tuple[tuple[str, ...], Iterable[OutputNode]] | None:
        """Learn from a key; gives its names, where they are new, and the puts they are new to."""
        names = key_names_of(key)
        known = self._names.setdefault(table, set())
        if not names or names in known:
            return None
        known.add(names)
        return names, self._puts.get(table, ())

    def drop(self, node: OutputNode) -> None:
        """Let a put go."""
        table = table_of(node)
        puts = self._puts.get(table) if table is not None else None
        if table is not None and puts is not None:
            puts.pop(node, None)
            if not puts:
                del self._puts[table]


def table_of(node: OutputNode) -> _Table | None:
    """Give the region and name of the table that an output of DynamoDB's writes to."""
    call = node.call.fact
    if call.service != "dynamodb" or not node.fact.resource:
        return None
    return (call.region or node.call.invocation.region or "", node.fact.resource)
