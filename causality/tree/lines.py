"""What a flattened chain consists of: visible lines, and the chain that they belong to."""

from __future__ import annotations

from typing import TypeAlias

from causality.graph import CallNode, CauseNode, Invocation
from causality.snapshot import NodeId

ChainKey: TypeAlias = tuple[float, str]  # (start of the root, request id)


class Line:
    """One visible line: what it shows and where its rails go."""

    __slots__ = ("above", "cause", "depth", "kind", "last", "matched", "node", "subject")

    def __init__(
        self,
        kind: str,
        subject: Invocation | CallNode,
        cause: CauseNode | None,
        above: Line | None,
        last: bool,
    ) -> None:
        self.kind = kind
        self.subject = subject
        self.cause = cause  # of a link: the cause that leads here
        self.above = above  # the line that it hangs under
        self.depth: int = above.depth + 1 if above is not None else 0
        self.last = last
        self.matched = True
        self.node: NodeId = (
            subject.node
            if isinstance(subject, Invocation)
            else f"{subject.invocation.node}#{subject.id}"
        )

    @property
    def guides(self) -> tuple[bool, ...]:
        """For each ancestor below the root, whether a rail goes on below it.

        Made for the lines that are drawn: those of a long chain, all kept, would take the square
        of its length.
        """
        found = []
        above = self.above
        while above is not None and above.depth:
            found.append(not above.last)
            above = above.above
        return tuple(reversed(found))


class Chain:
    """A root with all that it caused."""

    __slots__ = (
        "began_s",
        "count",
        "ended_s",
        "errors",
        "key",
        "lines",
        "root",
        "running",
        "stale",
    )

    def __init__(self, root: Invocation, key: ChainKey) -> None:
        self.root = root
        self.key = key
        self.lines: list[Line] = []
        self.stale = True
        self.count = 0
        self.running = 0
        self.errors = 0
        self.began_s: float | None = None
        self.ended_s: float | None = None

    def __lt__(self, other: Chain) -> bool:
        return self.key < other.key


def start_order(invocation: Invocation) -> ChainKey:
    """Order invocations by their start; unknown ones last."""
    started = invocation.started_at_s
    return (started if started is not None else float("inf"), invocation.request_id)


def began_s(invocation: Invocation) -> float | None:
    """When an invocation's sandbox began to work for it: initialisation included."""
    times = [
        started - (attempt.init_s or 0.0)
        for attempt in invocation.attempts.values()
        if (started := attempt.started_at_s) is not None
    ]
    if times:
        return min(times)
    return min((t for c in invocation.calls.values() if (t := c.started_at_s)), default=None)
