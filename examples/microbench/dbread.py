"""dbread: gets items of a table, those that dbwrite has put, one after another."""

from __future__ import annotations

import os
from typing import Any

import boto3

TABLE = os.environ["TABLE"]

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    for number in range(event.get("operations", 100)):
        dynamodb.get_item(TableName=TABLE, Key={"id": {"S": f"item-{number}"}})
