from __future__ import annotations

from typing import Any

import pytest

from providers.errors import UserError
from providers.operations import Step
from providers.session import AwsSession
from providers.tables import drop_record_table, ensure_record_table

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

REGION = "us-west-2"


async def described(session: AwsSession) -> dict[str, Any]:
    async with session.client("dynamodb", REGION) as client:
        table: dict[str, Any] = (await client.describe_table(TableName="gammaRays"))["Table"]
        return table


async def test_the_record_table_is_made_ready(aws_session: AwsSession) -> None:
    steps: list[Step] = []

    await ensure_record_table(aws_session, REGION, steps.append)

    table = await described(aws_session)
    assert table["TableStatus"] == "ACTIVE"
    assert table["KeySchema"] == [{"AttributeName": "reqID", "KeyType": "HASH"}]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["LatestStreamArn"]
    async with aws_session.client("dynamodb", REGION) as client:
        expiry = await client.describe_time_to_live(TableName="gammaRays")
        tags = await client.list_tags_of_resource(ResourceArn=table["TableArn"])
    assert expiry["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires",
    }
    assert tags["Tags"] == [{"Key": "gammaray:managed", "Value": "true"}]
    assert [(step.state, step.text) for step in steps] == [
        ("waiting", "table gammaRays"),
        ("running", "table gammaRays"),
        ("done", "table gammaRays"),
    ]


async def test_a_second_time_changes_nothing(aws_session: AwsSession) -> None:
    await ensure_record_table(aws_session, REGION, lambda _step: None)
    before = await described(aws_session)
    steps: list[Step] = []

    await ensure_record_table(aws_session, REGION, steps.append)

    assert await described(aws_session) == before
    assert steps[-1].detail == "up to date"


async def test_a_table_without_stream_and_expiry_is_completed(aws_session: AwsSession) -> None:
    await create_table(aws_session, "reqID")
    steps: list[Step] = []

    await ensure_record_table(aws_session, REGION, steps.append)

    table = await described(aws_session)
    assert table["StreamSpecification"]["StreamEnabled"]
    assert steps[-1].detail.startswith("updated stream, expiry")
    async with aws_session.client("dynamodb", REGION) as client:
        tags = await client.list_tags_of_resource(ResourceArn=table["TableArn"])
    assert tags["Tags"] == [], "a table that somebody else made stays theirs"


async def test_a_table_with_another_key_is_refused(aws_session: AwsSession) -> None:
    await create_table(aws_session, "id")

    with pytest.raises(UserError) as raised:
        await ensure_record_table(aws_session, REGION, lambda _step: None)

    assert raised.value.kind == "table-differs"
    assert "its key must be reqid" in raised.value.todo.lower()


async def test_a_stream_without_images_is_refused(aws_session: AwsSession) -> None:
    await create_table(
        aws_session,
        "reqID",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )

    with pytest.raises(UserError) as raised:
        await ensure_record_table(aws_session, REGION, lambda _step: None)

    assert raised.value.kind == "stream-without-images"


async def test_dropping_the_table_can_be_repeated(aws_session: AwsSession) -> None:
    await ensure_record_table(aws_session, REGION, lambda _step: None)

    await drop_record_table(aws_session, REGION)
    await drop_record_table(aws_session, REGION)

    async with aws_session.client("dynamodb", REGION) as client:
        assert (await client.list_tables())["TableNames"] == []


async def create_table(session: AwsSession, key: str, **options: Any) -> None:
    async with session.client("dynamodb", REGION) as client:
        await client.create_table(
            TableName="gammaRays",
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            **options,
        )
