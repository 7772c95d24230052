"""What led to what, by proven edges: an effect is not its own cause."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeVar

from causality.graph import Invocation, OutputNode

# How far a chain of proven edges is followed to rule out that an effect is its own cause.
LINEAGE: Final = 16
_WIDTH: Final = 256

_Node = TypeVar("_Node")


def led_to(first: _Node, last: _Node, parents_of: Callable[[_Node], Collection[_Node]]) -> bool:
    """Say whether one leads to another, as far as it is followed."""
    parents = parents_of(last)
    if not parents:
        return False  # as of most
    reached = {last}
    for _ in range(LINEAGE):
        level = [parent for parent in parents if parent not in reached]
        if first in level:
            return True
        reached.update(level)
        if not level or len(reached) > _WIDTH:
            return False
        parents = [parent for member in level for parent in parents_of(member)]
    return False


def follow(invocation: Invocation, note: Callable[[OutputNode], None]) -> None:
    """Note what an invocation wrote, and what those did to whom proven edges lead from it."""
    reached = {invocation}
    level = [invocation]
    for _ in range(LINEAGE):
        for member in level:
            for call in member.calls.values():
                for output in call.outputs:
                    note(output)
        level = [
            cause.invocation
            for member in level
            for cause in member.triggered
            if cause.edge is not None
            and cause.edge.evidence == "exact"
            and cause.invocation not in reached
        ]
        reached.update(level)
        if not level:
            return


def proven_parents(invocation: Invocation) -> list[Invocation]:
    """Give the invocations that led to one, by its proven edges."""
    parents = []
    for cause in invocation.causes:
        edge = cause.edge
        if edge is not None and edge.evidence == "exact" and edge.parent is not None:
            parents.append(edge.parent)
    return parents
