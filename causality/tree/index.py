"""The causal tree as a view: chains by time, folded and filtered, flattened when drawn.

The graph is a DAG; the tree gives each invocation one place, under the earliest call that is
certain to have caused it. Its other causes show as links. Costs follow what changed: a chain
is flattened again only when something in it changed, and lines are found by bisection over
prefix sums.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Sequence

from causality.engine import Engine
from causality.filters import Test
from causality.graph import CallNode, Invocation
from causality.latency import FAILED
from causality.snapshot import NodeId, TreeRow
from causality.tree.flattening import flattened
from causality.tree.folding import Folds
from causality.tree.hierarchy import Hierarchy
from causality.tree.lines import Chain, Line, began_s
from causality.tree.rows import call_row, invocation_row, link_row


class TreeIndex:
    """The lines of the tree (a snapshot.TreeRows), kept up to date with a graph."""

    def __init__(self, engine: Engine) -> None:
        """Make an empty view of a graph."""
        self._engine = engine
        self._chains: list[Chain] = []
        self._of_root: dict[Invocation, Chain] = {}
        self._hierarchy = Hierarchy(engine)
        self._offsets: list[int] = [0]  # lines before each chain, one more at the end
        self._first_stale: int | None = None
        self._folds = Folds()
        self._changed: set[Chain] | None = None
        self._calls_shown = False
        self._test: Test | None = None
        self._after_s: float | None = None
        self._revision = 0
        self._running = 0
        self.now_s = 0.0

    # --- what a snapshot needs --------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Grows whenever a line may have changed."""
        return self._revision

    @property
    def chain_count(self) -> int:
        """Chains in all, hidden ones included."""
        return len(self._chains)

    def middle_s(self) -> float | None:
        """Give when the middle one of all chains began; None when there is none."""
        return self._chains[len(self._chains) // 2].root.started_at_s if self._chains else None

    @property
    def running(self) -> int:
        """Invocations that run now, in all chains."""
        self.refresh()
        return self._running

    def __len__(self) -> int:
        """Give the number of visible lines."""
        self.refresh()
        return self._offsets[-1]

    def row(self, index: int) -> TreeRow:
        """Give the line at `index`."""
        self.refresh()
        if not 0 <= index < self._offsets[-1]:
            raise IndexError(index)
        position = bisect_right(self._offsets, index) - 1
        chain = self._chains[position]
        return self.row_of(chain, index - self._offsets[position])

    def index_of(self, node: NodeId) -> int | None:
        """Find the line of an invocation or call; None when it is not visible."""
        place = self.place_of(node)
        return self._offsets[self._position(place[0])] + place[1] if place is not None else None

    def place_of(self, node: NodeId) -> tuple[Chain, int] | None:
        """Find the chain of an invocation or call, and its line there; None: not visible."""
        self.refresh()
        invocation = self._engine.invocations.get(node.split("#", 1)[0])
        chain = self.chain_of(invocation) if invocation is not None else None
        for index, line in enumerate(chain.lines if chain is not None else ()):
            if chain is not None and line.node == node and line.kind != "link":
                return chain, index
        return None

    def row_of(self, chain: Chain, index: int) -> TreeRow:
        """Give a line of a chain."""
        return self._row(chain, chain.lines[index])

    def chain_of(self, invocation: Invocation) -> Chain | None:
        """Give the chain that an invocation belongs to."""
        self.refresh()
        return self._of_root.get(self._hierarchy.root(invocation))

    def members(self, chain: Chain) -> Iterator[tuple[Invocation, int]]:
        """Give a chain's invocations with their depth, in the order of the tree."""
        return self._hierarchy.members(chain.root)

    def functions_of(self, chain: Chain) -> set[str]:
        """Name the functions that a chain runs through."""
        below = self._hierarchy.below(chain.root)
        return {member.function for member in (chain.root, *below) if member.function}

    def holds(self, chain: Chain) -> bool:
        """Say whether a chain is still one of the tree's."""
        return self._of_root.get(chain.root) is chain

    def collect_changes(self, changed: set[Chain] | None) -> None:
        """Put chains into a set when their lines change or they leave, all of them at first.

        Args:
            changed: the set, in the place of the one before; None: none any more.
        """
        self._changed = changed
        if changed is not None:
            changed.update(self._chains)

    def parent_of(self, invocation: Invocation) -> Invocation | None:
        """Give the invocation that another one hangs under; None for a root."""
        return self._hierarchy.parents.get(invocation)

    def find(
        self,
        node: NodeId | None,
        wanted: Test,
        step: int,
        chains: Sequence[Chain] | None = None,
    ) -> NodeId | None:
        """Find the next (step 1) or previous (-1) invocation that fits, folded ones included.

        Args:
            node: where to begin.
            wanted: tells whether one fits.
            step: the direction.
            chains: the order to go through them; None: the tree's own.
        """
        self.refresh()
        shown = [chain for chain in (chains or self._chains) if chain.lines]
        order = [(chain, member) for chain in shown for member, _ in self.members(chain)]
        at = next((i for i, (_, m) in enumerate(order) if m.node == node), -1 if step > 0 else 0)
        for distance in range(1, len(order) + 1):
            _, member = order[(at + step * distance) % len(order)]
            if wanted(member):
                return member.node
        return None

    # --- what the user does -----------------------------------------------------------------

    def set_folded(self, folded: bool, node: NodeId) -> None:
        """Fold or unfold an invocation."""
        invocation = self._engine.invocations.get(node)
        if invocation is not None:
            (self._folds.fold if folded else self._folds.unfold)(node)
            self._one_stale(invocation)

    @property
    def levels(self) -> int | None:
        """How many levels of each chain are shown; None: all of them."""
        return self._folds.levels

    @property
    def deepest(self) -> int:
        """How many levels can be seen now."""
        self.refresh()
        return max((line.depth for c in self._chains for line in c.lines), default=-1) + 1

    def show_levels(self, levels: int | None) -> None:
        """Show so many levels of every chain, also of those to come; None: all of them."""
        self._folds.show_levels(levels)
        self._all_stale()

    def unfold_to(self, node: NodeId) -> None:
        """Unfold what hides an invocation."""
        invocation = above = self._engine.invocations.get(node)
        if invocation is None:
            return
        while above is not None and (above := self.parent_of(above)) is not None:
            self._folds.unfold(above.node)
        self._one_stale(invocation)

    def set_calls_shown(self, shown: bool) -> None:
        """Show or hide the calls that triggered nothing."""
        self._calls_shown = shown
        self._all_stale()

    def set_filter(self, test: Test | None) -> None:
        """Show only chains with an invocation that fits."""
        self._test = test
        self._all_stale()

    def show_after(self, at_s: float | None) -> None:
        """Hide the chains that began before a moment; None shows them all again."""
        self._after_s = at_s
        self._all_stale()

    # --- following the graph ----------------------------------------------------------------

    def update(self, touched: Iterable[Invocation]) -> None:
        """Take over what changed in the graph."""
        placed = []
        for invocation in touched:
            if self._engine.invocations.get(invocation.request_id) is not invocation:
                self._drop(invocation)
                self._revision += 1
            else:
                self._place(invocation)
                placed.append(invocation)
        self._touch_all(placed)

    def _place(self, invocation: Invocation) -> None:
        hierarchy = self._hierarchy
        parent = hierarchy.chosen_parent(invocation)
        before = hierarchy.parents.get(invocation)
        if before is not None and before is not parent:
            self._touch(invocation)
            hierarchy.take(invocation)
        if parent is not None:
            if before is not parent:
                self._remove_chain(invocation)
                hierarchy.put(invocation, parent)
        else:
            self._place_root(invocation)

    def _place_root(self, invocation: Invocation) -> None:
        started = invocation.started_at_s
        if started is None:
            # Only its calls are known yet: they tell roughly when it ran.
            times = [t for call in invocation.calls.values() if (t := call.started_at_s)]
            started = min(times, default=0.0)
        key = (started, invocation.request_id)
        chain = self._of_root.get(invocation)
        if chain is not None and chain.key == key:
            return
        if chain is not None:
            self._remove_chain(invocation)
        chain = Chain(invocation, key)
        self._of_root[invocation] = chain
        if not self._chains or self._chains[-1].key < key:
            self._chains.append(chain)
            self._stale_from(len(self._chains) - 1)
        else:
            insort(self._chains, chain)
            self._stale_from(self._position(chain))

    def _remove_chain(self, root: Invocation) -> None:
        chain = self._of_root.pop(root, None)
        if chain is not None:
            self._running -= chain.running
            if self._changed is not None:
                self._changed.add(chain)
            position = self._position(chain)
            del self._chains[position]
            self._stale_from(max(0, position - 1))

    def _drop(self, invocation: Invocation) -> None:
        self._touch(invocation)
        self._hierarchy.take(invocation)
        self._remove_chain(invocation)
        self._folds.forget(invocation.node)
        for child in self._hierarchy.children.pop(invocation, {}):
            self._hierarchy.parents.pop(child, None)
            if self._engine.invocations.get(child.request_id) is child:
                self._place_root(child)

    def _touch_all(self, placed: Collection[Invocation]) -> None:
        """Let the chains of some invocations be made anew; what several hang under is met once."""
        self._revision += bool(placed)
        met: set[Invocation] = set()
        for invocation in placed:
            above: Invocation | None = invocation
            while above is not None and above not in met:
                met.add(above)
                root, above = above, self._hierarchy.parents.get(above)
                if above is None:
                    self._make_stale(self._of_root.get(root))

    def _touch(self, invocation: Invocation) -> None:
        self._make_stale(self._of_root.get(self._hierarchy.root(invocation)))

    def _make_stale(self, chain: Chain | None) -> None:
        if chain is not None and not chain.stale:
            chain.stale = True
            self._stale_from(self._position(chain))

    def _position(self, chain: Chain) -> int:
        return bisect_right(self._chains, chain) - 1

    # --- flattening -------------------------------------------------------------------------

    def _stale_from(self, position: int) -> None:
        if self._first_stale is None or position < self._first_stale:
            self._first_stale = position

    def _one_stale(self, invocation: Invocation) -> None:
        self._touch(invocation)
        self._revision += 1

    def _all_stale(self) -> None:
        for chain in self._chains:
            chain.stale = True
        self._stale_from(0)
        self._revision += 1

    def refresh(self) -> None:
        """Turn the chains that changed into lines."""
        if self._first_stale is None:
            return
        first, self._first_stale = self._first_stale, None
        del self._offsets[first + 1 :]
        total = self._offsets[-1]
        for chain in self._chains[first:]:
            if chain.stale:
                self._flatten(chain)
            total += len(chain.lines)
            self._offsets.append(total)

    def _flatten(self, chain: Chain) -> None:
        chain.stale = False
        chain.lines = []
        if self._changed is not None:
            self._changed.add(chain)
        members = [member for member, _ in self.members(chain)]
        chain.count = len(members)
        self._running -= chain.running
        chain.running = sum(m.state == "running" for m in members)
        self._running += chain.running
        chain.errors = sum(m.state in FAILED for m in members)
        begins = [t for m in members if (t := began_s(m)) is not None]
        ends = [t for m in members for a in m.attempts.values() if (t := a.ended_at_s) is not None]
        chain.began_s = min(begins, default=None)
        chain.ended_s = max(ends, default=None)
        if self._after_s is not None and chain.key[0] < self._after_s:
            return
        if self._test is None:
            chain.lines = self._lines(chain, None)
            return
        fitting = {member for member in members if self._test(member)}
        if not fitting:
            return
        shown = set(fitting)
        for member in fitting:
            while (parent := self.parent_of(member)) is not None and parent not in shown:
                shown.add(parent)
                member = parent
        chain.lines = self._lines(chain, shown)
        for line in chain.lines:
            line.matched = line.subject in fitting

    def _lines(self, chain: Chain, shown: set[Invocation] | None) -> list[Line]:
        return flattened(
            chain.root, self._hierarchy, self._folds, shown, with_calls=self._calls_shown
        )

    # --- rows -------------------------------------------------------------------------------

    def _row(self, chain: Chain, line: Line) -> TreeRow:
        subject = line.subject
        began_s = chain.began_s if chain.began_s is not None else self.now_s
        ended_s = self.now_s if chain.running or chain.ended_s is None else chain.ended_s
        chain_s = max(0.0, ended_s - began_s)
        started_at_s = chain.root.started_at_s
        origin_s = started_at_s if started_at_s is not None else began_s
        if isinstance(subject, CallNode):
            return call_row(line, subject, began_s, origin_s, chain_s)
        if line.kind == "link" and line.cause is not None:
            return link_row(line, subject, line.cause, origin_s, chain_s)
        folded = self._folds.hides(subject.node, line.depth)
        hidden = list(self._hierarchy.below(subject)) if folded else []
        return invocation_row(
            line,
            subject,
            self._hierarchy.edge_shown(subject),
            began_s,
            origin_s,
            chain_s,
            self.now_s,
            folded=folded and (bool(hidden) or self._has_lines_below(subject)),
            has_children=bool(self._hierarchy.children.get(subject)),
            hidden=hidden,
            orphan=any(self._engine.is_orphan(cause, self.now_s) for cause in subject.causes),
            place=self._engine.matcher.redeliveries.place(subject),
        )

    def _has_lines_below(self, invocation: Invocation) -> bool:
        if any(True for _ in self._hierarchy.links(invocation)):
            return True
        shows_calls = self._calls_shown and self._test is None
        return shows_calls and any(not call.edges for call in invocation.calls.values())
