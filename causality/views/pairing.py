"""Which call to draw an edge from, when the caller is certain and its call is not."""

from __future__ import annotations

from causality.graph import CallNode, CauseNode, Invocation, Meant
from causality.matching.found import Alike
from causality.views.selection import call_order, time_order


def paired_calls(parent: Invocation) -> dict[CauseNode, CallNode]:
    """Pair what an invocation started with calls that can have done it, each in order of time.

    Only a way to draw it: the caller named itself, so that the edge between the invocations is
    proven, and the calls are alike but for their time.
    """
    open_causes = [
        cause
        for cause in parent.triggered
        if cause.edge is not None and cause.edge.call is None and cause.edge.candidates
    ]
    if not open_causes:
        return {}
    pairs: dict[CauseNode, CallNode] = {}
    taken: set[CallNode] = set()
    left: dict[Meant | int, list[CallNode]] = {}  # the earliest at the end
    for cause in sorted(open_causes, key=_start):
        edge = cause.edge
        assert edge is not None
        # What a thousand share is told by its identity: to hash it is to look at a thousand calls.
        alike = id(edge.meant) if isinstance(edge.meant, Alike) else edge.meant
        if alike not in left:
            left[alike] = sorted(edge.candidates, key=call_order, reverse=True)
        while len(left[alike]) > 1 and left[alike][-1] in taken:
            left[alike].pop()
        pairs[cause] = left[alike][-1]
        taken.add(pairs[cause])
    return pairs


def _start(cause: CauseNode) -> tuple[float, str]:
    return time_order(cause.invocation)
