"""The functions of an account, and what the recorder has to do with each."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from providers.clients import Clients
from providers.errors import UserError
from providers.instrument_settings import check_recordable, is_attached
from providers.inventory_regions import tagged_arns
from providers.operations import FunctionState, KnownFunction
from providers.place import AWS_ERRORS
from providers.session import AwsSession, user_error
from providers.tags import MANAGED
from providers.together import together


async def known_functions(session: AwsSession) -> list[KnownFunction]:
    """List the functions of the session's regions, by region and name.

    Raises:
        UserError: AWS refuses to list them.
    """
    async with Clients(session) as clients:
        lists = await together(_of_region(clients, region) for region in session.regions)
    return [function for functions in lists for function in functions]


async def _of_region(clients: Clients, region: str) -> list[KnownFunction]:
    try:
        client = await clients.of("lambda", region)
        listed = [
            function
            async for page in client.get_paginator("list_functions").paginate()
            for function in page["Functions"]
        ]
        ours = set(await tagged_arns(await clients.of("resourcegroupstaggingapi", region), MANAGED))
    except AWS_ERRORS as error:
        raise user_error(error, profile=clients.session.profile, region=region) from error
    functions = [_known(there, ours, region) for there in listed]
    return sorted(functions, key=lambda function: function.name)


def _known(there: Mapping[str, Any], ours: Set[str], region: str) -> KnownFunction:
    state: FunctionState = "plain"
    detail = ""
    if there["FunctionArn"] in ours:
        state = "deployed"
        detail = "deployed by this tool: deploy it in another configuration instead"
    elif is_attached(there):
        state = "recorded"
    else:
        try:
            check_recordable(there)
        except UserError as refusal:
            state, detail = "refused", refusal.what
    return KnownFunction(
        there["FunctionName"],
        region,
        there["FunctionArn"],
        there.get("Runtime", "container image"),
        state,
        detail,
    )
