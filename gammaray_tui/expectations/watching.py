"""Watching until every expectation is settled, or the time is over."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from gammaray_tui.commands.reading import Source
from gammaray_tui.expectations.grammar import Expectation
from gammaray_tui.expectations.judge import Verdict, judge
from gammaray_tui.watch import Watch
from providers.events import ProviderEvent, RecordBatch

# Judging looks at the whole graph.
_JUDGE_EVERY_S: Final = 0.2
# After this long without a record, with nothing running, nothing more is expected to come.
QUIET_S: Final = 3.0


async def watch_until_settled(
    expectations: Sequence[Expectation],
    source: Source,
    model: Watch,
    timeout_s: float,
    tell: Callable[[ProviderEvent], None],
    *,
    live: bool = True,
) -> list[Verdict]:
    """Read a source until all is met and quiet, or something failed for good, or time is over.

    Args:
        expectations: what to judge.
        source: puts events on the model's queue; its end is the end.
        model: takes them.
        timeout_s: the longest to wait.
        tell: called with each event.
        live: judge while things come; else at the end only, by all that there is.

    Raises:
        Exception: whatever ended the source.
    """
    reader = asyncio.ensure_future(source(model.queue))
    until_s = time.monotonic() + timeout_s
    came_s = judged_s = time.monotonic()
    try:
        while (left_s := until_s - time.monotonic()) > 0:
            if reader.done() and model.queue.empty():
                await reader
                model.engine.finish()
                break
            event = await _next(model, min(_JUDGE_EVERY_S, left_s))
            now_s = time.monotonic()
            if event is not None:
                model.apply(event)
                tell(event)
                if isinstance(event, RecordBatch) and (event.records or event.unreadable):
                    came_s = now_s
            if not live or now_s - judged_s < _JUDGE_EVERY_S:
                continue
            judged_s = now_s
            quiet = now_s - came_s >= QUIET_S
            # While records come, an old one may just be the first of many held by the stream.
            verdicts = _judged(expectations, model, time.time() if quiet else None)
            settled = quiet and not _is_running(model) and all(v.met for v in verdicts)
            if settled or any(verdict.final for verdict in verdicts):
                return verdicts
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    return _judged(expectations, model, None)


def _judged(
    expectations: Sequence[Expectation], model: Watch, now_s: float | None
) -> list[Verdict]:
    return [judge(expectation, model.engine, now_s) for expectation in expectations]


def _is_running(model: Watch) -> bool:
    return any(invocation.state == "running" for invocation in model.engine.invocations.values())


async def _next(model: Watch, wait_s: float) -> ProviderEvent | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            return await model.queue.get()
    return None
