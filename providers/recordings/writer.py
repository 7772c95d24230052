"""Writing a recording: a thread that adds a part to the file every half second."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from providers.errors import UserError
from providers.events import Mark, ProviderEvent, RegionStatus
from providers.recordings.entries import Alive, Began, Ended, Entry, encode, entry_of, record_count
from providers.recordings.members import pack, whole_length
from providers.recordings.reader import open_recording

# What is killed loses what was not written yet: half a second, and the time that writing takes.
_FLUSH_EVERY_S: Final = 0.5
# So often it is noted that nothing came, so that going on later is not taken for a gap.
_ALIVE_EVERY_S: Final = 60.0
_MEMBER_BYTES: Final = 4 * 1024 * 1024
# A disk that hangs must not take the watch's memory: some 200 MB of records.
_MOST_WAITING: Final = 200_000


class Recorder:
    """Appends events to a file.

    `record` only puts them on a list; a thread encodes, compresses, writes and syncs them, so
    that a slow disk never holds up the watch. When the disk is full or fails, what was written
    before stays readable, the recorder stops, and says so once.

    Attributes:
        path: the file.
        records: stream records recorded so far.
        failure: why recording has stopped by itself, if it has.
    """

    def __init__(
        self,
        path: Path,
        began: Began,
        *,
        go_on: bool = False,
        on_failure: Callable[[UserError], None] = lambda _error: None,
        now_s: Callable[[], float] = time.time,
        alive_every_s: float = _ALIVE_EVERY_S,
    ) -> None:
        """Open the file and write the first line.

        Args:
            path: the file; missing folders are made.
            began: the first line.
            go_on: add to a recording that exists; its torn end is cut off first.
            on_failure: called from the writing thread when the disk fails.
            now_s: the clock.
            alive_every_s: how often to note that nothing came.

        Raises:
            UserError: the file exists (or, with `go_on`, is no recording), is being written by
                another, or cannot be written.
        """
        self.path = path
        self.records = 0
        self.failure: UserError | None = None
        self._on_failure = on_failure
        self._now_s = now_s
        self._alive_every_s = alive_every_s
        self._waiting: list[Entry] = [began]
        self._waiting_records = 0
        self._closing = False
        self._phases: dict[str, str] = {}
        self._changed = threading.Condition()
        self._file = _open(path, go_on=go_on)
        if go_on:
            self._waiting.append(_mark(began.at_s, "resumed"))
        try:
            # At once, so that a full disk or a missing permission is said before anything starts.
            self._write(self._take())
        except OSError as error:
            os.close(self._file)
            raise _cannot_write(path, error) from error
        self._thread = threading.Thread(target=self._run, name=f"record {path}", daemon=True)
        self._thread.start()

    def record(self, event: ProviderEvent) -> None:
        """Keep an event; returns at once."""
        entry = entry_of(event, self._now_s())
        if entry is None or self.failure is not None:
            return
        if isinstance(event, RegionStatus):
            self._phases[event.region] = event.phase
        count = record_count(entry)
        with self._changed:
            self._waiting.append(entry)
            self._waiting_records += count
            self.records += count
            if self._waiting_records > _MOST_WAITING:
                self._fail(
                    UserError(
                        "The disk is too slow to record what comes; recording has stopped.",
                        on=str(self.path),
                        todo="The watch goes on. Record to a faster disk.",
                        kind="recording-failed",
                    )
                )
            self._changed.notify()

    def close(self) -> None:
        """Write what is left, and end the recording in order."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing:
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._waiting or self._closing, self._alive_every_s
                    )
                    if not self._waiting and {*self._phases.values()} == {"live"}:
                        self._waiting.append(Alive(at_s=self._now_s()))
                    self._changed.wait_for(lambda: self._closing, _FLUSH_EVERY_S)
                if self.failure is not None:
                    return
                self._write(self._take())
            self._write([*self._take(), Ended(at_s=self._now_s())])
        except OSError as error:
            self._fail(_cannot_write(self.path, error))
        finally:
            os.close(self._file)

    def _take(self) -> list[Entry]:
        with self._changed:
            taken, self._waiting, self._waiting_records = self._waiting, [], 0
        return taken

    def _write(self, entries: list[Entry]) -> None:
        """Write entries, and wait until the disk has them."""
        for member in pack_entries(entries):
            self._append(member)
        if entries:
            os.fsync(self._file)

    def _append(self, member: bytes) -> None:
        """Add a member whole, or leave the file as it was."""
        place = os.lseek(self._file, 0, os.SEEK_END)
        rest = memoryview(member)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, place)
            raise

    def _fail(self, error: UserError) -> None:
        if self.failure is None:
            self.failure = error
            self._on_failure(error)


def pack_entries(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Pack entries into members of bounded size."""
    part: list[Entry] = []
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        part.append(entry)
        lines.append(encode(entry))
        size += len(lines[-1])
        if size >= _MEMBER_BYTES:
            yield _packed(part, lines)
            part, lines, size = [], [], 0
    if part:
        yield _packed(part, lines)


def _packed(entries: list[Entry], lines: list[bytes]) -> bytes:
    times = [entry.at_s for entry in entries]
    return pack(b"".join(lines), min(times), max(times), sum(map(record_count, entries)))


def _open(path: Path, *, go_on: bool) -> int:
    """Open the file, for its owner's eyes only: keys of items stand in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        flags = os.O_RDWR | (0 if go_on else os.O_CREAT | os.O_EXCL)
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise UserError(
            "The file exists already, and recordings are never written over.",
            on=str(path),
            todo="Name another file, or add --resume to go on with this recording.",
            kind="recording-exists",
        ) from None
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if go_on:
            with open_recording(path) as stream:
                os.ftruncate(descriptor, whole_length(stream))
    except UserError:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise UserError(
                "Another gammaray-tui is writing this recording.",
                on=str(path),
                todo="End it first, or record to another file.",
                kind="recording-in-use",
            ) from None
        raise _cannot_write(path, error) from error
    return descriptor


def _mark(at_s: float, kind: str) -> Entry:
    entry = entry_of(Mark(at_s, kind, ""), at_s)
    assert entry is not None
    return entry


def _cannot_write(path: Path, error: OSError) -> UserError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return UserError(
        "The disk is full; nothing more is recorded."
        if full
        else f"The recording cannot be written: {error.strerror or error}.",
        on=str(path),
        todo="Make room (`gammaray-tui recordings prune`), then record to another file."
        if full
        else "Name another file with --record.",
        kind="recording-failed",
    )
