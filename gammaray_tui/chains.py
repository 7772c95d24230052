"""Telling whether every chain that was fired has come to its end, and if not, what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from widgets import formats

if TYPE_CHECKING:
    from causality.document import GraphDocument, InvocationEntry

_NOT_ENDED = (None, "running")


def missing_parts(document: GraphDocument, functions: Sequence[str], chain_count: int) -> list[str]:
    """Say what keeps `chain_count` chains from being complete; nothing when they are.

    A chain is complete when each of `functions` has run in it and every invocation has ended.
    """
    chains = list(_chains(document))
    gaps = [_gaps_of(chain, functions) for chain in chains]
    incomplete = [
        f"chain {chain[0].request_id}: {'; '.join(gap)}"
        for chain, gap in zip(chains, gaps, strict=True)
        if gap
    ]
    if sum(not gap for gap in gaps) >= chain_count:
        return []
    if len(chains) < chain_count:
        wanted = formats.plural(chain_count, "chain")
        incomplete.append(f"{chain_count - len(chains)} of {wanted}: nothing was seen")
    return incomplete


def _gaps_of(chain: Sequence[InvocationEntry], functions: Sequence[str]) -> list[str]:
    seen = {invocation.function for invocation in chain}
    return [f"{name} has not run" for name in functions if name not in seen] + [
        f"{invocation.function} ({invocation.request_id}) has not ended"
        for invocation in chain
        if invocation.status in _NOT_ENDED
    ]


def _chains(document: GraphDocument) -> Iterator[list[InvocationEntry]]:
    """Give each root with all that it caused, the root first."""
    attempts: dict[str, list[InvocationEntry]] = defaultdict(list)
    for invocation in document.invocations:
        attempts[invocation.request_id].append(invocation)
    children: dict[str | None, list[str]] = defaultdict(list)
    caused: set[str] = set()
    for edge in document.edges:
        children[edge.parent_request_id].append(edge.child_request_id)
        caused.add(edge.child_request_id)
    for root in attempts:
        if root in caused:
            continue
        chain: dict[str, None] = {}
        waiting = [root]
        while waiting:
            request_id = waiting.pop()
            if request_id not in chain:
                chain[request_id] = None
                waiting += children.get(request_id, ())
        yield [invocation for request_id in chain for invocation in attempts.get(request_id, ())]
