"""What waits in the collector's table: halves of edges, puts, and what is looked at again.

An example of each item stands in gammaray_collector.items.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from causality.facts import Call, Cause, Output
from causality.matching.match_keys import EXACT
from gammaray_collector.items import (
    BODY,
    EXPIRES,
    INVOCATIONS_KEPT_S,
    PK,
    SK,
    Item,
    digest,
    instant,
    text_of,
)
from gammaray_recorder import wire

PUT_SHARDS: Final = 4
DUE_SHARDS: Final = 64  # each takes a thousand write units a second
DUE_TOGETHER: Final = 25
_PACKED = "p"
_OUTPUT = "o"
_CAUSE = "c"
_SCHEDULES_KEPT_S = 366 * 86400.0  # one output for all the times that it fires
_PUTS_KEPT_S = 2 * 3600.0  # past an hour, order alone leads nowhere
# Open halves: as long as equal content is looked for, and what a stream may come late by.
HALVES_KEPT_S: Final = 50 * 3600.0


class OutputHalf(msgspec.Struct, frozen=True, omit_defaults=True):
    """An output of a call, waiting under one of its match keys.

    Attributes:
        output_id: the same for the same output, from whichever record.
        number: its place in its call.
        region: where its invocation ran.
        call: without its outputs.
    """

    request: str
    output_id: str
    number: int
    call: Call
    output: Output
    region: str | None = None
    attempt: str | None = None


class CauseHalf(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cause of an invocation, waiting under one of its match keys.

    Attributes:
        cause_id: the same for the same cause, from whichever attempt's record.
        number: its place in its invocation's event.
        began_s: when that attempt began.
        arn: of the function, as invoked.
    """

    request: str
    cause_id: str
    number: int
    began_s: float
    cause: Cause
    arn: str = ""
    region: str | None = None


_output = msgspec.json.Decoder(OutputHalf)
_cause = msgspec.json.Decoder(CauseHalf)
_causes = msgspec.json.Decoder(list[CauseHalf])

Half: TypeAlias = OutputHalf | CauseHalf


def half_item(half: Half, level: int, key: tuple[str, ...]) -> Item:
    """Give the item of a half under one of its match keys (causality.matching.match_keys).

    Args:
        half: an output or a cause.
        level: EXACT, CONTENT or ORDER.
        key: the match key.
    """
    kind, identity, at_s = _told(half)
    place = f"{kind}#{identity}#{instant(at_s)}"
    if level != EXACT:
        place = f"{instant(at_s)}#{kind}#{identity}"
    schedule = key[0] == wire.ID_SCHEDULE
    return {
        PK: key_partition(level, key),
        SK: place,
        BODY: text_of(half),
        EXPIRES: int(at_s + (_SCHEDULES_KEPT_S if schedule else HALVES_KEPT_S)),
    }


def half_of(item: Item) -> Half:
    """Read the item of a half."""
    first, second, _ = str(item[SK]).split("#", 2)
    kind = first if first in (_OUTPUT, _CAUSE) else second
    body = str(item[BODY])
    return _output.decode(body) if kind == _OUTPUT else _cause.decode(body)


def key_partition(level: int, key: tuple[str, ...]) -> str:
    """Give the partition of all who share a match key."""
    return f"k#{digest(text_of((level, key)).encode())}"


def _told(half: Half) -> tuple[str, str, float]:
    if isinstance(half, OutputHalf):
        return _OUTPUT, half.output_id, half.call.at_s or 0.0
    return _CAUSE, half.cause_id, half.began_s


# --- keys of tables -------------------------------------------------------------------------------

TablePlace: TypeAlias = tuple[str, str]  # region, name


def key_names_item(table: TablePlace, names: tuple[str, ...], at_s: float) -> Item:
    """Give the item that says which attributes are the key of a table."""
    return {
        PK: key_names_partition(table),
        SK: text_of(names),
        EXPIRES: int(at_s + INVOCATIONS_KEPT_S),
    }


def key_names_partition(table: TablePlace) -> str:
    """Give the partition of what is known of a table's key."""
    return f"n#{table[0]}#{table[1]}"


def key_names_of_item(item: Item) -> tuple[str, ...]:
    """Read the item that says which attributes are the key of a table."""
    return msgspec.json.decode(str(item[SK]), type=tuple[str, ...])


def put_item(half: OutputHalf, table: TablePlace) -> Item:
    """Give the item of a put into a table of which nobody told the key yet."""
    shard = int(half.output_id[:2], 16) % PUT_SHARDS
    return {
        PK: put_partitions(table)[shard],
        SK: f"{_OUTPUT}#{half.output_id}",
        BODY: text_of(half),
        EXPIRES: int((half.call.at_s or 0.0) + _PUTS_KEPT_S),
    }


def half_of_put(item: Item) -> OutputHalf:
    """Read a put into a table of which nobody had told the key yet."""
    return _output.decode(str(item[BODY]))


def put_partitions(table: TablePlace) -> list[str]:
    """Give the partitions of the puts into a table of which nobody told the key yet."""
    return [f"p#{table[0]}#{table[1]}#{shard}" for shard in range(PUT_SHARDS)]


# --- what has to be looked at again -----------------------------------------------------------


def due_items(halves: Sequence[CauseHalf], at_s: float) -> Iterator[Item]:
    """Give the items that have causes looked at again at some time.

    One holds several: alone, each would take a write unit to come and one to go.
    """
    for first in range(0, len(halves), DUE_TOGETHER):
        part = list(halves[first : first + DUE_TOGETHER])
        name = digest("".join(half.cause_id for half in part).encode())
        yield {
            PK: due_partition(int(name[:2], 16) % DUE_SHARDS),
            SK: f"{instant(at_s)}#{name}",
            _PACKED: zlib.compress(text_of(part).encode()),
            EXPIRES: int(at_s + INVOCATIONS_KEPT_S),
        }


def due_partition(shard: int) -> str:
    """Give one of the partitions of what has to be looked at again."""
    return f"u#{shard}"


def due_causes_of(item: Item) -> list[CauseHalf]:
    """Read what has to be looked at again."""
    packed = item[_PACKED]
    return _causes.decode(zlib.decompress(packed)) if isinstance(packed, bytes) else []
