"""Calls of the original's whose text can be read in more than one way: which reading counts.

What a less likely reading triggers with is a rival to others as long as it may be meant: until
records prove what the likelier one triggers with. These proofs never go in a circle, since of a
text's readings the likeliest has the shortest values: what one call is doubted for is longer.
"""

from __future__ import annotations

from causality.graph import CallNode, CauseNode, OutputNode
from causality.matching.delivery import CANDIDATES
from causality.matching.found import Found
from causality.matching.output_keys import OutputKeys


class Readings:
    """Calls with more than one reading, and whether the less likely ones count.

    Attributes:
        changed: those of which that has to be looked at again.
    """

    def __init__(self, keys: OutputKeys) -> None:
        """Begin without any; `keys` is where the outputs of readings that count stand."""
        self._keys = keys
        self._counting: dict[CallNode, bool] = {}
        self.changed: dict[CallNode, None] = {}

    def __len__(self) -> int:
        """Give the number of calls."""
        return len(self._counting)

    def add(self, output: OutputNode) -> None:
        """Take an output of a less likely reading. It counts once it is known that it may."""
        self._counting[output.call] = False
        self.changed[output.call] = None

    def drop(self, output: OutputNode) -> None:
        """Let an output go."""
        if output.fact.doubtful:
            self._counting.pop(output.call, None)
            self.changed.pop(output.call, None)

    def found_changed(self, *results: Found | None) -> None:
        """Note that what a level gave a cause became something else."""
        for found in results:
            for output in found.outputs if found is not None else ():
                if output.call in self._counting:
                    self.changed[output.call] = None

    def settle(self) -> None:
        """Let count what may be meant, and nothing else."""
        changed, self.changed = self.changed, {}
        for call in changed:
            counts = not self.is_proven(call)
            if counts != self._counting[call]:
                self._counting[call] = counts
                for output in call.outputs:
                    if output.fact.doubtful:
                        (self._keys.enter if counts else self._keys.remove)(output)

    def is_proven(self, call: CallNode) -> bool:
        """Say whether records prove a call's likeliest reading.

        That is, whether it is one of so many calls as there are records that one function was
        given of just these calls. What makes order doubtful is left out: it is near those, too,
        to whom a less likely reading is a rival.
        """
        given: dict[tuple[tuple[CallNode, ...], tuple[str, str]], int] = {}
        for cause in call.edges:
            found = _result_of(cause)
            if found is not None and found.certain and len(found.outputs) < CANDIDATES:
                if len(found.outputs) == 1:
                    return True
                told = (tuple([o.call for o in found.outputs]), cause.invocation.consumer)
                given[told] = given.get(told, 0) + 1
        return any(len(calls) <= count for (calls, _), count in given.items())


def _result_of(cause: CauseNode) -> Found | None:
    """Give what one level alone gave a cause."""
    if cause.content is not None and cause.order is not None:
        return None
    return cause.content or cause.order
