"""Calls that X-Ray saw and of which no record was read: what they wrote is not known.

The record was lost, or the recorder leaves out calls of that kind. Whatever only order tells of
the same table, bucket or topic about then may be theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from causality.clock import CLOCK_SKEW_S, PROMPT_START_S
from causality.facts import Call
from causality.graph import CauseNode, Invocation
from causality.matching.match_keys import Source, source_of
from causality.names import SERVICE_OF_OPERATION

# A table in its region, a bucket, a topic.
Place: TypeAlias = tuple[str, ...]
# A call's own id, with that of the invocation that made it.
_Name: TypeAlias = tuple[str, str]
_Found: TypeAlias = tuple[Place, Call]
_KEPT: Final = 10_000
_SLOT_S: Final = 60.0
_KINDS: Final = {"s3": "object", "sns": "subject"}


class Unread:
    """Where and when calls were made of which X-Ray alone tells, those that came last."""

    def __init__(self) -> None:
        """Begin without any."""
        self._of: dict[str, dict[_Name, _Found]] = {}
        self._at: dict[tuple[Place, int], dict[_Name, Call]] = {}

    def __len__(self) -> int:
        return len(self._of)

    def take(self, invocation: Invocation) -> list[tuple[Place, float]]:
        """Take what X-Ray alone knows by now of an invocation; gives what has changed, and when."""
        before = self._of.pop(invocation.request_id, {})
        now = {(invocation.request_id, found[1].id): found for found in _writes(invocation)}
        if not before and not now:
            return []  # as of most
        for name in before.keys() - now.keys():
            self._remove(name, *before[name])
        for name in now.keys() - before.keys():
            place, call = now[name]
            self._at.setdefault((place, _slot(call)), {})[name] = call
        if now:
            self._of[invocation.request_id] = now
            if len(self._of) > _KEPT:
                for name, found in self._of.pop(next(iter(self._of))).items():
                    self._remove(name, *found)
        changed = {**before, **now}
        return [
            (place, call.at_s or 0.0)
            for name, (place, call) in changed.items()
            if name not in before or name not in now
        ]

    def may_mean(self, cause: CauseNode) -> bool:
        """Say whether one of these calls may be the one that caused something."""
        if not self._at:
            return False
        fact, began_s = cause.fact, cause.invocation.recorded_at_s or 0.0
        place = place_of(source_of(cause.keys[0]))
        last_s = began_s if fact.at_s is None else min(began_s, fact.at_s + 1.0)
        first_s = (last_s if fact.at_s is None else fact.at_s) - PROMPT_START_S
        for slot in range(int(first_s // _SLOT_S), int((last_s + CLOCK_SKEW_S) // _SLOT_S) + 1):
            for (request_id, _), call in self._at.get((place, slot), {}).items():
                made_s = call.at_s or 0.0
                if request_id == cause.invocation.request_id or made_s > last_s + CLOCK_SKEW_S:
                    continue
                until_s = made_s + PROMPT_START_S if fact.at_s is None else call.ended_at_s
                if until_s is not None and until_s + CLOCK_SKEW_S < (fact.at_s or began_s):
                    continue
                if call.key is None or fact.key is None or call.key == fact.key:
                    return True
        return False

    def _remove(self, name: _Name, place: Place, call: Call) -> None:
        calls = self._at.get((place, _slot(call)), {})
        calls.pop(name, None)
        if not calls:
            self._at.pop((place, _slot(call)), None)


def place_of(source: Source) -> Place:
    """Give the place of a source: X-Ray knows no folders of buckets."""
    return source[:2] if source[0] == "object" else source


def _writes(invocation: Invocation) -> Iterator[_Found]:
    for node in invocation.calls.values():
        call = node.fact
        if node.segment is not call or call.refused or call.at_s is None or not call.resource:
            continue
        if SERVICE_OF_OPERATION.get(call.operation) != call.service:
            continue
        if call.service == "dynamodb":
            region = call.region or invocation.region or ""
            yield ("dynamodb", region, call.resource), call
        elif call.service in _KINDS:
            yield (_KINDS[call.service], call.resource), call


def _slot(call: Call) -> int:
    return int((call.at_s or 0.0) // _SLOT_S)
