"""s3write: puts objects into a bucket, one after another."""

from __future__ import annotations

import os
from typing import Any

import boto3

BUCKET = os.environ["BUCKET"]
BODY = b"-" * 1024

s3 = boto3.client("s3")


def handler(event: dict[str, Any], context: Any) -> None:
    for number in range(event.get("operations", 100)):
        s3.put_object(Bucket=BUCKET, Key=f"object-{number}", Body=BODY)
