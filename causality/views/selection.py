"""Choosing what a view shows: everything, or the chains that hold a fitting invocation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from causality.engine import Engine
from causality.filters import Test
from causality.graph import CallNode, Edge, Invocation
from causality.matching.found import Alike

# An ambiguous delivery is drawn from so many of the calls that can be meant: with thousands of
# alike calls, all pairs would be more lines than any reader or layout can take.
MAX_CANDIDATES = 8


def select(engine: Engine, test: Test | None = None) -> list[Invocation]:
    """Give the invocations of a settled graph in order of time.

    Args:
        engine: the graph.
        test: keeps only chains with an invocation that fits, from their roots on; None keeps all.
    """
    if test is None:
        return sorted(engine.invocations.values(), key=time_order)
    fitting = [invocation for invocation in engine.invocations.values() if test(invocation)]
    return chains_of(engine, fitting)


def chains_of(engine: Engine, fitting: Iterable[Invocation]) -> list[Invocation]:
    """Give the whole chains of some invocations of a settled graph, in order of time."""
    # From all above and not from roots alone: what can have caused each other has none.
    whole = _reach(_reach(fitting, causing), caused)
    known = engine.invocations
    return sorted((i for i in whole if known.get(i.request_id) is i), key=time_order)


def causing(invocation: Invocation) -> Iterator[Invocation]:
    """Give the invocations that started this one, in doubt all that can have."""
    for cause in invocation.causes:
        if cause.edge is not None:
            yield from parents(cause.edge)


def caused(invocation: Invocation) -> Iterator[Invocation]:
    """Give the invocations that this one started, or can have started."""
    for cause in invocation.triggered:
        yield cause.invocation
    for call in invocation.calls.values():
        for cause in call.edges:
            yield cause.invocation


def parents(edge: Edge) -> list[Invocation]:
    """Give the certain parent of an edge, or all that can be meant."""
    if edge.parent is not None:
        return [edge.parent]
    return list(dict.fromkeys(call.invocation for call in edge.candidates))


def candidates_drawn(edge: Edge) -> list[CallNode]:
    """Give the calls that a line is drawn from: the certain one, in doubt the first few."""
    calls = edge.candidates
    if not isinstance(edge.meant, Alike):  # whose calls are in order of time
        calls = tuple(sorted(calls, key=call_order))
    return list(calls[:MAX_CANDIDATES])


def time_order(invocation: Invocation) -> tuple[float, str]:
    """Order invocations by their start; those without one come last."""
    started_at_s = invocation.started_at_s
    return (started_at_s if started_at_s is not None else float("inf"), invocation.request_id)


def calls_in_order(invocation: Invocation) -> list[CallNode]:
    """Give the calls of an invocation by their time."""
    calls = invocation.calls
    return sorted(calls.values(), key=call_order) if len(calls) > 1 else list(calls.values())


def call_order(call: CallNode) -> tuple[float, str]:
    """Order the calls of an invocation."""
    fact = call.fact
    return (fact.at_s if fact.at_s is not None else float("inf"), fact.id)


def _reach(
    start: Iterable[Invocation], following: Callable[[Invocation], Iterable[Invocation]]
) -> dict[Invocation, None]:
    reached = dict.fromkeys(start)
    todo = list(reached)
    while todo:
        for invocation in following(todo.pop()):
            if invocation not in reached:
                reached[invocation] = None
                todo.append(invocation)
    return reached
