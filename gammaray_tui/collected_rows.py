"""The tree of a watch over rollups: chains that were fetched, then those that can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from causality.snapshot import NodeId, TreeRow, TreeRows
from widgets import formats

Why: TypeAlias = Literal["failed", "slowest", "latest"]

_ABOUT: Final = "collected:about"
_FETCHED: Final = "collected:fetched"
_OFFERED: Final = "collected:offered"

NOTES: Final = (
    "Tables, map and problems are counted by the minute, some seconds late.",
    "Not live: single invocations, what runs now, causes from outside, X-Ray.",
    "Chains are fetched when opened: an example, a problem's, a request id's.",
)
FILTERED: Final = "Filtered: functions and edges that fit; each counts all of its invocations."


@dataclass(frozen=True, slots=True)
class Offer:
    """An invocation whose chain can be fetched.

    Attributes:
        why: what it is an example of.
        at_s: the minute in which it was, epoch seconds.
        least_s: it ran for at least so long; None when that is not told.
        fetching: whether its chain is on its way.
    """

    request_id: NodeId
    function: str
    region: str
    why: tuple[Why, ...]
    at_s: float
    least_s: float | None = None
    fetching: bool = False


class CollectedRows:
    """The lines of both parts under a heading each (a snapshot.TreeRows)."""

    def __init__(
        self,
        fetched: TreeRows,
        counts: tuple[int, int],
        offers: Sequence[Offer],
        folded: frozenset[str],
        notes: Sequence[str] = NOTES,
    ) -> None:
        """Put the parts together.

        Args:
            fetched: the tree of what was fetched.
            counts: how many chains and invocations that is.
            offers: what can be fetched.
            folded: which headings are closed.
            notes: what to say of all of it.
        """
        self._fetched = fetched
        chains, invocations = counts
        self._head = _about(notes, folded=_ABOUT in folded) if chains or offers else []
        if chains:
            shut = _FETCHED in folded
            self._head.append(_heading(_FETCHED, "fetched", chains, invocations, folded=shut))
        self._heads = {row.node: index for index, row in enumerate(self._head)}
        self._shows_fetched = bool(chains) and _FETCHED not in folded
        examples = formats.plural(len(offers), "example")
        title = f"{examples} to fetch: enter; # asks for a request id"
        shut = _OFFERED in folded
        # Several of them may be of one chain: these are not counted before they are fetched.
        self._lower = [_heading(_OFFERED, title, 0, 0, folded=shut)] if offers else []
        self._lower += [] if shut else [_row(offer) for offer in offers]
        self._at = {row.node: index for index, row in enumerate(self._lower)}

    @property
    def revision(self) -> int:
        """Grows whenever a fetched line may have changed; offers never change in one of these."""
        return self._fetched.revision

    @property
    def _before(self) -> int:
        """The number of lines above the heading of what can be fetched."""
        return len(self._head) + (len(self._fetched) if self._shows_fetched else 0)

    def __len__(self) -> int:
        """Give the number of visible lines."""
        return self._before + len(self._lower)

    def row(self, index: int) -> TreeRow:
        """Give the line at `index`."""
        before = self._before
        if index < before:
            head = len(self._head)
            return self._head[index] if index < head else self._fetched.row(index - head)
        return self._lower[index - before]

    def index_of(self, node: NodeId) -> int | None:
        """Find the line of an invocation, a call or a heading; None when it is not visible."""
        if node in self._heads:
            return self._heads[node]
        if self._shows_fetched and (found := self._fetched.index_of(node)) is not None:
            return found + len(self._head)
        lower = self._at.get(node)
        return None if lower is None else self._before + lower


def is_part(node: NodeId) -> bool:
    """Say whether a line is the heading of a part, or a note."""
    return node.startswith("collected:")


def _about(texts: Sequence[str], *, folded: bool) -> list[TreeRow]:
    heading = _heading(_ABOUT, "counted, not watched", 0, 0, folded=folded)
    notes = [
        replace(_heading(f"{_ABOUT}:{number}", text, 0, 0, folded=False), kind="note")
        for number, text in enumerate(texts)
    ]
    return [heading, *([] if folded else notes)]


def _heading(node: NodeId, title: str, chains: int, invocations: int, *, folded: bool) -> TreeRow:
    return TreeRow(
        node=node,
        kind="group",
        depth=-1,
        guides=(),
        last=True,
        function=title,
        region="",
        state="ok",
        children=chains,
        invocations=invocations,
        folded=folded,
    )


def _row(offer: Offer) -> TreeRow:
    return TreeRow(
        node=offer.request_id,
        kind="offer",
        depth=0,
        guides=(),
        last=True,
        function=offer.function,
        region=offer.region,
        state="error" if "failed" in offer.why else "unknown",
        trigger=_told(offer),
        started_at_s=offer.at_s,
    )


def _told(offer: Offer) -> str:
    if offer.fetching:
        return "on its way"
    over = "" if offer.least_s is None else f" >{formats.duration(offer.least_s)}"
    return ", ".join(why + over if why == "slowest" else why for why in offer.why)
