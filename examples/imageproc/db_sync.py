"""DBSyncPy: copies what was stored in one region to a table in another."""

from __future__ import annotations

import os
from typing import Any

import boto3

SOURCE = os.environ["SOURCE_TABLE"]
TARGET = os.environ["TARGET_TABLE"]

source = boto3.client("dynamodb")
target = boto3.client("dynamodb", region_name=os.environ["TARGET_REGION"])


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]
        # Read again what the record may carry already: it may have changed since.
        item = source.get_item(TableName=SOURCE, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            print(f"{key['id']['S']} is gone")
            continue
        target.put_item(TableName=TARGET, Item=item)
        print(f"{key['id']['S']} copied to {TARGET}")
