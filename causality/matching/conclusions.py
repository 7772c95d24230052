"""What follows for a cause from what each level of evidence gave."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from causality.graph import CauseNode, Edge, OutputNode
from causality.matching.found import Found
from causality.snapshot import Evidence

_call_of, _maker_of = attrgetter("call"), attrgetter("invocation")


def is_frozen(cause: CauseNode) -> bool:
    """Say whether what a cause was matched with has left."""
    return not cause.keys and (cause.content is not None or cause.order is not None)


def is_explained(cause: CauseNode) -> bool:
    """Say whether there is a recorded call for a record, be it certain which one or not."""
    if cause.exact is not None:
        return True
    found = cause.content or cause.order
    return found is not None and not found.short


def differs(old: Found | None, new: Found | None) -> bool:
    """Say whether a level gives a cause something else than it did."""
    return new is not None if old is None else not old.same(new)


def edge_from(
    cause: CauseNode, evidence: Evidence, outputs: Sequence[OutputNode], certain: bool
) -> Edge:
    """Make the edge that evidence proves, or an ambiguous one of all that can be meant."""
    if len(outputs) == 1:
        call = outputs[0].call
        if certain:
            return Edge(cause, evidence, call.invocation, call, call)
        return Edge(cause, "ambiguous", None, None, call)
    calls = tuple(dict.fromkeys(map(_call_of, outputs)))
    if not certain or len(set(map(_maker_of, calls))) > 1:
        return Edge(cause, "ambiguous", None, None, calls)
    return Edge(cause, evidence, calls[0].invocation, calls[0] if len(calls) == 1 else None, calls)
