"""Match keys: what a call's output and an invocation's cause must share to belong together.

Both lists go from the strongest evidence to the weakest. Source of the ids: the API references
and developer guides of the services; docs/architecture.md has the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

from causality import names
from causality.clock import CLOCK_SKEW_S, ORDER_WINDOW_S
from causality.facts import Cause
from causality.graph import CauseNode, OutputNode
from gammaray_recorder import wire

EXACT, CONTENT, ORDER = 3, 2, 1

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


def output_keys(
    node: OutputNode, key_names: set[tuple[str, ...]] | tuple[()]
) -> Iterator[MatchKey]:
    """Give the match keys of an output, as far as its key is known."""
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


def cause_keys(node: CauseNode) -> Iterator[MatchKey]:
    """Give the match keys of a cause."""
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


def contradict(output: OutputNode, cause: Cause) -> bool:
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


def why_not(output: OutputNode, cause: CauseNode) -> str:
    """Say why an output that met a cause is not its other half."""
    if output.call.invocation is cause.invocation:
        return "made by the same invocation"
    if contradict(output, cause.fact):
        return "its id, content or operation differs"
    made, began = output.call.started_at_s, cause.invocation.recorded_at_s
    if made is not None and began is not None:
        if made > began + CLOCK_SKEW_S:
            return f"made {made - began:.3f} s after the invocation began"
        if began - made > ORDER_WINDOW_S:
            return f"made {(began - made) / 3600:.1f} h before the invocation began"
    if cause.edge is not None and cause.edge.evidence in ("exact", "content"):
        return "the evidence for it is weaker"
    return "it is taken by another record of the same key"


def record_identity(cause: CauseNode) -> tuple[str, str]:
    """Name the delivered record, so that its redeliveries count once."""
    for kind in _RECORD_IDS:
        value = cause.fact.ids.get(kind)
        if value:
            return (kind, value)
    return ("invocation", cause.invocation.request_id)


def output_order(output: OutputNode) -> tuple[float, str, str]:
    """Order outputs by when their calls were made."""
    made = output.call.started_at_s
    return (made if made is not None else 0.0, output.call.invocation.request_id, output.call.id)


def cause_order(cause: CauseNode) -> tuple[float, str]:
    """Order causes by when their invocations began."""
    began = cause.invocation.recorded_at_s
    return (began if began is not None else float("inf"), cause.invocation.request_id)


def key_parts(key: str) -> list[tuple[str, dict[str, str]]]:
    """Take a canonical DynamoDB key apart; empty when the recorder hashed it."""
    try:
        return [(name, {kind: value}) for name, kind, value in json.loads(key)]
    except (ValueError, TypeError):
        return []  # a key hashed by the recorder: equal keys are still equal texts


def _key_hash(key: str) -> str:
    parts = key_parts(key)
    if not parts:
        return key
    return "+".join(wire.attribute_hash(name, typed) for name, typed in parts)
