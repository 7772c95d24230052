"""The execution role of an application: what its functions may do, and no more."""

from __future__ import annotations

import json
from typing import Any, Final

from providers.manifest import LoadedApplication
from providers.manifest_parts import DynamoDbTrigger, SqsTrigger
from providers.pieces import Change, Piece, found
from providers.place import Place
from providers.tags import as_list

ROLE_PATH: Final = "/gammaray/"
"""All our roles stand under it, so that one call lists them."""

_POLICY_NAME: Final = "gammaray"
_MISSING: Final = "NoSuchEntity"
_TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


class Role(Piece):
    """The role that all functions of one application run with.

    Attributes:
        arn: its ARN, known from its name.
    """

    def __init__(self, place: Place, application: LoadedApplication) -> None:
        self.name = f"gammaray-{place.own}"
        super().__init__(place, "", f"role {self.name}")
        self.arn = f"arn:{place.partition}:iam::{place.account}:role{ROLE_PATH}{self.name}"
        self._policy = execution_policy(place, application)
        # IAM is the same everywhere; any region's client reaches it.
        self._asked_in = application.manifest.functions[0].region

    async def look(self) -> Change:
        """Compare the role's policy with what the manifest asks for."""
        iam = await self._iam()
        if await found(iam.get_role(RoleName=self.name), _MISSING) is None:
            return Change("create")
        policy = await found(
            iam.get_role_policy(RoleName=self.name, PolicyName=_POLICY_NAME), _MISSING
        )
        document = policy["PolicyDocument"] if policy else None
        if isinstance(document, str):  # as some local servers give it
            document = json.loads(document)
        return Change("leave") if document == self._policy else Change("update", "policy")

    async def make(self, change: Change) -> None:
        """Create the role, and put its policy."""
        iam = await self._iam()
        if change.verb == "create":
            await iam.create_role(
                RoleName=self.name,
                Path=ROLE_PATH,
                AssumeRolePolicyDocument=json.dumps(_TRUST),
                Description=f"Runs the functions of {self.place.application}; made by gammaray-tui",
                Tags=as_list(self.place.tags),
            )
        await iam.put_role_policy(
            RoleName=self.name, PolicyName=_POLICY_NAME, PolicyDocument=json.dumps(self._policy)
        )

    async def _iam(self) -> Any:
        return await self.place.clients.of("iam", self._asked_in)


def execution_policy(place: Place, application: LoadedApplication) -> dict[str, Any]:
    """Write the policy: logging, recording and tracing, reading triggers, and the manifest's."""
    arn = f"arn:{place.partition}"
    functions = application.manifest.functions
    statements = [
        # Not logs:CreateLogGroup: the group is made with the function, and once cleaned up it
        # shall not come back.
        _allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [
                f"{arn}:logs:{item.region}:{place.account}:log-group:/aws/lambda/{item.name}:*"
                for item in functions
            ],
        ),
    ]
    if application.configuration.recorder is not None:
        statements.append(
            _allow(
                ["dynamodb:BatchWriteItem", "dynamodb:PutItem"],
                [
                    f"{arn}:dynamodb:{region}:{place.account}:table/{place.table}"
                    for region in dict.fromkeys(item.region for item in functions)
                ],
            )
        )
    if any(application.traces(item) for item in functions):
        statements.append(_allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]))
    statements += _trigger_statements(place, application)
    statements += [
        _allow(
            list(permission.actions),
            [place.filled(resource, item.region) for resource in permission.resources],
        )
        for item in functions
        for permission in item.permissions
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _trigger_statements(place: Place, application: LoadedApplication) -> list[dict[str, Any]]:
    """Allow Lambda to read the streams and queues that trigger the functions."""
    streams: list[str] = []
    queues: list[str] = []
    for trigger in application.manifest.triggers:
        where = f"{application.function(trigger.function).region}:{place.account}"
        if isinstance(trigger, DynamoDbTrigger):
            table = f"arn:{place.partition}:dynamodb:{where}:table/{trigger.table}"
            streams.append(f"{table}/stream/*")
        elif isinstance(trigger, SqsTrigger):
            queues.append(f"arn:{place.partition}:sqs:{where}:{trigger.queue}")
    statements = []
    if streams:
        actions = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        statements.append(_allow(actions, streams))
        statements.append(_allow(["dynamodb:ListStreams"], ["*"]))
    if queues:
        actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        statements.append(_allow(actions, queues))
    return statements


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
