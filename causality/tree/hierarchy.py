"""Which invocation hangs under which: each has one place, its other causes show as links."""

from __future__ import annotations

from collections.abc import Iterator

from causality.engine import Engine
from causality.graph import CauseNode, Edge, Invocation
from causality.links import meaning
from causality.tree.lines import start_order


class Hierarchy:
    """The parent and the children of every invocation that has one.

    An invocation hangs under the earliest call that is certain to have caused it.
    """

    __slots__ = ("_engine", "children", "parents")

    def __init__(self, engine: Engine) -> None:
        """Begin with a graph of roots."""
        self._engine = engine
        self.parents: dict[Invocation, Invocation] = {}
        self.children: dict[Invocation, dict[Invocation, None]] = {}

    def put(self, invocation: Invocation, parent: Invocation) -> None:
        """Hang an invocation under another one."""
        self.parents[invocation] = parent
        self.children.setdefault(parent, {})[invocation] = None

    def take(self, invocation: Invocation) -> None:
        """Take an invocation from where it hangs."""
        parent = self.parents.pop(invocation, None)
        if parent is not None:
            self.children.get(parent, {}).pop(invocation, None)

    def chosen_parent(self, invocation: Invocation) -> Invocation | None:
        """Give what an invocation should hang under; None: it is a root."""
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
        if best is None:
            return None
        if best[1] is not self.parents.get(invocation) and self._would_loop(invocation, best[1]):
            return None
        return best[1]

    def _would_loop(self, invocation: Invocation, parent: Invocation) -> bool:
        if parent is not invocation and not self.children.get(invocation):
            return False  # nothing hangs under it, as of nearly all that are new
        above: Invocation | None = parent
        while above is not None:
            if above is invocation:
                return True
            above = self.parents.get(above)
        return False

    def root(self, invocation: Invocation) -> Invocation:
        """Give the root of the chain that an invocation belongs to."""
        while (parent := self.parents.get(invocation)) is not None:
            invocation = parent
        return invocation

    def members(self, root: Invocation) -> Iterator[tuple[Invocation, int]]:
        """Give an invocation and all below it with their depth, in the order of the tree."""
        pending = [(root, 0)]
        while pending:
            invocation, depth = pending.pop()
            yield invocation, depth
            children = sorted(self.children.get(invocation, ()), key=start_order, reverse=True)
            pending.extend((child, depth + 1) for child in children)

    def below(self, invocation: Invocation) -> Iterator[Invocation]:
        """Give all that hangs below an invocation, in any order."""
        pending = list(self.children.get(invocation, ()))
        while pending:
            child = pending.pop()
            yield child
            pending.extend(self.children.get(child, ()))

    def links(self, invocation: Invocation) -> Iterator[CauseNode]:
        """Give the causes that lead to invocations which hang elsewhere."""
        seen: set[Invocation] = set()
        for cause in (*invocation.triggered, *meaning(invocation)):
            target = cause.invocation
            if target not in seen and self.parents.get(target) is not invocation:
                seen.add(target)
                yield cause

    def edge_shown(self, invocation: Invocation) -> Edge | None:
        """Give the edge that an invocation's line stands for."""
        parent = self.parents.get(invocation)
        edges = [cause.edge for cause in invocation.causes if cause.edge is not None]
        for edge in edges:
            if edge.parent is parent:
                return edge
        return edges[0] if edges else None
