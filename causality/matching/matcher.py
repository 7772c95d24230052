"""Matching causes to calls: which output of which call is the other half of an edge.

Evidence has three levels, and a cause takes the strongest at which anything fits:

- exact: an id that AWS issued once and showed to both sides;
- content: equal content (item hash, ETag, payload hash);
- order: the same resource and key, told apart by order in time.

At the two weaker levels one output stands for one record at each consumer, so a group is a
bipartite graph, and only what holds in every maximum matching is certain; everything else is
ambiguous and lists its candidates. The result depends on the set of halves alone, not on the
order in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from causality.clock import CLOCK_SKEW_S
from causality.graph import CauseNode, Edge, Invocation, OutputNode
from causality.matching.agreement import why_not
from causality.matching.conclusions import differs, edge_from, is_explained, is_frozen
from causality.matching.departures import Departures
from causality.matching.doubts import Doubts
from causality.matching.found import Found
from causality.matching.group_index import GroupIndex
from causality.matching.handed_on import SHOWN_IDS, HandedOn
from causality.matching.ids import IdIndex
from causality.matching.lineage import follow, led_to, proven_parents
from causality.matching.match_keys import (
    CONTENT,
    MESSAGE_IDS,
    ORDER,
    group_cause_keys,
    is_handed_on,
    output_order,
)
from causality.matching.output_keys import OutputKeys
from causality.matching.readings import Readings
from causality.matching.redeliveries import Redeliveries
from causality.matching.retried import Retried
from causality.snapshot import Evidence

_RIVALS = 32
_TURNS = 4

Changed: TypeAlias = Callable[[CauseNode, Edge | None], None]


class Matcher:
    """The indices of both halves; `settle` brings every edge up to date."""

    def __init__(self, changed: Changed, invocation_of: Callable[[str], Invocation | None]) -> None:
        """Make an empty index.

        Args:
            changed: told of each cause whose edge changed, with the edge it had before.
            invocation_of: finds an invocation by request id.
        """
        self._changed = changed
        self._invocation_of = invocation_of
        self._again: dict[CauseNode, Sequence[CauseNode]] = {}
        self._departures = Departures()
        self._ids = IdIndex(self._again, invocation_of, self._departures)
        self.doubts = Doubts()
        self.redeliveries = Redeliveries()
        self.retried = Retried()
        self.handed_on = HandedOn()
        self._perhaps: dict[CauseNode, None] = {}  # whose events may have been handed on
        self._groups = GroupIndex(self._departures)
        self._unsure: dict[CauseNode, None] = {}
        self.output_keys = OutputKeys(self._groups)
        self.readings = Readings(self.output_keys)

    def sizes(self) -> dict[str, int]:
        """Give the number of entries of each index."""
        return {
            "ids": len(self._ids),
            "groups": len(self._groups),
            "dirty": self._groups.dirty,
            "unsure": len(self._unsure),
            "puts": len(self.output_keys),
            **self.doubts.sizes(),
            "redeliveries": len(self.redeliveries),
            "retried": len(self.retried),
            "handed on": len(self.handed_on),
            "readings": len(self.readings),
            "departures": len(self._departures),
        }

    # --- outputs ----------------------------------------------------------------------------

    def add_output(self, node: OutputNode) -> None:
        """Put one output of a call into the indices."""
        self._ids.add_output(node, self._unsure)
        fact = node.fact
        if node.call.fact.retries or node.call.fact.error is not None:
            self._unsure.update(self.retried.add_output(node))
        if fact.key is fact.item_hash is fact.subject is None and not fact.attribute_hashes:
            return  # nothing but its ids tells it
        if fact.doubtful:
            self.readings.add(node)
        else:
            self.output_keys.enter(node)
        if node.keys and node.call.fact.service == "lambda" and self.handed_on.add(node):
            self._ask_handed(node)

    def remove_output(self, node: OutputNode) -> None:
        """Take out an output that never was: its call failed."""
        self._ids.remove_output(node, self._unsure)
        self._unsure.update(self.retried.remove_output(node))
        if self.handed_on.remove(node):
            self._ask_handed(node)
        self.output_keys.remove(node)
        self.readings.drop(node)

    def forget_output(self, node: OutputNode, *, matched: bool) -> None:
        """Let an output go, matched if its record came; what is decided stays decided."""
        self._ids.forget_output(node)
        self.output_keys.forget(node)
        self.retried.remove_output(node)
        self.handed_on.remove(node)
        self._departures.note_output(node, self.output_keys.names_of(node), matched=matched)
        self.readings.drop(node)

    def missed(self, half: OutputNode | CauseNode) -> None:
        """Note a half of an invocation that has left already."""
        if isinstance(half, CauseNode):
            self._note_departure(half)
            return
        self._departures.note_output(half, self.output_keys.names_of(half), matched=False)
        for started in self._departures.started_by(half):
            invocation = self._invocation_of(started)
            for cause in invocation.causes if invocation is not None else ():
                self.remove_cause(cause)
                cause.exact = cause.content = cause.order = None
                self._conclude(cause)

    # --- causes -----------------------------------------------------------------------------

    def add_cause(self, node: CauseNode) -> None:
        """Put one cause into the indices."""
        if node.number and len(self.redeliveries):
            self._dissolve_tries(node.invocation)  # it shows more than what others showed
        if self._departures.ids and self._departures.has_started(node.invocation):
            self._conclude(node)  # who invoked it left, and what stands in its event may be old
            return
        self._ids.add_cause(node, self._unsure)
        fact = node.fact
        told = fact.key is not None or fact.item_hash is not None or fact.subject is not None
        if told and (fact.service == "lambda" or not is_handed_on(node.exact)):
            self._enter_cause(node)
        if self.handed_on.invokes and fact.service != "lambda":
            self._perhaps[node] = None
            if self.handed_on.note_given(node):
                self._ask_given(node)

    def _enter_cause(self, node: CauseNode) -> None:
        fact, invocation = node.fact, node.invocation
        if fact.service == "dynamodb" and fact.key is not None and fact.resource:
            self.output_keys.learn(
                (invocation.region or fact.region or "", fact.resource), fact.key
            )
        keys = []
        for level, key in group_cause_keys(node):
            keys.append(key)
            given = self._groups.add_cause(level, key, node)
            if len(given) > 1:
                self._again[node] = given
        node.keys = tuple(keys)

    def remove_cause(self, node: CauseNode) -> None:
        """Take a cause out; what it was is looked at again."""
        self._dissolve_tries(node.invocation)
        self._remove_cause(node, silently=False)

    def forget_cause(self, node: CauseNode) -> None:
        """Let a cause go for the sake of memory; what is decided stays decided."""
        edge = node.edge
        if node.keys and (edge is None or edge.parent is None or not edge.parent.gone):
            self._note_departure(node)
        self._remove_cause(node, silently=True)

    def _note_departure(self, node: CauseNode) -> None:
        source = self._departures.note_cause(node)
        if source is not None and not is_explained(node):
            at_s = node.invocation.recorded_at_s or 0.0
            self.doubts.recall(source, at_s, returning=False)

    def _remove_cause(self, node: CauseNode, *, silently: bool) -> None:
        self._ids.remove_cause(node)
        self.retried.forget(node)
        self.readings.found_changed(node.content, node.order)
        self.doubts.forget(node, silently=silently)
        self._groups.remove_cause(node, silently=silently)
        node.keys = ()
        self._unsure.pop(node, None)
        self._perhaps.pop(node, None)

    def moved(self, node: CauseNode) -> None:
        """Consider a cause again: its invocation's start, or its caller, became known."""
        self._unsure[node] = None
        self.redeliveries.moved(node.invocation)
        self._groups.changed(node, CONTENT)
        self._groups.changed(node, ORDER)
        if node.fact.caller is None:
            self._join_again(node)  # which of its deliveries came first may be another one
            tries = self.redeliveries.tries(node.invocation)
            for member in tries if len(tries) > 1 else ():
                for cause in member.causes[:1]:
                    self._changed(cause, cause.edge)

    def rivals(self, cause: CauseNode) -> Iterator[tuple[OutputNode, str]]:
        """Give the outputs that met this cause under some key and lost, and why each did."""
        edge = cause.edge
        chosen = set(edge.candidates) if edge is not None else set()
        began_s = cause.invocation.recorded_at_s or 0.0
        met = self._ids.met(cause)
        for key in cause.keys:
            met += self._groups.outputs_until(key, began_s + CLOCK_SKEW_S, _RIVALS)
        for output in sorted(dict.fromkeys(met), key=output_order):
            maker = output.call.invocation
            if output.call not in chosen:
                led = maker.causes and self._led_to(cause.invocation, maker)
                why = "made by what this invocation led to" if led else why_not(output, cause)
                yield output, why

    # --- settling ---------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring every edge up to date with what came since the last time."""
        self._settle()
        for _ in range(_TURNS):
            if not (self._perhaps or self.readings.changed):
                break
            perhaps, self._perhaps = self._perhaps, {}
            for cause in perhaps:
                if not is_frozen(cause):
                    self._conclude(cause)
            self.readings.settle()
            self._settle()

    def _settle(self) -> None:
        # Proven edges first: the weaker levels must know which invocation led to which.
        for cause in list(self._unsure):
            found = self._ids.find(cause)
            if differs(cause.exact, found):
                if is_handed_on(found) != is_handed_on(cause.exact):
                    self._hand_on(cause, found)
                cause.exact = found
                if found is not None and self.retried.waiting:
                    self.retried.forget(cause)
                self._conclude(cause)
                if cause.keys:
                    self._groups.changed(cause, CONTENT)
                    self._groups.changed(cause, ORDER)
            elif cause.fact.caller is not None:
                self._conclude(cause)
        for level in (CONTENT, ORDER):
            for cause, found in self._groups.solve(level, self._led_to):
                self._take_over(cause, level, found)
        self._unsure.update(self.doubts.take())
        while self._unsure:
            unsure, self._unsure = self._unsure, {}
            for cause in unsure:
                if cause.keys:
                    returns = cause.content is not None and cause.content.recurs
                    self.doubts.note(cause, explained=is_explained(cause), returns=returns)
            for cause in unsure:
                if cause.exact is None and not is_frozen(cause):  # else its edge is up to date
                    self._conclude(cause)
            self._unsure.update(self.doubts.take())
        for cause in self.redeliveries.join_all(self._again):
            self._changed(cause, cause.edge)
        self._again.clear()

    def _hand_on(self, cause: CauseNode, found: Found | None) -> None:
        """Take an event for what an Invoke handed on, or for a delivery again."""
        if cause.fact.service == "lambda":
            return  # a payload
        if is_handed_on(found):
            self._join_again(cause)
            self._dissolve_tries(cause.invocation)
            self.doubts.forget(cause, silently=False)
            self._groups.remove_cause(cause, silently=False)
            cause.keys, cause.content, cause.order = (), None, None
            if cause.repeated:
                cause.repeated = False
                self._changed(cause, cause.edge)
        else:
            self._enter_cause(cause)
            self._join_again(cause)

    def _ask_handed(self, invoke: OutputNode) -> None:
        """Look again at those that show what an Invoke sent, or who made it had been given."""
        for key in invoke.keys:
            payloads = self._groups.causes(key)
            self._perhaps |= {one: None for one in payloads if one.fact.service != "lambda"}
        for given in invoke.call.invocation.causes:
            self._ask_given(given)

    def _ask_given(self, cause: CauseNode) -> None:
        same = (*self._ids.showing(cause, SHOWN_IDS), *self._groups.given(cause))
        self._perhaps |= dict.fromkeys(same)

    def _join_again(self, cause: CauseNode) -> list[CauseNode]:
        """Have those joined again who show the same record; gives them."""
        same = [cause, *self._ids.showing(cause, MESSAGE_IDS), *self._groups.delivered(cause)]
        for one in {other.invocation.consumer: other for other in same}.values():
            self._again[one] = same
        return same

    def _dissolve_tries(self, invocation: Invocation) -> None:
        """Join the tries of a trigger again, but for what only this one held together."""
        seen: set[CauseNode] = set()
        for member in self.redeliveries.dissolve(invocation):
            for cause in member.causes:
                if cause not in seen:
                    seen.update(self._join_again(cause))

    def _take_over(self, cause: CauseNode, level: int, found: Found | None) -> None:
        known = cause.order if level == ORDER else cause.content
        if not differs(known, found):
            return
        self._unsure[cause] = None
        if self.readings:
            self.readings.found_changed(known, found)
        if level == ORDER:
            cause.order = found
        else:
            cause.content = found
            self._groups.changed(cause, ORDER)

    def _conclude(self, cause: CauseNode) -> None:
        old, new = cause.edge, self._edge_of(cause)
        if new is not None and old is not None and new.same(old):
            return
        cause.edge = new
        self._changed(cause, old)
        if self.handed_on.invokes and cause.fact.service == "lambda":
            for edge in (old, new):
                for output in edge.call.outputs if edge is not None and edge.call else ():
                    self._ask_handed(output)
        proven = new is not None and new.evidence == "exact"
        if proven or (old is not None and old.evidence == "exact"):
            # Look again at what those effects may have caused whose lineage became known.
            invocation = cause.invocation
            if (invocation.made or invocation.triggered) and len(self._groups):
                follow(invocation, self._groups.lineage_changed)

    def _edge_of(self, cause: CauseNode) -> Edge | None:
        exact = cause.exact
        if self.handed_on.invokes and (handed := self.handed_on.by(cause)):
            found = exact or cause.content or cause.order
            known = found.outputs if found is not None else ()
            return edge_from(cause, "ambiguous", [*known, *handed], certain=False)
        if exact is not None:
            if exact.alike is not None:
                maker = exact.outputs[0].call.invocation
                return Edge(cause, "exact", maker, None, exact.alike)
            edge = edge_from(cause, "exact", exact.outputs, exact.certain)
            # More were invoked than calls are known: its own may be among those that are not.
            return Edge(cause, "exact", edge.parent, None, edge.meant) if exact.short else edge
        content, order = cause.content, cause.order
        if content is not None:
            rivals = order.outputs if order is not None else []
            evidence: Evidence = "order" if content.narrowed else "content"
            certain = content.certain
            if certain and (content.narrowed or content.recurs):
                certain = self.doubts.trusts_order(cause)
            elif certain:
                certain = self.doubts.trusts_content(cause)
            return edge_from(cause, evidence, [*content.outputs, *rivals], certain)
        if order is not None:
            # A payload that a rule of IoT passes on is content, whoever gets it.
            if cause.fact.service == "lambda" and not (order.narrowed or order.recurs):
                certain = order.certain and self.doubts.trusts_content(cause)
                return edge_from(cause, "content", order.outputs, certain)
            certain = order.certain and self.doubts.trusts_order(cause)
            return edge_from(cause, "order", order.outputs, certain)
        if cause.fact.caller is not None:
            caller = self._invocation_of(cause.fact.caller)
            if caller is not None and caller is not cause.invocation:
                return Edge(cause, "exact", caller, None, ())
        tried = self.retried.wait(cause)
        return edge_from(cause, "ambiguous", tried, certain=False) if tried else None

    # --- what led to what -------------------------------------------------------------------

    def _led_to(self, first: Invocation, last: Invocation) -> bool:
        """Say whether proven edges lead from one invocation to another."""
        return led_to(first, last, proven_parents)
