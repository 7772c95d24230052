"""What `gammaray-tui fire` does after the firing."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gammaray_tui.commands import aws, fire
from gammaray_tui.commands.reading import Source
from providers.aws_operations import AwsOperations
from providers.events import ProviderEvent
from providers.operations import Fired


async def test_a_slow_firing_is_followed_from_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def nothing(_queue: asyncio.Queue[ProviderEvent]) -> None:
        return

    def source(_session: Any, since: str) -> Source:
        asked.append(since)
        return nothing

    monkeypatch.setattr(aws, "stream_source", source)
    operations = cast(AwsOperations, SimpleNamespace(session=None))
    fired = Fired("imageproc", ("r1", "r2"), began_at_s=time.time() - 1000.0)

    summary = await fire._followed(operations, fired, 60.0)

    assert not summary.complete
    (since,) = asked
    assert float(since.removesuffix("s")) > 1000.0
