"""Clients for one act: each opened once, all closed at its end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from providers.session import AwsSession


class Clients:
    """Opens a client when it is first asked for, and shares it until the act is over."""

    def __init__(self, session: AwsSession) -> None:
        self.session = session
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._open: dict[tuple[str, str], Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def of(self, service: str, region: str) -> Any:
        """Give the client of a service (botocore's name) in a region."""
        async with self._lock:
            if (service, region) not in self._open:
                client = await self._stack.enter_async_context(self.session.client(service, region))
                self._open[service, region] = client
            return self._open[service, region]
