"""TakeOrder: answers a request for an order, and puts it into the queue."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

sqs = boto3.client("sqs")
queue = sqs.get_queue_url(QueueName=os.environ["QUEUE"])["QueueUrl"]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    order = json.loads(event["body"])
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(order))
    print(f"order {order['order']} taken")
    return {"statusCode": 202, "body": json.dumps({"order": order["order"]})}
