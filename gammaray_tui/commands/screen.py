"""Opening the screen, and leaving it in every way there is."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

import typer

from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp

# Objects allocated between collections: at Python's defaults, a graph of 100,000 invocations
# stalls the screen for a third of a second again and again.
_GC_THRESHOLDS = (20_000, 20, 200)
_TERMINAL_GONE = 128 + signal.SIGHUP


async def run_app(app: GammarayApp) -> None:
    """Show the screen until it is left; its exit code becomes the command's.

    A closed terminal and a polite kill leave it just as `q` does, so that whatever was started
    for it is stopped in order.
    """
    gc.set_threshold(*_GC_THRESHOLDS)
    loop = asyncio.get_running_loop()

    def leave(code: int) -> None:
        app.exit(return_code=code)

    def leave_from_thread() -> None:
        loop.call_soon_threadsafe(leave, _TERMINAL_GONE)

    with _on_signals(loop, leave), _outliving_terminal(leave_from_thread):
        await app.run_async()
    if app.return_code:
        raise typer.Exit(app.return_code)


def need_terminal(instead: str) -> None:
    """Refuse to draw a screen where there is no terminal.

    Raises:
        UserError: stdin or stdout is none; it names `instead` as what to run.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(
            "The screen needs a terminal, and this is none.",
            todo=f"Run it in a terminal, or use {instead}.",
            kind="no-terminal",
        )


@contextlib.contextmanager
def _on_signals(loop: asyncio.AbstractEventLoop, leave: Callable[[int], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, leave, 128 + number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _outliving_terminal(on_gone: Callable[[], None]) -> Iterator[None]:
    """Keep the process in hand when its terminal vanishes.

    Textual's writer thread writes to `sys.__stderr__` and dies at the first error; the event
    loop would then block on its full queue for ever, with child processes still running.
    """
    original = sys.__stderr__
    if original is None:
        yield
        return
    vars(sys)["__stderr__"] = _TerminalOutput(original, on_gone)
    try:
        yield
    finally:
        vars(sys)["__stderr__"] = original


class _TerminalOutput:
    """A terminal's output stream that drops what is written once the terminal is gone."""

    def __init__(self, file: TextIO, on_gone: Callable[[], None]) -> None:
        self._file = file
        self._on_gone = on_gone
        self._gone = False

    def write(self, text: str) -> int:
        if not self._gone:
            with self._noticing():
                self._file.write(text)
        return len(text)

    def flush(self) -> None:
        if not self._gone:
            with self._noticing():
                self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._gone = True
            self._on_gone()

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)
