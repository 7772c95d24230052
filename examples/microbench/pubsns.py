"""pubsns: publishes messages to a topic that has no subscribers, one after another."""

from __future__ import annotations

import os
from typing import Any

import boto3

TOPIC = os.environ["TOPIC"]

sns = boto3.client("sns")


def handler(event: dict[str, Any], context: Any) -> None:
    for number in range(event.get("operations", 100)):
        sns.publish(TopicArn=TOPIC, Message=f"message {number}")
