"""dbwrite: puts items into a table, one after another."""

from __future__ import annotations

import os
from typing import Any

import boto3

TABLE = os.environ["TABLE"]
TEXT = "-" * 64

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    for number in range(event.get("operations", 100)):
        item = {"id": {"S": f"item-{number}"}, "number": {"N": str(number)}, "text": {"S": TEXT}}
        dynamodb.put_item(TableName=TABLE, Item=item)
