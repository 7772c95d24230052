"""Stream records as GetRecords returns them, decoded without trusting any of them."""

from __future__ import annotations

import ast
import json
import re
from typing import Any, Final

import msgspec

from gammaray_recorder import wire

# What decoding raises for bytes or text that is no JSON of the wanted shape, however damaged.
UNDECODABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)


class Text(msgspec.Struct, gc=False):
    """A string attribute value."""

    S: str


class Number(msgspec.Struct, gc=False):
    """A number attribute value; DynamoDB sends numbers as text."""

    N: str


class Image(msgspec.Struct, gc=False):
    """The item as written to the record table, of either generation."""

    reqID: Text
    payload: Text
    ts: Number
    v: Number | None = None


class Change(msgspec.Struct, gc=False):
    """What happened to one item."""

    SequenceNumber: str = ""
    NewImage: Image | None = None
    ApproximateCreationDateTime: float | str | None = None


class StreamRecord(msgspec.Struct, gc=False):
    """One record of a record table's stream (DynamoDB Streams' Record type)."""

    dynamodb: Change
    eventID: str = ""
    eventName: str = "INSERT"
    awsRegion: str = ""


class Unreadable(msgspec.Struct, gc=False):
    """A record that could not be decoded: kept, counted, and shown with its reason."""

    reason: str
    raw: str
    event_id: str = ""
    sequence: str = ""


class Page(msgspec.Struct, gc=False):
    """A decoded GetRecords response."""

    records: list[StreamRecord]
    next_iterator: str | None
    unreadable: list[Unreadable]


class _WirePage(msgspec.Struct, gc=False):
    Records: list[StreamRecord] = []
    NextShardIterator: str | None = None


class _RawPage(msgspec.Struct, gc=False):
    Records: list[msgspec.Raw] = []
    NextShardIterator: str | None = None


_page_decoder = msgspec.json.Decoder(_WirePage)
_raw_page_decoder = msgspec.json.Decoder(_RawPage)
_record_decoder = msgspec.json.Decoder(StreamRecord)


class _LogEntry(msgspec.Struct, gc=False):
    """One item in a line of a function's log."""

    reqID: str
    ts: int
    payload: msgspec.Raw


_log_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_log_entry_decoder = msgspec.json.Decoder(_LogEntry)

_DUMP_LINE = re.compile(r"^(\d+) (INSERT|MODIFY|REMOVE):([^:\s]*):(.*)$", re.DOTALL)
_RAW_SHOWN = 4096
_JSON_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)


def decode_page(body: bytes) -> Page:
    """Decode the body of a GetRecords response.

    The whole page is decoded in one pass; only when a record in it has an unexpected shape is
    each record decoded on its own, so that one bad record costs nothing but itself.

    Raises:
        msgspec.DecodeError: the body itself is not a GetRecords response.
    """
    try:
        page = _page_decoder.decode(body)
    except UNDECODABLE:
        raw, next_iterator = _apart(body)
        decoded = [decode_record(record) for record in raw]
        return Page(
            [record for record in decoded if isinstance(record, StreamRecord)],
            next_iterator,
            [record for record in decoded if isinstance(record, Unreadable)],
        )
    return Page(page.Records, page.NextShardIterator, [])


def _apart(body: bytes) -> tuple[list[bytes], str | None]:
    """Take a page apart into its records, as long as its brackets fit."""
    try:
        raw = _raw_page_decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except UNDECODABLE as error:
        # Half a surrogate pair, NaN, a bare newline in a text, or deeper than anybody reads.
        members: dict[bytes, bytes] = {}
        for member in _split(body, b"{}", str(error)):
            name, _, value = member.partition(b":")
            members[name.strip()] = value
        records = _split(members.get(b'"Records"', b"[]"), b"[]", str(error))
        following = members.get(b'"NextShardIterator"', b"null")
        return records, msgspec.json.decode(following, type=str | None)
    return [bytes(record) for record in raw.Records], raw.NextShardIterator


def _split(text: bytes, brackets: bytes, error: str) -> list[bytes]:
    """Split what stands in an object or a list at its commas, whatever else is wrong with it.

    Raises:
        msgspec.DecodeError: it is none, or no whole one; says `error`.
    """
    text = text.strip()
    depth, start = 0, 1
    parts: list[bytes] = []
    for match in _JSON_TOKEN.finditer(text) if text[:1] == brackets[:1] else ():
        token = match[0]
        if token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
        if (depth == 1 and token == b",") or depth == 0:
            part = text[start : match.start()].strip()
            start = match.end()
            if part:
                parts.append(part)
            if depth == 0:
                break
    if depth or start != len(text) or text[-1:] != brackets[1:]:
        raise msgspec.DecodeError(error)
    return parts


def decode_record(line: bytes) -> StreamRecord | Unreadable:
    """Decode one record: a line of a `records.jsonl` file or an element of a page."""
    try:
        return _record_decoder.decode(line)
    except UNDECODABLE as error:
        event_id, sequence = _identity(line)
        return Unreadable(str(error), _shown(line), event_id, sequence)


def decode_dump_line(line: str) -> StreamRecord | Unreadable:
    """Decode a line of the original's text dump.

    `<SequenceNumber> <INSERT|MODIFY|REMOVE>:<eventID>:<python repr of NewImage, or None>`
    """
    match = _DUMP_LINE.match(line.rstrip("\r\n"))
    if match is None:
        return Unreadable("not a line of a stream dump", line[:_RAW_SHOWN])
    sequence, name, event_id, image_text = match.groups()
    try:
        line.encode()  # half a surrogate pair could be shown, but never be written
        image = ast.literal_eval(image_text)
        decoded = None if image is None else msgspec.convert(image, Image)
        msgspec.json.encode(decoded)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        return Unreadable(str(error), line[:_RAW_SHOWN], event_id, sequence)
    return StreamRecord(Change(sequence, decoded), event_id, name)


def parse_log_line(line: str, region: str = "") -> list[StreamRecord | Unreadable]:
    """Decode what a recorder wrote to its function's log in one line (docs/records.md).

    Args:
        line: the line, with or without what a log puts before it; also one of JSON that holds
            it as its "message".
        region: the log's.

    Returns:
        The records in it; none when the line is not a recorder's.
    """
    start = line.find(wire.LOG_MARK + " [")
    if start < 0:
        return []
    text = line[start + len(wire.LOG_MARK) :].strip()
    if line.lstrip().startswith("{"):
        try:
            wrapped = json.loads(line)
        except (ValueError, RecursionError):
            wrapped = None
        if isinstance(wrapped, dict) and isinstance(wrapped.get("message"), str):
            return parse_log_line(wrapped["message"], region)
    records: list[StreamRecord | Unreadable] = []
    try:
        entries = _log_decoder.decode(text)
    except UNDECODABLE as error:
        return [Unreadable(str(error), line[:_RAW_SHOWN])]
    for raw in entries:
        try:
            entry = _log_entry_decoder.decode(raw)
        except UNDECODABLE as error:
            records.append(Unreadable(str(error), _shown(bytes(raw))))
            continue
        image = Image(
            Text(entry.reqID),
            Text(bytes(entry.payload).decode("utf-8", "replace")),
            Number(str(entry.ts)),
            Number(str(wire.VERSION)),
        )
        # Items are written once: their key tells them apart as an event id does.
        change = Change("", image, entry.ts / 1000)
        records.append(StreamRecord(change, entry.reqID, "INSERT", region))
    return records


def _identity(line: bytes) -> tuple[str, str]:
    """Find an unreadable record's event id and sequence number, as far as they can be read."""
    try:
        loose: Any = msgspec.json.decode(line)
    except UNDECODABLE:
        return "", ""
    if not isinstance(loose, dict):
        return "", ""
    change = loose.get("dynamodb")
    sequence = change.get("SequenceNumber") if isinstance(change, dict) else None
    event_id = loose.get("eventID")
    return (
        event_id if isinstance(event_id, str) else "",
        sequence if isinstance(sequence, str) else "",
    )


def _shown(line: bytes) -> str:
    return line[:_RAW_SHOWN].decode("utf-8", "replace")
