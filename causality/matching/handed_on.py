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
from causality.matching.delivery import Identity
from causality.matching.match_keys import (
    MESSAGE_IDS,
    NAMELESS,
    PAYLOADS,
    is_handed_on,
    output_order,
    record_identity,
    tells_callee,
)
from gammaray_recorder import wire

# How long an asynchronous Invoke may wait; Lambda ends its caller by then as well.
_LONGEST_S: Final = 900.0
# Ids of events without a record's own.
_EVENT_IDS: Final = (wire.ID_EVENT, wire.ID_APIGW_REQUEST, wire.ID_TRACEPARENT)
# Kinds of ids by which others are found who were given the same.
SHOWN_IDS: Final = MESSAGE_IDS.union(_EVENT_IDS)
_Token: TypeAlias = tuple[str, ...] | Identity  # what two who were given the same share


class HandedOn:
    """The Invokes of which nothing tells whom they started, and what their makers were given.

    Attributes:
        invokes: by who made them.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.invokes: dict[Invocation, dict[OutputNode, None]] = {}
        self._given: dict[_Token, dict[Invocation, None]] = {}
        self._sent: dict[str, dict[OutputNode, None]] = {}  # by the hash of the payload

    def __len__(self) -> int:
        return sum(map(len, self.invokes.values()))

    def add(self, output: OutputNode) -> bool:
        """Take an output; says whether it is such an Invoke."""
        if output.call.fact.service != "lambda" or not output.fact.item_hash:
            return False
        if tells_callee(output):
            return False
        maker = output.call.invocation
        if maker not in self.invokes:
            self.invokes[maker] = {}
            for cause in maker.causes:
                self.note_given(cause)
        self.invokes[maker][output] = None
        self._sent.setdefault(output.fact.item_hash, {})[output] = None
        return True

    def remove(self, output: OutputNode) -> bool:
        """Let an output go; says whether it was such an Invoke."""
        maker = output.call.invocation
        made = self.invokes.get(maker)
        if made is None or output not in made:
            return False
        del made[output]
        sent = self._sent.get(output.fact.item_hash or "", {})
        sent.pop(output, None)
        if not sent:
            self._sent.pop(output.fact.item_hash or "", None)
        if not made:
            del self.invokes[maker]
            for token in {token for cause in maker.causes for token in _tokens_of(cause)}:
                makers = self._given.get(token, {})
                makers.pop(maker, None)
                if not makers:
                    self._given.pop(token, None)
        return True

    def note_given(self, cause: CauseNode) -> bool:
        """Take a cause; says whether its invocation made such an Invoke."""
        if cause.invocation not in self.invokes:
            return False
        for token in _tokens_of(cause):
            self._given.setdefault(token, {})[cause.invocation] = None
        return True

    def by(self, cause: CauseNode) -> list[OutputNode]:
        """Give the Invokes that may have handed on the event of a cause, or what it names."""
        invocation, began_s = cause.invocation, cause.invocation.recorded_at_s
        if cause.fact.service == "lambda" or began_s is None or is_handed_on(cause.exact):
            return []
        identity = record_identity(cause)
        tokens = _event_ids(cause) if identity[0] == NAMELESS else [identity]
        makers = {maker: None for token in tokens for maker in self._given.get(token, ())}
        invokes = {output: None for maker in makers for output in self.invokes[maker]}
        if cause.fact.service in PAYLOADS and cause.exact is not None:
            invokes |= self._sent.get(cause.fact.item_hash or "", {})
        place = (invocation.region or "", invocation.function or "")
        return sorted(
            (
                output
                for output in invokes
                if output.call.invocation is not invocation
                and began_s - _LONGEST_S <= output.made_s <= began_s + CLOCK_SKEW_S
                and _place_of(output) == place
                and not _is_explained(output)
            ),
            key=output_order,
        )


def _place_of(output: OutputNode) -> tuple[str, str]:
    """Give region and name of the function that an Invoke went to."""
    call = output.call.fact
    region = call.region or output.call.invocation.region or ""
    return (region, names.bare_function(output.fact.resource or call.resource or ""))


def _tokens_of(cause: CauseNode) -> list[_Token]:
    identity = record_identity(cause)
    tokens = _event_ids(cause)
    return tokens if identity[0] == NAMELESS else [identity, *tokens]


def _event_ids(cause: CauseNode) -> list[_Token]:
    ids = cause.fact.ids
    return [(kind, ids[kind]) for kind in _EVENT_IDS if kind in ids]


def _is_explained(output: OutputNode) -> bool:
    """Say whether another invocation is known to be what an Invoke started."""
    edges = (cause.edge for cause in output.call.edges if cause.fact.service == "lambda")
    return any(edge is not None and edge.call is output.call for edge in edges)
