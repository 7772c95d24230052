"""What AWS must allow: to whom watches and acts (the operator), and to recorded functions.

One list of actions, from which `setup --role` writes policies and `doctor` takes what to check.
Which resources an action can be narrowed to is in the Service Authorization Reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from providers.deploy_role import ROLE_PATH

Purpose: TypeAlias = Literal["watch", "look", "fire", "deploy", "instrument", "clean up"]

LAYER: Final = "arn:{partition}:lambda:*:{account}:layer:gammaray-recorder"
_FUNCTION: Final = "arn:{partition}:lambda:*:{account}:function:*"
_TABLE: Final = "arn:{partition}:dynamodb:*:{account}:table/{table}"
_COLLECTED: Final = "arn:{partition}:dynamodb:*:{account}:table/{table}Collected"
_TABLES: Final = "arn:{partition}:dynamodb:*:{account}:table/*"
_LOGS: Final = "arn:{partition}:logs:*:{account}:log-group:/aws/lambda/*"
_ROLE: Final = f"arn:{{partition}}:iam::{{account}}:role{ROLE_PATH}*"
_BUCKET: Final = "arn:{partition}:s3:::gammaray-*"  # so named by every manifest
_TOPIC: Final = "arn:{partition}:sns:*:{account}:*"
_QUEUE: Final = "arn:{partition}:sqs:*:{account}:*"
_RULE: Final = "arn:{partition}:events:*:{account}:rule/*"
_SCHEDULE: Final = "arn:{partition}:scheduler:*:{account}:schedule/*"
_STREAM: Final = "arn:{partition}:kinesis:*:{account}:stream/*"
_MACHINE: Final = "arn:{partition}:states:*:{account}:stateMachine:*"
_BUS: Final = "arn:{partition}:events:*:{account}:event-bus/*"
_POLICY: Final = f"arn:{{partition}}:iam::{{account}}:policy{ROLE_PATH}*"


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions that one purpose needs on some resources.

    Attributes:
        service: prefix of the actions.
        names: the actions without the prefix.
        resources: patterns; {partition}, {account} and {table} are filled in.
    """

    purpose: Purpose
    service: str
    names: str
    resources: tuple[str, ...] = ("*",)

    @property
    def actions(self) -> list[str]:
        """The actions as policies name them."""
        return [f"{self.service}:{name}" for name in self.names.split()]


GRANTS: Final = (
    Grant("watch", "dynamodb", "DescribeTable DescribeTimeToLive", (_TABLE,)),
    Grant(
        "watch", "dynamodb", "DescribeStream GetRecords GetShardIterator", (_TABLE + "/stream/*",)
    ),
    Grant("watch", "dynamodb", "ListStreams"),
    Grant("watch", "dynamodb", "BatchGetItem DescribeTable GetItem Query", (_COLLECTED,)),
    Grant("watch", "kinesis", "GetRecords GetShardIterator ListShards", (_STREAM,)),
    Grant(
        "watch",
        "xray",
        "BatchGetTraces GetTraceSegmentDestination GetTraceSummaries ListRetrievedTraces"
        " StartTraceRetrieval",
    ),
    Grant("watch", "logs", "FilterLogEvents", (_LOGS,)),
    Grant("watch", "logs", "DescribeLogGroups"),
    Grant("look", "tag", "GetResources"),
    Grant("look", "account", "ListRegions"),
    Grant(
        "look",
        "lambda",
        "GetEventSourceMapping GetFunction GetFunctionConfiguration GetFunctionUrlConfig"
        " ListEventSourceMappings ListFunctions ListLayerVersions ListTags",
    ),
    Grant("look", "dynamodb", "DescribeTable DescribeTimeToLive ListTables ListTagsOfResource"),
    Grant(
        "look",
        "s3",
        "GetBucketNotification GetBucketTagging ListAllMyBuckets ListBucket"
        " ListBucketMultipartUploads ListBucketVersions",
    ),
    Grant(
        "look",
        "sns",
        "GetTopicAttributes ListSubscriptions ListSubscriptionsByTopic ListTagsForResource",
    ),
    Grant("look", "sqs", "GetQueueAttributes GetQueueUrl ListQueueTags ListQueues"),
    Grant(
        "look",
        "events",
        "DescribeRule ListEventBuses ListRuleNamesByTarget ListRules ListTagsForResource"
        " ListTargetsByRule",
    ),
    Grant("look", "scheduler", "ListSchedules"),
    Grant("look", "cloudwatch", "GetMetricStatistics"),
    Grant("look", "kinesis", "DescribeStreamSummary ListStreams ListTagsForStream"),
    Grant("look", "states", "DescribeStateMachine ListStateMachines ListTagsForResource"),
    Grant("look", "apigateway", "GET"),
    Grant("look", "logs", "ListTagsForResource"),
    Grant(
        "look",
        "iam",
        "GetRole GetRolePolicy ListAttachedRolePolicies ListEntitiesForPolicy ListPolicies"
        " ListPolicyTags ListPolicyVersions ListRolePolicies ListRoleTags ListRoles"
        " SimulatePrincipalPolicy",
    ),
    Grant("fire", "lambda", "InvokeFunction InvokeFunctionUrl", (_FUNCTION,)),
    Grant("fire", "execute-api", "Invoke", ("arn:{partition}:execute-api:*:{account}:*",)),
    Grant("fire", "dynamodb", "PutItem", (_TABLES,)),
    Grant("fire", "s3", "GetObject PutObject", (_BUCKET + "/*",)),
    Grant("fire", "sns", "Publish", (_TOPIC,)),
    Grant("fire", "sqs", "SendMessage", (_QUEUE,)),
    Grant("fire", "events", "PutEvents"),
    Grant("fire", "kinesis", "PutRecord", (_STREAM,)),
    Grant("fire", "states", "StartExecution", (_MACHINE,)),
    Grant(
        "deploy",
        "lambda",
        "AddPermission CreateFunction CreateFunctionUrlConfig TagResource UpdateFunctionCode",
        (_FUNCTION,),
    ),
    Grant("deploy", "lambda", "CreateEventSourceMapping UpdateEventSourceMapping"),
    Grant("deploy", "dynamodb", "CreateTable TagResource UpdateTable UpdateTimeToLive", (_TABLES,)),
    Grant("deploy", "logs", "CreateLogGroup PutRetentionPolicy TagResource", (_LOGS,)),
    Grant(
        "deploy",
        "s3",
        "CreateBucket PutBucketNotification PutBucketTagging",
        (_BUCKET,),
    ),
    Grant("deploy", "sns", "CreateTopic Subscribe TagResource", (_TOPIC,)),
    Grant("deploy", "sqs", "CreateQueue SetQueueAttributes TagQueue", (_QUEUE,)),
    Grant("deploy", "events", "PutRule PutTargets TagResource", (_RULE,)),
    Grant("deploy", "kinesis", "AddTagsToStream CreateStream", (_STREAM,)),
    Grant("deploy", "states", "CreateStateMachine TagResource UpdateStateMachine", (_MACHINE,)),
    Grant("deploy", "apigateway", "POST PUT"),
    Grant("deploy", "iam", "CreateRole PassRole PutRolePolicy TagRole", (_ROLE,)),
    Grant("instrument", "lambda", "UntagResource UpdateFunctionConfiguration", (_FUNCTION,)),
    Grant("instrument", "lambda", "PublishLayerVersion", (LAYER,)),
    Grant("instrument", "lambda", "GetLayerVersion", (LAYER + ":*",)),
    Grant("clean up", "lambda", "DeleteFunction", (_FUNCTION,)),
    Grant("clean up", "lambda", "DeleteEventSourceMapping"),
    Grant("clean up", "lambda", "DeleteLayerVersion", (LAYER + ":*",)),
    Grant("clean up", "dynamodb", "DeleteTable", (_TABLES,)),
    Grant("clean up", "logs", "DeleteLogGroup", (_LOGS,)),
    Grant("clean up", "s3", "DeleteBucket", (_BUCKET,)),
    Grant(
        "clean up",
        "s3",
        "AbortMultipartUpload DeleteObject DeleteObjectVersion",
        (_BUCKET + "/*",),
    ),
    Grant("clean up", "sns", "DeleteTopic Unsubscribe", (_TOPIC,)),
    Grant("clean up", "sqs", "DeleteQueue", (_QUEUE,)),
    Grant("clean up", "events", "DeleteRule RemoveTargets", (_RULE,)),
    Grant("clean up", "events", "DeleteEventBus", (_BUS,)),
    Grant("clean up", "scheduler", "DeleteSchedule", (_SCHEDULE,)),
    Grant("clean up", "kinesis", "DeleteStream", (_STREAM,)),
    Grant("clean up", "states", "DeleteStateMachine", (_MACHINE,)),
    Grant("clean up", "apigateway", "DELETE"),
    Grant("clean up", "iam", "DeleteRole DeleteRolePolicy DetachRolePolicy", (_ROLE,)),
    Grant("clean up", "iam", "DeletePolicy DeletePolicyVersion", (_POLICY,)),
)
"""All that any command or screen asks of AWS. sts:GetCallerIdentity needs no permission.

Two things are left to administrators, because whoever may do them can give himself anything:
making our policies (`setup --role`), and changing the roles of others (`instrument --grant`).
"""


# Transactions need what they are made of.
_COLLECTING: Final = "BatchGetItem BatchWriteItem PutItem Query UpdateItem"

_LOST: Final = "DeleteMessage GetQueueAttributes ReceiveMessage SendMessage"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose AWS a policy is for: what is filled into its patterns."""

    partition: str
    account: str
    table: str

    def filled(self, pattern: str) -> str:
        """Give a pattern with partition, account and table in it."""
        return pattern.format(partition=self.partition, account=self.account, table=self.table)


def operator_policy(owner: Owner) -> dict[str, Any]:
    """Write the policy for those who use this tool: every action of `GRANTS`, and no other.

    Grants on the same resources share a statement; a managed policy holds 6,144 characters.
    """
    by_resources: dict[tuple[str, ...], list[str]] = {}
    for grant in GRANTS:
        by_resources.setdefault(grant.resources, []).extend(grant.actions)
    return _document(
        [
            _allow(actions, [owner.filled(resource) for resource in resources])
            for resources, actions in by_resources.items()
        ]
    )


def recorder_policy(owner: Owner) -> dict[str, Any]:
    """Write what a recorded function needs beside its own: writing records, and nothing else."""
    return _document(
        [_allow(["dynamodb:BatchWriteItem", "dynamodb:PutItem"], [owner.filled(_TABLE)])]
    )


def execution_policy(owner: Owner) -> dict[str, Any]:
    """Write the least that a recorded function runs with: logging, tracing, recording."""
    return _document(
        [
            _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [owner.filled(_LOGS + ":*")]),
            _allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]),
            *recorder_policy(owner)["Statement"],
        ]
    )


def collector_policy(
    owner: Owner, function: str, lost: str, collected: str, home: str
) -> dict[str, Any]:
    """Write what the collector needs: reading the records' streams, keeping what it finds.

    Args:
        owner: whose AWS, and which record table.
        function: the collector's name, the same in every region.
        lost: name of the queues that tell of batches which were given up.
        collected: name of its table.
        home: the table's region.
    """
    aws = f"arn:{owner.partition}"
    logs = f"{aws}:logs:*:{owner.account}:log-group:/aws/lambda/{function}:*"
    return _document(
        [
            _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
            _allow(
                ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                [owner.filled(_TABLE + "/stream/*")],
            ),
            _allow(["dynamodb:ListStreams"], ["*"]),
            _allow(
                [f"sqs:{name}" for name in _LOST.split()], [f"{aws}:sqs:*:{owner.account}:{lost}"]
            ),
            _allow(
                [f"dynamodb:{name}" for name in _COLLECTING.split()],
                [f"{aws}:dynamodb:{home}:{owner.account}:table/{collected}"],
            ),
        ]
    )


TRUST_LAMBDA: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
"""Lets Lambda, and nobody else, run functions with a role."""


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": sorted(set(actions)), "Resource": resources}


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
