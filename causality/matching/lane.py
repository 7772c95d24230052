"""The deliveries of a group that one function consumed, solved a stretch at a time.

Deliveries stand in the order of their time. Wherever no output is left that a later delivery
could take, a stretch ends, and what comes after is solved without it: so a key that is written
again and again costs the same for each write, and a change costs what follows it only. Where no
such end comes, the stretch grows past what can be solved, and all of it is in doubt.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

from causality.graph import CauseNode, OutputNode
from causality.matching.agreement import accounts_differ
from causality.matching.delivery import Delivery, Identity, Place, Verdict
from causality.matching.match_keys import CONTENT, is_blind
from causality.matching.stretch import REACH, VISIBLE, Elsewhere, LedTo, Rules, Stretch

# Past this many deliveries that cannot be told apart, it is not even looked who made their calls.
_CROWD = 512
_MARK_EVERY = 16

OutputPlace: TypeAlias = tuple[float, str, str, int]


class _Mark(NamedTuple):
    """The state of the scan after one delivery.

    Attributes:
        crowded: whether it lies in a stretch that is too long to be solved.
        visible: the outputs of that stretch so far, the newest of them.
        left: those that a later delivery may still take.
    """

    place: Place
    crowded: bool
    visible: tuple[OutputNode, ...]
    left: tuple[OutputNode, ...]


class Lane:
    """The deliveries of a group that one function consumed."""

    __slots__ = (
        *("_apart", "_blind", "_by_identity", "_changed_s", "_foreign", "_level", "_marks"),
        *("_places", "_recurs", "_sorted"),
    )

    def __init__(self, level: int) -> None:
        """Make an empty lane of a group whose evidence is of a level, content or order."""
        self._level = level
        self._sorted: list[Delivery] = []
        self._places: list[Place] = []
        self._by_identity: dict[Identity, Delivery] = {}
        self._marks: list[_Mark] = []
        self._changed_s = float("inf")
        self._blind = 0
        self._apart = False
        self._foreign = False  # whether others' outputs were left out
        self._recurs = False  # whether it holds more than one output or delivery

    def __len__(self) -> int:
        return len(self._sorted)

    # --- entering and leaving ---------------------------------------------------------------

    def add(self, identity: Identity, cause: CauseNode) -> list[CauseNode]:
        """Enter a cause, as the delivery of a record or a redelivery of it; gives all of these."""
        delivery = self._by_identity.get(identity)
        if delivery is None:
            delivery = self._by_identity[identity] = Delivery(identity, cause)
            self._count_blind(cause, 1)
        else:
            self._take_out(delivery)
            delivery.causes.append(cause)
            delivery.causes.sort(key=_invocation_id)
            delivery.take_time()
        self._put_in(delivery)
        return delivery.causes

    def remove(self, identity: Identity, cause: CauseNode, *, silently: bool = False) -> None:
        """Take a cause out; silently, if nothing shall be solved again for it."""
        delivery = self._by_identity.get(identity)
        if delivery is None or cause not in delivery.causes:
            return
        changed_s = self._changed_s
        self._take_out(delivery)
        delivery.causes.remove(cause)
        if delivery.causes:
            delivery.take_time()
            self._put_in(delivery)
        else:
            del self._by_identity[identity]
            self._count_blind(cause, -1)
        if silently:
            self._changed_s = changed_s
            self._forget_marks()

    def delivered(self, identity: Identity) -> Sequence[CauseNode]:
        """Give the causes that are deliveries of a record."""
        delivery = self._by_identity.get(identity)
        return () if delivery is None else tuple(delivery.causes)

    def causes(self) -> Iterator[CauseNode]:
        """Give all causes."""
        for delivery in self._sorted:
            yield from delivery.causes

    def changed_at(self, at_s: float) -> None:
        """Note that something changed for outputs or deliveries of that time."""
        self._changed_s = min(self._changed_s, at_s)

    def changed(self, identity: Identity) -> None:
        """Note that what is known of a delivery changed: its time, or stronger evidence."""
        delivery = self._by_identity.get(identity)
        if delivery is None:
            return
        if not delivery.is_timed():
            self._take_out(delivery)
            delivery.take_time()
            self._put_in(delivery)
        self.changed_at(delivery.latest_s)

    def _put_in(self, delivery: Delivery) -> None:
        index = bisect_left(self._places, delivery.place)
        self._places.insert(index, delivery.place)
        self._sorted.insert(index, delivery)
        self.changed_at(delivery.latest_s)

    def _take_out(self, delivery: Delivery) -> None:
        index = bisect_left(self._places, delivery.place)
        del self._places[index], self._sorted[index]
        self.changed_at(delivery.latest_s)

    def _count_blind(self, cause: CauseNode, step: int) -> None:
        if self._level != CONTENT and is_blind(cause.fact):
            self._blind += step
            if self._blind == max(step, 0):  # the first has come, or the last has gone
                self.changed_at(float("-inf"))

    # --- solving ----------------------------------------------------------------------------

    def solve(
        self,
        places: Sequence[OutputPlace],
        outputs: Sequence[OutputNode],
        led_to: LedTo,
        elsewhere: Elsewhere | None,
        *,
        apart: bool,
    ) -> list[Verdict]:
        """Solve from the earliest change on.

        Args:
            places: the order of the outputs.
            outputs: the group's outputs, in that order.
            led_to: whether an invocation led to another one.
            elsewhere: who else was given a record; None when there is but one consumer.
            apart: whether some of these are of another account than others.

        Returns:
            What holds for the deliveries from some place before the change to the last.
        """
        if self._changed_s == float("inf"):
            return []
        self._apart = apart
        recurs = len(self._sorted) > 1 or (len(outputs) > 1 and self._has_several(outputs))
        if recurs != self._recurs:
            self._recurs = recurs
            if self._level == CONTENT:
                self._changed_s = float("-inf")
        changed_s, self._changed_s = self._changed_s, float("inf")
        rules = Rules(self._level, bool(self._blind), led_to, elsewhere)
        first, mark = self._restart(changed_s)
        verdicts: list[Verdict] = []
        if len(self._sorted) == len(outputs) == 1:
            verdicts = rules.of_one(self._sorted[0], outputs[0])
        else:
            for stretch in self._scan(rules, first, mark, places, outputs):
                verdicts.extend(rules.verdicts(stretch))
        verdicts.sort(key=_verdict_place)
        rules.cast_doubt(verdicts)
        if self._level != CONTENT and len(verdicts) > 1:
            rules.doubt_elimination(verdicts)
        for verdict in verdicts if self._foreign else ():
            if verdict.left_out and not verdict.outputs:
                made = _count_made(places, verdict.delivery.latest_s)
                rules.suspect_foreign(verdict, outputs[max(0, made - VISIBLE) : made])
        if first and len(self._sorted) > first + REACH:
            # The first ones were only looked at for the doubts that they cast.
            valid = self._places[first + REACH]
            verdicts = [v for v in verdicts if v.delivery.place >= valid]
        for verdict in verdicts:
            verdict.recurs = recurs
            # Of several writes of one content, one that seems to be made later is hardly meant.
            verdict.certain = verdict.certain and (not recurs or verdict.is_made_before())
        return verdicts

    def _scan(
        self,
        rules: Rules,
        first: int,
        mark: _Mark | None,
        places: Sequence[OutputPlace],
        outputs: Sequence[OutputNode],
    ) -> Iterator[Stretch]:
        stretch = Stretch(mark is not None and mark.crowded)
        visible = [o for o in mark.visible if not o.call.invocation.gone] if mark else []
        left = [o for o in mark.left if not o.call.invocation.gone] if mark else []
        pulled = _count_made(places, self._sorted[first - 1].latest_s) if first else 0
        since_mark = 0
        for delivery in self._sorted[first:]:
            made = _count_made(places, delivery.latest_s)
            new = outputs[max(pulled, made - VISIBLE) : made]
            if self._apart:
                new = self._own(new, delivery)
            pulled = max(pulled, made)
            visible = rules.current([*visible, *new], delivery)
            left = rules.current([*left, *rules.takable(new)], delivery)
            entry = rules.entry(delivery, visible)
            taken = next((output for output in entry.fitting if output in left), None)
            if taken is not None:
                left.remove(taken)
            else:
                stretch.short = True
            stretch.entries.append(entry)
            stretch.crowded = stretch.crowded or len(stretch.entries) > _CROWD
            if not left:
                yield stretch
                stretch = Stretch(crowded=False)
                visible = [o for o in visible if o.fact.doubtful]
            since_mark += 1
            if since_mark >= _MARK_EVERY and (stretch.crowded or not left):
                since_mark = 0
                self._marks.append(
                    _Mark(delivery.place, stretch.crowded, tuple(visible), tuple(left))
                )
        if stretch.entries:
            yield stretch

    def _own(self, outputs: Sequence[OutputNode], delivery: Delivery) -> Sequence[OutputNode]:
        """Leave out what was written in another account, where all have the same names."""
        cause = delivery.causes[0]
        own = [output for output in outputs if not accounts_differ(output, cause)]
        self._foreign = self._foreign or len(own) < len(outputs)
        return own

    def _has_several(self, outputs: Sequence[OutputNode]) -> bool:
        if not self._apart:
            return True
        cause = self._sorted[0].causes[0]
        own = (output for output in outputs if not accounts_differ(output, cause))
        return len(list(islice(own, 2))) > 1

    def _restart(self, changed_s: float) -> tuple[int, _Mark | None]:
        """Find where to begin: the last mark that a change at that time leaves as it is."""
        safe = bisect_left(self._places, (changed_s, ("", "", 0))) - 2 * REACH
        marks = self._marks
        while marks and (
            marks[-1].place[0] >= changed_s or bisect_right(self._places, marks[-1].place) > safe
        ):
            marks.pop()
        if not marks:
            return 0, None
        return bisect_right(self._places, marks[-1].place), marks[-1]

    def _forget_marks(self) -> None:
        """Let go of all marks but the last before the first delivery that is left."""
        if self._places:
            first = bisect_left(self._marks, self._places[0], key=lambda mark: mark.place)
            del self._marks[: max(0, first - 1)]


def _count_made(places: Sequence[OutputPlace], until_s: float) -> int:
    return bisect_right(places, until_s, key=_made_s)


def _made_s(place: OutputPlace) -> float:
    return place[0]


def _verdict_place(verdict: Verdict) -> Place:
    return verdict.delivery.place


def _invocation_id(cause: CauseNode) -> str:
    return cause.invocation.request_id
