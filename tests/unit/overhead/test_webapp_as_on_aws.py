"""webapp with AWS's own ids, which the local AWS does not give: then its hops are exact.

Its functions run as they are, in the local runtime and recorded, against a server that answers
as AWS does; each is invoked with the event that AWS would make of what the one before did.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from causality.engine import Engine
from causality.records import decode_page
from gammaray_recorder import wire
from providers.clients import Clients
from providers.local_aws import LocalAws
from providers.manifest import find_application
from providers.overhead import local_runtime
from providers.overhead.local_runtime import LocalContainer
from providers.place import Place
from tests.unit.recorder.events import change, notification, published
from tests.unit.recorder.support import Answer, Request, Server, items_in

VISIT = {"page": {"S": "start"}, "visitor": {"S": "v-1"}}
PAGE = {"page": "start", "visitor": "v-1"}
KEY = "pages/start/v-1.json"
MESSAGE_ID = "95df01b4-ee98-5cb9-9903-4c221d41eb5e"
S3_REQUEST_ID = "C3D13FE58DE4C810"
ETAG = "d41d8cd98f00b204e9800998ecf8427e"
INVOKED_ID = "2703b2af-cbd2-415a-9f99-df4d6c6a1c8e"
PUBLISHED = (
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    f"<MessageId>{MESSAGE_ID}</MessageId></PublishResult><ResponseMetadata><RequestId>r"
    "</RequestId></ResponseMetadata></PublishResponse>"
)


def answer(request: Request) -> Answer:
    """Answer as AWS does."""
    if "/functions/" in request.path:
        return Answer(b"", 202, {"x-amzn-requestid": INVOKED_ID})
    if request.method == "PUT":
        return Answer(b"", headers={"ETag": f'"{ETAG}"', "x-amz-request-id": S3_REQUEST_ID})
    if request.method == "GET":
        return Answer(json.dumps(PAGE).encode(), headers={"ETag": f'"{ETAG}"'})
    if "x-amz-target" in request.headers:
        return Answer(b"{}", headers={"content-type": "application/x-amz-json-1.0"})
    return Answer(PUBLISHED.encode(), headers={"content-type": "text/xml"})


def from_aws(item: Any) -> Any:
    """Take away the mark of calls that another than AWS answered: here that one stands for AWS."""
    payload = json.loads(item[wire.ITEM_PAYLOAD]["S"])
    for event in payload[wire.EVENTS]:
        event.pop(wire.LOCAL, None)
    return {**item, wire.ITEM_PAYLOAD: {"S": json.dumps(payload)}}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(answer)
    yield server
    server.close()


@asynccontextmanager
async def functions(server: Server) -> AsyncIterator[dict[str, LocalContainer]]:
    """Give webapp's functions, each ready to start."""
    application = find_application("webapp").in_configuration("")
    probed = msgspec.structs.replace(application, probed=True)
    place = Place(cast(Clients, None), "123456789012", "aws", "webapp", "gammaRays")
    local_aws = SimpleNamespace(endpoint_url=server.url, endpoints={}, account_id="123456789012")
    with local_runtime.local_runtime(cast(LocalAws, local_aws)) as runtime:
        yield {
            function.name: runtime.container(place, probed, function)
            for function in probed.manifest.functions
        }


async def test_every_hop_with_an_id_of_aws_is_exact(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_event = notification(KEY, **{"eTag": ETAG})
    s3_event["responseElements"] = {"x-amz-request-id": S3_REQUEST_ID}
    s3_event["s3"]["bucket"]["name"] = "gammaray-webapp-123456789012"
    visit = change("INSERT", VISIT, VISIT)
    table = visit["eventSourceARN"].split("/")[1]
    visit["eventSourceARN"] = visit["eventSourceARN"].replace(table, "webapp-visits")
    events: dict[str, tuple[str, Any]] = {
        "SNSPy": ("request-1", PAGE),
        "S3ModPy": ("request-2", {"Records": [published(json.dumps(PAGE), MESSAGE_ID)]}),
        "FnInvokerPy": ("request-3", {"Records": [s3_event]}),
        "DBModPy": (INVOKED_ID, PAGE),
        "VisitsPy": ("request-5", {"Records": [visit]}),
    }

    async with functions(server) as containers:
        for name, (request_id, event) in events.items():
            # When the item was written: a record that is older than the call excludes it.
            visit["dynamodb"]["ApproximateCreationDateTime"] = int(time.time())
            monkeypatch.setattr(uuid, "uuid4", lambda id=request_id: id)
            await containers[name].start()
            await containers[name].invoke(event)
            await containers[name].stop()

    written = [request for request in server.requests if b'"gammaRays"' in request.body]
    engine = Engine()
    records = [
        {"eventID": str(number), "eventName": "INSERT", "awsRegion": "us-west-2",
         "dynamodb": {"NewImage": item, "SequenceNumber": str(number)}}
        for number, item in enumerate(map(from_aws, items_in(written)))
    ]  # fmt: skip
    engine.apply_records(decode_page(json.dumps({"Records": records}).encode()).records)
    engine.settle()
    edges = {edge.cause.invocation.function: edge for edge in engine.edges()}
    assert {name: edge.evidence for name, edge in edges.items()} == {
        "S3ModPy": "exact",
        "FnInvokerPy": "exact",
        "DBModPy": "exact",
        "VisitsPy": "content",  # DynamoDB gives no ids
    }
