"""mapper: counts the words of one part, sorted by the reducer that they belong to."""

from __future__ import annotations

import json
import os
import zlib
from collections import Counter
from typing import Any

import boto3

s3 = boto3.client("s3")


def handler(event: dict[str, Any], context: Any) -> None:
    job, number, reducers = event["job"], event["number"], event["reducers"]
    bucket = os.environ["BUCKET"]
    text = s3.get_object(Bucket=bucket, Key=f"texts/{job}/{number}.txt")["Body"].read().decode()
    parts: list[dict[str, int]] = [{} for _ in range(reducers)]
    for word, count in Counter(text.split()).items():
        parts[zlib.crc32(word.encode()) % reducers][word] = count
    body = json.dumps(parts).encode()
    s3.put_object(Bucket=bucket, Key=f"mapped/{job}/{number}.json", Body=body)
    print(f"job {job}: part {number} mapped")
