from __future__ import annotations

import json

import pytest

from providers.aws_operations import AwsOperations
from providers.errors import UserError
from providers.session import AwsSession
from tests.integration.conftest import Account
from tests.integration.test_instrument import make_function

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

REGION = "us-west-2"


async def test_every_kind_of_target_is_reached(aws_session: AwsSession) -> None:
    async with (
        aws_session.client("s3", REGION) as s3,
        aws_session.client("sns", REGION) as sns,
        aws_session.client("sqs", REGION) as sqs,
        aws_session.client("dynamodb", REGION) as dynamodb,
        aws_session.client("kinesis", REGION) as kinesis,
    ):
        await s3.create_bucket(
            Bucket="fired-at", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        await sns.create_topic(Name="news")
        queue = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
        await kinesis.create_stream(StreamName="clicks", ShardCount=1)
        await dynamodb.create_table(
            TableName="things",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        await make_function(aws_session, "users")
        operations = AwsOperations(aws_session)
        for target, payload in (
            ("s3://fired-at/in/{number}.txt", "x{number}"),
            ("sns:news", "hello"),
            ("sqs:orders", "order {number}"),
            ("dynamodb:things", '{"id": "{run}", "price": 1.5, "tags": ["a"]}'),
            ("events:", '{"order": {number}}'),
            ("kinesis:clicks", "click"),
            ("users", '{"n": {number}}'),
        ):
            fired = await operations.fire(target, 2, lambda _: None, payload=payload)
            assert len(fired.request_ids) == 2, target
            assert all(fired.request_ids), target
            assert not fired.errors

        objects = (await s3.list_objects_v2(Bucket="fired-at"))["Contents"]
        assert [item["Key"] for item in objects] == ["in/1.txt", "in/2.txt"]
        assert len((await dynamodb.scan(TableName="things"))["Items"]) == 2
        message = (await sqs.receive_message(QueueUrl=queue))["Messages"][0]
        assert message["Body"] in ("order 1", "order 2")


async def test_what_is_nowhere_is_named(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)
    with pytest.raises(UserError) as raised:
        await operations.fire("NoSuch", 1, lambda _: None)
    assert raised.value.kind == "unknown-target"
    with pytest.raises(UserError) as raised:
        await operations.fire("NoSuch", 1, lambda _: None, payload="{")
    assert raised.value.kind == "bad-payload"


def test_the_command_follows_what_it_fired(account: Account) -> None:
    assert account.run_inside("deploy", "imageproc").returncode == 0

    fired = account.run("fire", "imageproc", "-n", "2", "--rate", "20", "--json")

    assert fired.returncode == 0, fired.stderr
    lines = [json.loads(line) for line in fired.stdout.splitlines()]
    (summary,) = (line for line in lines if "complete" in line)
    assert summary["complete"]
    assert (summary["roots"], summary["invocations"], summary["failed"]) == (2, 6, 0)
    assert len(set(summary["root_ids"])) == 2
    assert "imageproc: 2 of 2 chains, 6 invocations" in fired.stderr
