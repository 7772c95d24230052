"""Comparing in a thread: the loop goes on, the graph stands still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

import pytest

from causality.analysis import Compared
from causality.graph import Invocation
from gammaray_tui.watch import Watch
from providers.events import RecordBatch
from tests.unit.causality import oracle

RECORDS = oracle.readable(oracle.json_records("imageproc"))
HALF = len(RECORDS) // 2


def _watch() -> Watch:
    watch = Watch("test")
    watch.apply(RecordBatch("us-west-2", "shard", RECORDS[:HALF]))
    watch.queue.put_nowait(RecordBatch("us-west-2", "shard", RECORDS[HALF:]))
    return watch


async def test_both_sides_are_counted() -> None:
    watch = _watch()
    found = await watch.compare("function:ImageProcPyB", "function:nowhere")
    assert found.chains[0] > 0
    assert found.chains[1] == 0
    assert (await watch.compare("", "p95>")).troubles[0] == "which chains?"


@pytest.mark.parametrize("cancelled", [False, True])
async def test_nothing_is_applied_while_a_thread_reads(
    monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    began, goes_on = threading.Event(), threading.Event()

    def reading(members: Iterable[Invocation], *_: object) -> Compared:
        began.set()
        goes_on.wait()
        return Compared((len(list(members)), 0))

    monkeypatch.setattr("gammaray_tui.watch.compared", reading)
    watch = _watch()
    count = len(watch.engine.invocations)
    comparing = asyncio.create_task(watch.compare("a", "b"))
    await asyncio.to_thread(began.wait)
    if cancelled:
        comparing.cancel()
        await asyncio.wait([comparing])
    watch.mark("fired", "")
    watch.snapshot()
    assert not watch.drain(60.0)
    goes_on.set()
    if not cancelled:
        assert (await comparing).chains[0] == count
    current = asyncio.current_task()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not current))
    assert watch.drain(60.0)
    assert watch.engine.records == len(RECORDS)
