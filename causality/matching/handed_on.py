"""Events that a function may have handed on, by an Invoke whose answer does not name the callee.

Invoke is answered with the request id of what it starts, and that proves the hop, whatever its
payload looks like. A local AWS shows caller and callee different ids, and a call that was not
answered, or was tried again, names none or another one. Where such a call went to a function that
shows a record, and who made it had been given the same record, either may have started it: what
delivers the record, or the call.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from causality import names
from causality.clock import CLOCK_SKEW_S
from causality.graph import CauseNode, Invocation, OutputNode
from causality.matching.match_keys import (
    NAMELESS,
    is_handed_on,
    output_order,
    record_identity,
    tells_callee,
)
from gammaray_recorder import wire

# How long an asynchronous Invoke may wait; Lambda ends its caller by then as well.
_LONGEST_S: Final = 900.0
_Slot: TypeAlias = tuple[str, str, int]  # region, function, and the quarter of an hour
# Ids of events without a record's own.
_EVENT_IDS: Final = (wire.ID_EVENT, wire.ID_APIGW_REQUEST, wire.ID_TRACEPARENT)


class HandedOn:
    """The Invokes of which nothing tells whom they started.

    Attributes:
        invokes: by function and time.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.invokes: dict[_Slot, dict[OutputNode, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self.invokes.values()))

    def add(self, output: OutputNode) -> bool:
        """Take an output; says whether it is such an Invoke."""
        if output.call.fact.service != "lambda" or not output.fact.item_hash:
            return False
        if tells_callee(output):
            return False
        self.invokes.setdefault(_slot_of(output), {})[output] = None
        return True

    def remove(self, output: OutputNode) -> bool:
        """Let an output go; says whether it was such an Invoke."""
        slot = _slot_of(output) if self.invokes else None
        invokes = self.invokes.get(slot) if slot is not None else None
        if slot is None or invokes is None or output not in invokes:
            return False
        del invokes[output]
        if not invokes:
            del self.invokes[slot]
        return True

    def by(self, cause: CauseNode) -> list[OutputNode]:
        """Give the Invokes that may have handed on the event of a cause."""
        invocation, began_s = cause.invocation, cause.invocation.recorded_at_s
        if cause.fact.service == "lambda" or began_s is None or is_handed_on(cause.exact):
            return []
        region, function = invocation.region or "", invocation.function or ""
        last = int((began_s + CLOCK_SKEW_S) // _LONGEST_S)
        return sorted(
            (
                output
                for number in (last - 2, last - 1, last)
                for output in self.invokes.get((region, function, number), ())
                if began_s - _LONGEST_S <= output.made_s <= began_s + CLOCK_SKEW_S
                and output.call.invocation is not invocation
                and _was_given(output.call.invocation, cause)
                and not _is_explained(output)
            ),
            key=output_order,
        )


def _slot_of(output: OutputNode) -> _Slot:
    call = output.call.fact
    region = call.region or output.call.invocation.region or ""
    function = names.bare_function(output.fact.resource or call.resource or "")
    return (region, function, int((call.at_s or 0.0) // _LONGEST_S))


def _was_given(maker: Invocation, cause: CauseNode) -> bool:
    identity, ids = record_identity(cause), cause.fact.ids
    if identity[0] != NAMELESS:
        return any(record_identity(own) == identity for own in maker.causes)
    shown = {(kind, ids[kind]) for kind in _EVENT_IDS if kind in ids}
    return any(own.fact.ids.get(kind) == value for own in maker.causes for kind, value in shown)


def _is_explained(output: OutputNode) -> bool:
    """Say whether another invocation is known to be what an Invoke started."""
    edges = (cause.edge for cause in output.call.edges if cause.fact.service == "lambda")
    return any(edge is not None and edge.call is output.call for edge in edges)
