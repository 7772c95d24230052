"""What an edge went through, and what happened at its end, named the same in every view."""

from __future__ import annotations

from typing import Final

from causality import names
from causality.facts import Cause
from causality.graph import Edge
from causality.matching.found import Alike
from causality.matching.match_keys import is_destination
from gammaray_recorder import wire

# Events that these lead to name something else: the function itself, a consumer of the stream, or
# what somebody handed on with them.
_NAMED_BY_CALLS: Final = frozenset({"iot-data", "kinesis", "lambda", "scheduler", "stepfunctions"})

# Their word for what happened tells which service it was.
_TELLING: Final = frozenset({"dynamodb", "events", "http", "s3", "schedule"})


def happening(cause: Cause) -> str:
    """Name what happened by the service's own word: "INSERT", "cognito PreSignUp_SignUp"."""
    if not cause.name:
        return cause.service
    word = names.last_part(cause.name)
    return word if cause.service in _TELLING else f"{cause.service} {word}"


def origin_of(cause: Cause) -> str:
    """Name where it happened: a table, a bucket, a schedule, a state machine; "" for nowhere."""
    if cause.service == "stepfunctions":  # whose events name the function itself
        parts = cause.ids.get(wire.ID_EXECUTION, "").split(":")
        return parts[6] if len(parts) > 6 else ""
    return names.last_part(cause.ids.get(wire.ID_SCHEDULE) or cause.resource or "")


def operation_of(edge: Edge) -> str | None:
    """Name what the caller did; None when nothing tells, or no call was involved."""
    if isinstance(edge.meant, Alike):
        return edge.meant.operation or None
    operations = {call.fact.operation for call in edge.candidates}
    if not operations and edge.parent is not None and not is_destination(edge.cause.fact):
        return "Invoke"  # the caller named itself in the payload that it sent
    return (operations.pop() or None) if len(operations) == 1 else None


def resource_of(edge: Edge) -> str | None:
    """Name what it was done to: what the call named, where the event names something else."""
    fact, call = edge.cause.fact, edge.call.fact if edge.call is not None else None
    if call is not None and (fact.resource is None or call.service in _NAMED_BY_CALLS):
        return call.resource or fact.resource
    if fact.service == "http" and fact.resource:
        return fact.resource.partition(" ")[2] or fact.resource  # its method is the operation
    return fact.resource


def hop_of(edge: Edge) -> tuple[str, str]:
    """Name the operation, else the service, and the resource, as short as people say it."""
    return operation_of(edge) or edge.cause.fact.service, names.last_part(resource_of(edge) or "")
