"""The ordinary ways to end a command that would go on for ever."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any


async def until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or until it is cancelled.

    Ctrl-C and a polite kill cancel it, and so does the end of whoever reads stdout: nothing
    may be written for hours, and `| head` should not wait for that.

    Raises:
        Exception: whatever ended the work by itself.
    """
    task = asyncio.ensure_future(work)
    with _on_signals(task.cancel), _on_reader_gone(task.cancel):
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


@contextlib.contextmanager
def _on_signals(act: Callable[[], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _on_reader_gone(act: Callable[[], object]) -> Iterator[None]:
    """Act when the reader of stdout closes it; a pipe's write end is "readable" only then."""
    descriptor = sys.stdout.fileno()
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        yield
        return
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(descriptor)
        act()

    loop.add_reader(descriptor, gone)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
