from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.aws_operations import AwsOperations
from providers.operations import Resource
from providers.session import AwsSession

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

REGION = "us-east-1"
OURS = {"gammaray:managed": "true", "gammaray:app": "shop"}
MACHINE = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})


async def make_one_of_each(session: AwsSession, prefix: str, tags: dict[str, str]) -> None:
    """Make one resource of each kind that an application can have beside functions."""
    keyed = [{"Key": key, "Value": value} for key, value in tags.items()]
    role = "arn:aws:iam::000000000000:role/any"
    async with (
        session.client("events", REGION) as events,
        session.client("scheduler", REGION) as scheduler,
        session.client("apigateway", REGION) as rest,
        session.client("apigatewayv2", REGION) as http,
        session.client("stepfunctions", REGION) as states,
        session.client("kinesis", REGION) as kinesis,
        session.client("sns", REGION) as sns,
        session.client("sqs", REGION) as sqs,
    ):
        await events.create_event_bus(Name=f"{prefix}bus", Tags=keyed)
        for bus in ("default", f"{prefix}bus"):
            await events.put_rule(
                Name=f"{prefix}rule",
                EventBusName=bus,
                EventPattern='{"source": ["x"]}',
                Tags=keyed,
            )
        target = {"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
        await events.put_targets(Rule=f"{prefix}rule", Targets=[target])
        await scheduler.create_schedule(
            Name=f"{prefix}schedule",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:lambda:us-east-1:000000000000:function:x", "RoleArn": role},
        )
        await rest.create_rest_api(name=f"{prefix}rest", tags=tags)
        await http.create_api(Name=f"{prefix}http", ProtocolType="HTTP", Tags=tags)
        await states.create_state_machine(
            name=f"{prefix}machine",
            definition=MACHINE,
            roleArn=role,
            tags=[{"key": key, "value": value} for key, value in tags.items()],
        )
        await kinesis.create_stream(StreamName=f"{prefix}stream", ShardCount=1)
        if tags:
            await kinesis.add_tags_to_stream(StreamName=f"{prefix}stream", Tags=tags)
        queue = await sqs.create_queue(QueueName=f"{prefix}queue", tags=tags)
        topic = await sns.create_topic(Name=f"{prefix}topic", Tags=keyed)
        await sns.subscribe(
            TopicArn=topic["TopicArn"],
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:000000000000:{queue['QueueUrl'].rpartition('/')[2]}",
        )


def kinds(resources: Any) -> list[str]:
    return sorted(item.kind for item in resources if item.managed)


async def test_every_kind_is_listed_and_deleted_and_others_are_left(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    await make_one_of_each(aws_session, "gammaray-", OURS)
    await make_one_of_each(aws_session, "theirs-", {})
    await operations.make_roles(lambda _: None)

    resources = await operations.resources()

    assert kinds(resources) == sorted(
        [
            "HTTP API", "REST API", "event bus", "policy", "queue", "role", "rule", "rule",
            "schedule", "state machine", "stream", "subscription", "topic",
        ]
    )  # fmt: skip
    assert [item for item in resources if "theirs" in item.name] == []
    deleted = await operations.delete(resources, lambda _: None)
    assert deleted.failed == ()
    assert await operations.resources() == []
    async with (
        aws_session.client("events", REGION) as events,
        aws_session.client("stepfunctions", REGION) as states,
        aws_session.client("kinesis", REGION) as kinesis,
        aws_session.client("apigateway", REGION) as rest,
        aws_session.client("apigatewayv2", REGION) as http,
        aws_session.client("sns", REGION) as sns,
    ):
        assert [rule["Name"] for rule in (await events.list_rules())["Rules"]] == ["theirs-rule"]
        assert len((await states.list_state_machines())["stateMachines"]) == 1
        assert (await kinesis.list_streams())["StreamNames"] == ["theirs-stream"]
        assert [item["name"] for item in (await rest.get_rest_apis())["items"]] == ["theirs-rest"]
        assert [item["Name"] for item in (await http.get_apis())["Items"]] == ["theirs-http"]
        assert len((await sns.list_subscriptions())["Subscriptions"]) == 1


async def test_files_of_ours_are_listed_with_size_and_deleted(
    aws_session: AwsSession, tmp_path: Path
) -> None:
    (tmp_path / "recordings").mkdir()
    recording = tmp_path / "recordings" / "today.jsonl.gz"
    recording.write_bytes(b"12345")
    operations = AwsOperations(aws_session, folders=(tmp_path, tmp_path / "none"))

    (found,) = await operations.resources()
    assert (found.kind, found.size_bytes) == ("recording", 5)
    await operations.delete([found], lambda _: None)

    assert not recording.exists()
    assert isinstance(found, Resource)
