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

import json
from collections.abc import Callable, Iterator
from typing import TypeAlias

from causality import names
from causality.assignment import assign
from causality.clock import CLOCK_SKEW_S, ORDER_WINDOW_S
from causality.facts import Cause
from causality.graph import CauseNode, Edge, Found, Invocation, OutputNode
from causality.snapshot import Evidence
from gammaray_recorder import wire

EXACT, CONTENT, ORDER = 3, 2, 1
_EVIDENCE: dict[int, Evidence] = {EXACT: "exact", CONTENT: "content", ORDER: "order"}

MatchKey: TypeAlias = tuple[int, tuple[str, ...]]  # (level, what both sides must share)

_EXACT_IDS = (
    wire.ID_TRACEPARENT,
    wire.ID_LAMBDA_REQUEST,
    wire.ID_S3_REQUEST,
    wire.ID_S3_VERSION,
    wire.ID_SNS_MESSAGE,
    wire.ID_SQS_MESSAGE,
    wire.ID_EVENT,
    wire.ID_KINESIS,
    wire.ID_APIGW_REQUEST,
    wire.ID_EXECUTION,
)
# A local AWS shows caller and callee different values of these.
_AWS_ONLY_IDS = frozenset({wire.ID_LAMBDA_REQUEST, wire.ID_S3_REQUEST, wire.ID_APIGW_REQUEST})
# Ids of one delivered record: equal ones are the same record, delivered again or to another.
_RECORD_IDS = (wire.ID_DDB_EVENT, wire.ID_S3_SEQUENCER, wire.ID_SNS_MESSAGE, wire.ID_SQS_MESSAGE)

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
        for key in _output_keys(node, self._key_names.get(table, ()) if table else ()):
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
        node.keys = list(_cause_keys(node))
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
        return Found(sorted(outputs, key=_output_order), True, False) if outputs else None

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
            records.setdefault(_record_identity(cause), []).append(cause)
        ordered = sorted(records.values(), key=lambda same: min(_cause_order(c) for c in same))
        available = sorted(outputs, key=_output_order)
        fitting = [[o for o in available if self._fits(o, same[0], level)] for same in ordered]
        position = {id(output): index for index, output in enumerate(available)}
        results = assign(
            [[position[id(output)] for output in options] for options in fitting],
            [min(_cause_order(c) for c in same)[0] for same in ordered],
            [_output_order(output)[0] for output in available],
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
        if output.call.invocation is cause.invocation or _contradict(output, cause.fact):
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
        key_names = tuple(name for name, _ in _key_parts(key))
        known = self._key_names.setdefault(table, set())
        if key_names and key_names not in known:
            known.add(key_names)
            for put in self._puts.get(table, ()):
                for match_key in _output_keys(put, known):
                    self._enter(put, match_key)


def _output_keys(
    node: OutputNode, key_names: set[tuple[str, ...]] | tuple[()]
) -> Iterator[MatchKey]:
    call, fact = node.call.fact, node.fact
    resource = fact.resource or call.resource or ""
    for kind in _EXACT_IDS:
        value = fact.ids.get(kind) or call.ids.get(kind)
        if value and not (call.local and kind in _AWS_ONLY_IDS):
            yield EXACT, _exact_key(kind, value, resource, fact.key)
    region = call.region or node.call.invocation.region or ""
    if call.service == "dynamodb":
        if fact.item_hash:
            yield CONTENT, ("item", region, resource, fact.item_hash)
        if fact.key is not None:
            yield ORDER, ("key", region, resource, _key_hash(fact.key))
        else:
            for attributes in key_names:
                hashes = [fact.attribute_hashes.get(name) for name in attributes]
                if all(hashes):
                    yield ORDER, ("key", region, resource, "+".join(h for h in hashes if h))
    elif call.service == "s3":
        etag = fact.ids.get(wire.ID_S3_ETAG)
        for key in (fact.key, *fact.keys):
            if key is None:
                continue
            if etag:
                yield CONTENT, ("object", resource, key, etag.strip('"'))
            yield ORDER, ("object", resource, key, fact.operation or "put")
    elif call.service == "sns" and fact.subject is not None:
        yield ORDER, ("subject", resource, fact.subject)
    elif call.service == "lambda":
        callee = names.bare_function(resource)
        yield EXACT, ("caller", callee, node.call.invocation.request_id)
        if fact.item_hash:
            yield CONTENT, ("payload", region, callee, fact.item_hash)


def _cause_keys(node: CauseNode) -> Iterator[MatchKey]:
    fact, invocation = node.fact, node.invocation
    resource = fact.resource or ""
    for kind in _EXACT_IDS:
        value = fact.ids.get(kind)
        if value:
            yield EXACT, _exact_key(kind, value, resource, fact.key)
    # An event source mapping stands in its source's region; so does a bucket's notification.
    region = invocation.region or fact.region or ""
    if fact.service == "dynamodb":
        if fact.name == "REMOVE:ttl":
            return  # DynamoDB itself deleted the item: no call did
        if fact.item_hash:
            yield CONTENT, ("item", region, resource, fact.item_hash)
        if fact.key is not None:
            yield ORDER, ("key", region, resource, _key_hash(fact.key))
    elif fact.service == "s3" and fact.key is not None:
        etag = fact.ids.get(wire.ID_S3_ETAG)
        if etag:
            yield CONTENT, ("object", resource, fact.key, etag.strip('"'))
        yield ORDER, ("object", resource, fact.key, _s3_operation(fact.name))
    elif fact.service == "sns" and fact.subject is not None:
        yield ORDER, ("subject", resource, fact.subject)
    elif fact.service == "lambda":
        callee = names.bare_function(resource or invocation.function or "")
        if fact.caller is not None:
            yield EXACT, ("caller", callee, fact.caller)
        if fact.item_hash:
            yield CONTENT, ("payload", region, callee, fact.item_hash)


def _exact_key(kind: str, value: str, resource: str, key: str | None) -> tuple[str, ...]:
    if kind == wire.ID_S3_VERSION:
        return (kind, value, resource, key or "")
    if kind == wire.ID_KINESIS:
        return (kind, value, resource.rsplit("/", 1)[-1])
    return (kind, value)


def _s3_operation(name: str | None) -> str:
    return (
        "delete" if (name is not None and "Removed" in name) or name == "Object Deleted" else "put"
    )


def _contradict(output: OutputNode, cause: Cause) -> bool:
    """Say whether both halves carry something that proves them not to belong together."""
    call, fact = output.call.fact, output.fact
    for kind in _EXACT_IDS:
        theirs = cause.ids.get(kind)
        if theirs is None or (call.local and kind in _AWS_ONLY_IDS):
            continue
        ours = fact.ids.get(kind) or call.ids.get(kind)
        if ours and ours != theirs:
            return True
    if call.service == "dynamodb":
        removed = cause.name is not None and cause.name.startswith("REMOVE")
        if removed != (fact.operation == "delete"):
            return True
        return bool(fact.item_hash and cause.item_hash and fact.item_hash != cause.item_hash)
    ours, theirs = fact.ids.get(wire.ID_S3_ETAG), cause.ids.get(wire.ID_S3_ETAG)
    return bool(ours and theirs and ours.strip('"') != theirs.strip('"'))


def _record_identity(cause: CauseNode) -> tuple[str, str]:
    for kind in _RECORD_IDS:
        value = cause.fact.ids.get(kind)
        if value:
            return (kind, value)
    return ("invocation", cause.invocation.request_id)


def _output_order(output: OutputNode) -> tuple[float, str, str]:
    made = output.call.started_at_s
    return (made if made is not None else 0.0, output.call.invocation.request_id, output.call.id)


def _cause_order(cause: CauseNode) -> tuple[float, str]:
    began = cause.invocation.recorded_at_s
    return (began if began is not None else float("inf"), cause.invocation.request_id)


def _key_parts(key: str) -> list[tuple[str, dict[str, str]]]:
    try:
        return [(name, {kind: value}) for name, kind, value in json.loads(key)]
    except (ValueError, TypeError):
        return []  # a key hashed by the recorder: equal keys are still equal texts


def _key_hash(key: str) -> str:
    parts = _key_parts(key)
    if not parts:
        return key
    return "+".join(wire.attribute_hash(name, typed) for name, typed in parts)
