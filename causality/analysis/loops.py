"""Loops: chains that come back to a function through the same resource.

A function that writes to what triggers it runs, and costs, until someone stops it (AWS Lambda
developer guide, "Recursive loop detection").
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from causality import names
from causality.graph import Invocation

# A chain that did not come back within so many hops is a long one, not a loop.
_FURTHEST = 64


class Loop(msgspec.Struct, frozen=True):
    """A way in which a chain comes back to a function.

    Attributes:
        resource: what triggers the function each time: table, bucket, topic, queue, function.
        functions: the functions of one turn, the looping one first.
        turns: how often the chains came back.
        request_ids: the first turn: from an invocation of the function to its next one.
    """

    function: str
    region: str
    service: str
    resource: str
    functions: tuple[str, ...]
    turns: int
    request_ids: tuple[str, ...]


def loops(invocations: Iterable[Invocation]) -> list[Loop]:
    """Find the loops among invocations in order of time (causality.views.select)."""
    found: dict[tuple[str, str, str, str], Loop] = {}
    for invocation in invocations:
        turn = _turn(invocation)
        if turn is None:
            continue
        service, resource, path = turn
        key = (invocation.function or "?", invocation.region or "", service, resource)
        known = found.get(key)
        if known is not None:
            found[key] = msgspec.structs.replace(known, turns=known.turns + 1)
            continue
        found[key] = Loop(
            *key,
            tuple(member.function or "?" for member in path[:-1]),
            1,
            tuple(member.request_id for member in path),
        )
    return list(found.values())


def _turn(invocation: Invocation) -> tuple[str, str, list[Invocation]] | None:
    """Find the nearest ancestor that is the same function, started through the same resource."""
    mine = _triggers(invocation)
    if invocation.function is None or not mine:
        return None
    path, seen = [invocation], {invocation}
    while len(path) <= _FURTHEST:
        parent = next(
            (
                cause.edge.parent
                for cause in path[-1].causes
                if cause.edge is not None and cause.edge.parent not in (None, *seen)
            ),
            None,
        )
        if parent is None:
            return None
        path.append(parent)
        seen.add(parent)
        if (parent.function, parent.region) == (invocation.function, invocation.region):
            common = sorted(mine & _triggers(parent))
            if common:
                return (*common[0], path[::-1])
    return None


def _triggers(invocation: Invocation) -> set[tuple[str, str]]:
    return {
        (cause.fact.service, names.last_part(cause.fact.resource))
        for cause in invocation.causes
        if cause.fact.resource
    }
