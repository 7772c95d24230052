"""The causal tree as a view: chains by time, folded and filtered, flattened when drawn.

The graph is a DAG; the tree gives each invocation one place, under the earliest call that is
certain to have caused it. Its other causes show as links. Costs follow what changed: a chain
is flattened again only when something in it changed, and lines are found by bisection over
prefix sums.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator

from causality.engine import Engine
from causality.filters import Test
from causality.graph import CallNode, CauseNode, Edge, Invocation
from causality.lines import Chain, Line, began_s, start_order
from causality.rows import call_row, invocation_row, link_row
from causality.snapshot import NodeId, TreeRow


class TreeIndex:
    """The lines of the tree (a snapshot.TreeRows), kept up to date with a graph."""

    def __init__(self, engine: Engine) -> None:
        """Make an empty view of a graph."""
        self._engine = engine
        self._chains: list[Chain] = []
        self._of_root: dict[Invocation, Chain] = {}
        self._parent: dict[Invocation, Invocation] = {}
        self._children: dict[Invocation, dict[Invocation, None]] = {}
        self._offsets: list[int] = [0]  # lines before each chain, one more at the end
        self._first_stale: int | None = None
        self._folded: set[NodeId] = set()
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

    @property
    def running(self) -> int:
        """Invocations that run now, in all chains."""
        self._refresh()
        return self._running

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
        chain = self._chains[position]
        return self._row(chain, chain.lines[index - self._offsets[position]])

    def index_of(self, node: NodeId) -> int | None:
        """Find the line of an invocation or call; None when it is not visible."""
        self._refresh()
        invocation = self._engine.invocations.get(node.split("#", 1)[0])
        if invocation is None:
            return None
        chain = self._of_root.get(self._root(invocation))
        if chain is None:
            return None
        position = self._position(chain)
        for index, line in enumerate(chain.lines):
            if line.node == node and line.kind != "link":
                return self._offsets[position] + index
        return None

    def chain_of(self, invocation: Invocation) -> Chain | None:
        """Give the chain that an invocation belongs to."""
        self._refresh()
        return self._of_root.get(self._root(invocation))

    def members(self, chain: Chain) -> Iterator[tuple[Invocation, int]]:
        """Give a chain's invocations with their depth, in the order of the tree."""
        pending = [(chain.root, 0)]
        while pending:
            invocation, depth = pending.pop()
            yield invocation, depth
            children = sorted(self._children.get(invocation, ()), key=start_order, reverse=True)
            pending.extend((child, depth + 1) for child in children)

    def parent_of(self, invocation: Invocation) -> Invocation | None:
        """Give the invocation that another one hangs under; None for a root."""
        return self._parent.get(invocation)

    def find(self, node: NodeId | None, wanted: Test, step: int) -> NodeId | None:
        """Find the next (step 1) or previous (-1) invocation that fits, folded ones included."""
        self._refresh()
        shown = [chain for chain in self._chains if chain.lines]
        order = [(chain, member) for chain in shown for member, _ in self.members(chain)]
        at = next((i for i, (_, m) in enumerate(order) if m.node == node), -1 if step > 0 else 0)
        for distance in range(1, len(order) + 1):
            _, member = order[(at + step * distance) % len(order)]
            if wanted(member):
                return member.node
        return None

    # --- what the user does -----------------------------------------------------------------

    def toggle_fold(self, node: NodeId) -> None:
        """Fold or unfold an invocation."""
        self.set_folded(node not in self._folded, node)

    def set_folded(self, folded: bool, node: NodeId | None) -> None:
        """Fold or unfold one invocation, or every root."""
        nodes = [node] if node is not None else [chain.root.node for chain in self._chains]
        if folded:
            self._folded.update(nodes)
        elif node is None:
            self._folded.clear()
        else:
            self._folded.difference_update(nodes)
        self._all_stale()

    def unfold_to(self, node: NodeId) -> None:
        """Unfold what hides an invocation."""
        invocation = self._engine.invocations.get(node)
        while invocation is not None and (invocation := self._parent.get(invocation)) is not None:
            self._folded.discard(invocation.node)
        self._all_stale()

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
        changed = False
        for invocation in touched:
            changed = True
            if self._engine.invocations.get(invocation.request_id) is not invocation:
                self._drop(invocation)
            else:
                self._place(invocation)
        if changed:
            self._revision += 1

    def _place(self, invocation: Invocation) -> None:
        parent = self._chosen_parent(invocation)
        before = self._parent.get(invocation)
        if before is not None and before is not parent:
            self._touch(invocation)
            self._children[before].pop(invocation, None)
            del self._parent[invocation]
        if parent is not None:
            if before is not parent:
                self._remove_chain(invocation)
                self._parent[invocation] = parent
                self._children.setdefault(parent, {})[invocation] = None
        else:
            self._place_root(invocation)
        self._touch(invocation)

    def _chosen_parent(self, invocation: Invocation) -> Invocation | None:
        best: tuple[tuple[float, str], Invocation] | None = None
        for cause in invocation.causes:
            edge = cause.edge
            parent = edge.parent if edge is not None else None
            if edge is None or parent is None:
                continue
            if self._engine.invocations.get(parent.request_id) is not parent:
                continue  # it has left
            made = edge.call.started_at_s if edge.call is not None else None
            rank = (made if made is not None else float("inf"), parent.request_id)
            if best is None or rank < best[0]:
                best = (rank, parent)
        if best is None or self._would_loop(invocation, best[1]):
            return None
        return best[1]

    def _would_loop(self, invocation: Invocation, parent: Invocation) -> bool:
        above: Invocation | None = parent
        while above is not None:
            if above is invocation:
                return True
            above = self._parent.get(above)
        return False

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
            position = self._position(chain)
            del self._chains[position]
            self._stale_from(max(0, position - 1))

    def _drop(self, invocation: Invocation) -> None:
        self._touch(invocation)
        parent = self._parent.pop(invocation, None)
        if parent is not None:
            self._children.get(parent, {}).pop(invocation, None)
        self._remove_chain(invocation)
        self._folded.discard(invocation.node)
        for child in self._children.pop(invocation, {}):
            self._parent.pop(child, None)
            if self._engine.invocations.get(child.request_id) is child:
                self._place_root(child)

    def _touch(self, invocation: Invocation) -> None:
        chain = self._of_root.get(self._root(invocation))
        if chain is not None and not chain.stale:
            chain.stale = True
            self._stale_from(self._position(chain))

    def _root(self, invocation: Invocation) -> Invocation:
        while (parent := self._parent.get(invocation)) is not None:
            invocation = parent
        return invocation

    def _position(self, chain: Chain) -> int:
        return bisect_right(self._chains, chain) - 1

    # --- flattening -------------------------------------------------------------------------

    def _stale_from(self, position: int) -> None:
        if self._first_stale is None or position < self._first_stale:
            self._first_stale = position

    def _all_stale(self) -> None:
        for chain in self._chains:
            chain.stale = True
        self._stale_from(0)
        self._revision += 1

    def _refresh(self) -> None:
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
        members = [member for member, _ in self.members(chain)]
        chain.count = len(members)
        self._running -= chain.running
        chain.running = sum(m.state == "running" for m in members)
        self._running += chain.running
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
            while (parent := self._parent.get(member)) is not None and parent not in shown:
                shown.add(parent)
                member = parent
        chain.lines = self._lines(chain, shown)
        for line in chain.lines:
            line.matched = line.subject in fitting

    def _lines(self, chain: Chain, shown: set[Invocation] | None) -> list[Line]:
        lines: list[Line] = []
        pending = [Line("invocation", chain.root, None, 0, (), True)]
        while pending:
            line = pending.pop()
            lines.append(line)
            subject = line.subject
            if line.kind != "invocation" or not isinstance(subject, Invocation):
                continue
            if subject.node in self._folded:
                continue
            below = self._below(subject, shown)
            guides = (*line.guides, not line.last) if line.depth else ()
            for index in range(len(below) - 1, -1, -1):
                kind, child, cause = below[index]
                last = index == len(below) - 1
                pending.append(Line(kind, child, cause, line.depth + 1, guides, last))
        return lines

    def _below(
        self, invocation: Invocation, shown: set[Invocation] | None
    ) -> list[tuple[str, Invocation | CallNode, CauseNode | None]]:
        below: list[tuple[float, str, str, Invocation | CallNode, CauseNode | None]] = []
        children = self._children.get(invocation, {})
        for child in children:
            if shown is None or child in shown:
                below.append((start_order(child)[0], child.request_id, "invocation", child, None))
        for cause in self._links(invocation):
            target = cause.invocation
            if shown is None or target in shown:
                below.append((start_order(target)[0], target.request_id, "link", target, cause))
        if self._calls_shown and shown is None:
            for call in invocation.calls.values():
                if not call.edges:
                    made = call.started_at_s
                    time = made if made is not None else float("inf")
                    below.append((time, call.id, "call", call, None))
        below.sort(key=lambda entry: entry[:3])
        return [entry[2:] for entry in below]

    def _links(self, invocation: Invocation) -> Iterator[CauseNode]:
        """Give the causes that lead to invocations which stand elsewhere in the tree."""
        seen: set[Invocation] = set()
        leading = [*invocation.triggered]
        leading += [cause for call in invocation.calls.values() for cause in call.edges]
        for cause in leading:
            target = cause.invocation
            if target not in seen and self._parent.get(target) is not invocation:
                seen.add(target)
                yield cause

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
        folded = subject.node in self._folded
        hidden = [m for m in self._all_below(subject)] if folded else []
        return invocation_row(
            line,
            subject,
            self._edge_shown(subject),
            began_s,
            origin_s,
            chain_s,
            self.now_s,
            folded=folded and bool(hidden),
            has_children=bool(self._children.get(subject)),
            hidden=hidden,
            orphan=any(self._engine.is_orphan(cause, self.now_s) for cause in subject.causes),
            place=self._engine.matcher.redeliveries.place(subject),
        )

    def _all_below(self, invocation: Invocation) -> Iterator[Invocation]:
        pending = list(self._children.get(invocation, ()))
        while pending:
            child = pending.pop()
            yield child
            pending.extend(self._children.get(child, ()))

    def _edge_shown(self, invocation: Invocation) -> Edge | None:
        parent = self._parent.get(invocation)
        edges = [cause.edge for cause in invocation.causes if cause.edge is not None]
        for edge in edges:
            if edge.parent is parent:
                return edge
        return edges[0] if edges else None
