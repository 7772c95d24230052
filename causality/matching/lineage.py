"""What led to what, by proven edges: an effect is not its own cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from causality.graph import Invocation, OutputNode

# How far a chain of proven edges is followed to rule out that an effect is its own cause.
LINEAGE: Final = 16
_WIDTH: Final = 256

_Node = TypeVar("_Node")


def led_to(first: _Node, last: _Node, parents_of: Callable[[_Node], Iterable[_Node]]) -> bool:
    """Say whether one leads to another, as far as it is followed."""
    reached = {last}
    level = [last]
    for _ in range(LINEAGE):
        level = [p for member in level for p in parents_of(member) if p not in reached]
        if first in level:
            return True
        reached.update(level)
        if not level or len(reached) > _WIDTH:
            return False
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
    return [
        cause.edge.parent
        for cause in invocation.causes
        if cause.edge is not None
        and cause.edge.evidence == "exact"
        and cause.edge.parent is not None
    ]
