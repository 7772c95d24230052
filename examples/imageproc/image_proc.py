"""ImageProcPy: asks what is on a picture, stores the answer, and tells a website."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import boto3
import urllib3

rekognition = boto3.client("rekognition")
dynamodb = boto3.client("dynamodb")
http = urllib3.PoolManager()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    picture = {"Bucket": event["bucket"], "Name": event["key"]}
    answer = rekognition.detect_labels(Image={"S3Object": picture}, MaxLabels=10, MinConfidence=60)
    labels = [label["Name"] for label in answer["Labels"]]

    # Every run stores an item of its own, so that runs of one picture can be told apart.
    picture_id = f"{event['key']}-{uuid.uuid4().hex}"
    dynamodb.put_item(
        TableName=event["table"],
        Item={"id": {"S": picture_id}, "labels": {"S": json.dumps(labels)}},
    )

    website = os.environ.get("WEBSITE_URL")
    if website:
        news = json.dumps({"id": picture_id, "labels": len(labels)})
        http.request("POST", website, body=news, timeout=5.0)
    print(f"{picture_id}: {', '.join(labels)}")
    return {"id": picture_id, "labels": labels}
