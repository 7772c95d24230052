"""How each kind of resource beside functions and storage is deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from providers.inventory_listing import MISSING, RECORDER_POLICY
from providers.operations import Resource
from providers.pieces import found, wait_until

_GONE_TIMEOUT_S: Final = 180.0


async def _rule(client: Any, resource: Resource) -> None:
    bus, _, name = resource.id.rpartition("/")
    where = {"EventBusName": bus} if bus else {}
    targets = await found(client.list_targets_by_rule(Rule=name, **where), *MISSING)
    ids = [target["Id"] for target in (targets or {}).get("Targets", [])]
    if ids:
        await client.remove_targets(Rule=name, Ids=ids, **where)
    await found(client.delete_rule(Name=name, **where), *MISSING)


async def _event_bus(client: Any, resource: Resource) -> None:
    await found(client.delete_event_bus(Name=resource.id), *MISSING)


async def _schedule(client: Any, resource: Resource) -> None:
    group, _, name = resource.id.rpartition("/")
    await found(client.delete_schedule(Name=name, GroupName=group), *MISSING)


async def _rest_api(client: Any, resource: Resource) -> None:
    await found(client.delete_rest_api(restApiId=resource.id), *MISSING)


async def _http_api(client: Any, resource: Resource) -> None:
    await found(client.delete_api(ApiId=resource.id), *MISSING)


async def _state_machine(client: Any, resource: Resource) -> None:
    """Delete a state machine; running executions end at their next state (API Reference)."""
    await found(client.delete_state_machine(stateMachineArn=resource.id), *MISSING)

    async def gone() -> bool:
        described = client.describe_state_machine(stateMachineArn=resource.id)
        return await found(described, *MISSING) is None

    await wait_until(
        gone, f"the deletion of state machine {resource.name}", timeout_s=_GONE_TIMEOUT_S
    )


async def _stream(client: Any, resource: Resource) -> None:
    deletion = client.delete_stream(StreamName=resource.id, EnforceConsumerDeletion=True)
    await found(deletion, *MISSING)

    async def gone() -> bool:
        described = client.describe_stream_summary(StreamName=resource.id)
        return await found(described, *MISSING) is None

    await wait_until(gone, f"the deletion of stream {resource.name}", timeout_s=_GONE_TIMEOUT_S)


async def _subscription(client: Any, resource: Resource) -> None:
    if resource.id.startswith("arn:"):  # one that was never confirmed has none, and expires
        await found(client.unsubscribe(SubscriptionArn=resource.id), *MISSING)


async def _role_policy(client: Any, resource: Resource) -> None:
    policy = client.delete_role_policy(RoleName=resource.id, PolicyName=RECORDER_POLICY)
    await found(policy, *MISSING)


async def _file(_client: None, resource: Resource) -> None:
    await asyncio.to_thread(Path(resource.id).unlink, missing_ok=True)


SERVICE_DELETERS: Final[Mapping[str, tuple[str, Callable[[Any, Resource], Awaitable[None]]]]] = {
    "rule": ("events", _rule),
    "event bus": ("events", _event_bus),
    "schedule": ("scheduler", _schedule),
    "REST API": ("apigateway", _rest_api),
    "HTTP API": ("apigatewayv2", _http_api),
    "state machine": ("stepfunctions", _state_machine),
    "stream": ("kinesis", _stream),
    "subscription": ("sns", _subscription),
    "role policy": ("iam", _role_policy),
    "recording": ("", _file),
    "local file": ("", _file),
}
"""Kind -> client (botocore's name; "" for none) and what deletes one; gone already is fine."""
