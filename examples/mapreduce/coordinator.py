"""reducerCoordinator: starts the reducers of a job, once, when its last mapper is done."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3")
functions = boto3.client("lambda")


def handler(event: dict[str, Any], context: Any) -> None:
    bucket = os.environ["BUCKET"]
    for record in event["Records"]:
        job = record["s3"]["object"]["key"].split("/")[1]
        info = json.loads(s3.get_object(Bucket=bucket, Key=f"jobs/{job}.json")["Body"].read())
        mapped = s3.list_objects_v2(Bucket=bucket, Prefix=f"mapped/{job}/")["KeyCount"]
        print(f"job {job}: {mapped} of {info['mappers']} parts mapped")
        if mapped == info["mappers"] and is_first(bucket, job):
            for number in range(info["reducers"]):
                functions.invoke(
                    FunctionName=os.environ["REDUCER"],
                    InvocationType="Event",
                    Payload=json.dumps({**info, "number": number}),
                )


def is_first(bucket: str, job: str) -> bool:
    """Say whether nobody else has started the reducers: several may see that all is mapped."""
    try:
        s3.put_object(Bucket=bucket, Key=f"started/{job}", Body=b"", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
            return False
        raise
    return True
