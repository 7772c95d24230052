"""Which permissions are missing: asked of IAM where it answers, else tried where it is harmless."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from providers.aws_errors import ACCESS_CODES, error_code, user_error
from providers.operations import Check, CheckState
from providers.place import AWS_ERRORS, Place
from providers.setup_policies import GRANTS, Owner, Purpose
from providers.together import together

_PURPOSES: Final[dict[Purpose, str]] = {
    "watch": "to watch",
    "look": "to look at what is deployed",
    "fire": "to fire",
    "deploy": "to deploy",
    "instrument": "to instrument",
    "clean up": "to clean up",
}
_TODO: Final = "Ask for a policy that allows them; `gammaray-tui setup --role --print` prints one."
_ASSUMED: Final = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.*")
_EXAMPLE: Final = "gammaray-doctor"
# Calls that read and change nothing: (action, client, method, arguments).
_HARMLESS: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("dynamodb:ListStreams", "dynamodbstreams", "list_streams", {"Limit": 1}),
    ("dynamodb:ListTables", "dynamodb", "list_tables", {"Limit": 1}),
    ("lambda:ListFunctions", "lambda", "list_functions", {"MaxItems": 1}),
    ("lambda:ListEventSourceMappings", "lambda", "list_event_source_mappings", {"MaxItems": 1}),
    ("logs:DescribeLogGroups", "logs", "describe_log_groups", {"limit": 1}),
    ("tag:GetResources", "resourcegroupstaggingapi", "get_resources", {}),
    ("s3:ListAllMyBuckets", "s3", "list_buckets", {}),
    ("sns:ListSubscriptions", "sns", "list_subscriptions", {}),
    ("sqs:ListQueues", "sqs", "list_queues", {}),
    ("events:ListRules", "events", "list_rules", {"Limit": 1}),
    ("states:ListStateMachines", "stepfunctions", "list_state_machines", {"maxResults": 1}),
    ("iam:ListRoles", "iam", "list_roles", {"MaxItems": 1}),
)


async def check_permissions(
    place: Place, arn: str, regions: Sequence[str], tell: Callable[[Check], None]
) -> None:
    """Check what the caller may do, purpose by purpose, and name each action that is missing.

    Args:
        place: account and clients.
        arn: the caller's, as GetCallerIdentity gives it.
        regions: the first of them is asked.
        tell: told of each purpose.
    """
    region = regions[0]
    try:
        missing = await _simulated(place, arn, region)
    except AWS_ERRORS as error:
        failure = user_error(error, profile=place.clients.session.profile, region=None)
        await _tried(place, region, failure.what, tell)
        return
    if missing is None:
        await _tried(place, region, "IAM does not tell what this identity may do", tell)
        return
    for purpose, words in _PURPOSES.items():
        lacking = missing.get(purpose, [])
        granted = [grant for grant in GRANTS if grant.purpose == purpose]
        count = len({action for grant in granted for action in grant.actions})
        text, id = f"permissions {words}", f"permissions/{purpose}"
        if not lacking:
            tell(Check(id, text, "", "ok", f"all {count} actions are allowed"))
        else:
            # Without watching there is nothing on screen; the rest may be left to others.
            state: CheckState = "failed" if purpose == "watch" else "warning"
            detail = f"{len(lacking)} of {count} actions are not allowed: {', '.join(lacking)}"
            tell(Check(id, text, "", state, detail, _TODO))


async def _simulated(place: Place, arn: str, region: str) -> dict[Purpose, list[str]] | None:
    """Ask IAM about every action; give those denied by purpose, None for the root user."""
    if arn.endswith(":root"):
        # No policy stands in the root user's way, and IAM simulates none for it.
        return {}
    iam = await place.clients.of("iam", region)
    source = arn
    assumed = _ASSUMED.fullmatch(arn)
    if assumed is not None:
        role = await iam.get_role(RoleName=assumed.group(3))  # for its path
        source = str(role["Role"]["Arn"])
    elif ":user/" not in arn:
        return None
    owner = Owner(place.partition, place.account, place.table)

    async def denied(actions: list[str], resources: Sequence[str]) -> list[str]:
        pages = iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=source,
            ActionNames=actions,
            ResourceArns=[_example(owner.filled(resource), region) for resource in resources],
        )
        return [
            result["EvalActionName"]
            async for page in pages
            for result in page["EvaluationResults"]
            if result["EvalDecision"] != "allowed"
        ]

    answers = await together(denied(grant.actions, grant.resources) for grant in GRANTS)
    missing: dict[Purpose, list[str]] = {}
    for grant, actions in zip(GRANTS, answers, strict=True):
        missing[grant.purpose] = sorted({*missing.get(grant.purpose, []), *actions})
    return missing


def _example(pattern: str, region: str) -> str:
    """Give a resource that a pattern stands for: IAM is asked about resources, not patterns."""
    if pattern == "*":
        return pattern
    head, _, rest = pattern.partition(":*:")
    placed = f"{head}:{region}:{rest}" if rest else pattern
    return placed.replace("*", _EXAMPLE)


async def _tried(place: Place, region: str, why: str, tell: Callable[[Check], None]) -> None:
    """Try what changes nothing, and say that the rest could not be checked."""

    async def refused(action: str, service: str, method: str, arguments: dict[str, Any]) -> str:
        client = await place.clients.of(service, region)
        try:
            await getattr(client, method)(**arguments)
        except AWS_ERRORS as error:
            return action if error_code(error) in ACCESS_CODES else ""
        return ""

    answers = await together(refused(*call) for call in _HARMLESS)
    lacking = sorted(action for action in answers if action)
    if lacking:
        detail = f"not allowed: {', '.join(lacking)}"
        tell(Check("permissions/look", "permissions to look", region, "warning", detail, _TODO))
    else:
        detail = f"all {len(_HARMLESS)} actions that were tried are allowed"
        tell(Check("permissions/look", "permissions to look", region, "ok", detail))
    tell(
        Check(
            "permissions/change", "permissions to fire, deploy and clean up", "", "skipped",
            f"cannot be tried without changing something. {why}",
            "With iam:SimulatePrincipalPolicy allowed, each action would be checked here.",
        )
    )  # fmt: skip
