"""ProcessOrder: tells everybody that an order was placed."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

events = boto3.client("events")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        order = json.loads(record["body"])
        placed = {
            "Source": os.environ["SOURCE"],
            "DetailType": "OrderPlaced",
            "Detail": json.dumps(order),
        }
        answer = events.put_events(Entries=[placed])
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"order {order['order']}: {answer['Entries'][0]['ErrorCode']}")
        print(f"order {order['order']} placed")
