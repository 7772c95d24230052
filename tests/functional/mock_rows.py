"""The lines of a mock model's chains."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from causality.snapshot import (
    NodeId,
    TreeRow,
)
from tests.functional.mock_data import (
    MockChain,
    MockInvocation,
)


class MockRows:
    """Visible lines over chains; a chain is flattened when one of its lines is asked for."""

    def __init__(
        self, chains: Sequence[MockChain], revision: int, *, calls_shown: bool, matches: str
    ) -> None:
        self._chains = chains
        self._revision = revision
        self._calls_shown = calls_shown
        self._matches = matches
        self._flat: dict[int, list[TreeRow]] = {}
        self._starts: list[int] = []
        total = 0
        for chain in chains:
            self._starts.append(total)
            total += _visible(chain.root, calls_shown=calls_shown)
        self._total = total

    @property
    def revision(self) -> int:
        return self._revision

    def __len__(self) -> int:
        return self._total

    def row(self, index: int) -> TreeRow:
        if not 0 <= index < self._total:
            raise IndexError(index)
        at = bisect_right(self._starts, index) - 1
        return self._rows_of(at)[index - self._starts[at]]

    def index_of(self, node: NodeId) -> int | None:
        for at in range(len(self._chains)):
            for below, row in enumerate(self._rows_of(at)):
                if row.node == node:
                    return self._starts[at] + below
        return None

    def _rows_of(self, at: int) -> list[TreeRow]:
        if at not in self._flat:
            chain = self._chains[at]
            self._flat[at] = chain.rows(calls_shown=self._calls_shown, matches=self._matches)
        return self._flat[at]


def _visible(item: MockInvocation, *, calls_shown: bool) -> int:
    if item.folded:
        return 1
    return 1 + sum(
        _visible(child, calls_shown=calls_shown)
        for child in item.children
        if calls_shown or child.kind != "call"
    )
