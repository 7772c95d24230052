"""A recording's container: gzip members, each whole in itself and saying how long it is.

`zcat` reads the file. Each member's header has a field of its own ("GR", as RFC 1952 provides)
with the member's length, the times of its first and last line, and the number of records, so
that a file can be listed, and a torn end be found, without decompressing anything.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

MAGIC: Final = b"\x1f\x8b\x08\x04"  # gzip, deflate, with an extra field
_FIELD: Final = b"GR"
_HEAD = struct.Struct("<4s I B B H 2s H")  # magic, time, flags, system, extra length, id, length
_OURS = struct.Struct("<I d d I")  # member's length, first and last time, records
_TAIL = struct.Struct("<I I")  # CRC-32 and length of what was compressed
_UNKNOWN_SYSTEM: Final = 255
_LEVEL: Final = 4
HEAD_BYTES: Final = _HEAD.size + _OURS.size


@dataclass(frozen=True, slots=True)
class Head:
    """What a member's header says.

    Attributes:
        size: bytes of the whole member.
        first_s, last_s: epoch seconds of its first and last line.
        records: number of stream records in it.
    """

    size: int
    first_s: float
    last_s: float
    records: int


class Damaged(Exception):
    """A member, or what stands in the place of one, cannot be read.

    Attributes:
        torn: the file ends in the middle of it: a writer was killed, or is at work.
    """

    def __init__(self, reason: str, *, torn: bool = False) -> None:
        super().__init__(reason)
        self.torn = torn


def pack(lines: bytes, first_s: float, last_s: float, records: int) -> bytes:
    """Make a member of lines."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = compressor.compress(lines) + compressor.flush()
    size = HEAD_BYTES + len(data) + _TAIL.size
    return b"".join(
        (
            _HEAD.pack(MAGIC, int(first_s), 0, _UNKNOWN_SYSTEM, 4 + _OURS.size, _FIELD, _OURS.size),
            _OURS.pack(size, first_s, last_s, records),
            data,
            _TAIL.pack(zlib.crc32(lines), len(lines) & 0xFFFFFFFF),
        )
    )


def read_head(start: bytes) -> Head:
    """Read a member's header.

    Raises:
        Damaged: there is none, or not all of it.
    """
    if len(start) < HEAD_BYTES:
        raise Damaged("the file ends in the middle of a header", torn=True)
    magic, _, _, _, extra, field, length = _HEAD.unpack_from(start)
    if (magic, extra, field, length) != (MAGIC, 4 + _OURS.size, _FIELD, _OURS.size):
        raise Damaged("no part of a recording begins here")
    size, first_s, last_s, records = _OURS.unpack_from(start, _HEAD.size)
    if size < HEAD_BYTES + _TAIL.size:
        raise Damaged("no part of a recording is as short as this one says")
    return Head(size, first_s, last_s, records)


def unpack(member: bytes) -> bytes:
    """Give the lines of a member.

    Raises:
        Damaged: its bytes are not what was written.
    """
    try:
        return zlib.decompress(member, wbits=16 + zlib.MAX_WBITS)
    except zlib.error as error:
        raise Damaged(f"damaged: {error}") from error


def read_members(stream: BinaryIO) -> Iterator[tuple[int, bytes | Damaged]]:
    """Give each member's place and its lines, or what is wrong there; goes on behind damage.

    Needs nothing but `read`, so that a pipe will do.
    """
    place = 0
    while start := _read(stream, HEAD_BYTES):
        try:
            head = read_head(start)
            member = start + _read(stream, head.size - len(start))
            if len(member) < head.size:
                raise Damaged("the file ends in the middle of a part", torn=True)
        except Damaged as damage:
            yield place, damage
            if damage.torn:
                return
            # How long it is cannot be told: the next one begins where a header can be read.
            rest = start + stream.read()
            skipped = _next_member(rest)
            if skipped is None:
                return
            place += skipped
            stream = io.BytesIO(rest[skipped:])
            continue
        try:
            yield place, unpack(member)
        except Damaged as damage:
            yield place, damage
        place += head.size


def scan_heads(stream: BinaryIO) -> Iterator[tuple[int, Head]]:
    """Give the headers of all whole members of a file, by skipping from one to the next.

    Ends before the first that is torn or no header at all.
    """
    length = stream.seek(0, io.SEEK_END)
    place = 0
    while place < length:
        stream.seek(place)
        try:
            head = read_head(stream.read(HEAD_BYTES))
        except Damaged:
            return
        if place + head.size > length:
            return
        yield place, head
        place += head.size


def whole_length(stream: BinaryIO) -> int:
    """Give the length of what can be kept of a file: up to its last member that is in order.

    A power cut can leave a tail of zeros or of old bytes behind whole headers, so the last
    ones are decompressed.
    """
    members = list(scan_heads(stream))
    while members:
        place, head = members.pop()
        stream.seek(place)
        try:
            unpack(stream.read(head.size))
        except Damaged:
            continue
        return place + head.size
    return 0


def _next_member(data: bytes) -> int | None:
    place = data.find(MAGIC, 1)
    while place >= 0:
        try:
            read_head(data[place : place + HEAD_BYTES])
        except Damaged:
            place = data.find(MAGIC, place + 1)
        else:
            return place
    return None


def _read(stream: BinaryIO, count: int) -> bytes:
    """Read exactly so much, or what there is: a pipe gives what it has."""
    parts = []
    while count > 0:
        part = stream.read(count)
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
