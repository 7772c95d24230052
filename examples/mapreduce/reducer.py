"""reducer: adds up what all mappers counted of the words that belong to it."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

import boto3

s3 = boto3.client("s3")


def handler(event: dict[str, Any], context: Any) -> None:
    job, number = event["job"], event["number"]
    bucket = os.environ["BUCKET"]
    counts: Counter[str] = Counter()
    for mapper in range(event["mappers"]):
        mapped = s3.get_object(Bucket=bucket, Key=f"mapped/{job}/{mapper}.json")["Body"].read()
        counts.update(json.loads(mapped)[number])
    body = json.dumps(dict(counts.most_common())).encode()
    s3.put_object(Bucket=bucket, Key=f"reduced/{job}/{number}.json", Body=body)
    print(f"job {job}: reducer {number} counted {counts.total()} words")
