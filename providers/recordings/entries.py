"""What a recording's lines say: every provider event with the time at which it arrived.

docs/recordings.md describes the file. Lines are JSON objects told apart by `k`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from causality.records import StreamRecord, Unreadable
from providers.events import (
    EndOfInput,
    Gap,
    Mark,
    Position,
    ProviderEvent,
    RecordBatch,
    RegionStatus,
    Restart,
    TraceBatch,
)

VERSION: Final = 1


class _Line(msgspec.Struct, tag_field="k", omit_defaults=True, kw_only=True):
    """What all lines have.

    Attributes:
        at_s: epoch second at which it arrived.
    """

    at_s: float


class Began(_Line, tag="began"):
    """The first line, and once more each time that recording goes on in the same file.

    Attributes:
        version: of the format.
        kind: "watch" or "demo".
        origin: what is watched: profile, endpoint and table, as one text; a watch of the same
            goes on from here.
        since_s: records created before this epoch second were not asked for; None asks for all.
    """

    version: int = VERSION
    program: str = ""
    kind: str = "watch"
    title: str = ""
    origin: str = ""
    regions: tuple[str, ...] = ()
    since_s: float | None = None


class Records(_Line, tag="records"):
    """A page of stream records, as it came from a shard."""

    region: str = ""
    source: str = ""
    records: list[StreamRecord] = []
    unreadable: list[Unreadable] = []
    position: Position | None = None


class Documents(_Line, tag="traces"):
    """X-Ray documents."""

    source: str = ""
    region: str = ""
    documents: list[str] = []


class Status(_Line, tag="status"):
    """How reading a region went from then on."""

    status: RegionStatus


class Lost(_Line, tag="gap"):
    """Records known to be lost."""

    region: str = ""
    source: str = ""
    detail: str = ""


class Marked(_Line, tag="mark"):
    """Something the user or the tool did."""

    kind: str = ""
    text: str = ""


class Alive(_Line, tag="alive"):
    """Nothing came for a while, though every region could be read."""


class Ended(_Line, tag="ended"):
    """Recording was ended in order; what has no such line was killed, or still runs."""


Entry: TypeAlias = Began | Records | Documents | Status | Lost | Marked | Alive | Ended

_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)
_encoder = msgspec.json.Encoder()


def encode(entry: Entry) -> bytes:
    """Write an entry as a line, newline included."""
    return _encoder.encode(entry) + b"\n"


def decode(line: bytes) -> Entry:
    """Read a line.

    Raises:
        msgspec.DecodeError: it is none of a recording.
    """
    return _decoder.decode(line)


def entry_of(event: ProviderEvent, now_s: float) -> Entry | None:
    """Give the entry that keeps an event; None for what only replays say."""
    match event:
        case RecordBatch():
            return Records(
                at_s=event.received_at_s or now_s,
                region=event.region,
                source=event.source,
                records=event.records,
                unreadable=event.unreadable,
                position=event.position,
            )
        case TraceBatch():
            return Documents(
                at_s=now_s, source=event.source, region=event.region, documents=event.documents
            )
        case RegionStatus():
            return Status(at_s=now_s, status=event)
        case Gap():
            return Lost(
                at_s=event.at_s, region=event.region, source=event.source, detail=event.detail
            )
        case Mark():
            return Marked(at_s=event.at_s, kind=event.kind, text=event.text)
        case EndOfInput() | Restart():
            return None


def event_of(entry: Entry) -> ProviderEvent | None:
    """Give the event that an entry keeps; None for what only the file itself needs."""
    match entry:
        case Records():
            return RecordBatch(
                entry.region,
                entry.source,
                entry.records,
                entry.unreadable,
                entry.at_s,
                entry.position,
            )
        case Documents():
            return TraceBatch(entry.source, entry.documents, entry.region)
        case Status():
            return entry.status
        case Lost():
            return Gap(entry.region, entry.source, entry.detail, entry.at_s)
        case Marked():
            return Mark(entry.at_s, entry.kind, entry.text)
        case Began() | Alive() | Ended():
            return None


def record_count(entry: Entry) -> int:
    """Give the number of records that an entry carries."""
    return len(entry.records) + len(entry.unreadable) if isinstance(entry, Records) else 0
