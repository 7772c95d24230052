"""Records and traces from files and folders, as provider events."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from causality.records import StreamRecord, Unreadable
from providers.errors import UserError
from providers.events import ProviderEvent, RecordBatch, TraceBatch
from providers.file_formats import (
    LINES,
    Decoded,
    Format,
    decode_document,
    decode_lines,
    format_of_start,
    format_of_suffix,
    open_lines,
)
from providers.recordings.members import HEAD_BYTES
from providers.recordings.reader import is_recording, read_events

_BATCH: Final = 1000
_SNIFF_BYTES: Final = 64 * 1024
_BUFFER_BYTES: Final = 64 * 1024  # most trace files are read at once


@dataclass(frozen=True)
class FileSet:
    """Which files to read.

    Attributes:
        files: the files to read, each once.
        ignored: files that were met and are left alone, for the caller to name.
    """

    files: tuple[Path, ...]
    ignored: tuple[Path, ...]


def collect(paths: Sequence[Path]) -> FileSet:
    """Find the files to read among files and folders.

    A folder is searched, subfolders included, for `*.gammaray`, `*.new`, `*.jsonl`, `*.xray`,
    `*.log` and `*.json.gz`. A file named itself is recognised by its ending, else by how it
    begins. What is no regular file (a pipe, /dev/stdin) is recognised only when it is read.

    Raises:
        UserError: a path does not exist, or cannot be looked at.
    """
    files: dict[str, Path] = {}  # by what they are in the end, whatever links lead there
    ignored: dict[str, Path] = {}
    for path in paths:
        try:
            for file, resolved, known in _in_folder(path) if path.is_dir() else _named(path):
                (files if known else ignored).setdefault(resolved, file)
        except OSError as error:
            raise _cannot_read(Path(error.filename or path), error) from error
    return FileSet(
        tuple(files.values()),
        tuple(file for resolved, file in ignored.items() if resolved not in files),
    )


def read(fileset: FileSet, *, once: bool = True) -> Iterator[ProviderEvent]:
    """Read the files, line by line, as batches of at most 1000 records and batches of traces.

    A record that stands in several files comes once, from the file that knows most of it.

    Args:
        fileset: the files.
        once: keep in mind what came; without, any number of records is read in little memory,
            and one that stands in several files comes again.

    Raises:
        UserError: a file cannot be read, or a pipe brings nothing known.
    """
    seen: set[str] | None = set() if once else None
    for path, file_format in _by_preference(fileset.files):
        try:
            with io.BufferedReader(path.open("rb", buffering=0), _BUFFER_BYTES) as stream:
                yield from read_stream(str(path), stream, file_format, seen)
        except OSError as error:
            raise _cannot_read(path, error) from error
        except (EOFError, zlib.error) as error:
            raise _cannot_read(path, OSError(str(error))) from error


def read_stream(
    name: str, stream: io.BufferedReader[Any], file_format: Format | None, seen: set[str] | None
) -> Iterator[ProviderEvent]:
    """Read an open file, or a pipe, to its end.

    Args:
        name: how the file is called where something in it cannot be read.
        stream: the bytes.
        file_format: None to tell it by how it begins.
        seen: identities of records that came before and are left out; grows. None lets all come.

    Raises:
        UserError: it holds nothing known.
    """
    if file_format is None and is_recording(stream.peek(HEAD_BYTES)):
        file_format = Format.RECORDING
    packed = stream.peek(2) if file_format is None else b""
    if file_format is Format.PACKED or format_of_start(packed) is Format.PACKED:
        unpacked = gzip.GzipFile(fileobj=stream)
        yield from read_stream(name, io.BufferedReader(unpacked), None, seen)
        return
    if file_format is Format.RECORDING:
        for _, event in read_events(stream, name):
            yield from _new_of(event, seen)
        return
    lines = open_lines(stream)
    if file_format is None:
        first = next(lines, None)
        if first is None:
            return
        file_format = format_of_start(first[1]) or _format_of_rest(name, first[1])
        lines = chain([first], lines)
    if file_format in LINES:
        yield from batches(name, decode_lines(lines, file_format, name), seen)
        return
    records, traces = decode_document(b"".join(line for _, line in lines))
    for record in records:
        if isinstance(record, Unreadable):
            record.reason = f"{name}: {record.reason}"
    yield from batches(name, records, seen)
    if traces:
        yield TraceBatch(name, traces)


def batches(
    source: str, decoded: Iterable[Decoded], seen: set[str] | None
) -> Iterator[ProviderEvent]:
    """Put new records of one region together, in their order."""
    batch = RecordBatch("", source, [])
    for item in decoded:
        if isinstance(item, StreamRecord):
            if not _is_new(item, seen):
                continue
            if item.awsRegion != batch.region:
                if batch.records or batch.unreadable:
                    yield batch
                batch = RecordBatch(item.awsRegion, source, [])
            batch.records.append(item)
        elif isinstance(item, Unreadable):
            batch.unreadable.append(item)
        else:
            if batch.records or batch.unreadable:
                yield batch
                batch = RecordBatch(batch.region, source, [])
            if isinstance(item, str):
                yield TraceBatch(source, [item])
            else:
                yield from _new_of(item, seen)
        if len(batch.records) + len(batch.unreadable) >= _BATCH:
            yield batch
            batch = RecordBatch(batch.region, source, [])
    if batch.records or batch.unreadable:
        yield batch


def _new_of(event: ProviderEvent, seen: set[str] | None) -> Iterator[ProviderEvent]:
    """Give a recorded event without the records that came before."""
    if not isinstance(event, RecordBatch):
        yield event
        return
    records = [record for record in event.records if _is_new(record, seen)]
    if records or event.unreadable:
        yield replace(event, records=records)


def _is_new(record: StreamRecord, seen: set[str] | None) -> bool:
    if seen is None:
        return True
    key, image = record.eventID, record.dynamodb.NewImage
    if not key:  # told from others by its item and place
        key = f"{image.reqID.S if image else ''}\n{record.dynamodb.SequenceNumber}"
    if key in seen:
        return False
    if image is not None:  # else another file may know what was written
        seen.add(key)
    return True


def _by_preference(files: Iterable[Path]) -> list[tuple[Path, Format | None]]:
    order = list(Format)
    known = [(path, format_of_file(path)) for path in files]
    return sorted(known, key=lambda pair: len(order) if pair[1] is None else order.index(pair[1]))


def format_of_file(path: Path) -> Format | None:
    """Tell a file's format; None for pipes, which can be read only once, and for others' files.

    Raises:
        UserError: the file cannot be read.
    """
    by_suffix = format_of_suffix(path.suffix)
    if by_suffix is not None or not path.is_file():
        return by_suffix
    try:
        with path.open("rb") as stream:
            start = stream.read(_SNIFF_BYTES)
    except OSError as error:
        raise _cannot_read(path, error) from error
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.decode("utf-16", "replace").encode("utf-8", "replace")
    return format_of_start(start)


def _named(path: Path) -> Iterator[tuple[Path, str, bool]]:
    path.stat()  # raises for what does not exist
    known = not path.is_file() or format_of_file(path) is not None
    yield path, os.path.realpath(path), known


def _format_of_rest(name: str, first: bytes) -> Format:
    """Take JSON over many lines from a pipe for what it turns out to be; refuse the rest."""
    if first.lstrip().startswith((b"{", b"[")):
        return Format.DOCUMENT
    raise UserError(
        "The input holds neither stream records nor X-Ray documents",
        on=name,
        todo="Known are recordings, records.jsonl, the original's *.new and *.xray.",
        kind="unknown-format",
    )


def _in_folder(folder: Path) -> Iterator[tuple[Path, str, bool]]:
    for parent, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        place = os.path.realpath(parent)
        for name in sorted(names):
            path = Path(parent, name)
            resolved = os.path.realpath(path) if path.is_symlink() else os.path.join(place, name)
            known = format_of_suffix(path.suffix)
            # People keep other things packed, too; exports of DynamoDB are named so.
            packed = known is Format.PACKED and not name.endswith(".json.gz")
            yield path, resolved, known is not None and not packed


def _raise(error: OSError) -> None:
    raise error


def _cannot_read(path: Path, error: OSError) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError(
            "There is no such file or folder",
            on=str(path),
            todo="Name files or folders with *.gammaray, *.jsonl, *.new or *.xray.",
            kind="no-such-file",
        )
    return UserError(
        f"The file cannot be read: {error.strerror or error}",
        on=str(path),
        # The system's own errors have a number; what unpacks a file has none to give.
        todo="Check its permissions." if error.errno else "If it is cut off, copy it again.",
        kind="unreadable-file",
    )
