"""Reading names of AWS: ARNs, function names with qualifiers, X-Ray's service names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_FUNCTION_ARN = re.compile(
    r"^arn:(?P<partition>aws[\w-]*):lambda:(?P<region>[^:]*):(?P<account>[^:]*):function:"
    r"(?P<name>[^:]+)(?::(?P<qualifier>[^:]+))?$"
)

_BEFORE_NAME = re.compile(r"\d{12}|[a-z]{2}(?:-[a-z]+)+-\d")  # account or region, of part of an ARN
_MAKER = re.compile(r"^(?:amazon|aws) ?(?=[a-z0-9])")

# X-Ray's SDKs write "DynamoDB", "Amazon SQS", "AWSLambda", "AmazonDynamoDBv2" or "dynamodb".
_SERVICE_NAMES = {
    "dynamodbv2": "dynamodb",
    "simplequeueservice": "sqs",
    "simplenotificationservice": "sns",
    "simple queue service": "sqs",
    "simple notification service": "sns",
    "eventbridge": "events",
    "cloudwatch events": "events",
    "cloudwatchevents": "events",
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "step functions": "stepfunctions",
    "simple storage service": "s3",
    "secrets manager": "secretsmanager",
    "systems manager": "ssm",
    "cloudwatch logs": "logs",
    "bedrock runtime": "bedrock-runtime",
    "cognito identity provider": "cognito-idp",
}

# X-Ray has no common field for what a call worked on: each service names its own.
SERVICE_OF_OPERATION = {
    "PutItem": "dynamodb",
    "UpdateItem": "dynamodb",
    "DeleteItem": "dynamodb",
    "BatchWriteItem": "dynamodb",
    "TransactWriteItems": "dynamodb",
    "PutObject": "s3",
    "PostObject": "s3",
    "CopyObject": "s3",
    "DeleteObject": "s3",
    "DeleteObjects": "s3",
    "CompleteMultipartUpload": "s3",
    "Publish": "sns",
    "Invoke": "lambda",
    "HTTP": "http",
}


class FunctionArn(NamedTuple):
    """The parts of a function's ARN; qualifier is an alias or a version."""

    name: str
    region: str
    account: str
    qualifier: str | None


@lru_cache(maxsize=4096)
def function_arn(arn: str) -> FunctionArn | None:
    """Take a function's ARN apart; None when it is not one."""
    match = _FUNCTION_ARN.match(arn)
    if match is None:
        return None
    return FunctionArn(match["name"], match["region"], match["account"], match["qualifier"])


def bare_function(name: str) -> str:
    """Reduce what Invoke takes (name, name:alias, partial or whole ARN) to the bare name."""
    if ":" not in name:
        return name
    if name.startswith("function:") or ":function:" in name:
        return name.partition("function:")[2].partition(":")[0]
    parts = name.split(":")
    while len(parts) > 1 and _BEFORE_NAME.fullmatch(parts[0]):
        del parts[0]
    return parts[0]


def place(url: str) -> str:
    """Give host and path of a URL: neither who asks nor what for belongs to a name."""
    host, slash, path = re.split(r"[?#]", url.split("://", 1)[-1], maxsplit=1)[0].partition("/")
    return host.rpartition("@")[2] + slash + path


def last_part(arn: str) -> str:
    """Give the name at the end of an ARN ("arn:aws:sns:...:topic" -> "topic")."""
    if not arn.startswith("arn:"):
        return arn
    return arn.split(":", 5)[-1] if arn.count(":") >= 5 else arn


def table_of_stream(arn: str) -> str:
    """Give the table's name in a stream's or table's ARN, or the text itself."""
    if ":table/" in arn:
        return arn.split(":table/", 1)[1].split("/", 1)[0]
    return arn


def stream(arn: str) -> str:
    """Give the stream's name in the ARN of a Kinesis stream, or of a consumer of one."""
    return arn.partition(":stream/")[2].partition("/")[0] or arn


@lru_cache(maxsize=1024)
def service(name: str) -> str:
    """Give one spelling of a service's name: "Amazon SQS" and "SQS" are both "sqs"."""
    low = _MAKER.sub("", name.strip().lower())
    return _SERVICE_NAMES.get(low, low)


def short_region(region: str) -> str:
    """Shorten a region's name as engineers do: "us-west-2" -> "usw2", "ap-southeast-1" -> "apse1".

    A name of another shape is cut, never invented.
    """
    parts = region.split("-")
    if len(parts) < 3 or not parts[-1].isdigit():
        return region[:5]
    middle = "".join(
        "".join(word[0] for word in re.findall("north|south|east|west|central", part)) or part[0]
        for part in parts[1:-1]
        if part
    )
    return f"{parts[0]}{middle}{parts[-1]}"
