"""FnInvokerPy: reads each object that was stored, and hands it on to a function."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote_plus

import boto3

s3 = boto3.client("s3")
functions = boto3.client("lambda")


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        bucket, key = record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
        page = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        functions.invoke(FunctionName=os.environ["FUNCTION"], InvocationType="Event", Payload=page)
        print(f"{key} handed on")
