"""Redeliveries: invocations that were given the same record once more, under another request id.

A stream's batch that failed comes again, a queue's message whose visibility timed out, an object's
event that S3 sent twice. They are further attempts of one trigger, not further triggers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from operator import attrgetter, countOf
from typing import NamedTuple

from causality.graph import CauseNode, Invocation
from causality.matching.delivery import Identity
from causality.matching.match_keys import is_handed_on, record_identity

_arn_of = attrgetter("invocation.arn")


class Try(NamedTuple):
    """Which of the tries of one trigger an invocation's last attempt is; 1 of 1 for most."""

    number: int
    of: int


class _Tries:
    """The tries of one trigger, in order of their start once that is asked for."""

    __slots__ = ("_ordered", "members")

    def __init__(self, first: Invocation) -> None:
        self.members = {first: None}
        self._ordered: list[Invocation] | None = None

    @property
    def ordered(self) -> list[Invocation]:
        """Not put in order for each of thousands that a message brings which nobody can take."""
        if self._ordered is None:
            self._ordered = sorted(self.members, key=start_order)
        return self._ordered

    def changed(self) -> None:
        """Note that there are others, or that one began at another time than was known."""
        self._ordered = None


class Redeliveries:
    """The invocations that are tries of the same trigger."""

    def __init__(self) -> None:
        """Begin without any."""
        self._tries: dict[Invocation, _Tries] = {}

    def __len__(self) -> int:
        return len(self._tries)

    def join_all(self, given: Mapping[CauseNode, Iterable[CauseNode]]) -> Iterator[CauseNode]:
        """Join the invocations of functions that were given the same records again.

        Args:
            given: causes, each with all that show the same record, itself included.

        Returns:
            The causes that have become deliveries again, or whose invocations have become tries.
        """
        records: dict[Invocation, set[Identity]] = {}
        seen: set[tuple[int, Identity, tuple[str, str]]] = set()
        several: dict[tuple[int, str], bool] = {}
        for cause, causes in given.items():
            place = (id(causes), cause.invocation.arn)
            if place not in several:
                several[place] = countOf(map(_arn_of, causes), cause.invocation.arn) > 1
            if not (several[place] or cause.repeated):
                continue  # a message to many functions, that came to this one but once
            identity, consumer = record_identity(cause), cause.invocation.consumer
            if (id(causes), identity, consumer) in seen:
                continue  # a record that came a thousand times is looked at once, not for each
            seen.add((id(causes), identity, consumer))
            again = [
                other
                for other in dict.fromkeys(causes)  # several ids may tell of one
                if other.invocation.consumer == consumer
                and record_identity(other) == identity
                and (other.fact.service == "lambda" or not is_handed_on(other.exact))
            ]
            again.sort(key=lambda other: start_order(other.invocation))
            joined = self._join([other.invocation for other in again], records)
            for number, other in enumerate(again):
                repeated = number > 0
                if joined or other.repeated != repeated:
                    other.repeated = repeated
                    yield other
            if joined:
                # Others were given other parts of the batch: which try they are has changed, too.
                yield from self._beside([other.invocation for other in again])

    def _join(
        self, invocations: Sequence[Invocation], records: dict[Invocation, set[Identity]]
    ) -> bool:
        """Join those of whose records an earlier one was given all; say whether any is new.

        A batch can come back in two halves: then both are tries of the whole. What a queue has
        put into a batch with new messages is no try: only some of its records come again.
        """
        joined = False
        for number, later in enumerate(invocations[1:], 1):
            for earlier in islice(invocations, number):
                known = self._tries.get(earlier)
                if known is not None and known is self._tries.get(later):
                    break
                if _records(later, records) <= _records(earlier, records):
                    self._unite(earlier, later)
                    joined = True
                    break
        return joined

    def _beside(self, invocations: Sequence[Invocation]) -> Iterator[CauseNode]:
        known = set(invocations)
        groups = {id(group): group for i in invocations if (group := self._tries.get(i))}
        for group in groups.values():
            for member in group.members:
                if member not in known:
                    yield from member.causes[:1]

    def _unite(self, one: Invocation, other: Invocation) -> None:
        both = (self._tries.get(i) or _Tries(i) for i in (one, other))
        few, many = sorted(both, key=lambda tries: len(tries.members))
        many.members |= few.members
        many.changed()
        for invocation in (one, other, *few.members):
            self._tries[invocation] = many

    def moved(self, invocation: Invocation) -> None:
        """Note that an invocation began at another time than was known."""
        if (tries := self._tries.get(invocation)) is not None:
            tries.changed()

    def tries(self, invocation: Invocation) -> Sequence[Invocation]:
        """Give all tries of an invocation's trigger, itself included, in order of their start."""
        tries = self._tries.get(invocation)
        return (invocation,) if tries is None else tries.ordered

    def first(self, invocation: Invocation) -> Invocation:
        """Give the first try of an invocation's trigger; itself for most."""
        return self.tries(invocation)[0]

    def place(self, invocation: Invocation) -> Try:
        """Say which of the tries an invocation is, attempts under one request id included."""
        tries = self.tries(invocation)
        counts = [max(1, len(member.attempts)) for member in tries]
        return Try(sum(counts[: tries.index(invocation) + 1]), sum(counts))

    def dissolve(self, invocation: Invocation) -> list[Invocation]:
        """Take the tries of a trigger apart, since one of them is none; gives them.

        Others may have belonged together only through that one.
        """
        tries = self._tries.get(invocation)
        members = list(tries.members) if tries is not None else []
        for member in members:
            del self._tries[member]
        return members

    def forget(self, invocation: Invocation) -> None:
        """Let an invocation go."""
        tries = self._tries.pop(invocation, None)
        if tries is not None:
            tries.members.pop(invocation, None)
            tries.changed()
            if len(tries.members) == 1:
                self._tries.pop(next(iter(tries.members)), None)


def _records(
    invocation: Invocation, known: dict[Invocation, set[Identity]]
) -> AbstractSet[Identity]:
    found = known.get(invocation)
    if found is None:
        found = known[invocation] = {record_identity(cause) for cause in invocation.causes}
    return found


def start_order(invocation: Invocation) -> tuple[float, str]:
    """Order the tries of a trigger."""
    return (invocation.recorded_at_s or 0.0, invocation.request_id)
