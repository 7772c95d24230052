"""Where scenarios are played: one event loop and one server for many of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from providers.session import AwsSettings
from tests.fakes.keys import PROFILE, Keys
from tests.fakes.scenario import Scenario, Step, heal, play
from tests.fakes.streams_server import FakeAws
from tests.fakes.verdict import check
from tests.fakes.virtual_time import VirtualTime
from tests.fakes.watch import Watch, WatchedSession, fake_aws, watching


class Stage:
    """Plays scenarios one after the other: starting everything anew would take longest.

    Attributes:
        watch: of the scenario that is played.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        """Point the AWS configuration of this process at a folder, and start the server."""
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
        patch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        self._keys = Keys(folder / "credentials")
        self._runner = asyncio.Runner()
        self._serving = fake_aws()
        self._scenario = AsyncExitStack()
        self.watch: Watch
        self._aws: FakeAws
        self._time: VirtualTime
        self._aws, self._time = self._runner.run(self._serving.__aenter__())
        settings = AwsSettings(PROFILE, ("us-west-2",), endpoint_url=self._aws.endpoint_url)
        self._session = WatchedSession.open(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.run(self._serving.__aexit__(None, None, None))
        self._runner.close()

    def play(self, scenario: Scenario) -> Watch:
        """Play a scenario and check what came."""
        self.begin(scenario)
        try:
            self.play_steps(scenario.steps)
            self.check()
        finally:
            self.end()
        return self.watch

    def begin(self, scenario: Scenario) -> None:
        """Start a watch; everything is written after it began."""
        self._runner.run(self._begin(scenario))

    def play_steps(self, steps: Sequence[Step]) -> None:
        """Play some steps."""
        self._runner.run(play(self.watch, self._keys, steps))

    def check(self) -> None:
        """End all troubles, and check what came in the end."""
        self._runner.run(self._check())

    def end(self) -> None:
        """End the watch."""
        self._runner.run(self._scenario.aclose())

    async def _begin(self, scenario: Scenario) -> None:
        self._aws.reset()
        self._keys.renew()
        for name in scenario.regions:
            self._aws.region(name).make_table(shards=scenario.shards)
        session = self._session.renewed()
        session.regions = scenario.regions
        self.watch = await self._scenario.enter_async_context(
            watching(
                self._aws,
                self._time,
                scenario.since,
                session=session,
                queue_size=scenario.queue_size,
            )
        )
        await self.watch.until(lambda: all(map(self.watch.is_live, scenario.regions)))

    async def _check(self) -> None:
        self._keys.renew()
        self._aws.expired_keys.discard(self._keys.current)
        for name in self.watch.session.regions:
            heal(self._aws.region(name))
        self.watch.flowing.set()
        await check(self.watch)
