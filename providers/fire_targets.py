"""What can be fired beside an application: a function, or anything that triggers one.

A target is written as `gammaray-tui fire` takes it:

    MyFunction, or any ARN      arn:aws:sqs:us-west-2:123456789012:orders
    s3://bucket/key             put an object
    sns:topic  sqs:queue        publish, send a message
    dynamodb:table              put an item
    events:bus                  put an event; events: is the default bus
    kinesis:stream              put a record
    states:machine              start an execution
    https://host/path           POST
"""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import aiohttp
from boto3.dynamodb.types import TypeSerializer

from providers.errors import UserError
from providers.fire_application import Shot
from providers.pieces import found
from providers.place import AWS_ERRORS, Place
from providers.session import user_error
from providers.together import together

_ARN: Final = re.compile(r"arn:[\w-]+:(\w[\w-]*):([\w-]*):\d*:(.+)")
_OF_ARN: Final = {
    "lambda": ("function", "function:"),
    "s3": ("s3", ""),
    "sns": ("sns", ""),
    "sqs": ("sqs", ""),
    "dynamodb": ("dynamodb", "table/"),
    "events": ("events", "event-bus/"),
    "kinesis": ("kinesis", "stream/"),
    "states": ("states", "stateMachine:"),
}
_PREFIXES: Final = ("s3", "sns", "sqs", "dynamodb", "events", "kinesis", "states")
_TEXTS: Final = {
    "function": "invoke {}",
    "http": "POST {}",
    "s3": "put object {}",
    "sns": "publish to {}",
    "sqs": "send to {}",
    "dynamodb": "put item into {}",
    "events": "put event on {}",
    "kinesis": "put record into {}",
    "states": "start {}",
}
_CLIENTS: Final = {"function": "lambda", "states": "stepfunctions"}  # else the kind itself
_HTTP_TIMEOUT_S: Final = 60.0
_LONGEST_FUNCTION_S: Final = 900.0
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be fired.

    Attributes:
        kind: "function", "http", or the service.
        name: function, "bucket/key", topic, queue, table, bus, stream, machine, or URL.
        region: as its ARN says; "" when it has to be looked for.
    """

    kind: str
    name: str
    region: str = ""

    @property
    def text(self) -> str:
        """What firing it does."""
        return _TEXTS[self.kind].format(self.name)


def target_of(text: str) -> Target:
    """Read a target.

    Raises:
        UserError: it can be none.
    """
    arn = _ARN.fullmatch(text)
    if arn is not None and arn[1] in _OF_ARN:
        kind, prefix = _OF_ARN[arn[1]]
        return _checked(Target(kind, arn[3].removeprefix(prefix).partition("/stream/")[0], arn[2]))
    if text.startswith(("http://", "https://")):
        return Target("http", text)
    prefix, colon, name = text.partition(":")
    if colon and prefix in _PREFIXES:
        return _checked(Target(prefix, name.removeprefix("//") or "default"))
    if arn is not None or colon or "/" in text or not text.strip():
        raise UserError(
            f"{text!r} cannot be fired",
            todo="Give an application, a function, an ARN, s3://bucket/key, sns:topic, sqs:queue, "
            "dynamodb:table, events:bus, kinesis:stream, states:machine or a URL.",
            kind="unknown-target",
        )
    return Target("function", text)


def _checked(target: Target) -> Target:
    if target.kind == "s3" and not all(target.name.partition("/")):
        raise UserError(
            f"s3://{target.name} names no object",
            todo="Give s3://bucket/key; {number} in the key is a number of its own each time.",
            kind="unknown-target",
        )
    return target


def checked_payload(kind: str, payload: str) -> str:
    """Give a payload back if such a target takes it; for most it has to be JSON.

    Raises:
        UserError: it does not; the message says where.
    """
    if kind not in ("function", "dynamodb", "events", "states"):
        return payload
    try:
        # With the placeholders filled, which need not stand in quotes.
        value = json.loads((payload or "{}").replace("{run}", "run").replace("{number}", "1"))
    except ValueError as error:
        raise UserError(
            f"The payload is not JSON: {error}", todo="Correct it.", kind="bad-payload"
        ) from error
    if kind in ("dynamodb", "events") and not isinstance(value, dict):
        raise UserError(
            "The payload has to be a JSON object.", todo="Put it in braces.", kind="bad-payload"
        )
    return payload or "{}"


@asynccontextmanager
async def shot_at(target: Target, place: Place, *, local: bool) -> AsyncIterator[Shot]:
    """Get ready to fire a target.

    Raises:
        UserError: it is a function that is in no region of the session.
    """
    session = place.clients.session
    region = target.region or session.regions[0]
    if target.kind == "http":
        timeout = aiohttp.ClientTimeout(total=_HTTP_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=not local) as http:
            yield Shot(target.text, "", "http", target.name, _Sender(target, place, "", http).post)
        return
    if target.kind == "function" and not target.region:
        region = await _region_of(place, target.name)
    async with session.client(
        _CLIENTS.get(target.kind, target.kind),
        region,
        # A second try after a slow answer would be a second chain.
        attempts=1 if local else _ATTEMPTS,
        read_timeout_s=_LONGEST_FUNCTION_S,
    ) as client:
        sender = _Sender(target, place, region, client, local=local)
        resource = target.name.partition("/")[0] if target.kind == "s3" else target.name
        yield Shot(target.text, region, target.kind, resource, sender.ways[target.kind])


class _Sender:
    """Sends payloads to one target; each way gives the id by which the service knows it."""

    def __init__(
        self, target: Target, place: Place, region: str, client: Any, *, local: bool = False
    ) -> None:
        self._name, self._place, self._region = target.name, place, region
        self._client = client
        self._local = local
        self._numbers = itertools.count(1)
        self.ways: Mapping[str, Callable[[bytes], Awaitable[str]]] = {
            "function": self._invoke,
            "s3": self._put_object,
            "sns": self._publish,
            "sqs": self._send_message,
            "dynamodb": self._put_item,
            "events": self._put_event,
            "kinesis": self._put_record,
            "states": self._start_execution,
        }

    async def post(self, body: bytes) -> str:
        """POST to a URL."""
        headers = {"Content-Type": "application/json"}
        async with self._client.post(self._name, data=body, headers=headers) as answer:
            if answer.status >= 400:
                raise UserError(f"It answered with {answer.status}", on=self._name, kind="failed")
            ids = ("x-amzn-RequestId", "apigw-requestid", "x-amz-apigw-id")
            return next((answer.headers[key] for key in ids if key in answer.headers), "")

    async def _invoke(self, payload: bytes) -> str:
        answer = await self._client.invoke(
            FunctionName=self._name,
            InvocationType="RequestResponse" if self._local else "Event",
            Payload=payload,
        )
        async with answer["Payload"] as body:  # the connection is free again then
            await body.read()
        return str(answer["ResponseMetadata"]["RequestId"])

    async def _put_object(self, body: bytes) -> str:
        bucket, _, key = self._name.partition("/")
        key = key.replace("{run}", uuid.uuid4().hex).replace("{number}", str(next(self._numbers)))
        answer = await self._client.put_object(Bucket=bucket, Key=key, Body=body)
        return str(answer["ResponseMetadata"]["RequestId"])

    async def _publish(self, message: bytes) -> str:
        answer = await self._client.publish(TopicArn=self._arn("sns"), Message=message.decode())
        return str(answer["MessageId"])

    async def _send_message(self, body: bytes) -> str:
        url = (await self._client.get_queue_url(QueueName=self._name))["QueueUrl"]
        answer = await self._client.send_message(QueueUrl=url, MessageBody=body.decode())
        return str(answer["MessageId"])

    async def _put_item(self, item: bytes) -> str:
        answer = await self._client.put_item(TableName=self._name, Item=_typed(json.loads(item)))
        return str(answer["ResponseMetadata"]["RequestId"])

    async def _put_event(self, event: bytes) -> str:
        entry = _entry(json.loads(event), self._name)
        answer = (await self._client.put_events(Entries=[entry]))["Entries"][0]
        if "EventId" not in answer:
            why = f"{answer.get('ErrorCode')} {answer.get('ErrorMessage')}"
            raise UserError(f"The event was refused: {why}", on=f"event bus {self._name}")
        return str(answer["EventId"])

    async def _put_record(self, data: bytes) -> str:
        answer = await self._client.put_record(
            StreamName=self._name, Data=data, PartitionKey=uuid.uuid4().hex
        )
        return str(answer["SequenceNumber"])

    async def _start_execution(self, value: bytes) -> str:
        answer = await self._client.start_execution(
            stateMachineArn=self._arn("states", "stateMachine:"), input=value.decode()
        )
        return str(answer["executionArn"])

    def _arn(self, service: str, prefix: str = "") -> str:
        place = self._place
        where = f"{self._region}:{place.account}"
        return f"arn:{place.partition}:{service}:{where}:{prefix}{self._name}"


async def _region_of(place: Place, name: str) -> str:
    """Find the region of the session that has a function.

    Raises:
        UserError: none has.
    """
    session = place.clients.session

    async def there(region: str) -> str:
        client = await place.clients.of("lambda", region)
        described = await found(
            client.get_function_configuration(FunctionName=name), "ResourceNotFoundException"
        )
        return region if described is not None else ""

    try:
        regions = await together(there(region) for region in session.regions)
    except AWS_ERRORS as error:
        raise user_error(error, profile=session.profile, region=None) from error
    region = next(filter(None, regions), None)
    if region is None:
        raise UserError(
            f"There is no application and no function named {name}",
            on=f"regions {', '.join(session.regions)}",
            todo="`gammaray-tui deploy` lists the applications; a function's region can be given "
            "with --region.",
            kind="unknown-target",
        )
    return region


def _typed(item: Mapping[str, Any]) -> dict[str, Any]:
    """Give an item as DynamoDB takes it; one that is typed already stays as it is."""
    kinds = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}
    if item and all(isinstance(value, dict) and len(value) == 1 and value.keys() <= kinds
                    for value in item.values()):  # fmt: skip
        return dict(item)
    # Numbers as text: the serializer takes no floats.
    exact = json.loads(json.dumps(item), parse_float=Decimal)
    serializer = TypeSerializer()
    return {key: serializer.serialize(value) for key, value in exact.items()}


def _entry(event: Mapping[str, Any], bus: str) -> dict[str, Any]:
    """Give an entry for PutEvents: a whole one as it is, anything else as its detail."""
    whole = "Detail" in event or "DetailType" in event
    detail = event.get("Detail", {}) if whole else event
    return {
        "Source": event.get("Source", "gammaray-tui") if whole else "gammaray-tui",
        "DetailType": event.get("DetailType", "fired") if whole else "fired",
        "Detail": detail if isinstance(detail, str) else json.dumps(detail),
        "EventBusName": bus,
    }
