"""Another profile, other regions: tried first, then the watch begins anew with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Whose AWS, and where; None for the default credentials, () for the profile's region."""

    profile: str | None
    regions: tuple[str, ...]


class Switching:
    """What a screen needs to go over to another place.

    Attributes:
        now: where the watch is.
        chosen: where it shall go on; None until a place was tried out well.
    """

    def __init__(self, now: Place, check: Callable[[Place], Awaitable[None]]) -> None:
        """Take where the watch is, and what finds out whether another place can be used."""
        self.now = now
        self.chosen: Place | None = None
        self._check = check

    async def try_out(self, place: Place) -> None:
        """Find out whether a place can be used, and choose it.

        Raises:
            UserError: it cannot; nothing has changed.
        """
        await self._check(place)
        self.chosen = place


def known_profiles() -> dict[str, str]:
    """Give the profiles of ~/.aws with their regions; "" where none is set."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        profiles = Session().full_config.get("profiles", {})
    except BotoCoreError:
        return {}
    return {name: str(profile.get("region", "")) for name, profile in sorted(profiles.items())}
