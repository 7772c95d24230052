"""s3read: gets an object of a bucket, again and again."""

from __future__ import annotations

import os
from typing import Any

import boto3

BUCKET = os.environ["BUCKET"]
KEY = os.environ["KEY"]

s3 = boto3.client("s3")


def handler(event: dict[str, Any], context: Any) -> None:
    for _ in range(event.get("operations", 100)):
        s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
