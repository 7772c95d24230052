"""Loops: chains that come back to a function through the same resource.

A function that writes to what triggers it runs, and costs, until someone stops it (AWS Lambda
developer guide, "Recursive loop detection").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from causality import names
from causality.graph import Invocation

# A chain that did not come back within so many hops is a long one, not a loop.
_FURTHEST = 64
# Of batches of batches, so many ancestors are looked at.
_MOST = 1000


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


def lineage(invocation: Invocation) -> tuple[object, ...]:
    """Give what turns of those below it depend on, as far as this invocation tells it."""
    causes = invocation.causes
    parents = {c.edge.parent.request_id for c in causes if c.edge and c.edge.parent}
    return (invocation.function, invocation.region, len(causes), *sorted(parents))


def functions_above(invocation: Invocation) -> set[str | None]:
    """Give the function of an invocation, and those of what led to it."""
    led_to: dict[Invocation, Invocation | None] = {invocation: None}
    nearest = [invocation]
    for _ in range(_FURTHEST):
        nearest = [found for member in nearest for found in _new_parents(member, led_to)]
        if not nearest or len(led_to) > _MOST:
            break
    return {member.function for member in led_to}


def all_below(invocation: Invocation) -> Iterator[Invocation]:
    """Give what an invocation led to, the nearest first."""
    known = {invocation: None}
    nearest = [invocation]
    for _ in range(_FURTHEST):
        led_to = (cause.invocation for member in nearest for cause in member.triggered)
        nearest = [member for member in dict.fromkeys(led_to) if member not in known]
        known.update(dict.fromkeys(nearest))
        yield from nearest


def _turn(invocation: Invocation) -> tuple[str, str, list[Invocation]] | None:
    """Find the nearest ancestor that is the same function, started through the same resource."""
    mine = _triggers(invocation)
    if invocation.function is None or not mine:
        return None
    led_to: dict[Invocation, Invocation | None] = {invocation: None}
    nearest = [invocation]
    for _ in range(_FURTHEST):
        nearest = [found for member in nearest for found in _new_parents(member, led_to)]
        for parent in nearest:
            if (parent.function, parent.region, parent.account) == (
                invocation.function,
                invocation.region,
                invocation.account,
            ):
                common = sorted(mine & _triggers(parent))
                if common:
                    return (*common[0], _path(parent, led_to))
        if not nearest or len(led_to) > _MOST:
            return None
    return None


def _new_parents(
    member: Invocation, led_to: dict[Invocation, Invocation | None]
) -> Iterator[Invocation]:
    """Give the certain parents that were not met yet, and note what they led to."""
    for cause in member.causes:
        parent = cause.edge.parent if cause.edge is not None else None
        if parent is not None and parent not in led_to:
            led_to[parent] = member
            yield parent


def _path(ancestor: Invocation, led_to: dict[Invocation, Invocation | None]) -> list[Invocation]:
    path = [ancestor]
    while (following := led_to[path[-1]]) is not None:
        path.append(following)
    return path


def _triggers(invocation: Invocation) -> set[tuple[str, str]]:
    return {
        (cause.fact.service, names.last_part(cause.fact.resource))
        for cause in invocation.causes
        if cause.fact.resource
    }
