"""A terminal of the test's own, with a command running in it, on Linux."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[a-zA-Z]|[()][A-Z0-9]|[=>])")


class Terminal:
    """What a command shows in a terminal, what is typed there, and which processes it has.

    Attributes:
        pid: the command's process, the leader of the terminal's session.
        exit_code: its exit code, negative for a signal, once `wait` has returned.
    """

    def __init__(
        self,
        line: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        size: tuple[int, int] = (140, 40),
    ) -> None:
        """Start a command in a new terminal of `size` columns and rows."""
        self.exit_code: int | None = None
        self._shown = b""
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(line[0], list(line), dict(environ))
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.close()

    @property
    def raw(self) -> str:
        """All that was ever shown, as it came."""
        return self._shown.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """All that was ever shown, without escape sequences."""
        return _ESCAPES.sub(b"", self._shown).decode("utf-8", "replace")

    def wait_for(self, text: str, timeout_s: float = 60.0) -> None:
        """Read until `text` has been shown."""
        until = time.monotonic() + timeout_s
        while text not in self.text:
            assert self._read(until - time.monotonic()), f"no {text!r} in: {self.text[-3000:]}"

    def read_for(self, duration_s: float) -> None:
        """Read what is shown, so that the command is never stopped by a full terminal."""
        until = time.monotonic() + duration_s
        while (left_s := until - time.monotonic()) > 0 and self._master >= 0:
            self._read(left_s)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the command."""
        os.kill(self.pid, number)

    def close(self) -> None:
        """Close the terminal's window."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait(self, timeout_s: float = 60.0) -> int:
        """Wait until the command has ended; give its exit code."""
        until = time.monotonic() + timeout_s
        descriptor = os.pidfd_open(self.pid)
        try:
            while not select.select([descriptor], [], [], 0)[0]:
                left = until - time.monotonic()
                assert left > 0, f"still runs: {self.text[-3000:]}"
                watched = [descriptor] if self._master < 0 else [descriptor, self._master]
                if self._master in select.select(watched, [], [], left)[0]:
                    self._read(0)
        finally:
            os.close(descriptor)
        while self._master >= 0 and self._read(0):
            pass  # what it said last is still in the terminal
        self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.exit_code

    def _read(self, timeout_s: float) -> bool:
        if timeout_s < 0 or not select.select([self._master], [], [], timeout_s)[0]:
            return False
        with contextlib.suppress(OSError):  # the other side is closed
            data = os.read(self._master, 65536)
            self._shown += data
            return bool(data)
        self.close()
        return False


@contextlib.contextmanager
def all_gone_afterwards(pid: int, timeout_s: float = 60.0) -> Iterator[list[int]]:
    """Note all processes below `pid`; assert that each of them has ended after the block."""
    below = _descendants(pid)
    handles = {os.pidfd_open(process): process for process in below}
    try:
        yield below
        until = time.monotonic() + timeout_s
        waiting = set(handles)
        while waiting:
            ended = select.select(list(waiting), [], [], max(0.0, until - time.monotonic()))[0]
            assert ended, f"still run: {[_command_line(handles[handle]) for handle in waiting]}"
            waiting.difference_update(ended)
    finally:
        for handle in handles:
            os.close(handle)


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            # The name in parentheses may hold anything; the parent comes second after it.
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        waiting += (below := children.get(waiting.pop(), []))
        found += below
    return found
