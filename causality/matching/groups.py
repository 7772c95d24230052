"""A group: the outputs that share a match key, and a lane for each function that consumes them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from causality.graph import CauseNode, OutputNode
from causality.matching.agreement import is_specific
from causality.matching.delivery import Delivery, Identity, Verdict
from causality.matching.lane import Lane, OutputPlace
from causality.matching.match_keys import CONTENT, NAMELESS, is_blind, output_order
from causality.matching.stretch import LedTo
from gammaray_recorder import wire

Consumer: TypeAlias = tuple[str, str]  # (region, ARN as invoked)


class Group:
    """The outputs and the causes that share one match key.

    Attributes:
        level: what sharing the key proves, content or order.
    """

    __slots__ = ("_account", "_lanes", "_mixed", "_outputs", "_places", "_several", "level")

    def __init__(self, level: int) -> None:
        """Make an empty group."""
        self.level = level
        self._outputs: list[OutputNode] = []
        self._places: list[OutputPlace] = []
        self._lanes: dict[Consumer, Lane] = {}
        # Whether content alone does not tell everything, so that order has to.
        self._mixed = level == CONTENT
        self._account: str | None = None  # of those who share the key, as far as they are of one
        self._several = False

    def __bool__(self) -> bool:
        return bool(self._outputs or self._lanes)

    def outputs_until(self, made_s: float, count: int) -> list[OutputNode]:
        """Give the newest outputs made until some time, and the next one."""
        end = bisect_left(self._places, (made_s, "", "", 0)) + 1
        return self._outputs[max(0, end - count) : end]

    # --- entering and leaving ---------------------------------------------------------------

    def add_output(self, output: OutputNode) -> None:
        """Enter an output."""
        place = output_order(output)
        index = bisect_left(self._places, place)
        self._places.insert(index, place)
        self._outputs.insert(index, output)
        account, ids = output.call.invocation.account, output.fact.ids
        if ids or account is not self._account:  # else as all before
            self._note_account(account, ids)
        if not is_specific(output):
            self._mix()
        self.changed_at(place[0])

    def remove_output(self, output: OutputNode) -> None:
        """Take out an output that never was: its call failed."""
        if self._take_out(output):
            self.changed_at(output.made_s)

    def forget_output(self, output: OutputNode) -> None:
        """Let an output go for the sake of memory; what is decided stays decided."""
        self._take_out(output)

    def add_cause(
        self, consumer: Consumer, identity: Identity, cause: CauseNode
    ) -> list[CauseNode]:
        """Enter a cause; gives it with those that are deliveries of the same record."""
        lane = self._lanes.get(consumer)
        if lane is None:
            lane = self._lanes[consumer] = Lane(self.level)
        causes = lane.add(identity, cause)
        if identity[0] != NAMELESS and (cause.invocation.made or cause.invocation.triggered):
            # What it wrote, or led to, cannot be the record that it was given.
            for other in self._lanes.values():
                if other is not lane:
                    other.changed(identity)
        account, ids = cause.invocation.account, cause.fact.ids
        if ids or account is not self._account:
            self._note_account(account, ids)
        if is_blind(cause.fact):
            self._mix()
        return causes

    def remove_cause(
        self, consumer: Consumer, identity: Identity, cause: CauseNode, *, silently: bool = False
    ) -> None:
        """Take a cause out; silently, if nothing shall be solved again for it."""
        lane = self._lanes.get(consumer)
        if lane is not None:
            lane.remove(identity, cause, silently=silently)
            if not lane:
                del self._lanes[consumer]

    def delivered(self, consumer: Consumer, identity: Identity) -> Sequence[CauseNode]:
        """Give the causes that are deliveries of a record."""
        lane = self._lanes.get(consumer)
        return () if lane is None else lane.delivered(identity)

    def given(self, identity: Identity) -> Iterator[CauseNode]:
        """Give the causes that are deliveries of a record, to any function."""
        for lane in self._lanes.values():
            yield from lane.delivered(identity)

    def causes(self) -> Iterator[CauseNode]:
        """Give all causes."""
        for lane in self._lanes.values():
            yield from lane.causes()

    def changed(self, consumer: Consumer, identity: Identity) -> None:
        """Note that what is known of a cause changed: its time, or stronger evidence."""
        lane = self._lanes.get(consumer)
        if lane is not None:
            lane.changed(identity)

    def changed_at(self, at_s: float) -> None:
        """Note that something changed for outputs of that time."""
        for lane in self._lanes.values():
            lane.changed_at(at_s)

    def _take_out(self, output: OutputNode) -> bool:
        index = bisect_left(self._places, output_order(output))
        if index == len(self._outputs) or self._outputs[index] is not output:
            return False
        del self._places[index], self._outputs[index]
        return True

    def _note_account(self, account: str | None, ids: Mapping[str, str]) -> None:
        account = ids.get(wire.ID_ACCOUNT, account)
        if self._account is None:
            self._account = account
        elif account is not None and account != self._account:
            self._several = True

    def _mix(self) -> None:
        if not self._mixed:
            self._mixed = True
            self.changed_at(float("-inf"))

    # --- solving ----------------------------------------------------------------------------

    def solve(self, led_to: LedTo) -> Iterator[Verdict]:
        """Give what holds now, for the deliveries for which it may have changed."""
        if not self._mixed:
            return
        elsewhere = None if len(self._lanes) == 1 else self._elsewhere
        for lane in self._lanes.values():
            yield from lane.solve(
                self._places, self._outputs, led_to, elsewhere, apart=self._several
            )

    def _elsewhere(self, delivery: Delivery) -> Iterator[CauseNode]:
        for lane in self._lanes.values():
            causes = lane.delivered(delivery.identity)
            if causes and causes[0] is not delivery.causes[0]:
                yield from causes
