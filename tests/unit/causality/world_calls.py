"""What a call of the world is made of, whatever its service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from tests.unit.causality.world import Origin, World

Event: TypeAlias = dict[str, Any]

REGION = "us-west-2"
ACCOUNT = "123456789012"


@dataclass
class Call:
    """A call that is about to be made.

    Attributes:
        take_effect: does it once, for an origin, and gives the response.
        http: method, host and path, of a plain HTTP request.
    """

    service: str
    operation: str
    params: Event
    take_effect: Callable[[Origin | None], Event]
    http: tuple[str, str, str] | None = None
    traceparent: str | None = None


def metadata(world: World, request_id: str | None = None) -> Event:
    return {"ResponseMetadata": {"RequestId": request_id or world.id(), "HTTPStatusCode": 200}}
