"""S3ModPy: stores what was announced as an object."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

s3 = boto3.client("s3")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        page = json.loads(record["Sns"]["Message"])
        key = f"pages/{page['page']}/{page['visitor']}.json"
        s3.put_object(Bucket=os.environ["BUCKET"], Key=key, Body=json.dumps(page).encode())
        print(f"{key} stored")
