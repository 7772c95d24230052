"""Where of an account to look for what is ours: which regions it has, and what carries our tag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from providers.aws_errors import user_error
from providers.inventory_listing import INSTRUMENTED
from providers.operations import Scope
from providers.place import AWS_ERRORS, Place
from providers.tags import MANAGED
from providers.together import together

Regions: TypeAlias = Sequence[str] | Literal["all"]
"""Where to look: "all" that the account has enabled, or only these; () leaves it to the rest."""

_ENABLED: Final = frozenset({"ENABLED", "ENABLED_BY_DEFAULT"})
_NOT_ENABLED: Final = "not enabled in this account"


async def scope_of(place: Place, known: Sequence[str], regions: Regions) -> Scope:
    """Find out which regions to look at thoroughly, and say which are left out, and why.

    Args:
        place: account and clients.
        known: regions of the session and of the applications.
        regions: "all": of the other regions that are enabled, those where something carries our
            tag; others: only these; (): only those known.
    """
    if regions != "all":
        chosen = tuple(regions) or tuple(known)
        others = [region for region in known if region not in chosen]
        return Scope(chosen, left_out=tuple((region, "not asked for") for region in others))
    listed, why = await _listed(place, known[0])
    if why:
        return Scope(tuple(known), left_out=(("all others", why),))
    enabled = [name for name, status in listed.items() if status in _ENABLED]
    others = [name for name in enabled if name not in known]
    answers = await together(_has_tagged(place, name) for name in others)
    tagged = [name for name, answer in zip(others, answers, strict=True) if answer is True]
    refused = [
        (name, answer)
        for name, answer in zip(others, answers, strict=True)
        if isinstance(answer, str)
    ]
    return Scope(
        (*known, *tagged),
        tuple(name for name, answer in zip(others, answers, strict=True) if answer is False),
        (
            *refused,
            *((name, _NOT_ENABLED) for name in listed if name not in (*enabled, *known)),
        ),
    )


async def tagged_arns(client: Any, tag: str) -> list[str]:
    """List what has a tag in the region of a client of the Resource Groups Tagging API."""
    pages = client.get_paginator("get_resources").paginate(
        TagFilters=[{"Key": tag, "Values": ["true"]}]
    )
    return [
        mapping["ResourceARN"] async for page in pages for mapping in page["ResourceTagMappingList"]
    ]


async def _listed(place: Place, region: str) -> tuple[dict[str, str], str]:
    """List the regions of the partition with their standing; or say why that is not known."""
    try:
        client = await place.clients.of("account", region)
        pages = client.get_paginator("list_regions").paginate()
        listed = {
            item["RegionName"]: item["RegionOptStatus"]
            async for page in pages
            for item in page["Regions"]
        }
    except AWS_ERRORS as error:
        return {}, user_error(error, profile=place.clients.session.profile, region=None).what
    return listed, ""


async def _has_tagged(place: Place, region: str) -> bool | str:
    """Say whether anything in a region carries a tag of ours; a text says why it is not known."""
    try:
        client = await place.clients.of("resourcegroupstaggingapi", region)
        return bool(await tagged_arns(client, MANAGED) or await tagged_arns(client, INSTRUMENTED))
    except AWS_ERRORS as error:
        return user_error(error, profile=place.clients.session.profile, region=region).what
