from __future__ import annotations

import json

from botocore.loaders import Loader
from botocore.session import get_session

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


def test_every_action_is_one_that_aws_has() -> None:
    loader: Loader = get_session().get_component("data_loader")
    unknown = []
    for grant in GRANTS:
        if grant.service == "apigateway":  # its actions are HTTP methods
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
        "apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST",
        "apigateway:PUT", "events:PutEvents", "iam:SimulatePrincipalPolicy",
        "lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping",
        "lambda:UpdateEventSourceMapping",
    }  # fmt: skip


def test_a_recorded_function_may_write_records_and_read_none() -> None:
    actions = {action for item in execution_policy(OWNER)["Statement"] for action in item["Action"]}
    assert actions == {
        "dynamodb:BatchWriteItem", "dynamodb:PutItem", "logs:CreateLogStream",
        "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    }  # fmt: skip
