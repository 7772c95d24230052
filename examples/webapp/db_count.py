"""DBModPy: stores a visit."""

from __future__ import annotations

import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    item = {"page": {"S": event["page"]}, "visitor": {"S": event["visitor"]}}
    dynamodb.put_item(TableName=os.environ["TABLE"], Item=item)
    print(f"visit of {event['visitor']} stored")
