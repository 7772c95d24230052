"""Triggers other than DynamoDB streams: each deployed, and made to invoke its function."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gammaray_recorder import wire
from providers.aws_operations import AwsOperations
from providers.clients import Clients
from providers.session import AwsSession
from tests.integration.records import LOOK_EVERY_S, recorded_events

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

REGION = "us-west-2"
INVOKED_TIMEOUT_S = 60.0
MANIFEST = """
title = "One function for each kind of trigger"
buckets = [{ name = "gammaray-triggers-{account}", region = "us-west-2" }]
topics = [{ name = "news", region = "us-west-2" }]
queues = [
    { name = "work", region = "us-west-2" },
    { name = "matched", region = "us-west-2", retry_after_s = 60, dead_letters = "dead" },
    { name = "dead", region = "us-west-2" },
]
streams = [{ name = "clicks", region = "us-west-2" }]
triggers = [
    { kind = "s3", bucket = "gammaray-triggers-{account}", function = "OnObject", prefix = "in/" },
    { kind = "s3", bucket = "gammaray-triggers-{account}", function = "OnOther", prefix = "un/" },
    { kind = "sns", topic = "news", function = "OnMessage" },
    { kind = "sqs", queue = "work", function = "OnWork" },
    { kind = "sqs", queue = "matched", function = "OnMatched" },
    { kind = "kinesis", stream = "clicks", function = "OnClick" },
    { kind = "events", rule = "paid", pattern = { source = ["shop"] }, function = "OnEvent" },
    { kind = "events", rule = "kept", pattern = { source = ["shop"] }, queue = "matched" },
    { kind = "schedule", rule = "hourly", expression = "rate(1 hour)", function = "OnSchedule" },
    { kind = "api", api = "shop", route = "POST /orders", function = "OnRequest" },
    { kind = "api", api = "shop", route = "GET /orders", function = "OnOther" },
]
fire = { api = "shop", route = "POST /orders" }
"""
FUNCTION = """
[[functions]]
name = "{name}"
region = "us-west-2"
handler = "quiet.handler"
files = ["quiet.py"]
"""
NAMES = (
    *("OnObject", "OnOther", "OnMessage", "OnWork", "OnMatched"),
    *("OnClick", "OnEvent", "OnSchedule", "OnRequest"),
)


@pytest.fixture
def application(tmp_path: Path) -> Path:
    folder = tmp_path / "triggers"
    folder.mkdir()
    (folder / "quiet.py").write_text("def handler(event, context):\n    print('invoked')\n")
    functions = "".join(FUNCTION.format(name=name) for name in NAMES)
    functions = functions.replace('name = "OnWork"', 'name = "OnWork"\nurl = true')
    (folder / "app.toml").write_text(MANIFEST + functions)
    return folder


async def test_every_kind_of_trigger_invokes_its_function(
    aws_session: AwsSession, application: Path
) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy(str(application), lambda _step: None)
    plan = await operations.plan(str(application))
    assert {step.detail for step in plan.steps} == {"up to date"}

    bucket = f"gammaray-triggers-{await account(aws_session)}"
    async with aws_session.client("s3", REGION) as s3:
        await s3.put_object(Bucket=bucket, Key="in/a b.txt", Body=b"1")
        await s3.put_object(Bucket=bucket, Key="elsewhere/c.txt", Body=b"2")
    async with aws_session.client("sns", REGION) as sns:
        topic = (await sns.list_topics())["Topics"][0]["TopicArn"]
        await sns.publish(TopicArn=topic, Message="hello")
    async with aws_session.client("sqs", REGION) as sqs:
        url = (await sqs.get_queue_url(QueueName="work"))["QueueUrl"]
        await sqs.send_message(QueueUrl=url, MessageBody="hello")
    async with aws_session.client("kinesis", REGION) as kinesis:
        await kinesis.put_record(StreamName="clicks", Data=b"click", PartitionKey="1")
    async with aws_session.client("events", REGION) as events:
        entry = {"Source": "shop", "DetailType": "Paid", "Detail": "{}"}
        await events.put_events(Entries=[entry, {**entry, "Source": "elsewhere"}])
        schedule = await events.describe_rule(Name="hourly")
        (target,) = (await events.list_targets_by_rule(Rule="hourly"))["Targets"]
    await operations.fire(str(application), 1, lambda _step: None)

    expected = {
        "OnObject": ["s3"],
        "OnMessage": ["sns"],
        "OnWork": ["sqs"],
        "OnMatched": ["events"],
        "OnClick": ["kinesis"],
        "OnEvent": ["events"],
        "OnRequest": ["http"],
    }
    async with asyncio.timeout(INVOKED_TIMEOUT_S):
        causes = await causes_of(aws_session, set(expected))
    services = {name: [cause[wire.SERVICE] for cause in found] for name, found in causes.items()}
    assert services == expected
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(1 hour)", "ENABLED")
    assert target["Arn"].endswith(":function:OnSchedule")
    async with aws_session.client("lambda", REGION) as functions:
        url = await functions.get_function_url_config(FunctionName="OnWork")
    assert url["AuthType"] == "AWS_IAM", "not for the whole world"
    assert causes["OnObject"][0][wire.KEY] == "in/a b.txt"

    await operations.delete(await operations.resources(regions=[REGION]), lambda _step: None)
    assert await operations.resources(regions=[REGION]) == []


async def test_changed_rules_routes_and_queues_are_updated(
    aws_session: AwsSession, application: Path
) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy(str(application), lambda _step: None)
    manifest = application / "app.toml"
    text = manifest.read_text()
    for before, after in (
        ('"paid", pattern = { source = ["shop"] }', '"paid", pattern = { source = ["x"] }'),
        ("rate(1 hour)", "rate(2 hours)"),
        ('route = "GET /orders"', 'route = "GET /all"'),
        ("retry_after_s = 60", "retry_after_s = 90"),
    ):
        assert before in text
        text = text.replace(before, after)
    manifest.write_text(text)

    plan = await operations.plan(str(application))
    await operations.deploy(str(application), lambda _step: None)
    again = await operations.plan(str(application))

    assert {step.text: step.detail for step in plan.steps if step.detail != "up to date"} == {
        "trigger EventBridge rule paid → OnEvent": "update: pattern",
        "trigger schedule rate(2 hours) → OnSchedule": "update: schedule",
        "trigger API shop → OnRequest, OnOther": "update: routes",
        "queue matched": "update: VisibilityTimeout",
    }
    assert {step.detail for step in again.steps} == {"up to date"}
    async with aws_session.client("apigatewayv2", REGION) as client:
        (api,) = (await client.get_apis())["Items"]
        routes = (await client.get_routes(ApiId=api["ApiId"]))["Items"]
    assert {route["RouteKey"] for route in routes} == {"POST /orders", "GET /all"}


async def test_notifications_of_others_stay_in_the_bucket(
    aws_session: AwsSession, application: Path
) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy(str(application), lambda _step: None)
    bucket = f"gammaray-triggers-{await account(aws_session)}"
    async with aws_session.client("s3", REGION) as s3:
        ours = await notifications(s3, bucket)
        work = f"arn:aws:sqs:{REGION}:{await account(aws_session)}:work"
        theirs = {"Id": "theirs", "QueueArn": work, "Events": ["s3:ObjectRemoved:*"]}
        await s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={**ours, "QueueConfigurations": [theirs]}
        )
        manifest = application / "app.toml"
        manifest.write_text(manifest.read_text().replace('prefix = "in/"', 'prefix = "new/"'))

        await operations.deploy(str(application), lambda _step: None)
        await operations.deploy(str(application), lambda _step: None)

        document = await notifications(s3, bucket)
    assert [item["Id"] for item in document["QueueConfigurations"]] == ["theirs"]
    prefixes = {
        item["LambdaFunctionArn"].rpartition(":")[2]: item["Filter"]["Key"]["FilterRules"][0][
            "Value"
        ]
        for item in document["LambdaFunctionConfigurations"]
    }
    assert prefixes == {"OnObject": "new/", "OnOther": "un/"}


async def account(session: AwsSession) -> str:
    async with session.client("sts", REGION) as sts:
        return str((await sts.get_caller_identity())["Account"])


async def notifications(s3: Any, bucket: str) -> dict[str, Any]:
    answer = await s3.get_bucket_notification_configuration(Bucket=bucket)
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


async def causes_of(session: AwsSession, names: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Wait until all these functions were invoked; give the causes that they recorded."""
    async with Clients(session) as clients:
        while True:
            starts = [
                event
                for events in (await recorded_events(clients, REGION)).values()
                for event in events
                if event[wire.KIND] == wire.KIND_START
            ]
            causes = {start[wire.ARN].split(":")[6]: start.get(wire.CAUSES, []) for start in starts}
            if names <= set(causes):
                return causes
            await asyncio.sleep(LOOK_EVERY_S)
