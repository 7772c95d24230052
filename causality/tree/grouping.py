"""The causal tree under headings: its chains by time, by application or by function."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from typing import Literal, TypeAlias

from causality.accounts import Key, Place, shared_places, told
from causality.snapshot import NodeId, State, TreeRow
from causality.tree.index import TreeIndex
from causality.tree.lines import Chain

Grouping: TypeAlias = Literal["time", "application", "function"]
GROUPINGS: tuple[Grouping | None, ...] = (None, "time", "application", "function")
_MINUTE_S = 60
_UNKNOWN = "(unknown function)"
_PREFIX = "group:"


def is_heading(node: NodeId) -> bool:
    """Say whether a line is the heading of a group."""
    return node.startswith(_PREFIX)


class Applications:
    """Which functions work together: those that some chain runs through, and what these share."""

    def __init__(self) -> None:
        """Know of none."""
        self._above: dict[str, str] = {}

    def of(self, function: str) -> str:
        """Give the function that stands for the application of another one."""
        above = self._above.setdefault(function, function)
        while above != function:
            self._above[function] = self._above[above]
            function, above = above, self._above[above]
        return function

    def join(self, functions: Iterable[str]) -> list[str]:
        """Note that functions work together; give those that no longer stand for any."""
        stand = {self.of(function) for function in functions}
        if len(stand) < 2:
            return []
        first, *others = sorted(stand)
        for other in others:
            self._above[other] = first
        return others


class _Group:
    """The chains under one heading, by their time.

    Attributes:
        node: the heading's id.
        at_s: when its time begins, where that is what it stands for.
        account: the function's, where it stands for one.
        ends: the lines up to the end of each chain; made anew when `stale`.
        roots: by function, how many of the chains begin there.
    """

    __slots__ = (
        "account",
        "at_s",
        "chains",
        "ends",
        "errors",
        "invocations",
        "node",
        "region",
        "roots",
        "running",
        "stale",
    )

    def __init__(self, node: NodeId, at_s: float | None, region: str, account: str) -> None:
        self.node = node
        self.account = account
        self.at_s = at_s
        self.region = region
        self.chains: list[Chain] = []
        self.ends: list[int] = []
        self.roots: Counter[str] = Counter()
        self.invocations = self.errors = self.running = 0
        self.stale = True

    @property
    def order(self) -> tuple[float, Key]:
        return (self.at_s or 0.0, self.key)

    @property
    def key(self) -> Key:
        return (self.label, self.region, self.account)

    @property
    def label(self) -> str:
        return ", ".join(sorted(self.roots)) if self.at_s is None else ""

    @property
    def state(self) -> State:
        return "error" if self.errors else "running" if self.running else "ok"

    def count(self, counted: _Counted, times: int) -> None:
        self.stale = True
        self.invocations += times * counted[0]
        self.errors += times * counted[1]
        self.running += times * counted[2]
        self.roots[counted[3]] += times
        if not self.roots[counted[3]]:
            del self.roots[counted[3]]

    def lines(self) -> int:
        if self.stale:
            self.stale = False
            self.ends = list(accumulate(len(chain.lines) for chain in self.chains))
        return self.ends[-1]


# Of a chain: invocations, errors, running ones, the root's function.
_Counted: TypeAlias = tuple[int, int, int, str]


class GroupedRows:
    """The lines of a tree in groups (a snapshot.TreeRows), kept up to date with it.

    What is grouped by time stands open at first: it is read as it comes. Everything else
    begins folded: the headings are an overview.
    """

    def __init__(self, tree: TreeIndex, by: Grouping) -> None:
        """Group a tree: from now on, it is grouped in this way only."""
        self._tree = tree
        self._by = by
        self._groups: dict[NodeId, _Group] = {}
        self._placed: dict[Chain, tuple[_Group, _Counted]] = {}
        self._applications = Applications()
        self._all_folded = by != "time"
        self._flipped: set[NodeId] = set()  # groups that are not as all others are
        self._order: list[_Group] = []
        self._shared: frozenset[Place] = frozenset()  # whose accounts are told
        self._offsets: list[int] = [0]  # lines before each group, one more at the end
        self._revision = 0
        self._stale = True
        self._changed: set[Chain] = set()
        tree.collect_changes(self._changed)

    # --- what a snapshot needs --------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Grows whenever a line may have changed."""
        return self._tree.revision + self._revision

    def __len__(self) -> int:
        """Give the number of visible lines."""
        self._refresh()
        return self._offsets[-1]

    def row(self, index: int) -> TreeRow:
        """Give the line at `index`."""
        self._refresh()
        if not 0 <= index < self._offsets[-1]:
            raise IndexError(index)
        position = bisect_right(self._offsets, index) - 1
        group = self._order[position]
        below = index - self._offsets[position] - 1
        if below < 0:
            return self._heading(group)
        at = bisect_right(group.ends, below)
        return self._tree.row_of(group.chains[at], below - (group.ends[at - 1] if at else 0))

    def index_of(self, node: NodeId) -> int | None:
        """Find the line of a heading, an invocation or a call; None when it is not visible."""
        self._refresh()
        if is_heading(node):
            heading = self._groups.get(node)
            return None if heading is None else self._offsets[self._position(heading)]
        place = self._tree.place_of(node)
        placed = self._placed.get(place[0]) if place is not None else None
        if place is None or placed is None or self._is_folded(placed[0]):
            return None
        group = placed[0]
        at = bisect_left(group.chains, place[0])
        before = group.ends[at - 1] if at else 0
        return self._offsets[self._position(group)] + 1 + before + place[1]

    def chains(self) -> list[Chain]:
        """Give all chains in the order of their groups."""
        self._refresh()
        return [chain for group in self._order for chain in group.chains]

    # --- what the user does -----------------------------------------------------------------

    @property
    def all_folded(self) -> bool:
        """Whether groups hide their chains unless they were unfolded one by one."""
        return self._all_folded

    def fold_all(self, folded: bool) -> None:
        """Fold or unfold every group, also those to come."""
        self._all_folded = folded
        self._flipped.clear()
        self._change()

    def set_folded(self, folded: bool, node: NodeId) -> None:
        """Fold or unfold a group."""
        (self._flipped.discard if folded == self._all_folded else self._flipped.add)(node)
        self._change()

    def unfold_to(self, node: NodeId) -> None:
        """Unfold the group that hides an invocation."""
        self._refresh()
        place = self._tree.place_of(node)
        placed = self._placed.get(place[0]) if place is not None else None
        if placed is not None:
            self.set_folded(False, placed[0].node)

    def _is_folded(self, group: _Group) -> bool:
        return self._all_folded != (group.node in self._flipped)

    # --- following the tree -----------------------------------------------------------------

    def _change(self) -> None:
        self._revision += 1
        self._stale = True

    def _refresh(self) -> None:
        self._tree.refresh()
        if not self._changed and not self._stale:
            return
        for chain in self._changed:
            self._place(chain)
        self._changed.clear()
        self._stale = False
        self._order = sorted(self._groups.values(), key=lambda group: group.order)
        self._shared = shared_places(group.key for group in self._order)
        sizes = (1 if self._is_folded(group) else 1 + group.lines() for group in self._order)
        self._offsets = [0, *accumulate(sizes)]

    def _place(self, chain: Chain) -> None:
        shown = bool(chain.lines) and self._tree.holds(chain)
        if shown and self._by == "application":
            for absorbed in self._applications.join(self._tree.functions_of(chain)):
                known = self._groups.get(f"{_PREFIX}{absorbed}")
                for other in [*known.chains] if known is not None else ():
                    self._put(other)
        if shown:
            self._put(chain)
        else:
            self._take(chain)

    def _put(self, chain: Chain) -> None:
        group = self._group_of(chain)
        counted = (chain.count, chain.errors, chain.running, chain.root.function or _UNKNOWN)
        before = self._placed.get(chain)
        if before is not None and before[0] is group:
            group.count(before[1], -1)
        else:
            self._take(chain)
            self._groups[group.node] = group
            insort(group.chains, chain)
        group.count(counted, 1)
        self._placed[chain] = (group, counted)

    def _take(self, chain: Chain) -> None:
        before = self._placed.pop(chain, None)
        if before is None:
            return
        group, counted = before
        group.count(counted, -1)
        del group.chains[bisect_left(group.chains, chain)]
        if not group.chains:
            del self._groups[group.node]

    def _group_of(self, chain: Chain) -> _Group:
        root = chain.root
        at_s, region, account = None, "", ""
        if self._by == "time":
            at_s = chain.key[0] // _MINUTE_S * _MINUTE_S
            name = f"{at_s:.0f}"
        elif self._by == "application":
            name = self._applications.of(root.function or _UNKNOWN)
        else:
            region, account = root.region or "", root.account or ""
            name = f"{root.function or _UNKNOWN} {region} {account}".rstrip()
        node = f"{_PREFIX}{name}"
        return self._groups.get(node) or _Group(node, at_s, region, account)

    def _position(self, group: _Group) -> int:
        return bisect_left(self._order, group.order, key=lambda known: known.order)

    def _heading(self, group: _Group) -> TreeRow:
        folded = self._is_folded(group)
        return TreeRow(
            node=group.node,
            kind="group",
            depth=-1,
            guides=(),
            last=False,
            function=f"{group.label} {told(group.key, self._shared)[2]}".rstrip(),
            region=group.region,
            state=group.state,
            started_at_s=group.at_s,
            children=len(group.chains),
            invocations=group.invocations,
            folded=folded,
            hidden_errors=group.errors,
            hidden_running=group.running,
        )
