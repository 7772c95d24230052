"""The tree of a watch over rollups: chains that were fetched, then those that can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from causality.snapshot import NodeId, TreeRow, TreeRows
from widgets import formats

Why: TypeAlias = Literal["failed", "slowest", "latest"]

_FETCHED: Final = "collected:fetched"
_OFFERED: Final = "collected:offered"


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
        fetched_chains: int,
        offers: Sequence[Offer],
        folded: frozenset[str],
    ) -> None:
        """Put the parts together.

        Args:
            fetched: the tree of what was fetched.
            fetched_chains: how many chains that is.
            offers: what can be fetched.
            folded: which headings are closed.
        """
        self._fetched = fetched
        self._head: list[TreeRow] = []
        if fetched_chains:
            shut = _FETCHED in folded
            self._head = [_heading(_FETCHED, "fetched", fetched_chains, folded=shut)]
        self._shows_fetched = bool(fetched_chains) and _FETCHED not in folded
        title = "not live: enter fetches a chain, # asks for a request id"
        shut = _OFFERED in folded
        self._lower = [_heading(_OFFERED, title, len(offers), folded=shut)] if offers else []
        self._lower += [] if shut else [_row(offer) for offer in offers]
        self._at = {row.node: index for index, row in enumerate(self._lower)}

    @property
    def revision(self) -> int:
        """Grows whenever a fetched line may have changed; offers never change in one of these."""
        return self._fetched.revision

    @property
    def _before(self) -> int:
        """The number of lines above the second heading."""
        return len(self._head) + (len(self._fetched) if self._shows_fetched else 0)

    def __len__(self) -> int:
        """Give the number of visible lines."""
        return self._before + len(self._lower)

    def row(self, index: int) -> TreeRow:
        """Give the line at `index`."""
        before = self._before
        if index < before:
            return self._head[0] if index == 0 else self._fetched.row(index - 1)
        return self._lower[index - before]

    def index_of(self, node: NodeId) -> int | None:
        """Find the line of an invocation, a call or a heading; None when it is not visible."""
        if self._head and node == _FETCHED:
            return 0
        if self._shows_fetched and (found := self._fetched.index_of(node)) is not None:
            return found + 1
        lower = self._at.get(node)
        return None if lower is None else self._before + lower


def is_part(node: NodeId) -> bool:
    """Say whether a line is the heading of one of the two parts."""
    return node in (_FETCHED, _OFFERED)


def _heading(node: NodeId, title: str, chains: int, *, folded: bool) -> TreeRow:
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
        invocations=chains,
        folded=folded,
    )


def _row(offer: Offer) -> TreeRow:
    return TreeRow(
        node=offer.request_id,
        kind="invocation",
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
    text = ", ".join(offer.why)
    return text if offer.least_s is None else f"{text}, over {formats.duration(offer.least_s)}"
