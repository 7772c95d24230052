"""Where measured functions run: started anew on demand, then invoked one at a time."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe told of one invocation."""

    cold: bool
    request_id: str
    wall_s: float
    cpu_s: float
    init_wall_s: float
    init_cpu_s: float
    peak_kb: int


class Invoked(msgspec.Struct, frozen=True, kw_only=True):
    """One invocation: the probe's answer, and what AWS reported, where it does."""

    answer: Answer
    billed_ms: float | None = None
    reported_mb: float | None = None
    reported_init_ms: float | None = None


class Container(Protocol):
    """One function, in one configuration."""

    async def start(self) -> None:
        """Make sure that the next invocation is a cold start."""

    async def invoke(self, event: dict[str, Any]) -> Invoked:
        """Invoke the function and wait for its answer.

        Raises:
            UserError: it failed.
        """

    async def stop(self) -> None:
        """Let go of what the container holds."""
