"""The index of match keys that several may share: who shares each, and what has to be solved.

Most keys are shown by one output and met by one cause or none. So a key leads to the half that
showed it, to a pair once another half of the other kind did, and to a group from there on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from causality.graph import CauseNode, OutputNode
from causality.matching.agreement import is_specific
from causality.matching.delivery import Delivery
from causality.matching.departures import Departures
from causality.matching.found import Found
from causality.matching.groups import Group
from causality.matching.match_keys import CONTENT, ORDER, GroupKey, is_blind, record_identity
from causality.matching.stretch import LedTo, Rules

# Of a record that need not be told from others.
_ONLY: Final = ("", "", 0)


class Pair(msgspec.Struct, gc=False, eq=False):
    """The only output and the only cause of a key.

    Attributes:
        level: what sharing the key proves, content or order.
    """

    level: int
    output: OutputNode
    cause: CauseNode


Sharing: TypeAlias = OutputNode | CauseNode | Pair | Group


class GroupIndex:
    """Outputs and causes by the keys that they share."""

    def __init__(self, departures: Departures | None = None) -> None:
        """Make an empty index.

        Args:
            departures: what has left, and what it leaves in doubt.
        """
        self._departures = departures if departures is not None else Departures()
        self._sharing: dict[GroupKey, Sharing] = {}
        self._dirty: dict[int, dict[GroupKey, None]] = {CONTENT: {}, ORDER: {}}

    def __len__(self) -> int:
        """Give the number of keys."""
        return len(self._sharing)

    @property
    def dirty(self) -> int:
        """Give the number of keys that have to be solved again."""
        return sum(map(len, self._dirty.values()))

    # --- entering and leaving ---------------------------------------------------------------

    def add_output(self, level: int, key: GroupKey, node: OutputNode) -> None:
        """Enter an output."""
        known = self._sharing.setdefault(key, node)
        if known is node:
            return
        if type(known) is CauseNode:
            self._sharing[key] = Pair(level, node, known)
        else:
            self._group(level, key, known).add_output(node)
        self._dirty[level][key] = None

    def add_cause(self, level: int, key: GroupKey, node: CauseNode) -> Sequence[CauseNode]:
        """Enter a cause; gives all who were given the same record, if others were."""
        known = self._sharing.setdefault(key, node)
        if known is node:
            return ()
        given: Sequence[CauseNode] = ()
        if type(known) is OutputNode:
            self._sharing[key] = Pair(level, known, node)
        else:
            given = _enter(self._group(level, key, known), node)
        self._dirty[level][key] = None
        return given

    def remove_output(self, node: OutputNode) -> None:
        """Take out an output that never was: its call failed."""
        for key in node.keys:
            sharing = self._sharing.get(key)
            if sharing is node:
                del self._sharing[key]
            elif type(sharing) is Pair:
                self._sharing[key] = sharing.cause
                self._dirty[sharing.level][key] = None
            elif type(sharing) is Group:
                sharing.remove_output(node)
                self._removed(key, sharing)

    def forget_output(self, node: OutputNode) -> None:
        """Let an output go for the sake of memory; what is decided stays decided."""
        for key in node.keys:
            sharing = self._sharing.get(key)
            if sharing is node:
                del self._sharing[key]
            elif type(sharing) is Pair:
                self._sharing[key] = sharing.cause
            elif type(sharing) is Group:
                sharing.forget_output(node)
                if not sharing:
                    del self._sharing[key]

    def remove_cause(self, node: CauseNode, *, silently: bool) -> None:
        """Take a cause out; silently, if what is decided shall stay decided."""
        for key in node.keys:
            sharing = self._sharing.get(key)
            if sharing is node:
                del self._sharing[key]
            elif type(sharing) is Pair:
                self._sharing[key] = sharing.output
            elif type(sharing) is Group:
                identity = record_identity(node)
                sharing.remove_cause(node.invocation.consumer, identity, node, silently=silently)
                if not silently or not sharing:
                    self._removed(key, sharing)

    def _group(self, level: int, key: GroupKey, known: Sharing) -> Group:
        if type(known) is Group:
            return known
        group = self._sharing[key] = Group(level)
        if isinstance(known, OutputNode):
            group.add_output(known)
        elif isinstance(known, CauseNode):
            _enter(group, known)
        elif isinstance(known, Pair):
            group.add_output(known.output)
            _enter(group, known.cause)
        return group

    def _removed(self, key: GroupKey, group: Group) -> None:
        if group:
            self._dirty[group.level][key] = None
        else:
            del self._sharing[key]

    # --- reading ----------------------------------------------------------------------------

    def outputs_until(self, key: GroupKey, made_s: float, count: int) -> list[OutputNode]:
        """Give the newest outputs of a key made until some time, and the next one."""
        sharing = self._sharing.get(key)
        if type(sharing) is Group:
            return sharing.outputs_until(made_s, count)
        return [sharing.output] if type(sharing) is Pair else []

    def causes(self, key: GroupKey) -> list[CauseNode]:
        """Give all causes of a key."""
        sharing = self._sharing.get(key)
        if type(sharing) is Group:
            return list(sharing.causes())
        return [sharing.cause] if type(sharing) is Pair else []

    def delivered(self, cause: CauseNode) -> list[CauseNode]:
        """Give all who were given the same record by the same keys."""
        found: list[CauseNode] = []
        for key in cause.keys:
            sharing = self._sharing.get(key)
            if type(sharing) is Group:
                found += sharing.delivered(cause.invocation.consumer, record_identity(cause))
        return found

    def given(self, cause: CauseNode) -> Iterator[CauseNode]:
        """Give all who were given the same record by the same keys, whatever their function."""
        for key in cause.keys:
            sharing = self._sharing.get(key)
            if type(sharing) is Group:
                yield from sharing.given(record_identity(cause))

    # --- solving ----------------------------------------------------------------------------

    def changed(self, cause: CauseNode, level: int) -> None:
        """Note that what is known of a cause changed: its time, or stronger evidence."""
        for key in cause.keys:
            sharing = self._sharing.get(key)
            if type(sharing) is Group and sharing.level == level:
                sharing.changed(cause.invocation.consumer, record_identity(cause))
                self._dirty[level][key] = None
            elif type(sharing) is Pair and sharing.level == level:
                self._dirty[level][key] = None

    def lineage_changed(self, output: OutputNode) -> None:
        """Note that more is known of what led to an output."""
        for key in output.keys:
            sharing = self._sharing.get(key)
            if type(sharing) is Group:
                sharing.changed_at(output.made_s)
                self._dirty[sharing.level][key] = None
            elif type(sharing) is Pair:
                self._dirty[sharing.level][key] = None

    def solve(self, level: int, led_to: LedTo) -> Iterator[tuple[CauseNode, Found | None]]:
        """Give what holds now at one level, for the causes for which it may have changed."""
        dirty, self._dirty[level] = self._dirty[level], {}
        rules, blind_rules = Rules(level, False, led_to), Rules(level, True, led_to)
        left = self._departures or None
        for key in dirty:
            sharing = self._sharing.get(key)
            if type(sharing) is Pair:
                blind = level == ORDER and is_blind(sharing.cause.fact)
                found = _of_pair(sharing, blind_rules if blind else rules, blind)
                if left is not None and found is not None:
                    delivery = Delivery(_ONLY, sharing.cause)
                    found.certain = found.certain and not left.concern(level, key, delivery)
                    found.recurs = level == CONTENT and key in left
                yield sharing.cause, found
            elif type(sharing) is Group:
                for verdict in sharing.solve(led_to):
                    if left is not None:
                        concerned = verdict.certain and left.concern(level, key, verdict.delivery)
                        verdict.certain = verdict.certain and not concerned
                        verdict.recurs = verdict.recurs or (level == CONTENT and key in left)
                    found = verdict.found()
                    for cause in verdict.delivery.causes:
                        yield cause, found
            elif type(sharing) is CauseNode:
                yield sharing, None


def _enter(group: Group, cause: CauseNode) -> Sequence[CauseNode]:
    return group.add_cause(cause.invocation.consumer, record_identity(cause), cause)


def _of_pair(pair: Pair, rules: Rules, blind: bool) -> Found | None:
    """Give what a group of these two would, by the same rules, without one."""
    output, cause = pair.output, pair.cause
    if cause.exact is not None:
        return None
    if pair.level == ORDER:
        told_by_content = cause.content is not None and output in cause.content.outputs
        if told_by_content or (is_specific(output) and not blind):
            return None
    verdicts = rules.of_one(Delivery(_ONLY, cause), output)
    return verdicts[0].found() if verdicts else None
