"""Attaching the recorder to functions that exist already, and detaching it without a trace.

A layer is added and the handler swapped; the code is not touched. What was there before stands in
one variable of the function itself, so that anyone's session, on any computer, can restore it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.aws_errors import user_error
from providers.deploy_functions import Layer
from providers.doctor_functions import recorder_layer
from providers.doctor_region import may_record
from providers.errors import UserError
from providers.instrument_settings import attached, changes_between, is_attached, restored
from providers.inventory_listing import INSTRUMENTED, RECORDER_POLICY
from providers.operations import Report, Step
from providers.pieces import Change, Piece, found, run_pieces, wait_until
from providers.place import AWS_ERRORS, Place, open_place
from providers.session import AwsSession
from providers.setup_policies import Owner, recorder_policy
from providers.tags import is_managed
from providers.together import together

_MISSING: Final = "ResourceNotFoundException"
_READY_TIMEOUT_S: Final = 120.0
_ARN: Final = re.compile(r"arn:[\w-]+:lambda:([^:]+):\d+:function:([^:]+)(?::[^:]+)?")


async def instrument(
    session: AwsSession,
    names: Sequence[str],
    report: Report,
    *,
    grant: bool = False,
    only_look: bool = False,
) -> Sequence[Step]:
    """Attach the recorder to functions, each in every region of the session that has it.

    Args:
        session: account and regions.
        names: functions by name or ARN.
        report: told of each step.
        grant: let the functions' roles write records, by a policy of ours.
        only_look: say what would be done, and do nothing.

    Raises:
        UserError: a function cannot be recorded, or does not exist; the others are done.
    """
    async with open_place(session, session.regions[0]) as place:
        places = await _places(place, names)
        layers = {region: Layer(place, region) for _name, region in places}
        pieces: list[Piece] = list(layers.values())
        pieces += [_Recorded(place, region, name, layers[region], grant) for name, region in places]
        return await run_pieces(pieces, report, only_look=only_look)


async def uninstrument(
    session: AwsSession, names: Sequence[str], report: Report, *, only_look: bool = False
) -> Sequence[Step]:
    """Detach the recorder from functions: handler, layers, variables and tracing as they were.

    Raises:
        UserError: a function does not exist, or AWS refuses; the others are done.
    """
    async with open_place(session, session.regions[0]) as place:
        places = await _places(place, names)
        pieces = [_Restored(place, region, name) for name, region in places]
        return await run_pieces(pieces, report, only_look=only_look)


async def detach(client: Any, iam: Any, name: str) -> None:
    """Restore a function as it was before the recorder was attached; nothing if it is gone.

    The tag goes last: a run that is stopped in between is found by it, and gone on with.

    Args:
        client: of Lambda, in the function's region.
        iam: of IAM; our policy goes when no other function of the role is recorded.
        name: the function's.
    """
    there = await found(client.get_function_configuration(FunctionName=name), _MISSING)
    if there is None:
        return
    if is_attached(there):
        await _wait_until_ready(client, name)
        await client.update_function_configuration(FunctionName=name, **restored(there))
        await _wait_until_ready(client, name)
    await _revoke(client, iam, str(there["Role"]))
    arn = ":".join(there["FunctionArn"].split(":")[:7])
    await client.untag_resource(Resource=arn, TagKeys=[INSTRUMENTED])


async def _revoke(client: Any, iam: Any, role: str) -> None:
    async for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["Role"] == role and recorder_layer(function):
                return
    name = role.rpartition("/")[2]
    policy = iam.delete_role_policy(RoleName=name, PolicyName=RECORDER_POLICY)
    await found(policy, "NoSuchEntity")


class _Recorded(Piece):
    """A function of the user's with the recorder attached."""

    def __init__(self, place: Place, region: str, name: str, layer: Layer, grant: bool) -> None:
        super().__init__(place, region, f"function {name}", layer)
        self._name = name
        self._layer = layer
        self._grant = grant
        self._there: dict[str, Any] = {}

    async def look(self) -> Change:
        """Compare layer, handler, variables and tracing with what they should be."""
        client = await self.client("lambda")
        described = await client.get_function(FunctionName=self._name)
        if is_managed(described.get("Tags", {})):
            return Change("leave", "deployed by this tool: it has its recorder already")
        self._there = described["Configuration"]
        wanted = attached(self._there, self._layer.arn, self.place.table)
        changes = changes_between(self._there, wanted)
        if await self._lacks_permission():
            changes.append("permission")
        if not changes:
            return Change("leave", await self._note() or "is recorded already")
        return Change("update", ", ".join(changes))

    async def make(self, change: Change) -> None:
        """Attach the recorder, and wait until the function can be invoked again."""
        client = await self.client("lambda")
        # The tag comes first: whatever stops this after it, uninstrument and cleanup find it.
        await client.tag_resource(Resource=self._there["FunctionArn"], Tags={INSTRUMENTED: "true"})
        if "permission" in change.detail:
            await self._allow()
        await _wait_until_ready(client, self._name)
        settings = attached(self._there, self._layer.arn, self.place.table)
        await client.update_function_configuration(FunctionName=self._name, **settings)
        await _wait_until_ready(client, self._name)
        note = await self._note()
        if note:
            raise UserError(
                f"Function {self._name} has the recorder now, but {note}",
                on=f"region {self.region}",
                todo="Run it again with --grant, or let the role write to the table.",
                kind="role-may-not-record",
            )

    async def _lacks_permission(self) -> bool:
        if not self._grant:
            return False
        iam = await self.client("iam")
        role = self._role
        there = await found(
            iam.get_role_policy(RoleName=role, PolicyName=RECORDER_POLICY), "NoSuchEntity"
        )
        return there is None

    async def _allow(self) -> None:
        iam = await self.client("iam")
        owner = Owner(self.place.partition, self.place.account, self.place.table)
        await iam.put_role_policy(
            RoleName=self._role,
            PolicyName=RECORDER_POLICY,
            PolicyDocument=json.dumps(recorder_policy(owner)),
        )

    async def _note(self) -> str:
        if self._grant:
            return ""
        allowed = await may_record(self.place, self._there["Role"], self.region)
        if allowed is False:
            return f"its role {self._role} may not write to {self.place.table}"
        return ""

    @property
    def _role(self) -> str:
        return str(self._there["Role"]).rpartition("/")[2]


class _Restored(Piece):
    """A function of the user's without the recorder."""

    def __init__(self, place: Place, region: str, name: str) -> None:
        super().__init__(place, region, f"function {name}")
        self._name = name

    async def look(self) -> Change:
        """Look whether the recorder is attached, and by whom."""
        client = await self.client("lambda")
        described = await client.get_function(FunctionName=self._name)
        there, tags = described["Configuration"], described.get("Tags", {})
        if is_managed(tags):
            return Change("leave", "deployed by this tool; deploy or clean it up instead")
        if not is_attached(there) and INSTRUMENTED not in tags:
            return Change("leave", "has no recorder attached")
        return Change("update", "recorder detached")

    async def make(self, change: Change) -> None:
        """Restore what was there; take our policy from the role when nothing else needs it."""
        await detach(await self.client("lambda"), await self.client("iam"), self._name)


@dataclass(frozen=True, slots=True)
class _Looked:
    name: str
    region: str
    exists: bool


async def _places(place: Place, names: Sequence[str]) -> list[tuple[str, str]]:
    """Find the regions that functions are in.

    Raises:
        UserError: one is in none of them, or AWS refuses.
    """

    async def look(name: str, region: str) -> _Looked:
        client = await place.clients.of("lambda", region)
        there = await found(client.get_function_configuration(FunctionName=name), _MISSING)
        return _Looked(name, region, there is not None)

    session = place.clients.session
    wanted: list[tuple[str, Sequence[str]]] = []
    for name in dict.fromkeys(names):
        arn = _ARN.fullmatch(name)
        wanted.append((arn[2], [arn[1]]) if arn is not None else (name, session.regions))
    try:
        looked = await together(look(name, region) for name, in_ in wanted for region in in_)
    except AWS_ERRORS as error:
        raise user_error(error, profile=session.profile, region=None) from error
    for name, regions in wanted:
        if not any(item.exists for item in looked if item.name == name):
            raise UserError(
                f"There is no function {name}",
                on=f"regions {', '.join(regions)}",
                todo="Check the name, or give its region with --region.",
                kind="unknown-function",
            )
    return [(item.name, item.region) for item in looked if item.exists]


async def _wait_until_ready(client: Any, name: str) -> None:
    async def ready() -> bool:
        there = await client.get_function_configuration(FunctionName=name)
        busy = there.get("State") == "Pending" or there.get("LastUpdateStatus") == "InProgress"
        return not busy

    await wait_until(ready, f"function {name}", timeout_s=_READY_TIMEOUT_S)
