"""What a level of evidence gave for a cause: outputs that can be meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from causality.graph import CallNode, CauseNode, OutputNode


class Found(msgspec.Struct, gc=False, eq=False):
    """What one level of evidence gave for a cause.

    Attributes:
        outputs: the outputs that can be meant, in order of time; never empty.
        certain: whether one of them is certainly meant.
        excluded: further outputs that fit, and that only other causes exclude.
        recurs: whether the same evidence occurs elsewhere, too.
        short: whether there are more records than these outputs can explain.
        alike: the calls of these outputs, where they are many that nothing tells apart.
    """

    outputs: Sequence[OutputNode]
    certain: bool
    excluded: Sequence[OutputNode] = ()
    recurs: bool = False
    short: bool = False
    alike: Alike | None = None

    @property
    def narrowed(self) -> bool:
        """Whether other causes had to exclude further outputs."""
        return len(self.excluded) > 0

    def same(self, other: Found | None) -> bool:
        """Whether the other one says the same."""
        return (
            other is not None
            and self.outputs == other.outputs
            and self.certain == other.certain
            and self.excluded == other.excluded
            and self.recurs == other.recurs
            and self.short == other.short
            and self.alike is other.alike
        )


class Alike(msgspec.Struct, gc=False, eq=False):
    """Calls of one invocation of which each may be meant by the same causes.

    A function may call another one a thousand times, and nothing tells these calls apart.

    Attributes:
        calls: in order of their time, two or more.
        causes: all that mean them: the `edges` of each of the calls.
        operation: what all of them did; None if they did not do the same.
    """

    calls: tuple[CallNode, ...]
    causes: dict[CauseNode, None]
    operation: str | None


def put_together(known: Alike | None, outputs: Sequence[OutputNode]) -> Alike | None:
    """Let calls share what they may have led to, so that each cause is noted once.

    Args:
        known: those of them that shared it so far.
        outputs: theirs, in order of time.

    Returns:
        The calls; None where there is but one, or X-Ray tells some of them apart.
    """
    if len(outputs) < 2 or any(output.callee_request_id is not None for output in outputs):
        return None
    causes = known.causes if known is not None else {}
    calls = tuple([output.call for output in outputs])
    for call in calls:
        call.edges = causes
    operations = {call.fact.operation for call in calls}
    return Alike(calls, causes, operations.pop() if len(operations) == 1 else None)


def take_asunder(alike: Alike) -> None:
    """Let calls share nothing any more; all causes that meant them have to be looked at again."""
    for call in alike.calls:
        call.edges = ()
