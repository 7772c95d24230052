"""Nothing sensitive leaves the function: secrets are put everywhere and looked for in all."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
import requests

from gammaray_recorder import bootstrap, hooks
from gammaray_recorder.recording import Recorder
from gammaray_recorder.settings import Settings
from gammaray_recorder.table import Table
from gammaray_recorder.writer import Writer
from tests.unit.recorder.boto import boto_session
from tests.unit.recorder.events import (
    ALB,
    BY_KIND,
    HTTP,
    REST,
    TOPIC,
    bridged,
    change,
    notification,
    published,
    queued,
    streamed,
)
from tests.unit.recorder.support import (
    ACCOUNT,
    REGION,
    Answer,
    Context,
    Request,
    Server,
    items_in,
)
from tests.unit.recorder.test_http_libraries import (
    by_aiohttp,
    by_http_client,
    by_httpx,
    by_urllib,
)

SECRET = "Tr0ub4dor&3-hunter2"
FORMS = (
    SECRET,
    base64.b64encode(SECRET.encode()).decode(),
    base64.b64encode(SECRET.encode()).decode().rstrip("="),
    SECRET.encode().hex(),
    quote(SECRET),
)

# Where a string may be recorded, because it names a resource or a key.
NAMES = {
    "eventSource", "EventSource", "eventSourceARN", "eventSourceArn", "awsRegion", "eventName",
    "eventID", "messageId", "MessageId", "TopicArn", "principalId", "SequenceNumber", "key",
    "name", "sequencer", "x-amz-request-id", "versionId", "eTag", "source", "id", "detail-type",
    "region", "resources", "domainName", "path", "httpMethod", "method", "requestId", "eventType",
    "Host", "stage", "apiId", "methodArn", "type", "StackId", "RequestType", "LogicalResourceId",
    "userPoolId", "triggerSource", "identityPoolId", "configRuleArn", "configRuleName",
    "InstanceARN", "Name", "accessPointArn", "alarmArn", "Bucket", "Service", "Event", "SecretId",
    "Step", "parentTypeName", "fieldName", "clickType", "distributionId", "request-id",
    "version-id", "etag", "traceparent", "TraceParent", "AWSTraceHeader", "host",
    "x-amzn-trace-id", "Type",
}  # fmt: skip


def filled(value: Any, name: str = "") -> Any:
    """Put the secret in the place of every string that names nothing."""
    if isinstance(value, dict):
        return {key: filled(entry, key) for key, entry in value.items()}
    if isinstance(value, list):
        return [filled(entry, name) for entry in value]
    return SECRET if isinstance(value, str) and name not in NAMES else value


EVENTS: list[Any] = [
    {"Records": [change("INSERT", {"id": {"S": "o-1"}}, {"id": {"S": "o-1"}, "x": {"S": SECRET}},
                        userIdentity={"type": SECRET, "principalId": "someone"})]},
    {"Records": [filled(notification("a.jpg"))]},
    {"Records": [published(SECRET)]},
    {"Records": [queued(SECRET)]},
    {"Records": [queued(json.dumps({**published(SECRET)["Sns"], "more": SECRET}))]},
    {"Records": [filled(streamed("1"))]},
    bridged("shop", "Order placed", {"card": SECRET, SECRET: 1}),
    *(filled(event) for event in (REST, HTTP, ALB)),
    *(filled(event) for event, _ in BY_KIND),
    {"password": SECRET, SECRET: SECRET, "list": [SECRET]},
    SECRET,
    [SECRET],
]  # fmt: skip


def make_calls(url: str) -> None:
    """Send the secret through every call that carries data."""
    where = {"region_name": REGION, "endpoint_url": url}
    session = boto_session()
    item = {"id": {"S": "o-1"}, "card": {"S": SECRET}, "raw": {"B": SECRET.encode()},
            "all": {"M": {SECRET: {"S": SECRET}}}}  # fmt: skip
    dynamodb = session.client("dynamodb", **where)
    dynamodb.put_item(TableName="orders", Item=item)
    dynamodb.update_item(
        TableName="orders", Key={"id": {"S": "o-1"}}, UpdateExpression="SET a = :a",
        ExpressionAttributeValues={":a": {"S": SECRET}}, ReturnValues="ALL_NEW",
    )  # fmt: skip
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "orders", "Item": item}}])
    dynamodb.execute_statement(Statement=f"SELECT '{SECRET}'", Parameters=[{"S": SECRET}])
    session.resource("dynamodb", **where).Table("orders").put_item(Item={"id": "1", "x": SECRET})
    s3 = session.client("s3", **where)
    s3.put_object(Bucket="photos", Key="a", Body=SECRET.encode(), Metadata={"x": SECRET})
    s3.get_object(Bucket="photos", Key="a")["Body"].read()
    sns = session.client("sns", **where)
    sns.publish(TopicArn=TOPIC, Message=SECRET, Subject=SECRET)
    sns.publish(PhoneNumber=SECRET, Message=SECRET)
    sqs = session.client("sqs", **where)
    sqs.send_message(QueueUrl=f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/jobs",
                     MessageBody=SECRET)  # fmt: skip
    session.client("events", **where).put_events(
        Entries=[{"Source": "shop", "DetailType": SECRET, "Detail": json.dumps({"x": SECRET})}]
    )
    kinesis = session.client("kinesis", **where)
    kinesis.put_record(StreamName="clicks", Data=SECRET.encode(), PartitionKey=SECRET)
    session.client("lambda", **where).invoke(
        FunctionName="Thumbnail", Payload=json.dumps(SECRET), ClientContext=SECRET
    )
    session.client("stepfunctions", **where).start_execution(
        stateMachineArn="arn:aws:states:x", input=json.dumps(SECRET), name=SECRET
    )
    session.client("secretsmanager", **where).get_secret_value(SecretId="db")
    session.client("ssm", **where).put_parameter(Name="db", Value=SECRET)
    statement = f"INSERT INTO orders VALUE {{'id': '1', 'x': '{SECRET}', 'y': ?}}"
    dynamodb.execute_statement(Statement=statement, Parameters=[{"S": SECRET}])
    update = f"UPDATE orders SET x = '{SECRET}' WHERE id = '1' AND x = '{SECRET}'"
    dynamodb.batch_execute_statement(Statements=[{"Statement": update}])
    session.client("firehose", **where).put_record(
        DeliveryStreamName="clicks", Record={"Data": SECRET.encode()}
    )
    session.client("iot-data", **where).publish(topic="door", payload=SECRET.encode())
    session.client("scheduler", **where).create_schedule(
        Name="nightly", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:lambda:x", "RoleArn": "arn:aws:iam:x", "Input": json.dumps(SECRET)},
    )  # fmt: skip
    for send in (by_http_client, by_urllib, by_httpx, by_aiohttp):
        send(url, {"x-key": quote(SECRET)})
    target = url.replace("//", f"//user:{quote(SECRET)}@")
    requests.post(
        f"{target}/path?token={SECRET}", data=SECRET, headers={"x-key": SECRET}, timeout=10
    )


def answer(request: Request) -> Answer:
    attributes = {"id": {"S": "o-1"}, "x": {"S": SECRET}}
    body = {"Attributes": attributes, "SecretString": SECRET, "Items": [attributes]}
    if "PutItem" in request.headers.get("x-amz-target", ""):
        body = {}
    if request.path.startswith("/photos"):
        return Answer(SECRET.encode() if request.method == "GET" else b"")
    if request.headers.get("content-type", "").startswith("application/x-www-form"):
        return Answer(b"<R><PublishResult><MessageId>m</MessageId></PublishResult></R>")
    return Answer(json.dumps(body).encode(), headers={"x-secret": SECRET})


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event)[:40])
def test_no_secret_of_an_event_is_recorded(event: Any, server: Server) -> None:
    recorder = started(server)

    def handler(event: Any, context: Any) -> Any:
        return {"result": SECRET}

    bootstrap.recorded(handler, recorder)(event, Context())
    assert_clean(server)


def test_no_secret_of_a_call_or_an_error_is_recorded(
    server: Server, unhooked: None, capfd: pytest.CaptureFixture[str]
) -> None:
    server.respond = answer
    recorder = started(server)
    hooks.install(recorder)

    def handler(event: Any, context: Any) -> Any:
        make_calls(server.url)
        raise ValueError(SECRET)

    with pytest.raises(ValueError, match="hunter2"):
        bootstrap.recorded(handler, recorder)({}, Context())
    written = assert_clean(server)
    assert written.count('"k":"c"') == 26
    assert SECRET not in "".join(capfd.readouterr())


def started(server: Server) -> Recorder:
    settings = Settings(
        {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": server.url, "GAMMARAY_FLUSH_MS": "5000"}
    )
    writer = Writer(settings, Table(settings))
    writer.start()
    return Recorder(settings, writer)


def assert_clean(server: Server) -> str:
    """Look for the secret, in all its forms, in what was written to the record table."""
    records = [
        request
        for request in server.requests
        if "PutItem" in request.headers.get("x-amz-target", "")
        and request.json()["TableName"] == "gammaRays"
    ]
    assert records
    items = items_in(records)
    for item in items:
        assert item.keys() == {"reqID", "v", "ts", "payload", "expires"}
    written = "".join(item["payload"]["S"] for item in items)
    assert '"st":' in written
    for form in FORMS:
        assert form not in written
    return written
