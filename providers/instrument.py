"""Attaching the recorder to functions that exist already, and detaching it without a trace.

A layer is added and the handler swapped; the code is not touched. What was there before stands in
one variable of the function itself, so that anyone's session, on any computer, can restore it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.aws_errors import user_error
from providers.deploy_functions import LAYER_NAME, Layer
from providers.doctor_region import may_record, recorder_layer
from providers.errors import UserError
from providers.inventory_services import INSTRUMENTED, RECORDER_POLICY
from providers.layer import SWAPPED_HANDLER, handler_environment
from providers.operations import Report, Step
from providers.pieces import Change, Piece, found, run_pieces, wait_until
from providers.place import AWS_ERRORS, Place, open_place
from providers.session import AwsSession
from providers.setup_policies import Owner, recorder_policy
from providers.tags import is_managed
from providers.together import together

ORIGINAL: Final = "GAMMARAY_ORIGINAL"
"""The variable that holds, as JSON, what the recorder's attachment replaced."""

_HANDLER: Final = "GAMMARAY_HANDLER"
_MISSING: Final = "ResourceNotFoundException"
_READY_TIMEOUT_S: Final = 120.0
_RUNTIME: Final = re.compile(r"python3\.(\d+)")
_OLDEST_MINOR: Final = 9
# AWS Lambda quotas: layers a function, and bytes of all its variables.
_MOST_LAYERS: Final = 5
_MOST_VARIABLES: Final = 4096
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


async def detach(client: Any, name: str) -> None:
    """Restore a function as it was before the recorder was attached; nothing if it is gone."""
    there = await found(client.get_function_configuration(FunctionName=name), _MISSING)
    if there is None:
        return
    await _wait_until_ready(client, name)
    await client.update_function_configuration(FunctionName=name, **restored(there))
    await _wait_until_ready(client, name)
    arn = ":".join(there["FunctionArn"].split(":")[:7])
    await client.untag_resource(Resource=arn, TagKeys=[INSTRUMENTED])


def attached(there: Mapping[str, Any], layer: str, table: str) -> dict[str, Any]:
    """Give the settings of a function with the recorder attached.

    Args:
        there: the function's configuration, as GetFunctionConfiguration gives it.
        layer: ARN of the recorder's layer version.
        table: where records go.

    Raises:
        UserError: the recorder cannot be attached to it; the message says why.
    """
    _check(there)
    variables = dict(there.get("Environment", {}).get("Variables", {}))
    if there["Handler"] == SWAPPED_HANDLER and ORIGINAL in variables:
        original = json.loads(variables[ORIGINAL])
    else:
        by_hand = there["Handler"] == SWAPPED_HANDLER
        own = variables.get(_HANDLER, "") if by_hand else there["Handler"]
        ours = handler_environment(own, table)
        original = {
            "handler": own,
            "tracing": there.get("TracingConfig", {}).get("Mode", "PassThrough"),
            # What bears one of our names and is not ours.
            "variables": {} if by_hand else {k: v for k, v in variables.items() if k in ours},
        }
    variables |= handler_environment(original["handler"], table)
    variables[ORIGINAL] = json.dumps(original, separators=(",", ":"), ensure_ascii=False)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size > _MOST_VARIABLES:
        raise UserError(
            f"The variables of function {there['FunctionName']} would take {size} bytes, and "
            f"Lambda allows {_MOST_VARIABLES}",
            todo="Shorten some of them; nothing was changed.",
            kind="cannot-instrument",
        )
    return {
        "Handler": SWAPPED_HANDLER,
        "Layers": [*_other_layers(there), layer],
        "Environment": {"Variables": variables},
        "TracingConfig": {"Mode": "Active"},
    }


def restored(there: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a function as they were before `attached` changed them.

    What somebody changed meanwhile, other layers and variables, stays as it is now.
    """
    variables = dict(there.get("Environment", {}).get("Variables", {}))
    own = variables.get(_HANDLER, there["Handler"])
    original = json.loads(variables.get(ORIGINAL, "{}"))
    for name in (*handler_environment("", ""), ORIGINAL):
        variables.pop(name, None)
    variables |= original.get("variables", {})
    swapped = there["Handler"] == SWAPPED_HANDLER
    mode = there.get("TracingConfig", {}).get("Mode", "PassThrough")
    return {
        "Handler": original.get("handler", own) if swapped else there["Handler"],
        "Layers": _other_layers(there),
        "Environment": {"Variables": variables},
        "TracingConfig": {"Mode": original.get("tracing", mode)},
    }


def _check(there: Mapping[str, Any]) -> None:
    name = there["FunctionName"]
    runtime = there.get("Runtime", "")
    version = _RUNTIME.fullmatch(runtime)
    if there.get("PackageType", "Zip") == "Image":
        why = "is a container image, and layers cannot be added to one"
        todo = f"Install gammaray_recorder in the image, and let it start {SWAPPED_HANDLER}."
    elif version is None:
        why = f"runs on {runtime or 'a runtime of its own'}; the recorder is for Python"
        todo = "What it does is still seen where functions that are recorded call it."
    elif int(version.group(1)) < _OLDEST_MINOR:
        why = f"runs on {runtime}; the recorder needs Python 3.{_OLDEST_MINOR} or newer"
        todo = "Move it to a runtime that AWS still supports."
    elif len(_other_layers(there)) >= _MOST_LAYERS:
        why = f"has {_MOST_LAYERS} layers already, and Lambda allows no more"
        todo = "Take one away, or put two into one."
    else:
        return
    raise UserError(
        f"Function {name} cannot be recorded: it {why}",
        todo=f"{todo} Nothing was changed.",
        kind="cannot-instrument",
    )


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
        changes = [
            text for key, text in _PARTS.items() if wanted[key] != _present(self._there)[key]
        ]
        if await self._lacks_permission():
            changes.append("permission")
        if not changes:
            return Change("leave", await self._note() or "is recorded already")
        return Change("update", ", ".join(changes))

    async def make(self, change: Change) -> None:
        """Attach the recorder, and wait until the function can be invoked again."""
        client = await self.client("lambda")
        if "permission" in change.detail:
            await self._allow()
        await client.tag_resource(Resource=self._there["FunctionArn"], Tags={INSTRUMENTED: "true"})
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
        attached_now = recorder_layer(there) or there.get("Handler") == SWAPPED_HANDLER
        if not attached_now and INSTRUMENTED not in tags:
            return Change("leave", "has no recorder attached")
        return Change("update", "recorder detached")

    async def make(self, change: Change) -> None:
        """Restore what was there; take our policy from the role when nothing else needs it."""
        client = await self.client("lambda")
        there = await client.get_function_configuration(FunctionName=self._name)
        await detach(client, self._name)
        await self._revoke(client, str(there["Role"]))

    async def _revoke(self, client: Any, role: str) -> None:
        async for page in client.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                if function["Role"] == role and recorder_layer(function):
                    return
        iam = await self.client("iam")
        name = role.rpartition("/")[2]
        policy = iam.delete_role_policy(RoleName=name, PolicyName=RECORDER_POLICY)
        await found(policy, "NoSuchEntity")


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


_PARTS: Final = {
    "Handler": "handler",
    "Layers": "recorder",
    "Environment": "environment",
    "TracingConfig": "tracing",
}


def _present(there: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Handler": there["Handler"],
        "Layers": [layer["Arn"] for layer in there.get("Layers", [])],
        "Environment": {"Variables": there.get("Environment", {}).get("Variables", {})},
        "TracingConfig": {"Mode": there.get("TracingConfig", {}).get("Mode", "PassThrough")},
    }


def _other_layers(there: Mapping[str, Any]) -> list[str]:
    arns = [str(layer["Arn"]) for layer in there.get("Layers", [])]
    return [arn for arn in arns if arn.split(":")[6:7] != [LAYER_NAME]]
