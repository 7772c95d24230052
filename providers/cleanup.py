"""Cleaning up: deleting resources in the order of their dependencies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from providers.aws_errors import error_code
from providers.cleanup_services import SERVICE_DELETERS
from providers.clients import Clients
from providers.errors import UserError
from providers.instrument import detach
from providers.inventory_listing import MISSING
from providers.operations import Deleted, Report, Resource, Step, StepState
from providers.pieces import found, wait_until
from providers.place import AWS_ERRORS
from providers.session import AwsSession, user_error
from providers.tables import delete_table

_AT_ONCE: Final = 16
_GONE_TIMEOUT_S: Final = 180.0
# What invokes functions goes before them, and what they use after them. Log groups come last:
# an invocation that is still running may make them once more.
_ORDER: Final = (
    ("mapping", "rule", "schedule", "subscription", "REST API", "HTTP API"),
    ("state machine", "topic", "queue", "stream", "event bus", "function", "recorder"),
    ("table", "bucket", "layer"),
    ("log group", "role", "role policy", "policy", "recording", "local file"),
)
# Some services delete one resource in half a minute (API Gateway); others just slow us down.
_AGAIN_KINDS: Final = frozenset({"throttled", "server-error", "unreachable"})
_AGAIN_AFTER_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


async def delete_resources(
    session: AwsSession, resources: Sequence[Resource], report: Report
) -> Deleted:
    """Delete resources, side by side where none depends on another, and see that they are gone.

    Repeatable: what is gone already counts as deleted. A resource that cannot be deleted does
    not stop the others; those that need it gone first are tried all the same.

    Returns:
        What was deleted, and what was not, each with the reason.
    """
    cleanup = _Cleanup(session, report)
    for resource in resources:
        cleanup.tell(resource, "waiting")
    async with Clients(session) as clients:
        for kinds in _ORDER:
            async with asyncio.TaskGroup() as group:
                for resource in resources:
                    if resource.kind in kinds:
                        group.create_task(cleanup.delete(clients, resource))
    return Deleted(tuple(cleanup.deleted), tuple(cleanup.failed))


class _Cleanup:
    def __init__(self, session: AwsSession, report: Report) -> None:
        self._session = session
        self._report = report
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self.deleted: list[Resource] = []
        self.failed: list[tuple[Resource, str]] = []

    async def delete(self, clients: Clients, resource: Resource) -> None:
        """Delete one resource and note what came of it."""
        pauses_s = iter(_AGAIN_AFTER_S)
        while True:
            async with self._limit:
                self.tell(resource, "running")
                failure = await self._failure(clients, resource)
            if failure is None:
                self.deleted.append(resource)
                self.tell(resource, "done")
                return
            reason = f"{failure.what}. {failure.todo}".strip()
            pause_s = next(pauses_s, None) if failure.kind in _AGAIN_KINDS else None
            if pause_s is None:
                self.failed.append((resource, reason))
                self.tell(resource, "failed", reason)
                return
            self.tell(resource, "waiting", f"{failure.what}; again in {pause_s:.0f} s")
            await asyncio.sleep(pause_s)  # outside the limit: others go on meanwhile

    async def _failure(self, clients: Clients, resource: Resource) -> UserError | None:
        region = resource.region or self._session.regions[0]
        try:
            if resource.kind == "recorder":  # takes two services
                functions = await clients.of("lambda", region)
                await detach(functions, await clients.of("iam", region), resource.id)
            else:
                service, delete = _DELETERS[resource.kind]
                await delete(await clients.of(service, region) if service else None, resource)
        except (UserError, *AWS_ERRORS) as error:
            return user_error(
                error,
                profile=self._session.profile,
                region=resource.region or None,
                resource=f"{resource.kind} {resource.name}",
            )
        return None

    def tell(self, resource: Resource, state: StepState, detail: str = "") -> None:
        """Report how it goes with one resource."""
        step_id = f"delete/{resource.region}/{resource.kind}/{resource.id}"
        text = f"{resource.kind} {resource.name}"
        self._report(Step(step_id, text, resource.region, state, detail))


async def _mapping(client: Any, resource: Resource) -> None:
    async def gone() -> bool:
        there = await found(client.get_event_source_mapping(UUID=resource.id), *MISSING)
        if there is None:
            return True
        if there["State"] != "Deleting":
            try:
                await client.delete_event_source_mapping(UUID=resource.id)
            except ClientError as error:
                # In use: it is being created or changed just now.
                if error_code(error) not in (*MISSING, "ResourceInUseException"):
                    raise
        return False

    await wait_until(gone, f"the deletion of mapping {resource.name}", timeout_s=_GONE_TIMEOUT_S)


async def _function(client: Any, resource: Resource) -> None:
    await found(client.delete_function(FunctionName=resource.id), *MISSING)


async def _layer(client: Any, resource: Resource) -> None:
    _, _, _, _, _, _, name, version = resource.id.split(":")
    await client.delete_layer_version(LayerName=name, VersionNumber=int(version))


async def _table(client: Any, resource: Resource) -> None:
    await delete_table(client, resource.id)


async def _log_group(client: Any, resource: Resource) -> None:
    await found(client.delete_log_group(logGroupName=resource.id), *MISSING)


async def _bucket(client: Any, resource: Resource) -> None:
    """Delete a bucket with all versions of all objects, and uploads that were never completed."""
    name = resource.id
    try:
        async for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
            listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if listed:
                await _delete_objects(client, name, listed)
        async for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=name):
            for upload in page.get("Uploads", []):
                await client.abort_multipart_upload(
                    Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        await client.delete_bucket(Bucket=name)
    except ClientError as error:
        if error_code(error) not in MISSING:
            raise


async def _delete_objects(client: Any, bucket: str, listed: list[Mapping[str, Any]]) -> None:
    objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed]
    answer = await client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for failure in answer.get("Errors", []):
        raise UserError(
            f"Object {failure.get('Key')} cannot be deleted: {failure.get('Message')}",
            on=f"bucket {bucket}",
            kind="error",
        )


async def _topic(client: Any, resource: Resource) -> None:
    # Subscriptions first, also those that were made meanwhile: they outlive their topic.
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=resource.id)
    try:
        async for page in pages:
            for subscription in page["Subscriptions"]:
                await client.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    except ClientError as error:
        if error_code(error) not in MISSING:
            raise
    await found(client.delete_topic(TopicArn=resource.id), *MISSING)


async def _queue(client: Any, resource: Resource) -> None:
    await found(client.delete_queue(QueueUrl=resource.id), *MISSING)


async def _role(client: Any, resource: Resource) -> None:
    name = resource.id
    try:
        policies = await client.list_role_policies(RoleName=name)
        for policy in policies["PolicyNames"]:
            await client.delete_role_policy(RoleName=name, PolicyName=policy)
        attached = await client.list_attached_role_policies(RoleName=name)
        for policy in attached["AttachedPolicies"]:
            await client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        await client.delete_role(RoleName=name)
    except ClientError as error:
        if error_code(error) not in MISSING:
            raise


async def _policy(client: Any, resource: Resource) -> None:
    arn = resource.id
    try:
        async for page in client.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn):
            for group in page["PolicyGroups"]:
                await client.detach_group_policy(GroupName=group["GroupName"], PolicyArn=arn)
            for user in page["PolicyUsers"]:
                await client.detach_user_policy(UserName=user["UserName"], PolicyArn=arn)
            for role in page["PolicyRoles"]:
                await client.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
        for version in (await client.list_policy_versions(PolicyArn=arn))["Versions"]:
            if not version["IsDefaultVersion"]:
                await client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        await client.delete_policy(PolicyArn=arn)
    except ClientError as error:
        if error_code(error) not in MISSING:
            raise


_Deleter = Callable[[Any, Resource], Awaitable[None]]
_DELETERS: Final[Mapping[str, tuple[str, _Deleter]]] = {
    "mapping": ("lambda", _mapping),
    "function": ("lambda", _function),
    "layer": ("lambda", _layer),
    "table": ("dynamodb", _table),
    "log group": ("logs", _log_group),
    "bucket": ("s3", _bucket),
    "topic": ("sns", _topic),
    "queue": ("sqs", _queue),
    "role": ("iam", _role),
    "policy": ("iam", _policy),
    **SERVICE_DELETERS,
}
