"""Running the application over a mock model, and waiting for what should become true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from textual._context import active_app
from textual.app import App
from textual.pilot import Pilot

from gammaray_tui.app import GammarayApp
from gammaray_tui.config import Density
from gammaray_tui.watch import Watch
from tests.functional.mock_model import MockModel
from tests.functional.mock_operations import MockOperations

_PATIENCE_S = 60.0  # only a test that fails waits for so long
_LOOK_EVERY_S = 0.02


@asynccontextmanager
async def running(
    model: MockModel | Watch,
    *,
    operations: MockOperations | None = None,
    size: tuple[int, int] = (120, 40),
    read_only: bool = False,
    ascii_only: bool = False,
    keys: Mapping[str, str] | None = None,
    density: Density = "compact",
    sources: Sequence[Callable[[], Awaitable[None]]] = (),
    on_start: Callable[[GammarayApp], Awaitable[None]] | None = None,
) -> AsyncIterator[tuple[GammarayApp, Pilot[None]]]:
    app = GammarayApp(
        model,
        operations=operations,
        title=model.title,
        read_only=read_only,
        ascii_only=ascii_only,
        keys=keys,
        density=density,
        sources=sources,
        on_start=on_start,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield app, pilot


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Let the application work until the condition holds, and then until it has shown it.

    Raises:
        AssertionError: it never does; the message shows the screen.
    """
    give_up_s = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > give_up_s:
            raise AssertionError(f"this never came true:\n{text_of(pilot.app)}")
        await asyncio.sleep(_LOOK_EVERY_S)
        await come_to_rest()
    await come_to_rest()


async def come_to_rest(*_: float) -> None:
    """Let the application do all that it can do at once, and paint what came of it.

    Timers, threads and connections are not waited for. Textual's own pilot takes a machine whose
    processors others use for an application at rest, and goes on before a key has been heard.
    """
    loop = asyncio.get_running_loop()
    give_up_s = time.monotonic() + _PATIENCE_S
    while True:
        # There is no public way to see whether anything waits for its turn.
        while loop._ready:  # type: ignore[attr-defined]
            assert time.monotonic() < give_up_s, "the application never comes to rest"
            await asyncio.sleep(0)
        app = active_app.get()
        if isinstance(app, GammarayApp) and app._changed:
            app._drain()  # what a selection changes comes with the timer's next turn
        for screen in app.screen_stack[-1:]:  # none once the application has ended
            screen._on_timer_update()
        if not loop._ready:  # type: ignore[attr-defined]
            return


def focus_of(app: GammarayApp) -> str:
    """Give the id of the widget in focus."""
    return "" if app.focused is None else app.focused.id or ""


def text_of(app: App[None]) -> str:
    """Give all that is on screen, as text."""
    width, height = app.size
    # Textual has no public way to the cells of a screen but a picture of them.
    strips = app.screen._compositor.render_strips()
    lines = ["".join(segment.text for segment in strip) for strip in strips[:height]]
    return "\n".join(line[:width].rstrip() for line in lines)


def line_with(app: GammarayApp, part: str) -> str:
    """Give the first line on screen that has this in it."""
    return next(line for line in text_of(app).splitlines() if part in line)
