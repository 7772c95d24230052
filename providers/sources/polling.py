"""What sources that poll one AWS service share: a client that comes back, and a status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from providers.aws_errors import CREDENTIAL_KINDS, user_error
from providers.errors import UserError
from providers.events import ProviderEvent
from providers.session import AwsSession
from providers.streams.board import RegionBoard
from providers.streams.timing import Backoff, Timing


class ServiceReader:
    """One service in one region: calls are tried until they succeed, and told when they fail.

    Attributes:
        region: where.
        board: what the user is told of it.
        timing: clocks.
    """

    def __init__(
        self,
        session: AwsSession,
        service: str,
        region: str,
        timing: Timing,
        *,
        board: RegionBoard | None = None,
    ) -> None:
        self.region = region
        self.board = board or RegionBoard(region, timing)
        self.timing = timing
        self._session = session
        self._service = service
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def publishing(self, queue: asyncio.Queue[ProviderEvent]) -> AsyncIterator[ServiceReader]:
        """Tell how reading goes as long as this is open; closes the client at the end."""
        told = asyncio.create_task(self.board.publish(queue.put))
        try:
            yield self
        finally:
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)
            await self.close()

    async def repeat(self, name: str, act: Callable[[Any], Awaitable[float | None]]) -> None:
        """Do something again and again, until it says that it is over.

        Args:
            name: what it is about, as the user knows it.
            act: gets the client; gives the seconds until the next time, None when it is over.
        """
        backoff = Backoff(self.timing)
        while True:
            try:
                wait_s = await act(await self._opened())
            except Exception as error:
                await self._failed(name, error, backoff)
                continue
            backoff.reset()
            self.board.went_well(name)
            if wait_s is None:
                return
            await self.timing.sleep(wait_s)

    async def close(self) -> None:
        """Close the client; the next call opens another."""
        async with self._lock:
            self._client = None
            await self._stack.aclose()

    async def _failed(self, name: str, error: Exception, backoff: Backoff) -> None:
        failure = user_error(
            error, profile=self._session.profile, region=self.region, resource=name
        )
        if failure.kind in CREDENTIAL_KINDS:
            await self.close()
            try:
                self._session = self._session.renewed()
            except UserError as worse:
                failure = worse
        wait_s = backoff.next_s(failure.kind)
        self.board.failed(name, failure, wait_s)
        await self.timing.sleep(wait_s)

    async def _opened(self) -> Any:
        async with self._lock:
            if self._client is None:
                self._client = await self._stack.enter_async_context(
                    self._session.client(self._service, self.region, attempts=1, validate=False)
                )
            return self._client
