"""Redeliveries: invocations that were given the same record once more, under another request id.

A stream's batch that failed comes again, a queue's message whose visibility timed out, an object's
event that S3 sent twice. They are further attempts of one trigger, not further triggers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from causality.graph import Invocation


class Try(NamedTuple):
    """Which of the tries of one trigger an invocation's last attempt is; 1 of 1 for most."""

    number: int
    of: int


class Redeliveries:
    """The invocations that are tries of the same trigger."""

    def __init__(self) -> None:
        """Begin without any."""
        self._tries: dict[Invocation, dict[Invocation, None]] = {}

    def __len__(self) -> int:
        return len(self._tries)

    def join(self, invocations: Iterable[Invocation]) -> bool:
        """Note that invocations of one function were given the same record; say whether it is new.

        A batch can come back in two halves: then both are tries of the whole.
        """
        joined: dict[Invocation, None] = {}
        for invocation in invocations:
            joined.update(self._tries.get(invocation, {invocation: None}))
        if len(joined) < 2 or all(self._tries.get(i) == joined for i in joined):
            return False
        for invocation in joined:
            self._tries[invocation] = joined
        return True

    def tries(self, invocation: Invocation) -> list[Invocation]:
        """Give all tries of an invocation's trigger, itself included, in order of their start."""
        return sorted(self._tries.get(invocation, (invocation,)), key=start_order)

    def first(self, invocation: Invocation) -> Invocation:
        """Give the first try of an invocation's trigger; itself for most."""
        tries = self._tries.get(invocation)
        return invocation if tries is None else min(tries, key=start_order)

    def place(self, invocation: Invocation) -> Try:
        """Say which of the tries an invocation is, attempts under one request id included."""
        tries = self.tries(invocation)
        counts = [max(1, len(member.attempts)) for member in tries]
        return Try(sum(counts[: tries.index(invocation) + 1]), sum(counts))

    def dissolve(self, invocation: Invocation) -> list[Invocation]:
        """Take the tries of a trigger apart, since one of them is none; gives them.

        Others may have belonged together only through that one.
        """
        members = list(self._tries.get(invocation, ()))
        for member in members:
            del self._tries[member]
        return members

    def forget(self, invocation: Invocation) -> None:
        """Let an invocation go."""
        group = self._tries.pop(invocation, None)
        if group is not None:
            group.pop(invocation, None)
            if len(group) == 1:
                self._tries.pop(next(iter(group)), None)


def start_order(invocation: Invocation) -> tuple[float, str]:
    """Order the tries of a trigger."""
    return (invocation.recorded_at_s or 0.0, invocation.request_id)
