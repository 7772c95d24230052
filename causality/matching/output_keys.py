"""Outputs in the groups of those with whom they share a match key, be it shown or learned."""

from __future__ import annotations

from causality.graph import OutputNode
from causality.matching.group_index import GroupIndex
from causality.matching.match_keys import GroupKey, group_output_keys
from causality.matching.table_keys import Names, TableKeys, table_of


class OutputKeys:
    """Enters outputs into groups, and takes them out."""

    def __init__(self, groups: GroupIndex) -> None:
        """Enter into these groups."""
        self._groups = groups
        self._table_keys = TableKeys()

    def __len__(self) -> int:
        """Give the number of puts of which not all keys may be known."""
        return len(self._table_keys)

    def enter(self, node: OutputNode) -> None:
        """Enter an output under all of its keys."""
        table = table_of(node)
        names: Names = ()
        if table is not None:
            if node.fact.key is not None:
                self.learn(table, node.fact.key)
            elif node.fact.attribute_hashes:
                names = self._table_keys.add_put(table, node)
        for level, key in group_output_keys(node, names):
            self._enter(node, level, key)

    def learn(self, table: tuple[str, str], key: str) -> None:
        """Learn from a key which attributes are the key of a table."""
        learnt = self._table_keys.learn(table, key)
        if learnt is not None:
            names, puts = learnt
            for put in puts:
                for level, match_key in group_output_keys(put, {names}):
                    self._enter(put, level, match_key)

    def names_of(self, node: OutputNode) -> Names:
        """Give the attributes that are the key of an output's table, as far as they are known."""
        return self._table_keys.names_of(node)

    def remove(self, node: OutputNode) -> None:
        """Take out an output that never was."""
        self._groups.remove_output(node)
        self._drop(node)

    def forget(self, node: OutputNode) -> None:
        """Let an output go for the sake of memory; what is decided stays decided."""
        self._groups.forget_output(node)
        self._drop(node)

    def _drop(self, node: OutputNode) -> None:
        node.keys = ()
        self._table_keys.drop(node)

    def _enter(self, node: OutputNode, level: int, key: GroupKey) -> None:
        if key not in node.keys:
            node.keys = (*node.keys, key)
            self._groups.add_output(level, key, node)
