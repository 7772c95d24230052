"""Which lines of the tree hide what is below them: by level, and one by one."""

from __future__ import annotations

from causality.snapshot import NodeId


class Folds:
    """What is folded away.

    Attributes:
        levels: how many levels of each chain are shown, also of those to come; None: all.
    """

    __slots__ = ("_folded", "_unfolded", "levels")

    def __init__(self) -> None:
        """Fold nothing."""
        self.levels: int | None = None
        self._folded: set[NodeId] = set()
        self._unfolded: set[NodeId] = set()  # though they stand on the last level shown

    def hides(self, node: NodeId, depth: int) -> bool:
        """Say whether an invocation at a depth hides what is below it."""
        if self.levels is not None and depth >= self.levels - 1:
            return node not in self._unfolded
        return node in self._folded

    def show_levels(self, levels: int | None) -> None:
        """Show so many levels of every chain, whatever was folded one by one."""
        self.levels = levels
        self._folded.clear()
        self._unfolded.clear()

    def fold(self, node: NodeId) -> None:
        """Hide what is below an invocation."""
        self._folded.add(node)
        self._unfolded.discard(node)

    def unfold(self, node: NodeId) -> None:
        """Show what is below an invocation."""
        self._folded.discard(node)
        if self.levels is not None:
            self._unfolded.add(node)

    def forget(self, node: NodeId) -> None:
        """Let go of an invocation that has left."""
        self._folded.discard(node)
        self._unfolded.discard(node)
