"""What the listings of one region share: where to look, and how a resource is told of."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers.operations import Resource
from providers.place import Place
from providers.tags import APPLICATION, is_managed
from providers.together import together

MISSING: Final = (
    "404",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
)
"""The codes by which services say that there is no such thing."""

INSTRUMENTED: Final = "gammaray:instrumented"
"""Tag of a function that is not ours and has our recorder attached."""

RECORDER_POLICY: Final = "gammaray-recorder"
"""Name of the policy that lets the role of such a function write records."""


@dataclass(frozen=True, slots=True)
class Named:
    """Where to look: names of ours, from tags and manifests, and our functions in the region."""

    names: Mapping[str, set[str]]
    functions: Mapping[str, Resource]


class RegionListing:
    """Lists resources of one region; the base of what lists some kinds of them."""

    def __init__(self, place: Place, region: str, named: Named) -> None:
        self._place = place
        self._region = region
        self._named = named

    async def _each(
        self, look: Callable[[str], Coroutine[Any, Any, Resource | None]], names: Iterable[str]
    ) -> list[Resource]:
        looked = await together(look(name) for name in sorted(names))
        return [item for item in looked if item is not None]

    def _resource(
        self, kind: str, name: str, tags: Mapping[str, str], *, id: str = "", **more: Any
    ) -> Resource:
        return Resource(
            kind=kind,
            id=id or name,
            name=name,
            region=self._region,
            managed=is_managed(tags),
            application=tags.get(APPLICATION, ""),
            **more,
        )

    def _arn(self, service: str, rest: str) -> str:
        place = self._place
        return f"arn:{place.partition}:{service}:{self._region}:{place.account}:{rest}"

    async def _client(self, service: str) -> Any:
        return await self._place.clients.of(service, self._region)
