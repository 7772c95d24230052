"""Starts server processes, and ends all that they started when its standard input closes.

The application runs this file as a child process, in a session of its own, and holds the write
end of its standard input. However the application ends (return, exception, signal, closed
terminal, kill -9), the kernel closes that pipe; then every process below this one is killed and
the private folder is removed. Only a process that watches from outside can do that after a
kill -9, and a pipe is what every POSIX system has for it.

Standard library only, and no module of ours: it runs with `python -I -S`, which starts in
20 ms whatever the environment is. It speaks JSON lines:

    in   {"servers": [{"name", "argv", "environment"}, ...]}     then nothing more
    out  {"folder", "ports": {name: port}, "groups": {name: process group}}
    out  {"exited": name, "code": exit code}                      when a server ends by itself

In `argv` and `environment` the texts {folder}, {fd}, {port} and {port:<name>} are replaced. The
sockets are bound here and inherited by the servers, so no other process can take a port between
its choice and its use.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_BACKLOG = 128
_KILL_TIMEOUT_S = 10.0
_KILL_ROUND_S = 0.005


def main() -> None:
    """Serve one request: start what the first line of standard input says, until it closes."""
    line = sys.stdin.readline()
    if not line:
        return
    signals = _watch_signals()
    if sys.platform == "linux":
        # What a function starts and abandons becomes a child of this process, so that it is
        # found and killed with the rest.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    folder = Path(tempfile.mkdtemp(prefix="gammaray-local-"))
    groups: dict[int, str] = {}
    try:
        _start(json.loads(line)["servers"], folder, groups)
        _watch(groups, signals)
    except BrokenPipeError:
        pass  # nobody listens any more: the same as a closed standard input
    finally:
        _kill(set(groups), orphans=True)
        shutil.rmtree(folder, ignore_errors=True)


def _watch_signals() -> int:
    """Turn SIGTERM and SIGCHLD into bytes that can be waited for; ignore the terminal's."""
    for unwanted in (signal.SIGINT, signal.SIGHUP):
        signal.signal(unwanted, signal.SIG_IGN)
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    for wanted in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(wanted, lambda _number, _frame: None)
    return readable


def _start(servers: list[dict[str, Any]], folder: Path, groups: dict[int, str]) -> None:
    """Bind a socket for each server, start them all, and say so."""
    for name in ("home", "tmp", "logs"):
        (folder / name).mkdir()
    sockets = {
        server["name"]: socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        for server in servers
    }
    ports = {name: listening.getsockname()[1] for name, listening in sockets.items()}
    places = {f"{{port:{name}}}": str(port) for name, port in ports.items()}
    places["{folder}"] = str(folder)
    for server in servers:
        name = server["name"]
        fd = sockets[name].fileno()
        own = {**places, "{fd}": str(fd), "{port}": str(ports[name])}
        with (folder / "logs" / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [_filled(word, own) for word in server["argv"]],
                env={key: _filled(value, own) for key, value in server["environment"].items()},
                cwd=folder / "home",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(fd,),
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        groups[process.pid] = name
        process.returncode = 0  # _reap() collects every child; Popen must not wait for this one
    for listening in sockets.values():
        # From here on only its server holds a socket: should that die, connections are refused
        # at once instead of waiting for ever.
        listening.close()
    _say({"folder": str(folder), "ports": ports, "groups": {n: g for g, n in groups.items()}})


def _watch(groups: dict[int, str], signals: int) -> None:
    """Wait until standard input closes or SIGTERM comes; report servers that end themselves."""
    commands = sys.stdin.fileno()
    while True:
        # Before waiting: a server may have ended before its end was watched for.
        ended = _reap()
        while ended:
            pid, code = ended.pop()
            if pid in groups:
                # What it started must not outlive it.
                ended += _kill({pid}, orphans=False)
                _say({"exited": groups.pop(pid), "code": code})
        readable, _, _ = select.select([commands, signals], [], [])
        if signals in readable and signal.SIGTERM in os.read(signals, 512):
            return
        if commands in readable and not os.read(commands, 512):
            return


def _kill(groups: set[int], *, orphans: bool) -> list[tuple[int, int]]:
    """Kill the groups (and whatever escaped from them, too) until nothing is left.

    Gives the children that ended meanwhile, as _reap() does.

    SIGKILL from the start: nothing here keeps anything worth saving, and a polite shutdown
    takes seconds in which more processes can be started.
    """
    deadline_s = time.monotonic() + _KILL_TIMEOUT_S
    ended: list[tuple[int, int]] = []
    while True:
        left = [group for group in groups if _signalled(-group)]
        if orphans:
            left += [child for child in _children() if _signalled(child)]
        ended += _reap()
        if not left or time.monotonic() > deadline_s:
            return ended
        time.sleep(_KILL_ROUND_S)


def _children() -> list[int]:
    """List this process's children, adopted ones too, where the system can tell (Linux)."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    try:
        return [int(pid) for pid in listing.read_text().split()]
    except OSError:
        return []


def _signalled(target: int) -> bool:
    """Send SIGKILL to a process or (negative) a group; say whether there was any."""
    try:
        os.kill(target, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False  # macOS refuses permission for a group of zombies
    return True


def _reap() -> list[tuple[int, int]]:
    """Collect the children that ended: their ids and exit codes."""
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, os.waitstatus_to_exitcode(status)))


def _die_with_parent() -> None:
    """Have the kernel kill a server should the supervisor itself be killed (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _filled(text: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        text = text.replace(place, value)
    return text


def _say(message: dict[str, Any]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
