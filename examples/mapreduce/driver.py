"""driver: makes a text, cuts it into parts, and starts a mapper for each."""

from __future__ import annotations

import json
import os
import random
from typing import Any

import boto3

WORDS = [
    *("the", "a", "of", "to", "in", "is", "and", "cloud", "function", "table", "stream", "queue"),
    *("event", "cause", "chain", "order", "time", "record", "call", "trace", "region", "lambda"),
]

s3 = boto3.client("s3")
functions = boto3.client("lambda")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    job, mappers, reducers = event["job"], event["mappers"], event["reducers"]
    bucket = os.environ["BUCKET"]
    info = {"job": job, "mappers": mappers, "reducers": reducers}
    s3.put_object(Bucket=bucket, Key=f"jobs/{job}.json", Body=json.dumps(info).encode())
    for number in range(mappers):
        text = make_text(f"{job}/{number}", event.get("words", 2000))
        s3.put_object(Bucket=bucket, Key=f"texts/{job}/{number}.txt", Body=text.encode())
        payload = json.dumps({"job": job, "number": number, "reducers": reducers})
        functions.invoke(FunctionName=os.environ["MAPPER"], InvocationType="Event", Payload=payload)
    print(f"job {job}: {mappers} mappers started")
    return info


def make_text(seed: str, words: int) -> str:
    """Make a text in which some words are much more frequent than others; the same each time."""
    chance = random.Random(seed)
    weights = [1 / rank for rank in range(1, len(WORDS) + 1)]
    return " ".join(chance.choices(WORDS, weights, k=words))
