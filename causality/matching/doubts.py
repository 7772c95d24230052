"""Where order and content may be trusted: nowhere near a record whose writer nobody recorded.

Order proves an edge only if everyone who writes is recorded: else an outsider's record may stand
in the place of one that a recorded call never made (it changed nothing, a filter dropped it).
One record without a call is a sign that such a writer is at work, and for about an hour before
and after it, whatever only order tells of the same source is no more than likely. Where contents
come back as well, equal content tells no more than order does. The same holds where records are
known to be lost, and where X-Ray saw a call about then of which no record was read. And as long
as a call can still be on its way, nothing that depends on its absence is decided.
"""

from __future__ import annotations

import heapq
from itertools import count, islice
from typing import Final

from causality.graph import CauseNode, Invocation
from causality.matching.match_keys import Source, source_of
from causality.matching.unread import Unread, place_of

# A sign counts for its own stretch of time, the one before and the one after.
DOUBT_S: Final = 3600.0
_KEPT = 10_000


class Doubts:
    """The signs of unrecorded writers, and the causes whose edges depend on there being none.

    Attributes:
        horizon_s: calls made until then are known, unless their records are lost.
    """

    def __init__(self) -> None:
        """Begin without any sign."""
        self.horizon_s = float("-inf")
        self._unexplained = _Signs()
        self._returning = _Signs()
        self._gaps: dict[int, None] = {}
        self._unread = Unread()
        self._dependents: dict[Source, dict[CauseNode, None]] = {}
        self._young: list[tuple[float, int, CauseNode]] = []
        self._again: dict[CauseNode, None] = {}
        self._numbers = count()

    def sizes(self) -> dict[str, int]:
        """Give the number of entries of everything that is kept."""
        return {
            "signs": len(self._unexplained) + len(self._returning),
            "dependents": sum(map(len, self._dependents.values())),
            "young": len(self._young),
            "unread": len(self._unread),
        }

    def advance(self, horizon_s: float, at_once: int | None = None) -> bool:
        """Note how far calls are known by now; says whether edges have to be looked at again.

        Args:
            horizon_s: calls made until then are known.
            at_once: look again at no more causes than these for now; the others are `due`.
        """
        self.horizon_s = max(self.horizon_s, horizon_s)
        young = self._young
        while young and young[0][0] <= self.horizon_s:
            if at_once is not None and len(self._again) >= at_once:
                break
            cause = heapq.heappop(young)[2]
            if not cause.invocation.gone:
                self._again[cause] = None
        return bool(self._again)

    @property
    def due(self) -> bool:
        """Whether causes have become old enough to be looked at again."""
        return bool(self._young) and self._young[0][0] <= self.horizon_s

    def note_gap(self, at_s: float) -> None:
        """Note that records of about that time are lost."""
        stretch = _stretch(at_s)
        self._gaps[stretch] = None
        for source in self._dependents:
            self._ask_again(source, stretch)

    def note_unread(self, invocation: Invocation) -> None:
        """Note the calls of an invocation that X-Ray alone saw: what they wrote is not known."""
        for place, made_s in self._unread.take(invocation):
            for source in self._dependents:
                if place_of(source) == place:
                    self._ask_again(source, _stretch(made_s))

    def recall(self, source: Source, at_s: float, *, returning: bool) -> None:
        """Take over a sign of another reader's: of an unrecorded writer, or of returning content.

        Args:
            source: where the record came from.
            at_s: a time in its stretch.
            returning: whether it is content that returns.
        """
        stretch = _stretch(at_s)
        (self._returning if returning else self._unexplained).recall(source, stretch)
        self._ask_again(source, stretch)

    def note(self, cause: CauseNode, *, explained: bool, returns: bool) -> None:
        """Note what a record is a sign of.

        Args:
            cause: the record.
            explained: whether a recorded call explains it.
            returns: whether its content occurs elsewhere, too.
        """
        if not cause.keys:
            return
        if not explained and _began_s(cause) > self.horizon_s:
            explained = True  # not yet: its call may be on its way
            self._ask_later(cause, _began_s(cause))
        if (
            explained
            and not returns
            and not (cause in self._unexplained.of or cause in self._returning.of)
        ):
            return  # as nearly all: no sign, and none before
        source, stretch = source_of(cause.keys[0]), _stretch(_began_s(cause))
        for signs, applies in ((self._unexplained, not explained), (self._returning, returns)):
            for flipped in signs.put(cause, (source, stretch) if applies else None):
                self._ask_again(*flipped)

    def trusts_order(self, cause: CauseNode) -> bool:
        """Say whether order proves the edge of a cause; its edge is asked for again otherwise."""
        began_s = _began_s(cause)
        if began_s > self.horizon_s:
            self._ask_later(cause, began_s)  # whatever is noted until then
            return False
        source, stretch = self._depend(cause, began_s)
        return not (self._doubtful(source, stretch) or self._unread.may_mean(cause))

    def trusts_content(self, cause: CauseNode) -> bool:
        """Say whether content that occurs but once proves the edge of a cause."""
        source, stretch = self._depend(cause, _began_s(cause))
        return not self._returning.near(source, stretch) or self.trusts_order(cause)

    def reason(self, cause: CauseNode) -> str | None:
        """Say why neither order nor returning content is trusted for a cause; None if it is."""
        source, stretch = source_of(cause.keys[0]), _stretch(_began_s(cause))
        if _began_s(cause) > self.horizon_s:
            return "calls of that time may still be on their way"
        if any(near in self._gaps for near in _near(stretch)):
            return "records of about that time are known to be lost"
        if self._unread.may_mean(cause):
            return "X-Ray saw a call to the same place about then, of which no record was read"
        if self._unexplained.near(source, stretch):
            return (
                "within the hour, records of the same source came that no recorded call wrote: "
                "somebody unrecorded writes there, too"
            )
        return None

    def take(self) -> dict[CauseNode, None]:
        """Give the causes whose edges have to be looked at again."""
        again, self._again = self._again, {}
        return again

    def forget(self, cause: CauseNode, *, silently: bool) -> None:
        """Let a cause go; silently, if it stays the sign that it was."""
        for signs in (self._unexplained, self._returning):
            for flipped in signs.drop(cause, lasting=silently):
                self._ask_again(*flipped)
        if cause.keys:
            source = source_of(cause.keys[0])
            dependents = self._dependents.get(source)
            if dependents is not None:
                dependents.pop(cause, None)
                if not dependents:
                    del self._dependents[source]
        self._again.pop(cause, None)

    def _depend(self, cause: CauseNode, began_s: float) -> tuple[Source, int]:
        source = source_of(cause.keys[0])
        dependents = self._dependents.get(source)
        if dependents is None:
            dependents = self._dependents[source] = {}
        dependents[cause] = None
        return source, _stretch(began_s)

    def _doubtful(self, source: Source, stretch: int) -> bool:
        if self._unexplained.near(source, stretch):
            return True
        return bool(self._gaps) and any(near in self._gaps for near in _near(stretch))

    def _ask_again(self, source: Source, stretch: int) -> None:
        for cause in self._dependents.get(source, ()):
            if _stretch(_began_s(cause)) in _near(stretch):
                self._again[cause] = None

    def _ask_later(self, cause: CauseNode, began_s: float) -> None:
        heapq.heappush(self._young, (began_s, next(self._numbers), cause))


class _Signs:
    """Causes that are signs of something, and where and when they are.

    Attributes:
        of: these causes.
    """

    def __init__(self) -> None:
        self.of: dict[CauseNode, tuple[Source, int]] = {}
        self._counts: dict[tuple[Source, int], int] = {}
        self._lasting: dict[tuple[Source, int], None] = {}  # of causes that left the graph

    def __len__(self) -> int:
        return len(self.of) + len(self._lasting)

    def near(self, source: Source, stretch: int) -> bool:
        """Say whether a sign is near."""
        if not self._counts and not self._lasting:
            return False
        return any(
            (source, near) in self._counts or (source, near) in self._lasting
            for near in _near(stretch)
        )

    def put(self, cause: CauseNode, place: tuple[Source, int] | None) -> list[tuple[Source, int]]:
        """Put a sign somewhere, or nowhere; gives the places that have become others."""
        known = self.of.get(cause)
        if place == known:
            return []
        flipped = []
        if known is not None:
            flipped += self.drop(cause, lasting=False)
        if place is not None:
            self.of[cause] = place
            self._counts[place] = self._counts.get(place, 0) + 1
            if self._counts[place] == 1:
                flipped.append(place)
        return flipped

    def recall(self, source: Source, stretch: int) -> None:
        """Keep a sign of which the cause is not here."""
        self._last((source, stretch))

    def drop(self, cause: CauseNode, *, lasting: bool) -> list[tuple[Source, int]]:
        """Take a sign away, or let it last; gives the places that have become others."""
        place = self.of.pop(cause, None)
        if place is None:
            return []
        if lasting:
            self._last(place)
        self._counts[place] -= 1
        if self._counts[place]:
            return []
        del self._counts[place]
        return [] if lasting else [place]

    def _last(self, place: tuple[Source, int]) -> None:
        self._lasting[place] = None
        for old in list(islice(self._lasting, max(0, len(self._lasting) - _KEPT))):
            del self._lasting[old]


def _began_s(cause: CauseNode) -> float:
    return cause.invocation.recorded_at_s or 0.0


def _stretch(at_s: float) -> int:
    return int(at_s // DOUBT_S)


def _near(stretch: int) -> range:
    return range(stretch - 1, stretch + 2)
