from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]

HOST = [sys.executable, "-m", "tests.integration.local_aws_host"]
GONE_WITHIN_S = 10.0


@dataclass
class Host:
    """A running tests.integration.local_aws_host and what it said it started."""

    process: subprocess.Popen[bytes]
    folder: Path
    groups: list[int]
    pids: list[int]
    ports: list[int]

    def left_over(self) -> list[str]:
        """Name everything it started that is still there."""
        found = []
        for pid, _parent, group, state in processes():
            if not state.startswith("Z") and (pid in self.pids or group in self.groups):
                found.append(f"process {pid} of group {group}, state {state}")
        for port in self.ports:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    found.append(f"port {port}")
        if self.folder.exists():
            found.append(str(self.folder))
        return found

    def wait_until_nothing_is_left(self) -> None:
        deadline_s = time.monotonic() + GONE_WITHIN_S
        while left := self.left_over():
            assert time.monotonic() < deadline_s, left
            time.sleep(0.02)


def processes() -> list[tuple[int, int, int, str]]:
    """List every process of this machine: its id, parent, group and state."""
    columns = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="]
    listing = subprocess.run(columns, capture_output=True, text=True, check=True)
    return [
        (int(pid), int(parent), int(group), state)
        for pid, parent, group, state in map(str.split, listing.stdout.splitlines())
    ]


def started(process: subprocess.Popen[bytes], output: IO[bytes]) -> Host:
    for line in output:
        if line.startswith(b"{"):
            said = json.loads(line)
            ports = [urlsplit(url).port or 0 for url in said["urls"]]
            return Host(process, Path(said["folder"]), said["groups"], said["pids"], ports)
    raise AssertionError("it ended before it had started the local AWS")


@contextmanager
def running(ending: str) -> Iterator[Host]:
    with subprocess.Popen(
        [*HOST, ending], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            yield started(process, process.stdout)
        finally:
            process.kill()


@pytest.mark.parametrize(
    "ending", ["return", "exception", pytest.param("exit", marks=pytest.mark.slow)]
)
def test_nothing_is_left_when_the_program_ends(ending: str) -> None:
    with running(ending) as host:
        assert host.process.wait(GONE_WITHIN_S) == {"return": 0, "exception": 1, "exit": 3}[ending]

        assert host.left_over() == [], "all is gone before the program ends, not some time after"


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGKILL,
        # Python leaves these to the system, as it does SIGTERM.
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
        pytest.param(signal.SIGABRT, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left_after_a_signal(number: signal.Signals) -> None:
    with running("wait") as host:
        assert host.left_over(), "there is something to clean up"

        host.process.send_signal(number)

        host.process.wait(GONE_WITHIN_S)
        host.wait_until_nothing_is_left()


def make_the_terminal_ours() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_nothing_is_left_after_the_terminal_closes() -> None:
    controlling, terminal = pty.openpty()
    process = subprocess.Popen(
        [*HOST, "wait"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        preexec_fn=make_the_terminal_ours,
    )
    os.close(terminal)
    with os.fdopen(controlling, "rb", buffering=0) as output:
        host = started(process, output)

    process.wait(GONE_WITHIN_S)
    host.wait_until_nothing_is_left()


def test_nothing_is_left_when_the_supervisor_is_killed_too() -> None:
    with running("wait") as host:
        (supervisor,) = [pid for pid, parent, *_ in processes() if parent == host.process.pid]

        os.kill(supervisor, signal.SIGKILL)
        host.process.send_signal(signal.SIGINT)

        host.process.wait(GONE_WITHIN_S)
        # What a function put into a session of its own is out of reach then.
        os.kill(host.pids.pop(), signal.SIGKILL)
        host.wait_until_nothing_is_left()
