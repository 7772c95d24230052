"""Who shows an id: one half, as of most ids, a pair, or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from causality.graph import CauseNode, OutputNode
from causality.matching.found import Alike, Found, take_asunder


class IdPair(msgspec.Struct, gc=False, eq=False):
    """The only output and the only cause that show one id."""

    output: OutputNode
    cause: CauseNode


class Meeting(msgspec.Struct, gc=False, eq=False):
    """All who show one id, where they are more than a pair.

    Attributes:
        called: of several calls of one function by one invocation: what that says to each cause;
            None until it is asked for, once that may have changed.
        alike: these calls, as they were when that was asked for last.
        doubted: whether all of the causes have been noted since then.
    """

    outputs: list[OutputNode]
    causes: list[CauseNode]
    called: Found | None = None
    alike: Alike | None = None
    doubted: bool = False

    def take_asunder(self) -> None:
        """Let calls that shared what they led to share nothing any more."""
        if self.alike is not None:
            take_asunder(self.alike)
            self.alike = None


Shown: TypeAlias = OutputNode | CauseNode | IdPair | Meeting


def outputs_of(shown: Shown | None) -> Sequence[OutputNode]:
    """Give the outputs that show an id."""
    if type(shown) is IdPair:
        return (shown.output,)
    if type(shown) is Meeting:
        return shown.outputs
    return (shown,) if type(shown) is OutputNode else ()


def causes_of(shown: Shown | None) -> Sequence[CauseNode]:
    """Give the causes that show an id."""
    if type(shown) is IdPair:
        return (shown.cause,)
    if type(shown) is Meeting:
        return shown.causes
    return (shown,) if type(shown) is CauseNode else ()
