"""The tree while the screen is paused."""

from __future__ import annotations

from causality.snapshot import NodeId, TreeRow, TreeRows


class FrozenRows:
    """The tree's lines as they were when first drawn after a pause."""

    def __init__(self, tree: TreeRows) -> None:
        """Freeze a tree that is not updated while this is in use."""
        self._tree = tree
        self._rows: dict[int, TreeRow] = {}

    @property
    def revision(self) -> int:
        """The tree's own: it stands still."""
        return self._tree.revision

    def __len__(self) -> int:
        """Give the number of visible lines."""
        return len(self._tree)

    def row(self, index: int) -> TreeRow:
        """Give a line, always the same one."""
        row = self._rows.get(index)
        if row is None:
            row = self._rows[index] = self._tree.row(index)
        return row

    def index_of(self, node: NodeId) -> int | None:
        """Find the line of an invocation or call."""
        return self._tree.index_of(node)
