"""What of ours there is in IAM, which is in no region: roles and policies under our path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.deploy_role import ROLE_PATH
from providers.inventory_listing import MISSING
from providers.operations import Resource
from providers.pieces import found
from providers.place import Place
from providers.tags import APPLICATION, as_mapping, is_managed


async def roles(place: Place, region: str) -> list[Resource]:
    """List the roles under our path; roles are in no region."""
    client = await place.clients.of("iam", region)
    resources = []
    async for page in client.get_paginator("list_roles").paginate(PathPrefix=ROLE_PATH):
        for role in page["Roles"]:
            answer = await found(client.list_role_tags(RoleName=role["RoleName"]), *MISSING)
            resources.append(_of_iam("role", role["RoleName"], role["RoleName"], role, answer))
    return resources


async def policies(place: Place, region: str) -> list[Resource]:
    """List the managed policies under our path."""
    client = await place.clients.of("iam", region)
    resources = []
    pages = client.get_paginator("list_policies").paginate(Scope="Local", PathPrefix=ROLE_PATH)
    async for page in pages:
        for policy in page["Policies"]:
            if not policy.get("Path", ROLE_PATH).startswith(ROLE_PATH):
                continue
            answer = await found(client.list_policy_tags(PolicyArn=policy["Arn"]), *MISSING)
            resources.append(_of_iam("policy", policy["PolicyName"], policy["Arn"], policy, answer))
    return resources


def _of_iam(
    kind: str, name: str, id: str, there: Mapping[str, Any], tagged: Mapping[str, Any] | None
) -> Resource:
    tags = as_mapping(tagged["Tags"] if tagged else None)
    return Resource(
        kind=kind,
        id=id,
        name=name,
        region="",
        managed=is_managed(tags),
        application=tags.get(APPLICATION, ""),
        created_at_s=there["CreateDate"].timestamp(),
    )
