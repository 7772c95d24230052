"""Pieces of a deployment: the recorder's layer, log groups, and the functions themselves."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from providers.aws_errors import error_code
from providers.bundles import zipped
from providers.deploy_role import Role
from providers.errors import UserError
from providers.layer import build_layer, layer_version_description
from providers.pieces import Change, Piece, found, wait_until
from providers.place import Place
from providers.rollback import Previous, previous_of
from providers.tags import is_managed

LAYER_NAME: Final = "gammaray-recorder"
LOG_GROUP_PREFIX: Final = "/aws/lambda/"
_RUNTIMES: Final = [f"python3.{minor}" for minor in range(9, 15)]
_READY_TIMEOUT_S: Final = 120.0
# A new role is known everywhere after some seconds (IAM: "changes are not always immediately
# visible"); until then Lambda refuses it.
_ROLE_TIMEOUT_S: Final = 60.0
_MISSING: Final = "ResourceNotFoundException"
_SETTINGS: Final = {
    "Role": "role",
    "Handler": "handler",
    "Runtime": "runtime",
    "MemorySize": "memory",
    "Timeout": "timeout",
    "Environment": "environment",
    "Layers": "recorder",
    "TracingConfig": "tracing",
}


class Layer(Piece):
    """The recorder's layer in a region; its versions are told apart by their descriptions.

    Attributes:
        arn: ARN of the version that holds the present recorder; "" before it is made.
    """

    def __init__(self, place: Place, region: str) -> None:
        super().__init__(place, region, f"layer {LAYER_NAME}")
        self.arn = ""
        self._description = layer_version_description()

    async def look(self) -> Change:
        """Look for a version that holds the present recorder."""
        versions = await layer_versions(await self.client("lambda"))
        for version in versions:
            if version.get("Description") == self._description:
                self.arn = version["LayerVersionArn"]
                return Change("leave")
        return Change("update", "recorder") if versions else Change("create")

    async def make(self, change: Change) -> None:
        """Publish the present recorder as a new version."""
        client = await self.client("lambda")
        published = await client.publish_layer_version(
            LayerName=LAYER_NAME,
            Description=self._description,
            Content={"ZipFile": build_layer()},
            CompatibleRuntimes=_RUNTIMES,
        )
        self.arn = published["LayerVersionArn"]


class LogGroup(Piece):
    """A function's log group, made before Lambda would make it without tags or an end."""

    def __init__(self, place: Place, function: str, region: str, retention_days: int) -> None:
        self.name = LOG_GROUP_PREFIX + function
        super().__init__(place, region, f"log group {self.name}")
        self._retention_days = retention_days

    async def look(self) -> Change:
        """Look for the group; one that exists keeps the retention that it has."""
        client = await self.client("logs")
        described = await client.describe_log_groups(logGroupNamePrefix=self.name)
        exists = any(group["logGroupName"] == self.name for group in described["logGroups"])
        return Change("leave") if exists else Change("create")

    async def make(self, change: Change) -> None:
        """Create the group."""
        client = await self.client("logs")
        try:
            await client.create_log_group(logGroupName=self.name, tags=self.place.tags)
        except ClientError as error:
            if error_code(error) != "ResourceAlreadyExistsException":
                raise
        await client.put_retention_policy(
            logGroupName=self.name, retentionInDays=self._retention_days
        )


@dataclass(frozen=True, slots=True)
class WantedFunction:
    """What a function is to be.

    Attributes:
        environment: all its variables.
        files: what its zip holds.
        traced: whether X-Ray traces it.
        architecture: that of compiled code in its zip: "x86_64", "arm64"; "" when it has none.
    """

    name: str
    region: str
    runtime: str
    handler: str
    memory_mb: int
    timeout_s: int
    environment: Mapping[str, str]
    files: Mapping[str, bytes]
    traced: bool = False
    architecture: str = ""


class DeployedFunction(Piece):
    """A function that is as it is wanted.

    Attributes:
        name: the function's name.
        arn: its ARN, known from its name.
    """

    def __init__(
        self,
        place: Place,
        wanted: WantedFunction,
        role: Role,
        layer: Layer | None,
        log_group: LogGroup,
    ) -> None:
        needs = [role, log_group, *([layer] if layer else [])]
        super().__init__(place, wanted.region, f"function {wanted.name}", *needs)
        self.name = wanted.name
        self.arn = (
            f"arn:{place.partition}:lambda:{wanted.region}:{place.account}:function:{wanted.name}"
        )
        self._wanted = wanted
        self._role = role
        self._layer = layer
        self._code = zipped(wanted.files)
        self._previous: Previous | None = None

    async def look(self) -> Change:
        """Compare code and configuration.

        Raises:
            UserError: there is a function of that name which this tool did not make.
        """
        client = await self.client("lambda")
        described = await found(client.get_function(FunctionName=self.name), _MISSING)
        if described is None:
            return Change("create")
        if not is_managed(described.get("Tags", {})):
            raise UserError(
                f"There is a {self.text} already, and this tool did not make it",
                on=f"region {self.region}",
                todo="Delete or rename one of them; nothing was changed.",
                kind="not-ours",
            )
        there = described["Configuration"]
        differences = []
        # The architecture is set with the code, and goes with it.
        architectures = self._architecture().get("Architectures", there.get("Architectures"))
        if (
            there["CodeSha256"] != _sha256(self._code)
            or there.get("Architectures") != architectures
        ):
            differences.append("code")
        wanted, present = self._settings(), _present(there)
        differences += [text for key, text in _SETTINGS.items() if wanted[key] != present[key]]
        if not differences and there.get("State", "Active") == "Pending":
            return Change("update", "wait")
        return Change("update", ", ".join(differences)) if differences else Change("leave")

    async def make(self, change: Change) -> None:
        """Create or update the function, and wait until it can be invoked."""
        client = await self.client("lambda")
        if change.verb == "create":
            await self._create(client)
        else:
            await self._wait_until_ready(client)
            changed = set(change.detail.split(", "))
            if self._previous is None:  # not what an attempt that AWS slowed down left behind
                self._previous = await previous_of(client, self.name, with_code="code" in changed)
            if "code" in changed:
                await client.update_function_code(
                    FunctionName=self.name, ZipFile=self._code, **self._architecture()
                )
                await self._wait_until_ready(client)
            if changed & set(_SETTINGS.values()):
                await client.update_function_configuration(
                    FunctionName=self.name, **self._settings()
                )
        await self._wait_until_ready(client)

    async def roll_back(self) -> bool:
        """Put code and settings back as they were before an update; what was created stays."""
        if self._previous is None:
            return False
        await self._previous.restore(
            await self.client("lambda"), self.name, self._wait_until_settled
        )
        return True

    async def _create(self, client: Any) -> None:
        async def created() -> bool:
            try:
                await client.create_function(
                    FunctionName=self.name,
                    Code={"ZipFile": self._code},
                    Tags=self.place.tags,
                    **self._architecture(),
                    **self._settings(),
                )
            except ClientError as error:
                if _role_is_too_new(error):
                    return False
                raise
            return True

        await wait_until(created, f"{self._role.text}, which is new,", timeout_s=_ROLE_TIMEOUT_S)

    async def _wait_until_settled(self, client: Any) -> None:
        """Wait until no change is under way, whether it went well or not."""

        async def settled() -> bool:
            there = await client.get_function_configuration(FunctionName=self.name)
            return bool(there.get("LastUpdateStatus") != "InProgress")

        await wait_until(settled, self.text, timeout_s=_READY_TIMEOUT_S)

    async def _wait_until_ready(self, client: Any) -> None:
        async def ready() -> bool:
            there = await client.get_function_configuration(FunctionName=self.name)
            if there.get("State") == "Failed" or there.get("LastUpdateStatus") == "Failed":
                reason = there.get("StateReason") or there.get("LastUpdateStatusReason") or ""
                raise UserError(
                    f"{self.text} could not be made ready: {reason}", on=f"region {self.region}"
                )
            busy = there.get("State") == "Pending" or there.get("LastUpdateStatus") == "InProgress"
            return not busy

        await wait_until(ready, self.text, timeout_s=_READY_TIMEOUT_S)

    def _settings(self) -> dict[str, Any]:
        wanted = self._wanted
        return {
            "Role": self._role.arn,
            "Handler": wanted.handler,
            "Runtime": wanted.runtime,
            "MemorySize": wanted.memory_mb,
            "Timeout": wanted.timeout_s,
            "Environment": {"Variables": dict(wanted.environment)},
            "Layers": [self._layer.arn] if self._layer else [],
            "TracingConfig": {"Mode": "Active" if wanted.traced else "PassThrough"},
        }

    def _architecture(self) -> dict[str, list[str]]:
        return {"Architectures": [self._wanted.architecture]} if self._wanted.architecture else {}


async def layer_versions(client: Any) -> list[dict[str, Any]]:
    """List the versions of the recorder's layer in a Lambda client's region."""
    pages = client.get_paginator("list_layer_versions").paginate(LayerName=LAYER_NAME)
    try:
        return [version async for page in pages for version in page["LayerVersions"]]
    except ClientError as error:
        if error_code(error) != _MISSING:
            raise
        return []


def _present(there: dict[str, Any]) -> dict[str, Any]:
    """Give a function's settings in the shape in which they are wanted."""
    return {
        **{key: there.get(key) for key in _SETTINGS},
        "Environment": {"Variables": there.get("Environment", {}).get("Variables", {})},
        "Layers": [layer["Arn"] for layer in there.get("Layers", [])],
        "TracingConfig": {"Mode": there.get("TracingConfig", {}).get("Mode", "PassThrough")},
    }


def _sha256(code: bytes) -> str:
    return base64.b64encode(hashlib.sha256(code).digest()).decode("ascii")


def _role_is_too_new(error: ClientError) -> bool:
    message = str(error.response.get("Error", {}).get("Message", ""))
    return error_code(error) == "InvalidParameterValueException" and (
        "cannot be assumed" in message or "KMS key is invalid" in message
    )
