"""Match keys: what a call's output and an invocation's cause must share to belong together.

Source of the ids: the API references and developer guides of the services; docs/causality.md
has the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from causality import names
from causality.facts import Cause
from causality.graph import CauseNode, OutputNode
from causality.matching.found import Found
from gammaray_recorder import wire

EXACT, CONTENT, ORDER = 3, 2, 1

ExactKey: TypeAlias = tuple[str, ...]  # the kind of id, its value, what makes it unique
GroupKey: TypeAlias = tuple[str, ...]  # what both sides share, and others may share as well
Source: TypeAlias = tuple[str, ...]  # a table, topic, function, or folder of a bucket

CALLER: Final = "caller"  # a kind of id of the original's: the caller's request id

# A message can carry another one, with its ids: S3's event inside an SNS message inside an SQS
# message. What was delivered last stands first, and proves most: a function may have forwarded
# what another one sent. A `traceparent` and an execution's ARN are handed on by user code.
IDS: Final = (
    wire.ID_LAMBDA_REQUEST,
    wire.ID_APIGW_REQUEST,
    wire.ID_KINESIS,
    wire.ID_SQS_MESSAGE,
    wire.ID_SNS_MESSAGE,
    wire.ID_EVENT,
    wire.ID_S3_REQUEST,
    wire.ID_S3_VERSION,
    wire.ID_TRACEPARENT,
    wire.ID_EXECUTION,
    wire.ID_SCHEDULE,
)
_PLACES: Final = {kind: place for place, kind in enumerate(IDS)}
# Their value alone is no proof: of which stream, of which object?
COMPOSED_IDS: Final = frozenset({wire.ID_KINESIS, wire.ID_S3_VERSION})
PLAIN_IDS: Final = frozenset(IDS) - COMPOSED_IDS
# Ids of what lives on: calls that come later show them, too.
LASTING_IDS: Final = frozenset({wire.ID_S3_VERSION, wire.ID_SCHEDULE, wire.ID_EXECUTION})
_NO_VERSION = "null"  # what S3 shows where versioning is suspended
# A local AWS shows caller and callee different values of these.
AWS_ONLY_IDS = frozenset({wire.ID_LAMBDA_REQUEST, wire.ID_S3_REQUEST, wire.ID_APIGW_REQUEST})
# Ids of one delivered record: equal ones are the same record, delivered again or to another.
_RECORD_IDS = (
    *(wire.ID_DDB_EVENT, wire.ID_S3_SEQUENCER, wire.ID_SNS_MESSAGE, wire.ID_SQS_MESSAGE),
    wire.ID_KINESIS,
)
NAMELESS: Final = "invocation"  # in the place of a kind: of a record that shows none of them
# Equal ones at one function are one message, delivered to it again.
MESSAGE_IDS: Final = frozenset({wire.ID_SNS_MESSAGE, wire.ID_SQS_MESSAGE, wire.ID_KINESIS})
_CHANGES = {True: ("delete",), False: ("put",), None: ("put", "delete")}
_GIVEN = frozenset({"lambda", "scheduler"})  # their calls hold what a function will be given
# Events that somebody composed, who may have named an execution or a schedule in it.
PAYLOADS: Final = frozenset({"lambda", "stepfunctions", "schedule"})
_key_decoder = msgspec.json.Decoder(tuple[tuple[str, str, str], ...])
_DELETES = frozenset({"DeleteItem", "DeleteObject", "DeleteObjects"})
# What S3 does by itself, by its rules.
_S3_OWN = (
    *("Lifecycle", "IntelligentTiering", "Replication", "ReducedRedundancyLostObject"),
    *("ObjectRestore:Completed", "ObjectRestore:Delete", "TestEvent"),
    *("Object Restore Completed", "Object Restore Expired"),
    *("Object Storage Class Changed", "Object Access Tier Changed"),
)
# Begins the source of what AWS and its partners put on a bus themselves: no call can.
_AWS_SOURCE = "aws."


# --- ids ------------------------------------------------------------------------------------


def exact_output_keys(node: OutputNode) -> Sequence[ExactKey]:
    """Give the ids that AWS issued for an output."""
    call, fact = node.call.fact, node.fact
    ids = fact.ids
    if len(ids) == 1:
        ((kind, value),) = ids.items()
        if kind in PLAIN_IDS and not (call.local and kind in AWS_ONLY_IDS):
            return ((kind, value),)
    return [*_output_ids(node)]


def _output_ids(node: OutputNode) -> Iterator[ExactKey]:
    call, fact = node.call.fact, node.fact
    resource = fact.resource or call.resource or ""
    for kind, value in fact.ids.items():
        if kind in COMPOSED_IDS:
            yield from composed_key(node, kind, value)
        elif kind in IDS and not (call.local and kind in AWS_ONLY_IDS):
            yield (kind, value)
        elif kind == wire.ID_APIGW_REQUEST and wire.ID_TRACEPARENT not in fact.ids:
            yield (kind, value)  # of a domain of one's own, where no header could be added
    if call.service == "lambda" and not fact.ids:
        if node.callee_request_id is not None:
            yield (wire.ID_LAMBDA_REQUEST, node.callee_request_id)
        # The original put the caller's request id into the payload.
        callee = names.bare_function(resource)
        yield (CALLER, node.call.invocation.request_id, call.region or "", callee)


def exact_cause_keys(node: CauseNode) -> list[ExactKey]:
    """Give the ids that a cause shows, the one that was delivered last first."""
    fact = node.fact
    if is_destination(fact):
        # Lambda sent it, unless a recorded call shows that somebody sent it on.
        shown = [(kind, fact.ids[kind]) for kind in IDS if kind in fact.ids]
        return [(wire.ID_LAMBDA_REQUEST, node.invocation.request_id), *shown]
    if fact.caller is not None:
        callee = names.bare_function(fact.resource or node.invocation.function or "")
        return [
            (wire.ID_LAMBDA_REQUEST, node.invocation.request_id),
            (CALLER, fact.caller, node.invocation.region or "", callee),
        ]
    ids = fact.ids
    if len(ids) == 1:
        ((kind, value),) = ids.items()
        if kind in PLAIN_IDS:
            return [(kind, value)]
    keys: list[ExactKey] = []
    for kind in sorted(_PLACES.keys() & ids, key=_PLACES.__getitem__) if ids else ():
        if kind in COMPOSED_IDS:
            keys += composed_key(node, kind, ids[kind])
        else:
            keys.append((kind, ids[kind]))
    return keys


def composed_key(node: OutputNode | CauseNode, kind: str, value: str) -> Iterator[ExactKey]:
    """Make the key of an id whose value alone is no proof; none of one that proves nothing."""
    fact = node.fact
    if isinstance(node, CauseNode):
        # An event source mapping stands in its source's region.
        resource, region = fact.resource, node.invocation.region or node.fact.region
    else:
        call = node.call.fact
        resource, region = fact.resource or call.resource, call.region
    if kind == wire.ID_KINESIS:
        yield (kind, value, region or "", names.stream(resource or ""))
    elif value != _NO_VERSION:
        yield (kind, value, resource or "", fact.key or "")


# --- content and order ----------------------------------------------------------------------


def group_output_keys(
    node: OutputNode, key_names: set[tuple[str, ...]] | tuple[()]
) -> Iterator[tuple[int, GroupKey]]:
    """Give the groups of an output, as far as its key is known."""
    call, fact = node.call.fact, node.fact
    resource = fact.resource or call.resource or ""
    if call.service == "dynamodb":
        region = call.region or node.call.invocation.region or ""
        if fact.item_hash:
            yield CONTENT, ("item", region, resource, fact.item_hash)
        for key in _item_keys(node, key_names):
            for change in _CHANGES[is_delete(node)]:
                yield ORDER, ("key", region, resource, key, change)
    elif call.service == "s3":
        change = "delete" if is_delete(node) else "put"
        etag = fact.ids.get(wire.ID_S3_ETAG)
        if fact.key is not None:
            if etag and change == "put":
                yield CONTENT, ("object", resource, fact.key, etag.strip('"'))
            yield ORDER, ("object", resource, fact.key, change)
    elif call.service == "sns":
        if fact.subject is not None:
            yield ORDER, ("subject", resource, fact.subject)
    elif fact.item_hash and call.service in _GIVEN and not tells_callee(node):
        region = call.region or node.call.invocation.region or ""
        yield CONTENT, ("payload", region, names.bare_function(resource), fact.item_hash)
    elif fact.item_hash and call.service == "firehose":
        yield CONTENT, ("data", resource, fact.item_hash)
    elif fact.item_hash and call.service == "iot-data":
        region = call.region or node.call.invocation.region or ""
        # A rule decides who gets it: content, too, but weaker than a payload for one callee.
        yield ORDER, ("message", region, fact.item_hash)


def tells_callee(node: OutputNode) -> bool:
    """Say whether an Invoke's answer names the one invocation that it can have started."""
    return wire.ID_LAMBDA_REQUEST in node.fact.ids and not node.call.fact.local and not node.spare


def group_cause_keys(node: CauseNode) -> Iterator[tuple[int, GroupKey]]:
    """Give the groups of a cause."""
    fact, invocation = node.fact, node.invocation
    resource = fact.resource or ""
    # An event source mapping stands in its source's region; so does a bucket's notification.
    if fact.service == "dynamodb":
        if fact.name == "REMOVE:ttl":
            return  # DynamoDB itself deleted the item: no call did
        region = invocation.region or fact.region or ""
        if fact.item_hash:
            yield CONTENT, ("item", region, resource, fact.item_hash)
        if fact.key is not None:
            change = "delete" if fact.name == "REMOVE" else "put"
            yield ORDER, ("key", region, resource, _key_hash(fact.key), change)
    elif fact.service == "s3" and fact.key is not None:
        s3_deed = s3_change(fact.name)
        etag = fact.ids.get(wire.ID_S3_ETAG)
        if etag and s3_deed == "put":
            yield CONTENT, ("object", resource, fact.key, etag.strip('"'))
        if s3_deed is not None:
            yield ORDER, ("object", resource, fact.key, s3_deed)
    elif fact.service == "sns" and fact.subject is not None:
        yield ORDER, ("subject", resource, fact.subject)
    elif fact.service in PAYLOADS and fact.item_hash and fact.caller is None:
        region = invocation.region or fact.region or ""
        callee = names.bare_function(resource or invocation.function or "")
        yield CONTENT, ("payload", region, callee, fact.item_hash)
        if fact.service == "lambda":
            yield ORDER, ("message", region, fact.item_hash)
    elif fact.service == "firehose" and fact.item_hash:
        yield CONTENT, ("data", resource, fact.item_hash)


def source_of(key: GroupKey) -> Source:
    """Give where the records of a group come from.

    A bucket has a source for each folder: people upload where functions do not write.
    """
    kind = key[0]
    if kind == "object":
        return (kind, key[1], key[2].rpartition("/")[0])
    if kind in ("subject", "data", "message"):
        return key[:2]
    return (kind if kind == "payload" else "dynamodb", *key[1:3])


def is_delete(node: OutputNode) -> bool | None:
    """Say whether an output takes its item or object away; None when nothing tells."""
    call, fact = node.call.fact, node.fact
    if fact.operation is not None:
        return fact.operation == "delete"
    if call.operation in _DELETES:
        return True
    if fact.key is None or fact.item_hash or call.service != "dynamodb":
        return False
    if call.operation == "BatchWriteItem":
        return True  # its puts have a hash
    return None if call.operation == "TransactWriteItems" else False


def s3_change(name: str | None) -> str | None:
    """Tell a created object from a deleted one; None for tags, restores and other events."""
    if (
        name is None
        or name.removeprefix("s3:").startswith("ObjectCreated")
        or (name == "Object Created")
    ):
        return "put"
    if name.removeprefix("s3:").startswith("ObjectRemoved") or name == "Object Deleted":
        return "delete"
    return None


def _item_keys(node: OutputNode, key_names: set[tuple[str, ...]] | tuple[()]) -> Iterator[str]:
    fact = node.fact
    if fact.key is not None:
        yield _key_hash(fact.key)
        return
    for attributes in key_names:
        hashes = [fact.attribute_hashes.get(name) for name in attributes]
        if all(hashes):
            yield "+".join(h for h in hashes if h)


def key_names_of(key: str) -> tuple[str, ...]:
    """Give the attributes of a canonical DynamoDB key."""
    return tuple([name for name, _, _ in _key_parts(key)])


@lru_cache(maxsize=64)  # a cause's key is asked for several times in a row
def _key_parts(key: str) -> Sequence[tuple[str, str, str]]:
    try:
        return _key_decoder.decode(key)
    except (msgspec.DecodeError, UnicodeError):
        return ()  # no key of our recorder: equal keys are still equal texts


def _key_hash(key: str) -> str:
    parts = _key_parts(key)
    if not parts:
        return key
    return "+".join(
        [
            value if kind == wire.HIDDEN else wire.attribute_hash(name, {kind: value})
            for name, kind, value in parts
        ]
    )


# --- halves ---------------------------------------------------------------------------------


def is_blind(cause: Cause) -> bool:
    """Say whether a cause shows nothing by which content could tell its output."""
    if cause.service == "dynamodb":
        return cause.item_hash is None and cause.name != "REMOVE"
    if cause.service == "lambda":
        return True  # of a message it shows no more than what all of the group share
    return cause.service == "s3" and wire.ID_S3_ETAG not in cause.ids


def is_destination(cause: Cause) -> bool:
    """Say whether Lambda handed on the result of an invocation, without any call."""
    return cause.name is not None and cause.name.startswith(wire.DESTINATION)


def must_have_a_call(cause: Cause) -> bool:
    """Say whether some call must have caused this, as far as the cause itself tells."""
    if cause.service == "lambda":
        return cause.caller is not None
    if cause.name == "REMOVE:ttl":
        return False
    if cause.service == "s3" and (cause.name or "").removeprefix("s3:").startswith(_S3_OWN):
        return False
    if cause.service == "events" and (cause.resource or "").startswith(_AWS_SOURCE):
        return False
    return cause.service in ("dynamodb", "s3", "sns", "sqs", "events", "kinesis", "stepfunctions")


def is_handed_on(exact: Found | None) -> bool:
    """Say whether an Invoke started an invocation: then its event is no delivery of a record."""
    return exact is not None and exact.outputs[0].call.fact.service == "lambda"


def record_identity(cause: CauseNode) -> tuple[str, str, int]:
    """Name the delivered record, so that its redeliveries count once."""
    fact = cause.fact
    for kind in _RECORD_IDS if fact.ids else ():
        value = fact.ids.get(kind)
        if value:
            if kind == wire.ID_S3_SEQUENCER:  # of one key, and zeros at its end say nothing
                # A local AWS may give the same to all: then the request tells them apart.
                request = fact.ids.get(wire.ID_S3_REQUEST, "")
                value = f"{value.rstrip('0')} {request} {fact.resource} {fact.key}"
            elif kind == wire.ID_KINESIS:
                value = f"{value} {fact.resource}"
            elif kind == wire.ID_SNS_MESSAGE:  # a topic can reach a function through two queues
                value = f"{value} {fact.ids.get(wire.ID_SQS_MESSAGE, '')}"
            return (kind, value, 0)
    return (NAMELESS, cause.invocation.request_id, cause.number)


def output_order(output: OutputNode) -> tuple[float, str, str, int]:
    """Order outputs by when their calls were made."""
    call = output.call
    return (output.made_s, call.invocation.request_id, call.id, output.number)
