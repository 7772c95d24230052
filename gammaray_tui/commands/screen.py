"""Opening the screen, and leaving it in every way there is."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

import typer

from gammaray_tui.commands.output import say_error
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp

_OUTPUTS = (1, 2)


async def run_app(app: GammarayApp) -> None:
    """Show the screen until it is left; its exit code becomes the command's.

    A closed terminal and a polite kill leave it just as `q` does, so that whatever was started
    for it is stopped in order.
    When it dies of a defect, it is said where the traceback and the recording are.
    """
    from gammaray_tui.crash import crashed, telling_to

    loop = asyncio.get_running_loop()

    def leave(number: signal.Signals) -> None:
        if number == signal.SIGHUP:
            _let_go_of_terminal()
        app.exit(return_code=128 + number)

    def terminal_gone() -> None:
        loop.call_soon_threadsafe(leave, signal.SIGHUP)

    told = io.StringIO()
    app.error_console = telling_to(told)
    with _on_signals(loop, leave), _outliving_terminal(terminal_gone):
        await app.run_async()
    if told.getvalue():
        recording = app.recording.path if app.recording is not None else None
        say_error(crashed(told.getvalue(), recording))
        raise typer.Exit(1)
    if app.return_code:
        raise typer.Exit(app.return_code)


def need_terminal(instead: str) -> None:
    """Refuse to draw a screen where there is no terminal.

    Raises:
        UserError: stdin or stdout is none; it names `instead` as what to run.
    """
    in_browser = bool(os.environ.get("TEXTUAL_DRIVER"))
    if not in_browser and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(
            "The screen needs a terminal, and this is none.",
            todo=f"Run it in a terminal, or use {instead}.",
            kind="no-terminal",
        )
    if not in_browser and os.environ.get("TERM") == "dumb":
        raise UserError(
            "This terminal says that it can show text only (TERM=dumb).",
            todo=f"Run it in another one, or use {instead}.",
            kind="no-terminal",
        )


@contextlib.contextmanager
def _on_signals(
    loop: asyncio.AbstractEventLoop, leave: Callable[[signal.Signals], None]
) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, leave, number)
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

    def write(self, text: str) -> int:
        with self._noticing():
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with self._noticing():
            self._file.flush()

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            _let_go_of_terminal()
            self._on_gone()

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


def _let_go_of_terminal() -> None:
    """Send what is still written to a terminal that is gone to nowhere, errors included."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in _OUTPUTS:  # sys.stdout and sys.stderr are Textual's while it runs
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
