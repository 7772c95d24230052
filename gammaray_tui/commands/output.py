"""What the commands write: escaped lines, results in files or on stdout, and exit codes."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from providers.errors import UserError

if TYPE_CHECKING:
    from providers.operations import Step

EXIT_FAILED = 1  # the act was tried, and something of it failed
EXIT_REFUSED = 2  # the act was not tried: the user has to change something first

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_STATE_MARKS = {"waiting": "·", "running": "»", "done": "✓", "failed": "✗", "skipped": "-"}
# Control characters of both ranges, line and paragraph separators, and what turns the
# direction of writing: none of them may reach a terminal from a name or a message.
_ESCAPED = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (
        *range(0x20),
        *range(0x7F, 0xA0),
        0x061C,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
        0xFEFF,
        *range(0xD800, 0xE000),
    )
}
_ESCAPED |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}


def escaped(text: str) -> str:
    """Give `text` as one line that no terminal acts upon: control characters are spelled out."""
    return text.translate(_ESCAPED)


def say(text: str) -> None:
    """Tell the person at the terminal something, on stderr, so that stdout stays the result."""
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(escaped(text) + "\n")
        sys.stderr.flush()


def say_error(error: UserError) -> None:
    """Tell the person what happened, on what, and what to do next."""
    where = f" ({error.on})" if error.on else ""
    say(f"gammaray-tui: {error.what.rstrip('.')}{where}")
    for line in error.todo.splitlines():
        say(f"  {line}")


def say_step(step: Step) -> None:
    """Tell the person that one step of a longer act is over."""
    if step.state in ("done", "failed", "skipped"):
        say(step_line(step))


def step_line(step: Step) -> str:
    """Give one step of a longer act as one line."""
    detail = f": {step.detail}" if step.detail else ""
    return escaped(f"{_STATE_MARKS[step.state]} {step.region:<10} {step.text}{detail}")


def write_result(data: bytes, path: Path | None) -> None:
    """Write a command's result to a file, whole or not at all, or (None, "-") to stdout.

    Raises:
        UserError: the file cannot be written.
    """
    if path is None or str(path) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        _write_file(data, path)
    except OSError as error:
        raise _unwritten(path, error) from error


def check_place(path: Path | None) -> None:
    """See whether there is a folder for a result, before it is made, which may take long.

    Raises:
        UserError: there is none.
    """
    try:
        if path is not None and str(path) != "-":
            os.stat(_target(path).parent)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path | None, error: OSError) -> UserError:
    return UserError(
        f"The result cannot be written: {error.strerror or error}.",
        on=str(path),
        todo="Name another file, in a folder that exists, has room, and that you may write to.",
        kind="output",
    )


@contextlib.contextmanager
def ended_pipe_is_fine() -> Iterator[None]:
    """End quietly when the reader of stdout has seen enough, as `| head` does.

    Raises:
        UserError: stdout is a file that cannot grow.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _let_stdout_go()
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _let_stdout_go()
        raise UserError(
            f"The result cannot be written: {error.strerror}.",
            on="standard output",
            todo="Make room, or send it elsewhere.",
            kind="output",
        ) from error


def _let_stdout_go() -> None:
    # What is still buffered goes nowhere: without this, the interpreter complains at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_file(data: bytes, path: Path) -> None:
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: nothing to replace
        with path.open("wb") as device:
            device.write(data)
        return
    target = _target(path)
    # The beginning of its name alone: all of it may be as long as a name can be.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:32]}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).chmod(_mode_of(target))
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _target(path: Path) -> Path:
    """Follow links, so that a link stays one.

    Raises:
        OSError: they lead round in a circle, among other reasons.
    """
    try:
        return path.resolve()
    except RuntimeError as error:  # what Python raises up to 3.12
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error


def _mode_of(target: Path) -> int:
    """Give the permissions that writing `target` in place would have left it with."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
