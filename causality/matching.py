"""Matching causes to calls: which output of which call is the other half of an edge.

Both halves carry match keys, and a key's two sides meet in a group. Evidence has three levels,
and a cause takes the strongest at which anything fits:

- exact: an id that AWS issued once and showed to both sides;
- content: equal content (item hash, ETag, payload hash);
- order: the same resource and key, told apart by order in time.

At the two weaker levels one output can stand for one record a consumer, so a group is a
bipartite graph, and only what holds in every maximum matching is certain; everything else is
ambiguous and lists its candidates. The result depends on the set of halves alone, not on the
order in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from causality.assignment import assign
from causality.clock import CLOCK_SKEW_S, ORDER_WINDOW_S
from causality.graph import CauseNode, Edge, Found, Invocation, OutputNode
from causality.match_keys import (
    CONTENT,
    EXACT,
    ORDER,
    MatchKey,
    cause_keys,
    cause_order,
    contradict,
    key_parts,
    output_keys,
    output_order,
    record_identity,
    why_not,
)
from causality.snapshot import Evidence

_EVIDENCE: dict[int, Evidence] = {EXACT: "exact", CONTENT: "content", ORDER: "order"}

Changed: TypeAlias = Callable[[CauseNode, Edge | None], None]


class Group:
    """The outputs and the causes that share one match key."""

    __slots__ = ("causes", "outputs")

    def __init__(self) -> None:
        self.outputs: list[OutputNode] = []
        self.causes: list[CauseNode] = []


class Matcher:
    """The index of match keys; `settle` brings every edge up to date."""

    def __init__(self, changed: Changed, invocation_of: Callable[[str], Invocation | None]) -> None:
        """Make an empty index.

        Args:
            changed: told of each cause whose edge changed, with the edge it had before.
            invocation_of: finds an invocation by request id.
        """
        self._changed = changed
        self._invocation_of = invocation_of
        self._groups: dict[MatchKey, Group] = {}
        self._dirty: tuple[dict[MatchKey, None], ...] = ({}, {}, {}, {})
        self._unsure: dict[CauseNode, None] = {}
        # DynamoDB's puts do not say which attributes are the key: causes and deletes teach it.
        self._key_names: dict[tuple[str, str], set[tuple[str, ...]]] = {}
        self._puts: dict[tuple[str, str], list[OutputNode]] = {}

    def __len__(self) -> int:
        """Give the number of match keys in the index."""
        return len(self._groups)

    # --- entering and leaving -------------------------------------------------------------

    def add_output(self, node: OutputNode) -> None:
        """Put one output of a call into the index."""
        table = self._table_of_output(node)
        if table is not None:
            if node.fact.key is not None:
                self._learn(table, node.fact.key)
            elif node.fact.attribute_hashes:
                self._puts.setdefault(table, []).append(node)
        for key in output_keys(node, self._key_names.get(table, ()) if table else ()):
            self._enter(node, key)

    def remove_output(self, node: OutputNode) -> None:
        """Take an output out: its call failed, or its invocation leaves."""
        for key in node.keys:
            group = self._groups.get(key)
            if group is not None and node in group.outputs:
                group.outputs.remove(node)
                self._after_removal(key, group)
        node.keys.clear()
        table = self._table_of_output(node)
        if table is not None and node in (puts := self._puts.get(table, [])):
            puts.remove(node)

    def add_cause(self, node: CauseNode) -> None:
        """Put one cause into the index."""
        fact = node.fact
        if fact.service == "dynamodb" and fact.key is not None and fact.resource:
            self._learn((node.invocation.region or "", fact.resource), fact.key)
        node.keys = list(cause_keys(node))
        for key in node.keys:
            self._groups.setdefault(key, Group()).causes.append(node)
            self._dirty[key[0]][key] = None
        self._unsure[node] = None

    def remove_cause(self, node: CauseNode) -> None:
        """Take a cause out: its invocation leaves."""
        for key in node.keys:
            group = self._groups.get(key)
            if group is not None and node in group.causes:
                group.causes.remove(node)
                self._after_removal(key, group)
        self._unsure.pop(node, None)

    def moved(self, node: CauseNode) -> None:
        """Consider a cause again: its invocation's start, or its caller, became known."""
        for key in node.keys:
            self._dirty[key[0]][key] = None
        self._unsure[node] = None

    def waits(self, node: CauseNode) -> bool:
        """Say whether a call could still turn up for this cause."""
        return bool(node.keys) or node.fact.caller is not None

    def rivals(self, cause: CauseNode) -> Iterator[tuple[OutputNode, str]]:
        """Give the outputs that met this cause under some key and lost, and why each did."""
        chosen = {id(call) for call in cause.edge.candidates} if cause.edge is not None else set()
        seen: set[int] = set()
        for level, key in cause.keys:
            group = self._groups.get((level, key))
            for output in sorted(group.outputs, key=output_order) if group is not None else ():
                if id(output.call) in chosen or id(output) in seen:
                    continue
                seen.add(id(output))
                yield output, why_not(output, cause)

    # --- resolving ------------------------------------------------------------------------

    def settle(self) -> None:
        """Resolve what changed since the last time, strongest evidence first."""
        if not self._unsure and not any(self._dirty):
            return
        for level in (EXACT, CONTENT, ORDER):
            dirty = self._dirty[level]
            while dirty:
                key, _ = dirty.popitem()
                group = self._groups.get(key)
                if group is None:
                    continue
                if level == EXACT:
                    for cause in group.causes:
                        self._find(cause, EXACT, self._exactly(cause))
                else:
                    self._resolve(group, level)
        unsure, self._unsure = self._unsure, {}
        for cause in unsure:
            self._conclude(cause)

    def _exactly(self, cause: CauseNode) -> Found | None:
        outputs: list[OutputNode] = []
        for level, key in cause.keys:
            group = self._groups.get((level, key)) if level == EXACT else None
            if group is not None:
                outputs.extend(o for o in group.outputs if o not in outputs)
        outputs = [o for o in outputs if o.call.invocation is not cause.invocation]
        if len(outputs) > 1 and cause.fact.key is not None:
            # DeleteObjects: one request id, many objects.
            same_key = [o for o in outputs if o.fact.key == cause.fact.key]
            outputs = same_key or outputs
        return Found(sorted(outputs, key=output_order), True, False) if outputs else None

    def _resolve(self, group: Group, level: int) -> None:
        consumers: dict[tuple[str | None, str | None], list[CauseNode]] = {}
        for cause in group.causes:
            consumer = (cause.invocation.function, cause.invocation.region)
            consumers.setdefault(consumer, []).append(cause)
        for causes in consumers.values():
            self._resolve_consumer(group.outputs, causes, level)

    def _resolve_consumer(
        self, outputs: list[OutputNode], causes: list[CauseNode], level: int
    ) -> None:
        """Match the records that one function consumed to the outputs of a group."""
        records: dict[tuple[str, str], list[CauseNode]] = {}
        for cause in causes:
            records.setdefault(record_identity(cause), []).append(cause)
        ordered = sorted(records.values(), key=lambda same: min(cause_order(c) for c in same))
        available = sorted(outputs, key=output_order)
        fitting = [[o for o in available if self._fits(o, same[0], level)] for same in ordered]
        position = {id(output): index for index, output in enumerate(available)}
        results = assign(
            [[position[id(output)] for output in options] for options in fitting],
            [min(cause_order(c) for c in same)[0] for same in ordered],
            [output_order(output)[0] for output in available],
        )
        for same, options, (covered, allowed) in zip(ordered, fitting, results, strict=True):
            for cause in same:
                if any(stronger in cause.found for stronger in range(level + 1, EXACT + 1)):
                    continue
                found = None
                if allowed:
                    chosen = [available[index] for index in allowed]
                    found = Found(chosen, covered, len(options) > len(chosen) or len(causes) > 1)
                self._find(cause, level, found)

    def _fits(self, output: OutputNode, cause: CauseNode, level: int) -> bool:
        for stronger in range(EXACT, level, -1):
            found = cause.found.get(stronger)
            if found is not None:
                return output in found.outputs
        if output.call.invocation is cause.invocation or contradict(output, cause.fact):
            return False
        made, began = output.call.started_at_s, cause.invocation.recorded_at_s
        if made is None or began is None:
            return True
        if made > began + CLOCK_SKEW_S:
            return False
        return level != ORDER or began - made <= ORDER_WINDOW_S

    def _find(self, cause: CauseNode, level: int, found: Found | None) -> None:
        if cause.found.get(level) == found:
            return
        if found is None:
            cause.found.pop(level, None)
        else:
            cause.found[level] = found
        self._unsure[cause] = None
        for key in cause.keys:
            # A cause that is settled here takes its output from the rivals further down.
            if key[0] < level:
                self._dirty[key[0]][key] = None

    def _conclude(self, cause: CauseNode) -> None:
        old, new = cause.edge, self._edge_of(cause)
        if new is None and old is None:
            return
        if new is not None and new.same(old):
            return
        cause.edge = new
        self._changed(cause, old)

    def _edge_of(self, cause: CauseNode) -> Edge | None:
        for level in (EXACT, CONTENT, ORDER):
            found = cause.found.get(level)
            if found is None:
                continue
            calls = list(dict.fromkeys(output.call for output in found.outputs))
            parents = {id(call.invocation): call.invocation for call in calls}
            if not found.covered or len(parents) > 1:
                return Edge(cause, "ambiguous", None, None, calls)
            evidence = _EVIDENCE[ORDER if found.narrowed else level]
            (parent,) = parents.values()
            return Edge(cause, evidence, parent, calls[0] if len(calls) == 1 else None, calls)
        if cause.fact.caller is not None:
            caller = self._invocation_of(cause.fact.caller)
            if caller is not None and caller is not cause.invocation:
                return Edge(cause, "exact", caller, None, [])
        return None

    # --- keys -----------------------------------------------------------------------------

    def _enter(self, node: OutputNode, key: MatchKey) -> None:
        if key not in node.keys:
            node.keys.append(key)
            self._groups.setdefault(key, Group()).outputs.append(node)
            self._dirty[key[0]][key] = None

    def _after_removal(self, key: MatchKey, group: Group) -> None:
        if not group.outputs and not group.causes:
            del self._groups[key]
        else:
            self._dirty[key[0]][key] = None

    def _table_of_output(self, node: OutputNode) -> tuple[str, str] | None:
        call = node.call.fact
        if call.service != "dynamodb" or not node.fact.resource:
            return None
        return (call.region or node.call.invocation.region or "", node.fact.resource)

    def _learn(self, table: tuple[str, str], key: str) -> None:
        key_names = tuple(name for name, _ in key_parts(key))
        known = self._key_names.setdefault(table, set())
        if key_names and key_names not in known:
            known.add(key_names)
            for put in self._puts.get(table, ()):
                for match_key in output_keys(put, known):
                    self._enter(put, match_key)
