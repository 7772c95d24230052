"""A stretch of deliveries that may compete for the same outputs: what fits, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from causality.clock import (
    CLOCK_SKEW_S,
    CONTENT_WINDOW_S,
    ORDER_WINDOW_S,
    PROMPT_S,
    PROMPT_START_S,
    ROUNDING_S,
)
from causality.graph import CauseNode, Invocation, OutputNode
from causality.matching.agreement import (
    accounts_differ,
    content_of,
    contents_differ,
    deeds_differ,
    ids_differ,
    is_specific,
)
from causality.matching.assignment import assign
from causality.matching.delivery import Delivery, Verdict
from causality.matching.found import Found
from causality.matching.match_keys import CONTENT, NAMELESS, output_order
from causality.matching.sequence import in_sequence

# A delivery that finds no output casts doubt on so many before it, and after it.
REACH = 48
# Past this many deliveries that cannot be told apart, which call was whose is not certain anyway.
_SOLVED = 48
# An output that so many later ones of the same key overtook is not expected any more.
VISIBLE = 64

LedTo: TypeAlias = Callable[[Invocation, Invocation], bool]
# Gives the causes by which other functions were given the same record.
Elsewhere: TypeAlias = Callable[[Delivery], Iterable[CauseNode]]


class Entry(NamedTuple):
    """A delivery with what fits it.

    Attributes:
        settled: stronger evidence found its output: it only takes that from the others.
        fitting: the outputs that fit.
        rivals: of a settled one, outputs that can be meant all the same.
    """

    delivery: Delivery
    settled: bool
    fitting: list[OutputNode]
    rivals: list[OutputNode]


class Stretch:
    """Deliveries that may compete for the same outputs.

    Attributes:
        crowded: whether they are too many to look at all of them.
        short: whether one of them found nothing that others had left.
    """

    __slots__ = ("crowded", "entries", "short")

    def __init__(self, crowded: bool) -> None:
        self.crowded = crowded
        self.short = False
        self.entries: list[Entry] = []

    def is_of_one(self) -> bool:
        """Say whether calls of a single invocation explain all of them."""
        if self.crowded or self.short:
            return False
        outputs = {output for entry in self.entries for output in entry.fitting}
        return len({output.call.invocation for output in outputs}) == 1 and all(
            output.proven and not output.spare for output in outputs
        )


class Rules:
    """Which outputs fit which deliveries, and what follows from it."""

    def __init__(
        self, level: int, blind: bool, led_to: LedTo, elsewhere: Elsewhere | None = None
    ) -> None:
        self._elsewhere = elsewhere
        self.window_s = CONTENT_WINDOW_S if level == CONTENT else ORDER_WINDOW_S
        self._by_content = level == CONTENT
        self._blind = blind
        self._led_to = led_to

    def current(self, outputs: list[OutputNode], delivery: Delivery) -> list[OutputNode]:
        """Leave out what is too old for a delivery, and what many others overtook."""
        oldest_s = delivery.latest_s - CLOCK_SKEW_S - self.window_s
        while outputs and outputs[0].made_s < oldest_s:
            del outputs[0]
        return outputs[-VISIBLE:]

    def takable(self, outputs: Sequence[OutputNode]) -> Iterator[OutputNode]:
        """Give the outputs that a delivery may take without being told by content.

        Each as often as it may have taken effect.
        """
        for output in outputs:
            if output.fact.doubtful:
                continue  # its call may be meant elsewhere: by its likelier reading
            if self._by_content or self._blind or not is_specific(output):
                for _ in range(output.proven + output.spare):
                    yield output

    def entry(self, delivery: Delivery, visible: list[OutputNode]) -> Entry:
        """Find the outputs that fit a delivery."""
        cause = delivery.causes[0]
        if cause.exact is not None:
            exact = cause.exact.outputs
            return Entry(delivery, True, [o for o in visible if o in exact], [])
        if self._by_content or cause.content is None or _is_foreign(cause.content, cause):
            return Entry(delivery, False, [o for o in visible if self._fits(o, delivery)], [])
        content = cause.content.outputs
        # A write that shows no content may have given the item this content once more, or before:
        # then the call that shows it found it there already, and left no record.
        rivals = [
            output
            for output in visible
            if output.made_s <= delivery.began_s + ROUNDING_S
            and not is_specific(output)
            and self._fits(output, delivery)
        ]
        return Entry(delivery, True, [o for o in visible if o in content], rivals)

    def of_one(self, delivery: Delivery, output: OutputNode) -> list[Verdict]:
        """Solve what is most frequent: one delivery, and one output."""
        cause = delivery.causes[0]
        made_s, latest_s = output.made_s, delivery.latest_s
        visible = latest_s - CLOCK_SKEW_S - self.window_s <= made_s <= latest_s
        if cause.exact is None and (
            self._by_content or cause.content is None or _is_foreign(cause.content, cause)
        ):
            covers = self._covers(output, delivery) if visible else None
            if covers is not None and not accounts_differ(output, cause):
                return [self._alone(delivery, [output], covers)]
            verdict = Verdict(delivery, [] if covers is None else [output])
            verdict.left_out = True
            return [verdict]
        stretch = Stretch(crowded=False)
        stretch.entries.append(self.entry(delivery, [output] if visible else []))
        return list(self.verdicts(stretch))

    def verdicts(self, stretch: Stretch) -> Iterator[Verdict]:
        """Solve one stretch."""
        taken: set[OutputNode] = set()
        if stretch.crowded or len(stretch.entries) > _SOLVED:
            of_one = stretch.is_of_one()
            for entry in stretch.entries:
                if not entry.settled:
                    verdict = Verdict(entry.delivery, entry.fitting)
                    verdict.certain = of_one and self._is_plausible(verdict)
                    yield verdict
        else:
            solved = list(self._solved([e for e in stretch.entries if e.fitting or not e.settled]))
            yield from solved
            if any(entry.rivals for entry in stretch.entries):
                taken = _taken(solved)
        for entry in stretch.entries:
            if entry.settled and not self._by_content:
                yield Verdict(entry.delivery, [o for o in entry.rivals if o not in taken])

    def _solved(self, entries: list[Entry]) -> Iterator[Verdict]:
        if len(entries) == 1 and len(entries[0].fitting) == 1:
            if not entries[0].settled:
                (entry,) = entries
                covers = self._is_proven(entry.fitting[0], entry)
                yield self._alone(entry.delivery, entry.fitting, covers)
            return
        fits = [entry.fitting for entry in entries]
        ordered = in_sequence([e.delivery for e in entries], [e.fitting for e in entries])
        if ordered is not None:
            entries = [e._replace(fitting=o) for e, o in zip(entries, ordered, strict=True)]
        effects: dict[OutputNode, range] = {}  # each output's effects, the proven one first
        count = 0
        for entry in entries:
            for output in entry.fitting:
                if output not in effects:
                    effects[output] = range(count, count + 1 + output.spare)
                    count += 1 + output.spare
        output_of = [output for output, numbers in effects.items() for _ in numbers]
        proven = [
            [effects[o].start for o in entry.fitting if self._is_proven(o, entry)]
            for entry in entries
        ]
        covered = possible = assign(proven)
        if any(output.spare for output in effects):
            possible = assign(
                [
                    [
                        number
                        for o in entry.fitting
                        for number in effects[o][0 if self._is_proven(o, entry) else 1 :]
                    ]
                    for entry in entries
                ]
            )
        for entry, fit, (is_covered, _), (_, allowed) in zip(
            entries, fits, covered, possible, strict=True
        ):
            if entry.settled:
                continue
            verdict = Verdict(entry.delivery, list(dict.fromkeys(output_of[n] for n in allowed)))
            verdict.left_out = not is_covered
            verdict.certain = is_covered and self._is_plausible(verdict)
            if len(verdict.outputs) < len(fit):
                verdict.excluded = [o for o in fit if o not in verdict.outputs]
            yield verdict

    def _alone(self, delivery: Delivery, fitting: list[OutputNode], covers: bool) -> Verdict:
        """Solve a stretch of one delivery that one output fits."""
        verdict = Verdict(delivery, fitting)
        verdict.left_out = not covers
        verdict.certain = covers and self._is_plausible(verdict)
        return verdict

    def cast_doubt(self, verdicts: list[Verdict]) -> None:
        """Let a delivery without an output of its own cast doubt on those around it.

        An output of one before it may be its own, delivered late. And somebody writes here whom
        nobody recorded: for a while, that one may have written what comes next.
        """
        own = [verdict.outputs for verdict in verdicts]
        for index, verdict in enumerate(verdicts):
            if not verdict.left_out:
                continue
            first = max(0, index - REACH)
            near = {output for outputs in own[first:index] for output in outputs}
            fitting = {output for output in near if self._fits(output, verdict.delivery)}
            for earlier, outputs in zip(verdicts[first:index], own[first:index], strict=True):
                earlier.certain = earlier.certain and fitting.isdisjoint(outputs)
            verdict.outputs = sorted(fitting.union(verdict.outputs), key=output_order)
            for later in verdicts[index + 1 : index + 1 + REACH]:
                if later.delivery.latest_s - verdict.delivery.latest_s <= PROMPT_S:
                    later.certain = False

    def doubt_elimination(self, verdicts: list[Verdict]) -> None:
        """Let what others of equal content exclude count, where a call without content is theirs.

        Of the calls that show a content, one may then have written the record that is left.
        """
        open_ = [
            (index, content_of(verdict.delivery.causes[0].fact))
            for index, verdict in enumerate(verdicts)
            if verdict.outputs and verdict.delivery.causes[0].content is not None
        ]
        for index, content in open_:
            for other in verdicts[max(0, index - REACH) : index + 1 + REACH]:
                cause = other.delivery.causes[0]
                found = cause.content
                if found is not None and found.excluded and content_of(cause.fact) == content:
                    outputs = dict.fromkeys([*other.outputs, *found.excluded])
                    other.outputs = sorted(outputs, key=output_order)

    def suspect_foreign(self, verdict: Verdict, made: Sequence[OutputNode]) -> None:
        """Let what nothing explains be, perhaps, of a call that was made in another account."""
        cause = verdict.delivery.causes[0]
        verdict.outputs = [
            output
            for output in made
            if accounts_differ(output, cause) and self._fits(output, verdict.delivery)
        ]

    def _fits(self, output: OutputNode, delivery: Delivery) -> bool:
        return self._covers(output, delivery) is not None

    def _covers(self, output: OutputNode, delivery: Delivery) -> bool | None:
        """Say whether an output that fits a delivery surely took effect; None if it does not."""
        made_s = output.made_s
        cause = delivery.causes[0]
        if made_s > delivery.latest_s or contents_differ(output, cause.fact):
            return None
        proven = self._is_proven_for(output, cause)
        if not proven and not output.spare:
            return None
        if made_s < delivery.began_s - self.window_s or delivery.written_after(output):
            return None
        if deeds_differ(output, cause.fact):
            return None
        maker = output.call.invocation
        may_follow = made_s > delivery.began_s - CLOCK_SKEW_S
        for given in delivery.causes:
            if maker is given.invocation:
                return None
            if may_follow and maker.causes and self._led_to(given.invocation, maker):
                return None
        if self._elsewhere is not None and delivery.identity[0] != NAMELESS:
            for given in self._elsewhere(delivery):
                if self._followed(output, given):
                    return None
        return proven

    def _followed(self, output: OutputNode, given: CauseNode) -> bool:
        """Say whether an output came of a record, which then is not its own."""
        maker, began_s = output.call.invocation, given.invocation.recorded_at_s
        if maker is given.invocation:
            return True
        may_follow = began_s is None or output.made_s > began_s - CLOCK_SKEW_S
        return bool(may_follow and maker.causes and self._led_to(given.invocation, maker))

    @staticmethod
    def _is_proven(output: OutputNode, entry: Entry) -> bool:
        return entry.settled or Rules._is_proven_for(output, entry.delivery.causes[0])

    @staticmethod
    def _is_proven_for(output: OutputNode, cause: CauseNode) -> bool:
        return output.proven and not ids_differ(output, cause.fact)

    def _is_plausible(self, verdict: Verdict) -> bool:
        """Say whether order may prove it: a clock's error or an outsider's write may not."""
        if self._by_content:
            return True
        began_s, is_timed = verdict.delivery.began_s, verdict.delivery.written_s is not None
        for output in verdict.outputs:
            made_s = output.made_s
            if made_s <= began_s + ROUNDING_S and (is_timed or began_s - made_s <= PROMPT_START_S):
                return True
        return False


def _taken(verdicts: Iterable[Verdict]) -> set[OutputNode]:
    """Give the outputs that these deliveries certainly take from all others."""
    certain = [verdict for verdict in verdicts if verdict.certain]
    shared = {output for verdict in certain for output in verdict.outputs}
    if len(shared) > len(certain):
        shared = {v.outputs[0] for v in certain if len(v.outputs) == 1}
    return {output for output in shared if not output.spare}  # a call tried again may do it twice


def _is_foreign(content: Found, cause: CauseNode) -> bool:
    """Say whether equal content was written in another account only."""
    return content.short and accounts_differ(content.outputs[0], cause)
