"""The services of the world: parameters, responses and events in AWS's shapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from tests.unit.causality import world_tables
from tests.unit.causality.world_calls import ACCOUNT, REGION, Call, Event, metadata

if TYPE_CHECKING:
    from tests.unit.causality.world import Origin, Run, World


def call(world: World, kind: str, run: Run) -> Call:
    return SERVICES[kind](world, run)


def root_event(world: World, payload: Event) -> tuple[Event, list[Origin | None]]:
    if world.options.generation == 1:
        return {"eventSource": "ext:invokeCLI"}, [None]
    return world.random.choice([payload, _schedule(world)]), [None]


def _schedule(world: World) -> Event:
    return {
        "id": world.id(),
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "region": REGION,
        "resources": ["arn:aws:events:us-west-2:123456789012:rule/every-minute"],
        "detail": {},
    }


# --- S3 -----------------------------------------------------------------------------------


def _put_object(world: World, run: Run) -> Call:
    bucket = world.random.choice(["plain", "bridged", "topical"])
    key = f"in box/k{world.random.randrange(world.options.keys)}.txt"
    etag = hashlib.md5(str(world.random.randrange(world.options.contents)).encode()).hexdigest()

    def take_effect(origin: Origin | None) -> Event:
        shown = _object_event(world, run, bucket, key, etag, "ObjectCreated:Put", origin)
        return {**metadata(world, shown), "ETag": f'"{etag}"'}

    return Call("s3", "PutObject", {"Bucket": bucket, "Key": key}, take_effect)


def _delete_objects(world: World, run: Run) -> Call:
    keys = {f"in box/k{world.random.randrange(world.options.keys)}.txt" for _ in range(3)}
    params = {"Bucket": "plain", "Delete": {"Objects": [{"Key": key} for key in sorted(keys)]}}

    def take_effect(origin: Origin | None) -> Event:
        request_id = world.id()
        for key in sorted(keys):
            shown = _object_event(
                world, run, "plain", key, None, "ObjectRemoved:Delete", origin, request_id
            )
        return {**metadata(world, shown), "Deleted": [{"Key": key} for key in sorted(keys)]}

    return Call("s3", "DeleteObjects", params, take_effect)


def _object_event(
    world: World,
    run: Run,
    bucket: str,
    key: str,
    etag: str | None,
    name: str,
    origin: Origin | None,
    request_id: str | None = None,
) -> str:
    """Notify of an object; gives the request id that the caller is shown."""
    request_id = request_id or world.id()
    thing = {"key": quote_plus(key, safe="/"), "sequencer": f"{world.number():016X}"}
    if etag is not None:
        thing["eTag"] = etag
    record = {
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventName": name,
        "responseElements": {"x-amz-request-id": request_id},
        "s3": {"bucket": {"name": bucket}, "object": thing},
    }
    if bucket == "plain":
        world.deliver("bucket:plain", record, origin, run.depth + 1)
    elif bucket == "topical":
        message = json.dumps({"Records": [record]})
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:objects"
        published, _ = _sns_record(world, topic, message, "Amazon S3 Notification")
        world.deliver("bucket:topical", published, origin, run.depth + 1)
    else:
        detail = {
            "bucket": {"name": bucket},
            "object": {"key": key, "etag": etag, "sequencer": thing["sequencer"]},
            "request-id": request_id,
        }
        event = _event(world, "aws.s3", "Object Created", detail)
        for consumer in world.consumers("bucket:bridged"):
            world.invoke(consumer, event, [origin], run.depth + 1, how="event")
    return world.id() if world.options.local else request_id


# --- messages, events, streams ------------------------------------------------------------


def _publish(world: World, run: Run) -> Call:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:news"
    subject = f"s{world.random.randrange(world.options.keys)}"
    params = {"TopicArn": topic, "Message": "m"}
    if world.chance(0.7):
        params["Subject"] = subject
    elif world.options.generation == 1 and world.chance(0.3):
        params["Message"] = f"m:Subject:{subject}"  # written down, it looks like one with a subject

    def take_effect(origin: Origin | None) -> Event:
        record, message_id = _sns_record(world, topic, params["Message"], params.get("Subject"))
        world.deliver("topic:news", record, origin, run.depth + 1)
        return {**metadata(world), "MessageId": message_id}

    return Call("sns", "Publish", params, take_effect)


def _publish_to_queue(world: World, run: Run) -> Call:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:queued"

    def take_effect(origin: Origin | None) -> Event:
        message_id = world.id()
        body = {"Type": "Notification", "MessageId": message_id, "TopicArn": topic, "Message": "m"}
        _queue(world, run, json.dumps(body), origin, sender="AIDAEXAMPLE")
        return {**metadata(world), "MessageId": message_id}

    return Call("sns", "Publish", {"TopicArn": topic, "Message": "m"}, take_effect)


def _sns_record(
    world: World, topic: str, message: str, subject: str | None = None
) -> tuple[Event, str]:
    message_id = world.id()
    sns = {"MessageId": message_id, "TopicArn": topic, "Message": message, "Subject": subject}
    return {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}, message_id


def _send_message_batch(world: World, run: Run) -> Call:
    entries = [{"Id": str(n), "MessageBody": "b"} for n in range(world.random.randint(1, 3))]
    params = {"QueueUrl": _queue_url(), "Entries": entries}

    def take_effect(origin: Origin | None) -> Event:
        sent = [{"Id": e["Id"], "MessageId": _queue(world, run, "b", origin)} for e in entries]
        return {**metadata(world), "Successful": sent}

    return Call("sqs", "SendMessageBatch", params, take_effect)


def _forward(world: World, run: Run) -> Call:
    """Send on what was received, as functions do that only pass messages along."""
    body = json.dumps(_first_message(run.event))

    def take_effect(origin: Origin | None) -> Event:
        return {**metadata(world), "MessageId": _queue(world, run, body, origin)}

    params = {"QueueUrl": _queue_url(), "MessageBody": body}
    return Call("sqs", "SendMessage", params, take_effect)


def _first_message(event: Event) -> Event:
    for record in event.get("Records", ()):
        if "Sns" in record:
            return {"Type": "Notification", **record["Sns"]}
        if "s3" in record:
            return {"Records": [record]}
    return event


def _queue(
    world: World, run: Run, body: str, origin: Origin | None, sender: str = "AROAEXAMPLE:fn"
) -> str:
    message_id = world.id()
    record = {
        "messageId": message_id,
        "body": body,
        "attributes": {"SenderId": sender, "SentTimestamp": str(int(world.now_s * 1000))},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:work",
        "awsRegion": REGION,
    }
    world.deliver("queue:work", record, origin, run.depth + 1, batch=5)
    return message_id


def _queue_url() -> str:
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/work"


def _put_events(world: World, run: Run) -> Call:
    entries = [
        {"Source": "shop", "DetailType": "Sold", "Detail": "{}"}
        for _ in range(world.random.randint(1, 3))
    ]

    def take_effect(origin: Origin | None) -> Event:
        results = []
        for entry in entries:
            event_id = world.id()
            event = {
                "id": event_id,
                "source": entry["Source"],
                "detail-type": entry["DetailType"],
                "region": REGION,
                "detail": {},
            }
            for consumer in world.consumers("bus:default"):
                world.invoke(consumer, event, [origin], run.depth + 1, how="event")
            results.append({"EventId": event_id})
        return {**metadata(world), "Entries": results}

    return Call("events", "PutEvents", {"Entries": entries}, take_effect)


def _put_records(world: World, run: Run) -> Call:
    name = world.random.choice(["clicks", "orders"])
    count = world.random.randint(1, 3)
    params = {"StreamName": name, "Records": [{"Data": b"x", "PartitionKey": "p"}] * count}

    def take_effect(origin: Origin | None) -> Event:
        results = []
        for _ in range(count):
            # Local servers count from the same number in every stream.
            sequence = str(world.number() // 2)
            shard = "shardId-000000000000"
            record = {
                "eventID": f"{shard}:{sequence}",
                "eventSource": "aws:kinesis",
                "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}",
                "awsRegion": REGION,
            }
            world.number()
            world.deliver(f"stream:{name}", record, origin, run.depth + 1, batch=4)
            results.append({"ShardId": shard, "SequenceNumber": sequence})
        return {**metadata(world), "Records": results}

    return Call("kinesis", "PutRecords", params, take_effect)


def _event(world: World, source: str, kind: str, detail: Event) -> Event:
    """Give an event as EventBridge delivers it."""
    return {
        "id": world.id(),
        "source": source,
        "detail-type": kind,
        "region": REGION,
        "detail": detail,
    }


def send_result(world: World, run: Run) -> None:
    """Send on what an asynchronous invocation gave, as Lambda does, to one of its destinations."""
    context = {"requestId": run.request_id, "functionArn": run.arn, "condition": "Success"}
    result = {"version": "1.0", "requestContext": context, "requestPayload": run.event}
    origin = world.origin_of_result(run)
    kind = world.random.choice(["queue", "topic", "bus", "function"])
    if kind == "queue":
        _queue(world, run, json.dumps(result), origin, sender="AROAEXAMPLE:awslambda_1_2")
    elif kind == "topic":
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:results"
        record, _ = _sns_record(world, topic, json.dumps(result))
        world.deliver("topic:results", record, origin, run.depth + 1)
    elif kind == "bus":
        kind = "Lambda Function Invocation Result - Success"
        event = _event(world, "lambda", kind, result)
        for consumer in world.consumers("bus:results"):
            world.invoke(consumer, event, [origin], run.depth + 1, how="request")
    else:
        world.invoke("fn4", result, [origin], run.depth + 1, how="request")


# --- functions, HTTP, state machines -------------------------------------------------------


def _invoke(world: World, run: Run) -> Call:
    function = f"fn{world.random.randrange(world.options.functions)}"
    plain: Event = {"n": world.random.randrange(world.options.contents)}
    # The original told the callee in its payload who calls.
    told: Event = {"eventSource": f"lib:invokeCLI:{run.function}:{run.request_id}"}
    asynchronous = world.chance(0.5)
    params = {
        "FunctionName": world.random.choice(
            [function, f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"]
        ),
        "InvocationType": "Event" if asynchronous else "RequestResponse",
        "Payload": json.dumps(plain),
    }

    def take_effect(origin: Origin | None) -> Event:
        payload = told if world.options.generation == 1 and origin is not None else plain
        request_id = world.invoke(
            function,
            payload,
            [origin],
            run.depth + 1,
            how="event" if asynchronous else "request",
        )
        return metadata(world, world.id() if world.options.local else request_id)

    return Call("lambda", "Invoke", params, take_effect)


def _relay(world: World, run: Run) -> Call:
    """Hand on the event that was received, as functions do that leave the work to others."""
    function = f"fn{world.random.randrange(world.options.functions)}"
    payload = json.dumps(run.event)
    params = {"FunctionName": function, "InvocationType": "Event", "Payload": payload}

    def take_effect(origin: Origin | None) -> Event:
        event = json.loads(payload)
        return metadata(world, world.invoke(function, event, [origin], run.depth + 1, how="event"))

    return Call("lambda", "Invoke", params, take_effect)


def _http(world: World, run: Run) -> Call:
    host, path = "abc123.execute-api.us-west-2.amazonaws.com", "/prod/items"
    traceparent = f"{run.request_id.replace('-', '')}-{world.span()}"
    hosts = {"host": host, "traceparent": f"00-{traceparent}-01"}

    def take_effect(origin: Origin | None) -> Event:
        gateway_id = world.id()
        event = {
            "headers": hosts if origin is not None else {"host": host},
            "requestContext": {
                "requestId": gateway_id,
                "domainName": host,
                "http": {"method": "POST", "path": path},
            },
        }
        world.invoke("fn1", event, [origin], run.depth + 1, how="request")
        return {"apigw-requestid": world.id() if world.options.local else gateway_id}

    return Call("http", "HTTP", {}, take_effect, ("POST", host, path), traceparent)


def _start_execution(world: World, run: Run) -> Call:
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:flow"

    def take_effect(origin: Origin | None) -> Event:
        execution = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:flow:{world.id()}"
        for step in range(2):
            event = {"execution": execution, "step": step}
            world.invoke(f"fn{step + 1}", event, [origin], run.depth + 1, how="request")
        return {**metadata(world), "executionArn": execution}

    return Call("stepfunctions", "StartExecution", {"stateMachineArn": machine}, take_effect)


SERVICES: dict[str, Callable[[World, Run], Call]] = {
    "put": world_tables.put_item,
    "update": world_tables.update_item,
    "delete": world_tables.delete_item,
    "batch": world_tables.batch_write_item,
    "transact": world_tables.transact_write_items,
    "object": _put_object,
    "objects": _delete_objects,
    "publish": _publish,
    "queued": _publish_to_queue,
    "send": _send_message_batch,
    "forward": _forward,
    "events": _put_events,
    "kinesis": _put_records,
    "invoke": _invoke,
    "relay": _relay,
    "http": _http,
    "execution": _start_execution,
}
IDENTIFIED = (
    *("object", "objects", "publish", "queued", "send", "events", "kinesis", "invoke"),
    *("http", "execution"),
)
TABLES = ("put", "update", "delete", "batch", "transact")
