"""The causal tree as the user wants it: grouped, folded, filtered, perhaps standing still."""

from __future__ import annotations

from dataclasses import dataclass

from causality.engine import Engine
from causality.filters import Filter, Test
from causality.snapshot import NodeId, TreeRows
from causality.tree.grouping import GroupedRows, Grouping, is_heading
from causality.tree.index import TreeIndex
from gammaray_tui.frozen_rows import FrozenRows


@dataclass
class TreeChoices:
    """What the user chose for the tree; it outlives the graph, as when a replay begins anew.

    Attributes:
        levels: how many levels of each chain are shown; None: all of them.
    """

    calls_shown: bool = True
    filter: Filter | None = None
    grouping: Grouping | None = None
    levels: int | None = None


class ShownTree:
    """The tree of one graph, and what the screen shows of it.

    Attributes:
        after_s: epoch second before which no chain that is shown began; None: all are shown.
    """

    def __init__(self, engine: Engine, choices: TreeChoices) -> None:
        """Show a graph as was chosen."""
        self.index = TreeIndex(engine)
        self.after_s: float | None = None
        self._choices = choices
        self._grouped: GroupedRows | None = None
        self._frozen: FrozenRows | None = None
        self.index.set_calls_shown(choices.calls_shown)
        self.index.set_filter(choices.filter)
        self.index.show_levels(choices.levels)
        self.set_grouping(choices.grouping)

    # --- what is shown ----------------------------------------------------------------------

    @property
    def rows(self) -> TreeRows:
        """The lines on screen."""
        return self._frozen if self._frozen is not None else self._live

    @property
    def _live(self) -> TreeRows:
        return self._grouped if self._grouped is not None else self.index

    @property
    def frozen(self) -> bool:
        """Whether it stands still, and must not be updated."""
        return self._frozen is not None

    def set_frozen(self, frozen: bool) -> None:
        """Let it stand still, or go on."""
        self._frozen = FrozenRows(self._live) if frozen else None

    def _changed_by_user(self) -> None:
        if self._frozen is not None:
            self._frozen = FrozenRows(self._live)

    # --- what the user does -----------------------------------------------------------------

    def set_grouping(self, by: Grouping | None) -> None:
        """Put the chains under headings; None: one after the other."""
        self._choices.grouping = by
        self.index.collect_changes(None)
        self._grouped = GroupedRows(self.index, by) if by is not None else None
        self._changed_by_user()

    def set_folded(self, folded: bool, node: NodeId | None) -> None:
        """Fold or unfold one group or invocation, or (None) every chain, also those to come."""
        if node is None:
            self._show_levels(1 if folded else None, self._only_headings)
        elif is_heading(node):
            if self._grouped is not None:
                self._grouped.set_folded(folded, node)
        else:
            self.index.set_folded(folded, node)
        self._changed_by_user()

    def step_levels(self, step: int) -> int | None:
        """Show one level more (1) or less (-1) of every chain.

        Returns:
            How many are shown now: 0 where only headings of groups are left; None: all.
        """
        levels = self._levels
        if levels is None and step < 0:
            levels = self.index.deepest
        if levels is not None:
            least = 0 if self._grouped is not None else 1
            wanted = max(least, levels + step)
            self._show_levels(max(1, wanted), only_headings=wanted == 0)
            if step > 0 and self.index.deepest < wanted:
                self._show_levels(None)
            self._changed_by_user()
        return self._levels

    @property
    def _only_headings(self) -> bool:
        return self._grouped is not None and self._grouped.all_folded

    @property
    def _levels(self) -> int | None:
        return 0 if self._only_headings else self.index.levels

    def _show_levels(self, levels: int | None, only_headings: bool = False) -> None:
        if self._grouped is not None and self._grouped.all_folded != only_headings:
            self._grouped.fold_all(only_headings)
        self._choices.levels = levels
        self.index.show_levels(levels)

    def set_calls_shown(self, shown: bool) -> None:
        """Show or hide the calls that triggered nothing."""
        self._choices.calls_shown = shown
        self.index.set_calls_shown(shown)
        self._changed_by_user()

    def set_filter(self, wanted: Filter | None) -> None:
        """Show only the chains that fit."""
        self._choices.filter = wanted
        self.index.set_filter(wanted)
        self._changed_by_user()

    def show_after(self, at_s: float | None) -> None:
        """Show only the chains that begin after a moment; None: all of them."""
        self.after_s = at_s
        self.index.show_after(at_s)
        self._changed_by_user()

    def find(self, node: NodeId | None, wanted: Test, step: int) -> NodeId | None:
        """Find the next (step 1) or previous (-1) invocation that fits, and unfold to it."""
        chains = self._grouped.chains() if self._grouped is not None else None
        found = self.index.find(node, wanted, step, chains)
        if found is not None:
            self.index.unfold_to(found)
            if self._grouped is not None:
                self._grouped.unfold_to(found)
            self._changed_by_user()
        return found
