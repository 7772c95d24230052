"""The index of match keys that several may share: who shares each, and what has to be solved.

Most keys are shown by one output and met by one cause or none, or by one at each of a few
functions. So a key leads to the half that showed it, to pairs once halves of the other kind did,
and to a group from there on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
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
# More functions than these are not looked through for one more.
_FEW: Final = 16
_arn_of = attrgetter("invocation.arn")


class Pairs(msgspec.Struct, gc=False, eq=False):
    """The only output of a key with the only cause, or with the only one of each function.

    Attributes:
        level: what sharing the key proves, content or order.
        causes: where they are several, none of them shows an id that tells which record it is.
    """

    level: int
    output: OutputNode
    causes: tuple[CauseNode, ...]

    def can_take(self, cause: CauseNode) -> bool:
        """Say whether one more cause has nothing to do with the others."""
        if cause.fact.ids or self.causes[0].fact.ids or len(self.causes) == _FEW:
            return False  # others may have been given the same record
        return cause.invocation.arn not in map(_arn_of, self.causes)


Sharing: TypeAlias = OutputNode | CauseNode | Pairs | Group


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
            self._sharing[key] = Pairs(level, node, (known,))
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
            self._sharing[key] = Pairs(level, known, (node,))
        elif type(known) is Pairs and known.can_take(node):
            known.causes += (node,)
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
            elif type(sharing) is Pairs:
                self._take_out_output(key, sharing)
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
            elif type(sharing) is Pairs:
                self._take_out_output(key, sharing)
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
            elif type(sharing) is Pairs:
                sharing.causes = tuple([cause for cause in sharing.causes if cause is not node])
                if not sharing.causes:
                    self._sharing[key] = sharing.output
                elif not silently:
                    self._dirty[sharing.level][key] = None
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
        elif isinstance(known, Pairs):
            group.add_output(known.output)
            for cause in known.causes:
                _enter(group, cause)
        return group

    def _take_out_output(self, key: GroupKey, pairs: Pairs) -> None:
        if len(pairs.causes) == 1:
            self._sharing[key] = pairs.causes[0]
        else:
            self._group(pairs.level, key, pairs).forget_output(pairs.output)

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
        return [sharing.output] if type(sharing) is Pairs else []

    def causes(self, key: GroupKey) -> list[CauseNode]:
        """Give all causes of a key."""
        sharing = self._sharing.get(key)
        if type(sharing) is Group:
            return list(sharing.causes())
        return list(sharing.causes) if type(sharing) is Pairs else []

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
            elif type(sharing) is Pairs and sharing.level == level:
                self._dirty[level][key] = None

    def lineage_changed(self, output: OutputNode) -> None:
        """Note that more is known of what led to an output."""
        for key in output.keys:
            sharing = self._sharing.get(key)
            if type(sharing) is Group:
                sharing.changed_at(output.made_s)
                self._dirty[sharing.level][key] = None
            elif type(sharing) is Pairs:
                self._dirty[sharing.level][key] = None

    def solve(self, level: int, led_to: LedTo) -> Iterator[tuple[CauseNode, Found | None]]:
        """Give what holds now at one level, for the causes for which it may have changed."""
        dirty, self._dirty[level] = self._dirty[level], {}
        rules = Rules(level, False, led_to)
        left = self._departures or None
        for key in dirty:
            sharing = self._sharing.get(key)
            if type(sharing) is Pairs:
                for cause in sharing.causes:
                    found = _of_pair(sharing, cause, rules)
                    if left is not None and found is not None:
                        delivery = Delivery(_ONLY, cause)
                        found.certain = found.certain and not left.concern(level, key, delivery)
                        found.recurs = level == CONTENT and key in left
                    yield cause, found
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


def _are_blind(causes: Sequence[CauseNode]) -> bool:
    """Say whether content alone does not tell everything of some of these."""
    return any(is_blind(cause.fact) for cause in causes)


def _of_pair(pairs: Pairs, cause: CauseNode, rules: Rules) -> Found | None:
    """Give what a group would give a cause, by the same rules, without one."""
    output = pairs.output
    if cause.exact is not None:
        return None
    if pairs.level == ORDER:
        told_by_content = cause.content is not None and output in cause.content.outputs
        if told_by_content or (is_specific(output) and not _are_blind(pairs.causes)):
            return None
    verdicts = rules.of_one(Delivery(_ONLY, cause), output)
    return verdicts[0].found() if verdicts else None
