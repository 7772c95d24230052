"""The graph's links from causes to effects: set when edges change, cut when something leaves.

Nodes point at each other and are not garbage-collected: what leaves is freed only if its links
are cut.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from causality.graph import CallNode, CauseNode, Causes, Edge, Invocation
from causality.matching.found import Alike


class Touched(dict[Invocation, None]):
    """Invocations that changed since a reader last took them over and cleared this."""

    def clear(self) -> None:
        """Note that a reader has taken all of them over."""
        for invocation in self:
            invocation.known = True
            if invocation.gone:
                take_apart(invocation)
        super().clear()


def relink(cause: CauseNode, old: Edge | None, touched: Touched) -> None:
    """Let calls and invocations know what they led to, now that a cause has another edge."""
    new = cause.edge
    kept: Collection[CallNode] = ()
    if old is not None:
        kept = _unlink_calls(cause, old, new, touched)
        if old.parent is not None:
            old.parent.triggered = _without(old.parent.triggered, cause)
            touched[old.parent] = None
    if new is not None:
        meant = new.meant
        if isinstance(meant, Alike):
            meant.causes[cause] = None
        else:
            for call in (meant,) if isinstance(meant, CallNode) else meant:
                if call not in kept:
                    call.edges = _with(call.edges, cause)
                    touched[call.invocation] = None
        if new.parent is not None:
            new.parent.triggered = _with(new.parent.triggered, cause)
            touched[new.parent] = None
    touched[cause.invocation] = None


def _unlink_calls(
    cause: CauseNode, old: Edge, new: Edge | None, touched: Touched
) -> Collection[CallNode]:
    """Take a cause from the calls of an edge that it had; gives those that it keeps."""
    if isinstance(old.meant, Alike):
        old.meant.causes.pop(cause, None)
        return ()
    before = old.candidates
    kept: Collection[CallNode] = ()
    if new is not None and new.meant is old.meant:
        kept = before  # more is known of the same
    # Of many calls few come or go at a time.
    elif len(before) > 1 and new is not None and not isinstance(new.meant, Alike):
        kept = set(before).intersection(new.candidates)
    for call in before:
        if call not in kept:
            call.edges = _without(call.edges, cause)
        touched[call.invocation] = None
    return kept


def meaning(invocation: Invocation) -> Collection[CauseNode]:
    """Give the causes that an invocation's calls led to, or may have; of alike calls once."""
    made = invocation.made
    if not isinstance(made, dict):
        return made.edges if made is not None else ()
    seen = {id(call.edges): call.edges for call in made.values() if call.edges}
    return [cause for edges in seen.values() for cause in edges]


def touch_effects(invocation: Invocation, touched: Touched) -> None:
    """Let views look again at those that name this one as a parent, or a possible one."""
    for cause in invocation.triggered:
        touched[cause.invocation] = None
    for cause in meaning(invocation):
        touched[cause.invocation] = None


def unlink(cause: CauseNode) -> None:
    """Let go of what a cause that leaves held, so that its parents can be freed."""
    edge, cause.edge = cause.edge, None
    cause.exact = cause.content = cause.order = None
    if edge is not None:
        if isinstance(edge.meant, Alike):
            edge.meant.causes.pop(cause, None)
            calls = () if edge.meant.causes else edge.meant.calls
        else:
            calls = edge.candidates
        for call in calls:
            call.edges = _without(call.edges, cause)
            if call.invocation.gone and not call.edges:
                call.outputs = ()
        if edge.parent is not None:
            edge.parent.triggered = _without(edge.parent.triggered, cause)


def take_apart(invocation: Invocation) -> None:
    """Let go of what an invocation that has left holds, so that all of it is freed."""
    for call in invocation.calls.values():
        if not call.edges:  # else its outputs go with the last invocation that it caused
            call.outputs = ()
    invocation.made = None
    invocation.causes = ()


def take_all_apart(invocations: Iterable[Invocation]) -> None:
    """Let go of what a whole graph holds that nobody will read any more."""
    for invocation in invocations:
        for call in invocation.calls.values():
            call.outputs = ()
            call.edges = ()
        for cause in invocation.causes:
            cause.edge = cause.exact = cause.content = cause.order = None
        invocation.made = None
        invocation.causes = ()
        invocation.triggered = ()


def _with(known: Causes, cause: CauseNode) -> Causes:
    """Give causes with one more."""
    if not known:
        own = cause.invocation.causes
        return own if len(own) == 1 else (cause,)  # the same tuple for all who need one
    if isinstance(known, dict):
        known[cause] = None
        return known
    return known if known[0] is cause else {known[0]: None, cause: None}


def _without(known: Causes, cause: CauseNode) -> Causes:
    """Give causes without one of them."""
    if isinstance(known, dict):
        known.pop(cause, None)
        return known
    return () if known and known[0] is cause else known
