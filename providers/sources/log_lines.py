"""Records in a function's log: the lines that the recorder writes when it has no table."""

from __future__ import annotations

from typing import Final

import msgspec

from causality.records import Change, Image, Number, StreamRecord, Text, Unreadable
from gammaray_recorder import wire

MARK: Final = f"{wire.LOG_MARK} ["
_SHOWN: Final = 4096


class _Entry(msgspec.Struct, rename={"key": wire.ITEM_KEY, "at_ms": wire.ITEM_TIME}):
    key: str
    at_ms: int
    payload: msgspec.Raw


_decoder = msgspec.json.Decoder(list[_Entry])


def decode_log_line(line: str, region: str = "") -> list[StreamRecord | Unreadable]:
    """Give the records in a line of a log, whatever stands before them; none in most lines.

    An item's key is written once only, so that it serves as event id.
    """
    place = line.find(MARK)
    if place < 0:
        return []
    try:
        entries = _decoder.decode(line[place + len(wire.LOG_MARK) :].strip())
    except (msgspec.DecodeError, UnicodeError) as error:
        return [Unreadable(f"a line of a log: {error}", line[:_SHOWN])]
    return [_record(entry, region) for entry in entries]


def _record(entry: _Entry, region: str) -> StreamRecord:
    image = Image(
        Text(entry.key),
        Text(bytes(entry.payload).decode()),
        Number(str(entry.at_ms)),
        Number(str(wire.VERSION)),
    )
    return StreamRecord(Change("", image), entry.key, "INSERT", region)
