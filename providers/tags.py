"""The tags on everything that this tool makes; cleanup preselects nothing without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

MANAGED: Final = "gammaray:managed"
APPLICATION: Final = "gammaray:app"
CONFIGURATION: Final = "gammaray:config"


def our_tags(application: str = "", configuration: str = "") -> dict[str, str]:
    """Give the tags for a resource, of one application or ("") shared by all.

    Args:
        application: its name.
        configuration: letter of the configuration that it is deployed in; "" when none is named.
    """
    tags = {MANAGED: "true"}
    if application:
        tags[APPLICATION] = application
    if configuration:
        tags[CONFIGURATION] = configuration
    return tags


def is_managed(tags: Mapping[str, str]) -> bool:
    """Say whether these tags are those of a resource that this tool made."""
    return tags.get(MANAGED) == "true"


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags the way most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def as_mapping(tags: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Read tags the way most services give them."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}
