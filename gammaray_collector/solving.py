"""What the matching engine says of some causes, with what would have to be doubted for another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from causality.facts import Cause
from causality.graph import CallNode, CauseNode, Edge, Invocation, OutputNode
from causality.matching.doubts import Doubts
from causality.matching.handed_on import HandedOn
from causality.matching.matcher import Matcher
from causality.matching.readings import Readings
from causality.matching.retried import Retried
from gammaray_collector.halves import Nodes
from gammaray_collector.items import Need


class Solved(NamedTuple):
    """What is known of a cause.

    Attributes:
        edge: as if nothing were doubted; None if there is none.
        needs: what must not be doubted for the edge to be certain.
        explained: whether a recorded call explains the cause, be it certain which one or not.
        returns: whether its content occurs elsewhere, too.
    """

    edge: Edge | None
    needs: Need
    explained: bool
    returns: bool


class _Noted(Doubts):
    """Doubts nothing, and notes what would have to be: that is decided when edges are read."""

    def __init__(self) -> None:
        super().__init__()
        self.needs: dict[CauseNode, Need] = {}
        self.signs: dict[CauseNode, tuple[bool, bool]] = {}

    def note(self, cause: CauseNode, *, explained: bool, returns: bool) -> None:
        self.signs[cause] = (explained, returns)
        self.needs.pop(cause, None)  # the edge that follows asks again

    def trusts_order(self, cause: CauseNode) -> bool:
        self.needs[cause] = "order"
        return True

    def trusts_content(self, cause: CauseNode) -> bool:
        self.needs[cause] = "content"
        return True


class _NoneRetried(Retried):
    """Knows of no calls that were tried again: no key leads to them."""

    def wait(self, cause: CauseNode) -> list[OutputNode]:
        return []


class _NoneHandedOn(HandedOn):
    """Knows of no event that was handed on by an Invoke that names nobody: no key leads to it."""

    def add(self, output: OutputNode) -> bool:
        return False


class _NoneProven(Readings):
    """Lets every reading of a text count: no key leads to what the others trigger with."""

    def is_proven(self, call: CallNode) -> bool:
        return False


def look_at_keys_alone(matcher: Matcher) -> None:
    """Have a matcher leave out what no match key leads to; before it is told of any half."""
    matcher.retried = _NoneRetried()
    matcher.handed_on = _NoneHandedOn()
    matcher.readings = _NoneProven(matcher.output_keys)


def solve(
    nodes: Nodes,
    wanted: Iterable[str],
    proven: Mapping[str, Collection[str]],
    known: Collection[str],
) -> dict[str, Solved]:
    """Find the edges of some causes.

    Args:
        nodes: all halves that they depend on. Solving marks them: they serve once.
        wanted: the causes.
        proven: for invocations, those that led to them by edges proven before.
        known: callers of which something was recorded.
    """
    for request_id, parents in proven.items():
        if parents:
            _lead_to(nodes.invocation(request_id), [nodes.invocation(p) for p in parents])
    doubts = _Noted()
    callers = {request_id: nodes.invocation(request_id) for request_id in known}
    matcher = Matcher(lambda _cause, _old: None, callers.get)
    matcher.doubts = doubts
    look_at_keys_alone(matcher)
    for output in nodes.outputs.values():
        matcher.add_output(output)
    for cause in nodes.causes.values():
        matcher.add_cause(cause)
    matcher.settle()
    found = {}
    for cause_id in wanted:
        cause = nodes.causes[cause_id]
        explained, returns = doubts.signs.get(cause, (True, False))
        needs: Need = doubts.needs.get(cause, "") if cause.exact is None else ""
        found[cause_id] = Solved(cause.edge, needs, explained, returns)
    return found


def _lead_to(invocation: Invocation, parents: Iterable[Invocation]) -> None:
    """Tell the engine of proven edges whose halves are not at hand."""
    for parent in parents:
        cause = CauseNode(invocation, Cause(), -1)
        cause.edge = Edge(cause, "exact", parent, None, ())
        invocation.causes += (cause,)
