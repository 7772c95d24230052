"""The match keys of halves that left the graph for the sake of memory.

Who left may have been the other half of one that comes later, or its rival: what remains under
their keys looks as if nothing else could be meant. So it is told for certain only where it cannot
have been theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from causality.clock import CLOCK_SKEW_S, CONTENT_WINDOW_S, ORDER_WINDOW_S, PROMPT_S
from causality.facts import Call, Facts, Start
from causality.graph import CallNode, CauseNode, Invocation, OutputNode
from causality.matching.delivery import Delivery
from causality.matching.match_keys import (
    CONTENT,
    LASTING_IDS,
    ExactKey,
    GroupKey,
    Source,
    exact_output_keys,
    group_cause_keys,
    group_output_keys,
    source_of,
)
from gammaray_recorder import wire

_KEPT: Final = 10_000
_ALWAYS: Final = float("inf")
_REQUEST: Final = wire.ID_LAMBDA_REQUEST


class _Left(NamedTuple):
    """When the last calls were made, and were over, whose records others may be taken for."""

    made_s: float
    ended_s: float


class Departures:
    """The keys of outputs and causes that left, those that left last.

    Attributes:
        ids: those that others may show, too, or that tell whom an Invoke started.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._keys: dict[GroupKey, _Left] = {}
        self.ids: dict[ExactKey, None] = {}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __contains__(self, key: GroupKey) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys) + len(self.ids)

    def has_started(self, invocation: Invocation) -> bool:
        """Say whether a call that left was answered with an invocation's request id."""
        return (_REQUEST, invocation.request_id) in self.ids

    def started_by(self, output: OutputNode) -> Iterator[str]:
        """Give the request id that an Invoke was answered with."""
        return (key[1] for key in exact_output_keys(output) if key[0] == _REQUEST)

    def note_output(
        self, output: OutputNode, names: set[tuple[str, ...]] | tuple[()], *, matched: bool
    ) -> None:
        """Note that an output left.

        Args:
            output: what left.
            names: attributes that are the key of its table, as far as they are known.
            matched: whether its record had come. It may come again, or to another function, but
                that takes no longer than a delivery does.
        """
        for key in exact_output_keys(output):
            if key[0] in LASTING_IDS or (key[0] == _REQUEST and not matched):
                self.ids[key] = None
                _limit(self.ids)
        ended_s = output.call.fact.ended_at_s
        for level, key in group_output_keys(output, names):
            made_s = output.made_s
            if matched:
                made_s += PROMPT_S - _window_s(level)
            self._note(key, made_s, _ALWAYS if ended_s is None else ended_s)

    def note_cause(self, cause: CauseNode) -> Source | None:
        """Note that a record left of which the call stays, or is not known; gives its source."""
        edge, began_s = cause.edge, cause.invocation.recorded_at_s
        source = None
        for level, key in group_cause_keys(cause):
            source = source_of(key)
            if edge is not None and edge.call is not None and edge.call.started_at_s is not None:
                made_s = edge.call.started_at_s + PROMPT_S - _window_s(level)
                ended_s = edge.call.fact.ended_at_s
                self._note(key, made_s, _ALWAYS if ended_s is None else ended_s)
            else:
                self._note(key, _ALWAYS if began_s is None else began_s + CLOCK_SKEW_S, _ALWAYS)
        return source

    def concern(self, level: int, key: GroupKey, delivery: Delivery) -> bool:
        """Say whether what left may have to do with a delivery under a key."""
        left = self._keys.get(key)
        if left is None or delivery.latest_s - _window_s(level) > left.made_s:
            return False
        written_s = delivery.written_s
        return written_s is None or written_s <= left.ended_s + CLOCK_SKEW_S

    def _note(self, key: GroupKey, made_s: float, ended_s: float) -> None:
        known = self._keys.pop(key, None)
        if known is not None:
            made_s, ended_s = max(made_s, known.made_s), max(ended_s, known.ended_s)
        self._keys[key] = _Left(made_s, ended_s)
        _limit(self._keys)


def halves_of(facts: Facts) -> Iterator[OutputNode | CauseNode]:
    """Give the halves that late news tells of an invocation that has left."""
    invocation = Invocation(facts.request_id, region=facts.region, gone=True)
    for fact in facts.facts:
        if type(fact) is Call:
            if fact.at_s is None:
                fact.at_s = facts.written_at_s
            call = CallNode(invocation, fact, facts.attempt)
            yield from (OutputNode(call, output, n) for n, output in enumerate(fact.outputs))
        elif type(fact) is Start:
            invocation.begin(fact)
            yield from (CauseNode(invocation, cause, n) for n, cause in enumerate(fact.causes))


def _window_s(level: int) -> float:
    return CONTENT_WINDOW_S if level == CONTENT else ORDER_WINDOW_S


def _limit(kept: dict[GroupKey, _Left] | dict[ExactKey, None]) -> None:
    if len(kept) > _KEPT:
        del kept[next(iter(kept))]
