"""Which invocations leave when there are too many: whole chains, the oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from causality.graph import Invocation

if TYPE_CHECKING:
    from causality.engine import Engine

# A chain larger than this leaves in parts.
_CHAIN_LIMIT = 1000
# Of those that left, at least so many are remembered.
_REMEMBERED = 10_000


class Retention:
    """The bound on the number of invocations, and the memory of those that left.

    Attributes:
        left: request ids of which records are late news, those that left last.
    """

    def __init__(self, limit: int | None) -> None:
        """Keep at most `limit` invocations, and a tenth more for a while; None keeps all."""
        self._limit = limit
        self.left: dict[str, None] = {}

    def sizes(self) -> dict[str, int]:
        """Give the number of entries of everything that is kept."""
        return {"left": len(self.left)}

    def surplus(self, engine: Engine) -> list[Invocation]:
        """Choose the invocations that have to leave now."""
        limit = self._limit
        if limit is None or len(engine.invocations) <= limit:
            return []
        surplus = len(engine.invocations) - limit
        leaving: dict[Invocation, None] = {}
        looked_at = list(islice(engine.invocations.values(), 4 * surplus))
        for wait in (True, False):
            for invocation in looked_at:
                if len(leaving) >= surplus:
                    break
                if invocation in leaving:
                    continue
                chain = list(_chain(_root(invocation)))
                if wait and any(_is_open(engine, member) for member in chain):
                    continue
                leaving.update(dict.fromkeys(chain))
        for invocation in leaving:
            self.left[invocation.request_id] = None
        kept = max(limit, _REMEMBERED)
        for request_id in list(islice(self.left, max(0, len(self.left) - kept))):
            del self.left[request_id]
        return list(leaving)


def _is_open(engine: Engine, invocation: Invocation) -> bool:
    """Say whether more is expected: it runs, it changes, or its call is still awaited."""
    return (
        invocation in engine.touched
        or invocation.state == "running"
        or any(cause in engine.waiting for cause in invocation.causes)
    )


def _root(invocation: Invocation) -> Invocation:
    for _ in range(_CHAIN_LIMIT):
        parent = next(
            (
                cause.edge.parent
                for cause in invocation.causes
                if cause.edge is not None
                and cause.edge.parent is not None
                and not cause.edge.parent.gone
            ),
            None,
        )
        if parent is None:
            break
        invocation = parent
    return invocation


def _chain(root: Invocation) -> Iterator[Invocation]:
    reached = {root: None}
    pending = [root]
    while pending and len(reached) <= _CHAIN_LIMIT:
        invocation = pending.pop()
        for cause in invocation.triggered:
            if cause.invocation not in reached and not cause.invocation.gone:
                reached[cause.invocation] = None
                pending.append(cause.invocation)
    yield from reached
