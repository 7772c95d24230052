"""A collector in the test's own process: boto3 led to the local AWS, and the table it writes to."""

from __future__ import annotations

import boto3
import pytest

from gammaray_collector.dynamo import DynamoTable
from gammaray_collector.items import PK, SK, TABLE
from providers.session import AwsSession

REGION = "us-west-2"


def lead_boto(session: AwsSession, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3, for the test, ask the local AWS, as an account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(session.endpoint_url))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    for other in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers another test's account


def collectors_table() -> DynamoTable:
    """Make the table that collectors write to."""
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": PK, "KeyType": "HASH"},
            {"AttributeName": SK, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in (PK, SK)],
    )
    return DynamoTable(TABLE, REGION)
