"""What was begun and never ended: found by whoever looks next, finished or undone.

While an act runs, it has a file of its own: what it was asked for, and each step as it is
reported. The process holds a lock on it, which the kernel takes away however the process ends, and
removes the file at the act's end. So a file that is there and not locked tells of an act that was
stopped half-way, and one that is locked of an act that runs now.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from providers.acts import Act, Unfinished
from providers.errors import UserError
from providers.operations import Report, Resource, Step

FOLDER: Final = "unfinished"
"""Name of the folder, below that of the program's state."""

_SUFFIX: Final = ".jsonl"


class _Begun(msgspec.Struct, frozen=True):
    """The first line of a file; the others are steps."""

    origin: str
    at_s: float
    act: Act


class Journal:
    """The acts on one account that run or were stopped half-way.

    Where the folder cannot be written, acts go on without it.
    """

    def __init__(self, origin: str, folder: Path | None = None) -> None:
        """Take whose acts to keep.

        Args:
            origin: profile, endpoint and table, as one text: acts of others are not shown.
            folder: where; None for the user's own.
        """
        self._origin = origin
        self._folder = folder or platformdirs.user_state_path("gammaray-tui") / FOLDER

    @contextlib.contextmanager
    def keeping(self, act: Act) -> Iterator[Callable[[Report], Report]]:
        """Keep an act on file while the block runs; an error that the user is told of ends it.

        Yields:
            What makes a report that notes each step as well.
        """
        with contextlib.ExitStack() as stack:
            try:
                path, file = self._begin(act)
            except OSError:
                yield lambda report: report
                return
            stack.callback(os.close, file)

            def noting(report: Report) -> Report:
                def note(step: Step) -> None:
                    with contextlib.suppress(OSError):  # a full disk must not stop the act
                        os.write(file, msgspec.json.encode(step) + b"\n")
                    report(step)

                return note

            try:
                yield noting
            except UserError:
                path.unlink(missing_ok=True)
                raise
            path.unlink(missing_ok=True)
            self._forget(one for one in self.unfinished() if _settles(act, one.act))

    def unfinished(self) -> list[Unfinished]:
        """List what was stopped half-way, the oldest first."""
        found = (_read(path, self._origin) for path in self._folder.glob(f"*{_SUFFIX}"))
        return sorted(
            (one for one in found if one is not None), key=lambda one: (one.began_at_s, one.id)
        )

    def forget(self, unfinished: Unfinished) -> None:
        """Speak of it no more."""
        self._forget([unfinished])

    def listed(self, resources: Sequence[Resource]) -> None:
        """Settle what has nothing left to finish or undo, by all that there is of ours."""
        applications = {one.application for one in resources if one.managed}
        there = {(one.kind, one.region, one.id) for one in resources}
        self._forget(
            one
            for one in self.unfinished()
            if (one.act.kind in ("collector", "deploy") and one.act.application not in applications)
            or (
                one.act.kind == "cleanup"
                and not any((r.kind, r.region, r.id) in there for r in one.act.resources)
            )
        )

    def _begin(self, act: Act) -> tuple[Path, int]:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{uuid.uuid4().hex}{_SUFFIX}"
        # Under another name until it is locked: nobody must take it for abandoned.
        early = path.with_suffix(".new")
        file = os.open(early, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            begun = _Begun(self._origin, time.time(), act)
            os.write(file, msgspec.json.encode(begun) + b"\n")
            early.rename(path)
        except BaseException:
            os.close(file)
            early.unlink(missing_ok=True)
            raise
        return path, file

    def _forget(self, settled: Iterable[Unfinished]) -> None:
        for one in settled:
            (self._folder / f"{one.id}{_SUFFIX}").unlink(missing_ok=True)


def _read(path: Path, origin: str) -> Unfinished | None:
    """Read a file; None when its act still runs, belongs to others, or cannot be understood."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            first, *rest = file.read().split(b"\n")
        begun = msgspec.json.decode(first, type=_Begun)
        # What stands after the last line's end was being written when the process died.
        steps = [msgspec.json.decode(line, type=Step) for line in rest[:-1]]
    except (OSError, msgspec.DecodeError):  # gone meanwhile, locked, or a later version's
        return None
    if begun.origin != origin:
        return None
    last = {step.id: step for step in steps}
    return Unfinished(path.stem, begun.act, begun.at_s, tuple(last.values()))


def _settles(act: Act, earlier: Act) -> bool:
    """Say whether what was done well leaves nothing to do of what was stopped earlier."""
    if act.kind == "cleanup":
        return earlier.kind == "cleanup" and set(act.resources) >= set(earlier.resources)
    kinds = {act.kind, earlier.kind}
    if act.kind != earlier.kind and kinds != {"instrument", "uninstrument"}:
        return False
    if act.kind == "collector":  # whatever wheel it took
        return True
    everywhere = not act.regions or (
        bool(earlier.regions) and set(act.regions) >= set(earlier.regions)
    )
    return everywhere and set(act.names) >= set(earlier.names)
