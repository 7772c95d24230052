"""The demo without a screen: fire, wait until every chain is complete, give the graph."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

import typer

from causality.document import graph_document
from causality.engine import Engine
from gammaray_tui.chains import missing_parts
from gammaray_tui.commands.aws import stream_source
from gammaray_tui.commands.output import EXIT_FAILED, say, say_step
from gammaray_tui.commands.reading import Source, events_of
from gammaray_tui.recording import WatchRecording
from gammaray_tui.watch import Watch
from providers.demo import Demo

_LOOK_EVERY_S = 0.1


async def run_headless(
    application: str, count: int, timeout_s: float, recording: WatchRecording
) -> Engine:
    """Run the demo on a local AWS of its own, and give the graph.

    Raises:
        typer.Exit: a firing failed, or the chains were not complete in time; said on stderr.
        UserError: the local AWS cannot start.
    """
    async with Demo(say_step) as demo:
        functions = [
            name
            for known in await demo.operations.applications()
            if known.name == application
            for name, _region in known.functions
        ]
        model = Watch("demo")
        source = stream_source(demo.session, "all")
        with recording.of(model):
            model.mark("fired", f"{application} × {count}")
            fired = await demo.operations.fire(application, count, say_step)
            for error in fired.errors:
                say(f"firing failed: {error}")
            if fired.errors:
                raise typer.Exit(EXIT_FAILED)
            say(f"waiting for {count} chain{'' if count == 1 else 's'} ...")
            missing = await collect_chains(model, source, functions, count, timeout_s)
    if missing:
        say(f"not complete after {timeout_s:g} s:")
        for part in missing:
            say(f"  {part}")
        raise typer.Exit(EXIT_FAILED)
    return model.engine


async def collect_chains(
    model: Watch, source: Source, functions: Sequence[str], count: int, timeout_s: float
) -> list[str]:
    """Read until `count` chains are complete, or for `timeout_s`; give what is missing then."""

    def missing() -> list[str]:
        return missing_parts(graph_document(model.engine), functions, count)

    looked_at_s = 0.0
    try:
        async with (
            asyncio.timeout(timeout_s) as deadline,
            contextlib.aclosing(events_of(source, model.queue)) as events,
        ):
            async for event in events:
                model.apply(event)
                # Looking costs as much as the whole graph: not after each of many events.
                if model.queue.empty() or time.monotonic() - looked_at_s > _LOOK_EVERY_S:
                    if not missing():
                        break
                    looked_at_s = time.monotonic()
    except TimeoutError:
        if not deadline.expired():
            raise
    return missing()
