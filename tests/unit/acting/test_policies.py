from __future__ import annotations

import json
import re
from pathlib import Path

from botocore import xform_name
from botocore.loaders import Loader
from botocore.session import get_session

import providers
from providers.setup_policies import GRANTS, Owner, execution_policy, operator_policy

OWNER = Owner("aws", "123456789012", "gammaRays")
# Actions that are no operation of the service's API: its own words for several of them.
_NOT_OPERATIONS = {
    "s3:DeleteObjectVersion",
    "s3:GetBucketNotification",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:PutBucketNotification",
    "lambda:InvokeFunction",
    "lambda:InvokeFunctionUrl",
    "iam:PassRole",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
_CLIENTS = {"tag": "resourcegroupstaggingapi", "states": "stepfunctions"}
_SERVICES = {
    *(
        "account",
        "cloudwatch",
        "dynamodb",
        "dynamodbstreams",
        "events",
        "iam",
        "kinesis",
        "lambda",
        "logs",
    ),
    *("resourcegroupstaggingapi", "s3", "scheduler", "sns", "sqs", "stepfunctions", "xray"),
}
_PREFIXES = {name: action for action, name in _CLIENTS.items()} | {"dynamodbstreams": "dynamodb"}
_CALL = re.compile(r"\w\.([a-z]+(?:_[a-z0-9]+)+)\(|get_paginator\(\s*\"(\w+)\"")
# Left to administrators (see GRANTS), or no call of a client.
_NOT_GRANTED = {
    "create_policy", "create_policy_version", "get_policy", "get_policy_version",
    "detach_group_policy", "detach_user_policy",
}  # fmt: skip
# What IAM calls by another name: HeadBucket and ListObjectsV2 are s3:ListBucket, and so on.
_OTHER_WORDS = {
    "DeleteObjects", "GetBucketNotificationConfiguration", "HeadBucket", "HeadObject",
    "ListBuckets", "ListMultipartUploads", "ListObjectVersions", "ListObjectsV2",
    "PutBucketNotificationConfiguration",
}  # fmt: skip


def test_every_action_is_one_that_aws_has() -> None:
    loader: Loader = get_session().get_component("data_loader")
    unknown = []
    for grant in GRANTS:
        # HTTP methods, and what has no API of its own.
        if grant.service in ("apigateway", "execute-api"):
            continue
        service = _CLIENTS.get(grant.service, grant.service)
        operations = loader.load_service_model(service, "service-2")["operations"]
        unknown += [
            action
            for action in grant.actions
            if action.partition(":")[2] not in operations and action not in _NOT_OPERATIONS
        ]
    assert unknown == []


def test_the_operators_policy_fits_and_names_no_star() -> None:
    document = operator_policy(OWNER)
    text = json.dumps(document, separators=(",", ":"))
    assert len(text) <= 6144, "IAM User Guide, quotas of managed policies"
    actions = [action for item in document["Statement"] for action in item["Action"]]
    assert not any("*" in action for action in actions)
    assert "{" not in json.dumps([item["Resource"] for item in document["Statement"]])


def test_what_changes_is_narrowed_to_resources_wherever_it_can_be() -> None:
    wide = {
        action
        for item in operator_policy(OWNER)["Statement"]
        if item["Resource"] == ["*"]
        for action in item["Action"]
    }
    changing = {
        action
        for action in wide
        if not action.partition(":")[2].startswith(("Get", "List", "Describe", "BatchGet"))
    }
    assert changing == {
        "apigateway:DELETE", "apigateway:GET", "apigateway:POST",
        "apigateway:PUT", "events:PutEvents", "iam:SimulatePrincipalPolicy",
        "lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping",
        "lambda:UpdateEventSourceMapping", "xray:StartTraceRetrieval",
    }  # fmt: skip


def test_a_recorded_function_may_write_records_and_read_none() -> None:
    actions = {action for item in execution_policy(OWNER)["Statement"] for action in item["Action"]}
    assert actions == {
        "dynamodb:BatchWriteItem", "dynamodb:PutItem", "logs:CreateLogStream",
        "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    }  # fmt: skip


def test_every_operation_that_is_called_is_granted() -> None:
    """Compare the calls that stand in the code with the actions of the list."""
    called = {
        name
        for path in Path(providers.__file__).parent.rglob("*.py")
        for match in _CALL.finditer(path.read_text("utf-8"))
        for name in match.groups()
        if name
    }
    session = get_session()
    loader: Loader = session.get_component("data_loader")
    actions = {action for grant in GRANTS for action in grant.actions}
    for service in ("apigateway", "apigatewayv2"):  # whose actions are HTTP methods
        model = loader.load_service_model(service, "service-2")
        called -= {xform_name(operation) for operation in model["operations"]}
    missing = set()
    for service in sorted(_SERVICES):
        prefix = _PREFIXES.get(service, service)
        for operation in loader.load_service_model(service, "service-2")["operations"]:
            if xform_name(operation) in called - _NOT_GRANTED:
                missing.add(f"{prefix}:{operation}")
    granted = {action.partition(":")[2] for action in actions} | _OTHER_WORDS
    # Some names belong to several services; granted for one of them is what the text tells.
    assert {name for name in missing if name.partition(":")[2] not in granted} == set()
