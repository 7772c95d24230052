"""What the recorders write of the world: generation 2 by their own code, 1 by its grammar."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gammaray_recorder import calls, causes, wire
from gammaray_recorder.invocation import Invocation

if TYPE_CHECKING:
    from tests.unit.causality.world import Run, World
    from tests.unit.causality.world_calls import Call, Event


@dataclass
class Made:
    """A call that was made, and how it went; without a response, it was not answered or refused."""

    id: str
    call: Call
    at_s: float
    duration_s: float
    response: Event | None = None
    error: str | None = None
    retries: int = 0
    unanswered: bool = False


def page(records: list[dict[str, Any]]) -> bytes:
    return json.dumps({"Records": records}).encode()


def written(
    world: World, run: Run, started_s: float, ended_s: float, *, failed: bool
) -> list[dict[str, Any]]:
    """Give the stream records of one attempt; times are those of its machine's clock."""
    if world.options.generation == 1:
        items = _original_items(world, run, started_s)
    else:
        items = _items(world, run, started_s, ended_s, failed=failed)
    return [
        {
            "eventID": world.id(),
            "eventName": "INSERT",
            "awsRegion": run.region,
            "dynamodb": {"NewImage": item, "SequenceNumber": str(world.number())},
        }
        for item in items
    ]


# --- generation 2 -------------------------------------------------------------------------


def _items(
    world: World, run: Run, started_s: float, ended_s: float, *, failed: bool
) -> list[dict[str, Any]]:
    context = SimpleNamespace(
        aws_request_id=run.request_id,
        invoked_function_arn=run.arn,
        function_name=run.function,
    )
    invocation = Invocation(context, run.region)
    nonce = f"{world.random.getrandbits(64):016x}"
    off_s = run.offset_s
    start: dict[str, Any] = {
        wire.KIND: wire.KIND_START,
        wire.AT: started_s + off_s,
        wire.ARN: run.arn,
        wire.REGION: run.region,
        wire.CAUSES: causes.read(run.event, invocation),
    }
    end = {
        wire.KIND: wire.KIND_END,
        wire.AT: ended_s + off_s,
        wire.STATUS: wire.STATUS_ERROR if failed else wire.STATUS_OK,
    }
    events = [_call_event(world, invocation, made, off_s) for made in run.calls]
    return [
        wire.encode_item(run.request_id, nonce, 0, [start], started_s + off_s, 3600, run.region),
        wire.encode_item(
            run.request_id, nonce, 1, [*events, end], ended_s + off_s, 3600, run.region
        ),
    ]


def _call_event(world: World, invocation: Invocation, made: Made, off_s: float) -> dict[str, Any]:
    call = made.call
    event: dict[str, Any] = {
        wire.KIND: wire.KIND_CALL,
        wire.CALL_ID: made.id,
        wire.AT: made.at_s + off_s,
        wire.SERVICE: call.service,
        wire.OPERATION: call.operation,
        wire.DURATION_S: made.duration_s,
    }
    if made.error is not None:
        event[wire.ERROR] = made.error
    if made.retries:
        event[wire.RETRIES] = made.retries
    if world.options.local:
        event[wire.LOCAL] = 1
    if call.http is not None:
        resource = "{} {}{}".format(*call.http)
        ids = {wire.ID_TRACEPARENT: call.traceparent}
        if made.response is not None:
            ids[wire.ID_APIGW_REQUEST] = made.response["apigw-requestid"]
        event[wire.RESOURCE] = resource
        event[wire.OUTPUTS] = [{wire.RESOURCE: resource, wire.IDS: ids}]
        return event
    event[wire.REGION] = invocation.region
    response = None if made.unanswered else made.response or {}
    calls.describe(event, call.params, response, (invocation, invocation.region))
    return event


# --- generation 1 -------------------------------------------------------------------------


def _original_items(world: World, run: Run, started_s: float) -> list[dict[str, Any]]:
    entry = f"{run.request_id}:entry{world.random.getrandbits(32):08x}"
    items = [_item(entry, f"pl:{run.arn}{_described(run.event)}", started_s + run.offset_s)]
    for made in run.calls:
        text = _keywords(world, made.call)
        at_s = made.at_s + run.offset_s
        payload = {
            "type": "subsegment",
            "id": made.id,
            "trace_id": "1-6b02fb49-a714bdd317cd48fbb76dead8",
            "parent_id": "2e86770a09ce4067",
            "start_time": at_s,
            "gr_payload": f"pl:{made.call.operation}:{run.region}{text}",
        }
        suffix = f"{world.random.getrandbits(32):08x}"
        items.append(_item(f"{run.request_id}:{suffix}", json.dumps(payload), at_s))
    return items


def _item(key: str, payload: str, at_s: float) -> dict[str, Any]:
    return {
        "reqID": {"S": key},
        "payload": {"S": payload},
        "ts": {"N": str(int(at_s * 1000))},
    }


def _described(event: Event) -> str:
    if "eventSource" in event:
        return f":es:{event['eventSource']}"
    if "Records" not in event:
        return ""
    record = event["Records"][0]
    source = record.get("eventSource") or record["EventSource"]
    if source == "aws:dynamodb":
        change = record["dynamodb"]
        keys = "".join(f":{name}:{value}" for name, value in change["Keys"].items())
        arn = record["eventSourceARN"]
        return f":esARN:{arn}:es:ddb:keys{keys}:op:{record['eventName']}"
    if source == "aws:sns":
        sns = record["Sns"]
        return f":es:sns:sub:{sns['Subject']}:op:{sns['TopicArn']}"
    if source == "aws:s3":
        s3 = record["s3"]
        return (
            f":es:s3:bkt:{s3['bucket']['name']}:key:{s3['object']['key']}:op:{record['eventName']}"
        )
    return f":esARN:{record['eventSourceARN']}"


def _keywords(world: World, call: Call) -> str:
    pairs = [(k, v) for k, v in call.params.items() if k not in ("Body", "Payload", "msg")]
    world.random.shuffle(pairs)
    return "".join(f":{name}:{_plain(world, value)}" for name, value in pairs)


def _plain(world: World, value: Any) -> str:
    """Write a value as str() does; items as a resource holds them, or typed, as a client does."""
    if isinstance(value, dict) and world.chance(0.5):
        return str(_untyped(value))
    return str(value)


def _untyped(value: Any) -> Any:
    if isinstance(value, list):
        return [_untyped(element) for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and "S" in value:
        return value["S"]
    if len(value) == 1 and "N" in value:
        return int(value["N"])
    return {name: _untyped(inner) for name, inner in value.items()}
