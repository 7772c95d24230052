"""Pieces of a deployment: Step Functions state machines."""

from __future__ import annotations

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from providers.aws_errors import error_code
from providers.deploy_role import Role, allow
from providers.manifest_parts import StateMachine
from providers.pieces import Change, Piece, found, wait_until
from providers.place import Place

_MISSING: Final = "StateMachineDoesNotExist"
# As with functions: a new role is not known everywhere at once.
_ROLE_TIMEOUT_S: Final = 60.0


def machine_role(place: Place, machine: StateMachine) -> Role:
    """Describe the role that a state machine runs with."""
    statements = [
        allow(
            list(permission.actions),
            [place.filled(resource, machine.region) for resource in permission.resources],
        )
        for permission in machine.permissions
    ]
    return Role(
        place,
        f"gammaray-{place.own}-{machine.name}",
        "states.amazonaws.com",
        {"Version": "2012-10-17", "Statement": statements},
        asked_in=machine.region,
    )


class DeployedMachine(Piece):
    """A state machine.

    Attributes:
        arn: its ARN, known from its name.
    """

    def __init__(self, place: Place, machine: StateMachine, definition: str, role: Role) -> None:
        super().__init__(place, machine.region, f"state machine {machine.name}", role)
        self.arn = (
            f"arn:{place.partition}:states:{machine.region}:{place.account}"
            f":stateMachine:{machine.name}"
        )
        self._name = machine.name
        self._role = role
        self._definition: dict[str, Any] = json.loads(place.filled(definition, machine.region))

    async def look(self) -> Change:
        """Compare the definition."""
        client = await self.client("stepfunctions")
        there = await found(client.describe_state_machine(stateMachineArn=self.arn), _MISSING)
        if there is None:
            return Change("create")
        same = json.loads(there["definition"]) == self._definition
        return Change("leave") if same else Change("update", "definition")

    async def make(self, change: Change) -> None:
        """Create or update the state machine."""
        client = await self.client("stepfunctions")
        definition = json.dumps(self._definition)
        if change.verb != "create":
            await client.update_state_machine(stateMachineArn=self.arn, definition=definition)
            return

        async def created() -> bool:
            try:
                await client.create_state_machine(
                    name=self._name,
                    definition=definition,
                    roleArn=self._role.arn,
                    tags=[{"key": key, "value": text} for key, text in self.place.tags.items()],
                )
            except ClientError as error:
                if error_code(error) == "AccessDeniedException":
                    return False
                raise
            return True

        await wait_until(created, f"{self._role.text}, which is new,", timeout_s=_ROLE_TIMEOUT_S)
