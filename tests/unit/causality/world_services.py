"""The services of the world: parameters, responses and events in AWS's shapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote_plus

if TYPE_CHECKING:
    from tests.unit.causality.world import Origin, Run, World

Event: TypeAlias = dict[str, Any]

REGION = "us-west-2"
_ACCOUNT = "123456789012"


@dataclass
class Call:
    """A call that is about to be made.

    Attributes:
        take_effect: does it once, for an origin, and gives the response.
        http: method, host and path, of a plain HTTP request.
    """

    service: str
    operation: str
    params: Event
    take_effect: Callable[[Origin | None], Event]
    http: tuple[str, str, str] | None = None
    traceparent: str | None = None


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


def _metadata(world: World, request_id: str | None = None) -> Event:
    return {"ResponseMetadata": {"RequestId": request_id or world.id(), "HTTPStatusCode": 200}}


# --- DynamoDB -----------------------------------------------------------------------------


def _put_item(world: World, run: Run) -> Call:
    item = _item(world)

    def take_effect(origin: Origin | None) -> Event:
        _write(world, run, "orders", item, origin)
        return _metadata(world)

    return Call("dynamodb", "PutItem", {"TableName": "orders", "Item": item}, take_effect)


def _update_item(world: World, run: Run) -> Call:
    key = {"id": _item(world)["id"]}
    value = {"N": str(world.random.randrange(world.options.contents))}
    whole = world.chance(0.3)

    def take_effect(origin: Origin | None) -> Event:
        before = world.items.get(("orders", json.dumps(key)), key)
        image = {**before, "v": value}
        _write(world, run, "orders", image, origin)
        return {**_metadata(world), **({"Attributes": image} if whole else {})}

    params = {"TableName": "orders", "Key": key, "UpdateExpression": "SET v = :v"}
    if whole:
        params["ReturnValues"] = "ALL_NEW"
    return Call("dynamodb", "UpdateItem", params, take_effect)


def _delete_item(world: World, run: Run) -> Call:
    key = {"id": _item(world)["id"]}

    def take_effect(origin: Origin | None) -> Event:
        _write(world, run, "orders", key, origin, delete=True)
        return _metadata(world)

    return Call("dynamodb", "DeleteItem", {"TableName": "orders", "Key": key}, take_effect)


def _batch_write_item(world: World, run: Run) -> Call:
    requests: list[Event] = []
    seen = set()
    for _ in range(world.random.randint(1, 4)):
        item = _item(world)
        if item["id"]["S"] in seen:
            continue
        seen.add(item["id"]["S"])
        put = {"PutRequest": {"Item": item}}
        requests.append(
            put if world.chance(0.7) else {"DeleteRequest": {"Key": {"id": item["id"]}}}
        )

    def take_effect(origin: Origin | None) -> Event:
        for request in requests:
            if "PutRequest" in request:
                _write(world, run, "orders", request["PutRequest"]["Item"], origin)
            else:
                _write(world, run, "orders", request["DeleteRequest"]["Key"], origin, delete=True)
        return _metadata(world)

    return Call("dynamodb", "BatchWriteItem", {"RequestItems": {"orders": requests}}, take_effect)


def _transact_write_items(world: World, run: Run) -> Call:
    put = _item(world)
    other = _item(world)
    entries: list[Event] = [{"Put": {"TableName": "orders", "Item": put}}]
    if other["id"] != put["id"]:
        kind = world.random.choice(["Update", "Delete", "ConditionCheck"])
        entries.append({kind: {"TableName": "orders", "Key": {"id": other["id"]}}})

    def take_effect(origin: Origin | None) -> Event:
        for entry in world.random.sample(entries, len(entries)):
            if "Put" in entry:
                _write(world, run, "orders", put, origin)
            elif "Update" in entry:
                _write(world, run, "orders", {"id": other["id"], "n": {"N": "1"}}, origin)
            elif "Delete" in entry:
                _write(world, run, "orders", {"id": other["id"]}, origin, delete=True)
        return _metadata(world)

    return Call("dynamodb", "TransactWriteItems", {"TransactItems": entries}, take_effect)


def _item(world: World) -> Event:
    return {
        "id": {"S": f"k{world.random.randrange(world.options.keys)}"},
        "v": {"N": str(world.random.randrange(world.options.contents))},
    }


def _write(
    world: World,
    run: Run,
    table: str,
    image: Event,
    origin: Origin | None,
    *,
    delete: bool = False,
) -> None:
    """Change an item; a change that changes nothing makes no record."""
    place = (table, json.dumps({"id": image["id"]}))
    before = world.items.get(place)
    if delete:
        if before is None:
            return
        del world.items[place]
    elif before == image:
        return
    else:
        world.items[place] = image
    name = "REMOVE" if delete else "INSERT" if before is None else "MODIFY"
    change: Event = {
        "ApproximateCreationDateTime": int(world.now_s),
        "Keys": {"id": image["id"]},
        "SequenceNumber": str(world.number()),
    }
    if not delete:
        change["NewImage"] = image
    record = {
        "eventID": world.id(),
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": change,
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:{_ACCOUNT}:table/{table}/stream/2026",
    }
    world.deliver(f"table:{table}", record, origin, run.depth + 1, batch=4)


# --- S3 -----------------------------------------------------------------------------------


def _put_object(world: World, run: Run) -> Call:
    bucket = world.random.choice(["plain", "bridged", "topical"])
    key = f"in box/k{world.random.randrange(world.options.keys)}.txt"
    etag = hashlib.md5(str(world.random.randrange(world.options.contents)).encode()).hexdigest()

    def take_effect(origin: Origin | None) -> Event:
        shown = _object_event(world, run, bucket, key, etag, "ObjectCreated:Put", origin)
        return {**_metadata(world, shown), "ETag": f'"{etag}"'}

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
        return {**_metadata(world, shown), "Deleted": [{"Key": key} for key in sorted(keys)]}

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
        topic = f"arn:aws:sns:{REGION}:{_ACCOUNT}:objects"
        published, _ = _sns_record(world, topic, message, "Amazon S3 Notification")
        world.deliver("bucket:topical", published, origin, run.depth + 1)
    else:
        detail = {
            "bucket": {"name": bucket},
            "object": {"key": key, "etag": etag, "sequencer": thing["sequencer"]},
            "request-id": request_id,
        }
        event = {
            "id": world.id(),
            "source": "aws.s3",
            "detail-type": "Object Created",
            "region": REGION,
            "detail": detail,
        }
        for consumer in world.consumers("bucket:bridged"):
            world.invoke(consumer, event, [origin], run.depth + 1, how="event")
    return world.id() if world.options.local else request_id


# --- messages, events, streams ------------------------------------------------------------


def _publish(world: World, run: Run) -> Call:
    topic = f"arn:aws:sns:{REGION}:{_ACCOUNT}:news"
    subject = f"s{world.random.randrange(world.options.keys)}"
    params = {"TopicArn": topic, "Message": "m"}
    if world.chance(0.7):
        params["Subject"] = subject

    def take_effect(origin: Origin | None) -> Event:
        record, message_id = _sns_record(world, topic, "m", params.get("Subject"))
        world.deliver("topic:news", record, origin, run.depth + 1)
        return {**_metadata(world), "MessageId": message_id}

    return Call("sns", "Publish", params, take_effect)


def _publish_to_queue(world: World, run: Run) -> Call:
    topic = f"arn:aws:sns:{REGION}:{_ACCOUNT}:queued"

    def take_effect(origin: Origin | None) -> Event:
        message_id = world.id()
        body = {"Type": "Notification", "MessageId": message_id, "TopicArn": topic, "Message": "m"}
        _queue(world, run, json.dumps(body), origin, sender="AIDAEXAMPLE")
        return {**_metadata(world), "MessageId": message_id}

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
        return {**_metadata(world), "Successful": sent}

    return Call("sqs", "SendMessageBatch", params, take_effect)


def _forward(world: World, run: Run) -> Call:
    """Send on what was received, as functions do that only pass messages along."""
    body = json.dumps(_first_message(run.event))

    def take_effect(origin: Origin | None) -> Event:
        return {**_metadata(world), "MessageId": _queue(world, run, body, origin)}

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
        "attributes": {"SenderId": sender},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{_ACCOUNT}:work",
        "awsRegion": REGION,
    }
    world.deliver("queue:work", record, origin, run.depth + 1, batch=5)
    return message_id


def _queue_url() -> str:
    return f"https://sqs.{REGION}.amazonaws.com/{_ACCOUNT}/work"


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
        return {**_metadata(world), "Entries": results}

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
                "eventSourceARN": f"arn:aws:kinesis:{REGION}:{_ACCOUNT}:stream/{name}",
                "awsRegion": REGION,
            }
            world.number()
            world.deliver(f"stream:{name}", record, origin, run.depth + 1, batch=4)
            results.append({"ShardId": shard, "SequenceNumber": sequence})
        return {**_metadata(world), "Records": results}

    return Call("kinesis", "PutRecords", params, take_effect)


# --- functions, HTTP, state machines -------------------------------------------------------


def _invoke(world: World, run: Run) -> Call:
    function = f"fn{world.random.randrange(world.options.functions)}"
    plain: Event = {"n": world.random.randrange(world.options.contents)}
    # The original told the callee in its payload who calls.
    told: Event = {"eventSource": f"lib:invokeCLI:{run.function}:{run.request_id}"}
    asynchronous = world.chance(0.5)
    params = {
        "FunctionName": world.random.choice(
            [function, f"arn:aws:lambda:{REGION}:{_ACCOUNT}:function:{function}"]
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
        return _metadata(world, world.id() if world.options.local else request_id)

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
    machine = f"arn:aws:states:{REGION}:{_ACCOUNT}:stateMachine:flow"

    def take_effect(origin: Origin | None) -> Event:
        execution = f"arn:aws:states:{REGION}:{_ACCOUNT}:execution:flow:{world.id()}"
        for step in range(2):
            event = {"execution": execution, "step": step}
            world.invoke(f"fn{step + 1}", event, [origin], run.depth + 1, how="request")
        return {**_metadata(world), "executionArn": execution}

    return Call("stepfunctions", "StartExecution", {"stateMachineArn": machine}, take_effect)


SERVICES: dict[str, Callable[[World, Run], Call]] = {
    "put": _put_item,
    "update": _update_item,
    "delete": _delete_item,
    "batch": _batch_write_item,
    "transact": _transact_write_items,
    "object": _put_object,
    "objects": _delete_objects,
    "publish": _publish,
    "queued": _publish_to_queue,
    "send": _send_message_batch,
    "forward": _forward,
    "events": _put_events,
    "kinesis": _put_records,
    "invoke": _invoke,
    "http": _http,
    "execution": _start_execution,
}
IDENTIFIED = (
    *("object", "objects", "publish", "queued", "send", "events", "kinesis", "invoke"),
    *("http", "execution"),
)
TABLES = ("put", "update", "delete", "batch", "transact")
