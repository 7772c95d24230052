"""Reading recordings, also while they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from causality.records import UNDECODABLE, Unreadable
from providers.errors import UserError
from providers.events import Position, ProviderEvent, RecordBatch
from providers.recordings.entries import (
    VERSION,
    Began,
    Entry,
    Status,
    decode,
    event_of,
)
from providers.recordings.members import (
    HEAD_BYTES,
    Damaged,
    read_head,
    read_members,
    scan_heads,
    unpack,
)

SUFFIX: Final = ".gammaray"
_SHOWN: Final = 4096


@dataclass(frozen=True)
class Summary:
    """A recording, as its headers and first line tell it.

    Attributes:
        start_s, end_s: epoch seconds of its first and last line.
        regions: those watched.
        size: bytes.
    """

    path: Path
    began: Began
    start_s: float
    end_s: float
    records: int
    regions: tuple[str, ...]
    size: int


def is_recording(start: bytes) -> bool:
    """Tell a recording by its first bytes (`HEAD_BYTES` are enough)."""
    try:
        read_head(start)
    except Damaged:
        return False
    return True


def read_entries(stream: BinaryIO, name: str) -> Iterator[tuple[float, Entry | Unreadable]]:
    """Give a recording's lines with their times; what cannot be read comes out as unreadable.

    Times never go back, whatever the clock of the machine did. A torn end ends the reading
    quietly: nothing else is to be expected of a file that is being written.

    Raises:
        UserError: a newer version wrote it.
    """
    now_s = 0.0
    for place, lines in read_members(stream):
        if isinstance(lines, Damaged):
            if not lines.torn:
                yield now_s, Unreadable(f"{name}, byte {place}: {lines}", "")
            continue
        for number, line in enumerate(lines.splitlines(), 1):
            try:
                entry = decode(line)
            except UNDECODABLE as error:
                reason = f"{name}, byte {place}, line {number}: {error}"
                yield now_s, Unreadable(reason, line[:_SHOWN].decode("utf-8", "replace"))
                continue
            if isinstance(entry, Began):
                _check_version(entry, name)
            now_s = max(now_s, entry.at_s)
            yield now_s, entry


def read_events(stream: BinaryIO, name: str) -> Iterator[tuple[float, ProviderEvent]]:
    """Give the provider events of a recording, each with the time at which it arrived.

    Raises:
        UserError: a newer version wrote it.
    """
    for at_s, entry in read_entries(stream, name):
        if isinstance(entry, Unreadable):
            yield at_s, RecordBatch("", name, [], [entry], at_s)
            continue
        event = event_of(entry)
        if event is not None:
            yield at_s, event


def open_recording(path: Path) -> BinaryIO:
    """Open a recording to read it.

    Raises:
        UserError: it cannot be opened, or is no recording.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UserError(
            f"The recording cannot be read: {error.strerror or error}.",
            on=str(path),
            todo="`gammaray-tui recordings` lists those that there are.",
            kind="no-recording",
        ) from error
    if is_recording(stream.read(HEAD_BYTES)):
        stream.seek(0)
        return stream
    stream.close()
    raise UserError(
        "This file is no recording.",
        on=str(path),
        todo="Name a file that --record or the key R has written.",
        kind="no-recording",
    )


def summarise(path: Path) -> Summary:
    """Tell a recording's start, length and size, in most cases without reading it.

    Raises:
        UserError: it cannot be opened, or is no recording.
    """
    with open_recording(path) as stream:
        heads = [head for _, head in scan_heads(stream)]
        stream.seek(0)
        first = _first_line(stream.read(heads[0].size)) if heads else None
        size = path.stat().st_size
        first = first or Began(at_s=0.0)
        stream.seek(0)
        # Of a demo, they are not known yet when its recording begins.
        regions = first.regions or _regions_in(stream)
    start_s = heads[0].first_s if heads else 0.0
    return Summary(
        path,
        first,
        start_s,
        max((head.last_s for head in heads), default=start_s),
        sum(head.records for head in heads),
        regions,
        size,
    )


class Checkpoint:
    """Collects from a recording's events how far each shard was read.

    Attributes:
        positions: region -> shard -> its last position.
    """

    def __init__(self) -> None:
        self.positions: dict[str, dict[tuple[str, str], Position]] = {}

    def note(self, event: ProviderEvent) -> None:
        """Take an event into account."""
        if isinstance(event, RecordBatch) and event.position is not None:
            position = event.position
            shards = self.positions.setdefault(event.region, {})
            shards[position.stream_arn, position.shard_id] = position


def _regions_in(stream: BinaryIO) -> tuple[str, ...]:
    entries = (entry for _, entry in read_entries(stream, ""))
    return tuple(dict.fromkeys(e.status.region for e in entries if isinstance(e, Status)))


def _first_line(member: bytes) -> Began | None:
    try:
        entry = decode(unpack(member).split(b"\n", 1)[0])
    except (Damaged, *UNDECODABLE):
        return None
    return entry if isinstance(entry, Began) else None


def _check_version(began: Began, name: str) -> None:
    if began.version > VERSION:
        raise UserError(
            f"A newer version ({began.program or 'unknown'}) wrote this recording.",
            on=name,
            todo="Update gammaray-tui to read it.",
            kind="newer-recording",
        )
