"""The file formats that records and traces come in, told apart and decoded."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, TypeAlias

import msgspec

from causality.records import (
    UNDECODABLE,
    Change,
    Image,
    StreamRecord,
    Unreadable,
    decode_dump_line,
    decode_page,
    decode_record,
    parse_log_line,
)
from gammaray_recorder import wire
from providers.events import ProviderEvent
from providers.recordings import entries
from providers.recordings.reader import SUFFIX, is_recording

Decoded: TypeAlias = StreamRecord | Unreadable | str | ProviderEvent
"""A record, something that is none, an X-Ray document, or what a recording's line says."""

_NEXT: Final = re.compile(r"\S")
_DUMP_START: Final = re.compile(rb"\d+ (?:INSERT|MODIFY|REMOVE):")
_LOG_START: Final = re.compile(
    rb"(?:INIT_START |START RequestId: |" + re.escape(wire.LOG_MARK.encode()) + rb")"
)
_GZIP: Final = b"\x1f\x8b"
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_SHOWN_BYTES: Final = 4096
_TELLTALE_NAMES: Final = (
    b'"Document"',
    b'"Items"',
    b'"Records"',
    b'"reqID"',
    b'"Segments"',
    b'"Traces"',
    b'"dynamodb"',
    b'"trace_id"',
    b'\\"trace_id\\"',
)


class _Segment(msgspec.Struct, gc=False):
    Document: str


class _Trace(msgspec.Struct, gc=False):
    Segments: list[_Segment]


class _TracesAnswer(msgspec.Struct, gc=False):
    Traces: list[_Trace]


_traces_decoder = msgspec.json.Decoder(_TracesAnswer)


class Format(Enum):
    """How a file is read; the order is the order of preference between copies of a record.

    Records as GetRecords gave them know their region and time of creation; the text dump of
    the same records does not.
    """

    RECORDING = "a recording of a watch"
    RECORDS = "a record or a GetRecords answer on each line"
    DUMP = "the original's text dump"
    LOG = "a function's log, of a recorder that writes to standard output"
    EXPORT = "DynamoDB's export to S3, in DynamoDB JSON"
    PACKED = "any of these, packed by gzip"
    DOCUMENT = "one JSON document over many lines"
    TRACES = "X-Ray documents"


# Those that are read line by line.
LINES: Final = frozenset({Format.RECORDS, Format.DUMP, Format.LOG, Format.EXPORT})
_SUFFIXES: Final = {
    SUFFIX: Format.RECORDING,
    ".jsonl": Format.RECORDS,
    ".new": Format.DUMP,
    ".xray": Format.TRACES,
    ".log": Format.LOG,
    ".gz": Format.PACKED,
}


class _Exported(msgspec.Struct, gc=False):
    Item: Image | None = None
    NewImage: Image | None = None
    Keys: dict[str, Any] | None = None


_export = msgspec.json.Decoder(_Exported)
_image = msgspec.json.Decoder(Image)
_scanner = json.JSONDecoder()


def format_of_suffix(suffix: str) -> Format | None:
    """Tell the format by a file name's ending."""
    return _SUFFIXES.get(suffix.lower())


def format_of_start(start: bytes) -> Format | None:
    """Tell the format by the first line, or by as much of it as was read."""
    if is_recording(start):
        return Format.RECORDING
    if start.startswith(_GZIP):
        return Format.PACKED
    start = start.removeprefix(_UTF8_MARK).lstrip()
    if _DUMP_START.match(start):
        return Format.DUMP
    if not start.startswith((b"{", b"[")):
        return Format.LOG if _LOG_START.search(start) else None
    line = start.split(b"\n", 1)[0]
    try:
        value = msgspec.json.decode(line)
    except UNDECODABLE:
        return Format.DOCUMENT if any(name in start for name in _TELLTALE_NAMES) else None
    if isinstance(value, dict):
        if "Item" in value or ("Keys" in value and "Metadata" in value):
            return Format.EXPORT
        if {"dynamodb", "Records", "k", "reqID"} & value.keys():
            return Format.RECORDS
        if "Items" in value:
            return Format.DOCUMENT
        return Format.TRACES if {"Traces", "Segments", "trace_id"} & value.keys() else None
    return Format.DOCUMENT if isinstance(value, list) else None


def open_lines(stream: io.BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Give a stream's lines as UTF-8, whatever mark it begins with, each with its number.

    Blank ones are left out. The last line keeps its missing newline, so that a torn file can
    be told.
    """
    start = stream.peek(3)
    if start.startswith(_UTF16_MARKS):
        text = io.TextIOWrapper(stream, encoding="utf-16", errors="replace", newline="\n")
        lines: Iterator[bytes] = (line.encode("utf-8", "replace") for line in text)
    else:
        if start.startswith(_UTF8_MARK):
            stream.read(len(_UTF8_MARK))
        lines = iter(stream)
    return (pair for pair in enumerate(lines, 1) if not pair[1].isspace())


def decode_lines(
    lines: Iterator[tuple[int, bytes]], file_format: Format, name: str
) -> Iterator[Decoded]:
    """Decode numbered lines of the file `name`; one that is nothing known is unreadable."""
    decode = _DECODERS.get(file_format, _decode_json)
    for number, line in lines:
        for item in decode(line):
            if isinstance(item, Unreadable):
                torn = "the file ends in the middle of a record: " if line[-1:] != b"\n" else ""
                item.reason = f"{name}:{number}: {torn}{item.reason}"
            yield item


def decode_document(data: bytes) -> tuple[list[StreamRecord | Unreadable], list[str]]:
    """Decode a whole JSON document: records and X-Ray documents, as far as it has them.

    Known are GetRecords answers, BatchGetTraces answers, what `aws dynamodb scan`, `query` and
    `get-item` print, and lists or single ones of records, items, traces and segment documents;
    also several of these, one a line.
    """
    documents = _traces_of_answer(data)
    if documents is not None:
        return [], documents
    try:
        value = msgspec.json.decode(data)
    except UNDECODABLE as error:
        lines = data.strip().splitlines()
        if len(lines) > 1 and _is_json(lines[0]):
            parts = [line for line in lines if line.strip()]
        else:
            parts = _one_after_another(data)
        if len(parts) < 2:
            return [_unreadable(f"not a JSON document: {error}", data)], []
        found = [decode_document(one) for one in parts]
        return [r for records, _ in found for r in records], [t for _, ts in found for t in ts]
    records: list[StreamRecord | Unreadable] = []
    traces: list[str] = []
    pending: list[Any] = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += reversed(part)
        elif isinstance(part, str) and '"trace_id"' in part:
            traces.append(part)
        elif not isinstance(part, dict):
            records.append(_unreadable("neither a record nor a trace", _json(part)))
        elif "Traces" in part:
            pending.append(part["Traces"])
        elif "Records" in part:
            pending.append(part["Records"])
        elif "Segments" in part or "Spans" in part:  # of BatchGetTraces, of ListRetrievedTraces
            pending.append(part["Segments"] if "Segments" in part else part["Spans"])
        elif "Document" in part:
            document = part["Document"]
            traces.append(document if isinstance(document, str) else _json(document).decode())
        elif "Items" in part or "Item" in part:
            pending.append(part["Items"] if "Items" in part else part["Item"])
        elif "reqID" in part:
            records.append(_item(_json(part)))
        elif "dynamodb" in part:
            records.append(decode_record(_json(part)))
        elif "trace_id" in part:
            traces.append(_json(part).decode())
        else:
            records.append(_unreadable("neither a record nor a trace", _json(part)))
    return records, traces


def _one_after_another(data: bytes) -> list[bytes]:
    """Take apart what several commands wrote into one file; the last one may be no document."""
    text, start = data.decode("utf-8", "replace").strip(), 0
    documents = []
    while start < len(text):
        try:
            _, end = _scanner.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = len(text)
        documents.append(text[start:end].encode())
        following = _NEXT.search(text, end)
        start = following.start() if following is not None else len(text)
    return documents


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except UNDECODABLE:
        return False
    return True


def _traces_of_answer(data: bytes) -> list[str] | None:
    """Give the documents of a whole BatchGetTraces answer, as most are; None for all else."""
    try:
        answer = _traces_decoder.decode(data)
    except UNDECODABLE:
        return None
    return [segment.Document for trace in answer.Traces for segment in trace.Segments]


def _decode_json(line: bytes) -> list[Decoded]:
    record = decode_record(line)
    if not isinstance(record, Unreadable):
        return [record]
    if b'"Records"' in line:
        try:
            page = decode_page(line)
        except UNDECODABLE:
            return [record]
        return [*page.records, *page.unreadable]
    if b'"k"' in line:
        try:
            event = entries.event_of(entries.decode(line))
        except UNDECODABLE:
            return [record]
        return [] if event is None else [event]
    if b'"trace_id"' in line and _has(line, "trace_id"):
        return [line.decode()]
    if b'"reqID"' in line and _has(line, "reqID"):
        return [_item(line)]
    return [record]


def _has(line: bytes, name: str) -> bool:
    try:
        value = msgspec.json.decode(line)
    except UNDECODABLE:
        return False
    return isinstance(value, dict) and name in value


def _item(line: bytes) -> StreamRecord | Unreadable:
    """Decode an item as the table holds it."""
    try:
        return StreamRecord(Change("", _image.decode(line)))
    except UNDECODABLE as error:
        return _unreadable(str(error), line)


def _decode_dump(line: bytes) -> list[Decoded]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return [_unreadable(str(error), line)]
    return [decode_dump_line(text)]


def _decode_log(line: bytes) -> list[Decoded]:
    return list(parse_log_line(line.decode("utf-8", "replace")))


def _decode_export(line: bytes) -> list[Decoded]:
    """Decode a line of a full export (an item), or of an incremental one (a change).

    Source: Amazon DynamoDB developer guide, "DynamoDB table export output format".
    """
    try:
        exported = _export.decode(line)
    except UNDECODABLE as error:
        return [_unreadable(str(error), line)]
    image = exported.Item or exported.NewImage
    if image is None and exported.Keys is None:
        return [_unreadable("neither an item nor a change of one", line)]
    return [StreamRecord(Change("", image), eventName="REMOVE" if image is None else "INSERT")]


_DECODERS: Final = {
    Format.DUMP: _decode_dump,
    Format.LOG: _decode_log,
    Format.EXPORT: _decode_export,
}


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _unreadable(reason: str, raw: bytes) -> Unreadable:
    return Unreadable(reason, raw[:_SHOWN_BYTES].decode("utf-8", "replace"))
