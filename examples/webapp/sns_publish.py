"""SNSPy: announces a page on a topic."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

sns = boto3.client("sns")


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    page = {"page": event["page"], "visitor": event["visitor"]}
    answer = sns.publish(TopicArn=os.environ["TOPIC"], Message=json.dumps(page))
    print(f"{event['page']} announced")
    return {"message": answer["MessageId"]}
