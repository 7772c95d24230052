"""Following what was fired: which roots came of it, how far their chains are, how it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from causality import names
from causality.engine import Engine
from causality.graph import Invocation
from providers.operations import Fired
from widgets import formats

# Clocks of functions and of this computer differ a little.
_SKEW_S = 5.0
# A chain whose invocations have all ended may go on where a trigger is slow.
_QUIET_S = 4.0
# So many older invocations in a row mean that all further ones are older, too.
_OLDER = 200
_BAD = ("error", "timeout", "throttled")


@dataclass(frozen=True, slots=True)
class Summary:
    """How far the chains are that came of one firing.

    Attributes:
        fired, accepted: how often it was tried, and taken.
        roots: chains seen so far.
        invocations, running, failed: of these chains.
        longest_s: length of the longest chain; None before the first.
        complete: every chain was seen, and nothing runs or came for some seconds.
        root_ids: request ids of the chains' first invocations, as logs and records have them.
    """

    name: str
    fired: int
    accepted: int
    roots: int
    invocations: int
    running: int
    failed: int
    longest_s: float | None
    complete: bool
    root_ids: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The summary as one line."""
        chains = f"{self.roots} of {formats.plural(self.accepted, 'chain')}"
        parts = [chains, formats.plural(self.invocations, "invocation")]
        if self.running:
            parts.append(f"{self.running} running")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.longest_s is not None:
            parts.append(f"longest {formats.duration(self.longest_s)}")
        return f"{self.name}: {', '.join(parts)}"


class Following:
    """Finds the roots of one firing in the graph, marks them, and tells when all is over."""

    def __init__(
        self,
        engine: Engine,
        members: Callable[[Invocation], Iterable[Invocation]],
        fired: Fired,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to follow.

        Args:
            engine: whose graph is looked through.
            members: gives the invocations of a root's chain.
            fired: what came of the firing.
            clock: gives seconds, of any epoch.
        """
        self._engine = engine
        self._members = members
        self._fired = fired
        self._ids = frozenset(fired.request_ids)
        self._clock = clock
        self._roots: dict[str, Invocation] = {}
        self._seen: tuple[int, int] = (-1, -1)
        self._changed_at_s = clock()

    def look(self) -> Summary:
        """Look for what is new, and say how far everything is."""
        accepted = len(self._fired.request_ids)
        if len(self._roots) < accepted:
            for root in self._new_roots(accepted - len(self._roots)):
                root.fired = True
                self._roots[root.request_id] = root
                self._engine.touched[root] = None
        chains = [list(self._members(root)) for root in self._roots.values() if not root.gone]
        everyone = [member for chain in chains for member in chain]
        running = sum(member.state in ("running", "unknown") for member in everyone)
        seen = (len(everyone), running)
        if seen != self._seen:
            self._seen, self._changed_at_s = seen, self._clock()
        over = len(self._roots) >= accepted and not running
        return Summary(
            name=self._fired.application,
            fired=accepted + len(self._fired.errors),
            accepted=accepted,
            roots=len(self._roots),
            invocations=len(everyone),
            running=running,
            failed=sum(member.state in _BAD for member in everyone),
            longest_s=max(map(_length_s, chains), default=None),
            complete=over and self._clock() - self._changed_at_s >= _QUIET_S,
            root_ids=tuple(self._roots),
        )

    def _new_roots(self, wanted: int) -> list[Invocation]:
        sure, likely, older = [], [], 0
        for invocation in reversed(list(self._engine.invocations.values())):
            began_at_s = invocation.started_at_s
            if began_at_s is not None and began_at_s < self._fired.began_at_s - _SKEW_S:
                older += 1
                if older > _OLDER:
                    break
                continue
            if invocation.fired or any(cause.edge is not None for cause in invocation.causes):
                continue
            if self._has_our_id(invocation):
                sure.append(invocation)
            elif self._fits(invocation):
                likely.append(invocation)
        # The oldest first: what somebody else fired later is not taken for ours.
        return [*sure, *sorted(likely, key=_start)][:wanted]

    def _has_our_id(self, invocation: Invocation) -> bool:
        if invocation.request_id in self._ids:
            return True
        return any(not self._ids.isdisjoint(cause.fact.ids.values()) for cause in invocation.causes)

    def _fits(self, invocation: Invocation) -> bool:
        """Say whether an invocation began as one of ours would, where no id is shared."""
        resource = self._fired.resource
        if self._fired.kind == "function":
            return invocation.function == resource
        if self._fired.kind == "http":
            asked = "/" + resource.rpartition("://")[2].partition("/")[2]
            return any(
                cause.fact.service == "http" and asked.endswith(_path(cause.fact.resource or ""))
                for cause in invocation.causes
            )
        return any(
            cause.fact.service == self._fired.kind
            and names.last_part(cause.fact.resource or "") == resource
            for cause in invocation.causes
        )


def _path(resource: str) -> str:
    """Give the path of "POST host/orders"."""
    return "/" + resource.partition("/")[2]


def _start(invocation: Invocation) -> float:
    return invocation.started_at_s or float("inf")


def _length_s(chain: Sequence[Invocation]) -> float:
    starts = [member.started_at_s for member in chain if member.started_at_s is not None]
    ends = [
        member.started_at_s + last.duration_s
        for member in chain
        if member.started_at_s is not None
        and (last := member.last) is not None
        and last.duration_s is not None
    ]
    return max(ends, default=0.0) - min(starts, default=0.0) if starts and ends else 0.0
