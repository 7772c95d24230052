"""The execution role of an application: what its functions may do, and no more."""

from __future__ import annotations

import json
from typing import Any, Final

from providers.manifest import LoadedApplication
from providers.manifest_parts import DynamoDbTrigger, KinesisTrigger, SqsTrigger
from providers.pieces import Change, Piece, found
from providers.place import Place
from providers.tags import as_list

ROLE_PATH: Final = "/gammaray/"
"""All our roles stand under it, so that one call lists them."""

_POLICY_NAME: Final = "gammaray"
_MISSING: Final = "NoSuchEntity"


class Role(Piece):
    """A role that functions or a state machine run with.

    Attributes:
        name: its name.
        arn: its ARN, known from its name.
    """

    def __init__(
        self, place: Place, name: str, service: str, policy: dict[str, Any], *, asked_in: str
    ) -> None:
        """Describe the role.

        Args:
            place: where it is made.
            name: its name.
            service: who may assume it: "lambda.amazonaws.com".
            policy: what it may do.
            asked_in: IAM is the same everywhere; this region's client reaches it.
        """
        self.name = name
        super().__init__(place, "", f"role {name}")
        self.arn = f"arn:{place.partition}:iam::{place.account}:role{ROLE_PATH}{name}"
        self._service = service
        self._policy = policy
        self._asked_in = asked_in

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
                AssumeRolePolicyDocument=json.dumps(self._trust()),
                Description=f"Runs what is of {self.place.application}; made by gammaray-tui",
                Tags=as_list(self.place.tags),
            )
        await iam.put_role_policy(
            RoleName=self.name, PolicyName=_POLICY_NAME, PolicyDocument=json.dumps(self._policy)
        )

    def _trust(self) -> dict[str, Any]:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": self._service},
            "Action": "sts:AssumeRole",
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    async def _iam(self) -> Any:
        return await self.place.clients.of("iam", self._asked_in)


def functions_role(place: Place, application: LoadedApplication) -> Role:
    """Describe the role that all functions of one application run with."""
    return Role(
        place,
        f"gammaray-{place.own}",
        "lambda.amazonaws.com",
        execution_policy(place, application),
        asked_in=application.manifest.functions[0].region,
    )


def execution_policy(place: Place, application: LoadedApplication) -> dict[str, Any]:
    """Write the policy: logging, recording and tracing, reading triggers, and the manifest's."""
    arn = f"arn:{place.partition}"
    functions = application.manifest.functions
    statements = [
        # Not logs:CreateLogGroup: the group is made with the function, and once cleaned up it
        # shall not come back.
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [
                f"{arn}:logs:{item.region}:{place.account}:log-group:/aws/lambda/{item.name}:*"
                for item in functions
            ],
        ),
    ]
    if application.configuration.recorder is not None:
        statements.append(
            allow(
                ["dynamodb:BatchWriteItem", "dynamodb:PutItem"],
                [
                    f"{arn}:dynamodb:{region}:{place.account}:table/{place.table}"
                    for region in dict.fromkeys(item.region for item in functions)
                ],
            )
        )
    if any(application.traces(item) for item in functions):
        statements.append(allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]))
    statements += _trigger_statements(place, application)
    statements += [
        allow(
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
    kinesis: list[str] = []
    for trigger in application.manifest.triggers:
        if trigger.function is None:
            continue
        where = f"{application.function(trigger.function).region}:{place.account}"
        if isinstance(trigger, DynamoDbTrigger):
            table = f"arn:{place.partition}:dynamodb:{where}:table/{trigger.table}"
            streams.append(f"{table}/stream/*")
        elif isinstance(trigger, SqsTrigger):
            queues.append(f"arn:{place.partition}:sqs:{where}:{trigger.queue}")
        elif isinstance(trigger, KinesisTrigger):
            kinesis.append(f"arn:{place.partition}:kinesis:{where}:stream/{trigger.stream}")
    statements = []
    if streams:
        actions = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        statements.append(allow(actions, streams))
        statements.append(allow(["dynamodb:ListStreams"], ["*"]))
    if queues:
        actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        statements.append(allow(actions, queues))
    if kinesis:
        actions = ["DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator",
                   "ListShards"]  # fmt: skip
        statements.append(allow([f"kinesis:{action}" for action in actions], kinesis))
        statements.append(allow(["kinesis:ListStreams"], ["*"]))
    return statements


def allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    """Write a statement that allows actions on resources."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
