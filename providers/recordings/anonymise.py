"""Recordings that can be given away: names, keys, accounts and ids replaced, the graph kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from causality.records import UNDECODABLE, Change, Image, StreamRecord, Text, Unreadable
from gammaray_recorder import wire
from providers.events import Position, RegionStatus
from providers.recordings.entries import (
    Alive,
    Began,
    Documents,
    Ended,
    Entry,
    Lost,
    Marked,
    Records,
    Status,
)
from providers.recordings.scrub import Scrubber

# Their order tells which of two deliveries came first, and nothing else.
_ORDERED_IDS: Final = frozenset({wire.ID_DDB_SEQUENCE, wire.ID_S3_SEQUENCER, wire.ID_KINESIS})
# Of X-Ray: what the engine reads as it stands. Everything else is replaced, or left out.
_KEPT_FIELDS: Final = frozenset(
    {"origin", "namespace", "operation", "region", "type", "method", "version"}
)
_DROPPED_FIELDS: Final = frozenset(
    {"annotations", "metadata", "user", "user_agent", "client_ip", "sql", "cause", "exceptions"}
)
_KEPT_FACTS: Final = frozenset(
    {
        *(wire.KIND, wire.SERVICE, wire.OPERATION, wire.REGION, wire.NAME, wire.STATUS),
        *(wire.ERROR, wire.CALL_ID, wire.FUNCTION_VERSION),
    }
)
_HASHED: Final = frozenset({wire.HASH})
_UNREADABLE: Final = "a record that could not be read, left out"


def anonymise(
    entries: Callable[[], Iterable[Entry | Unreadable]], scrubber: Scrubber | None = None
) -> Iterator[Entry]:
    """Give a recording's entries with everything replaced that names somebody or something.

    Args:
        entries: gives the entries from the start; called twice, for hashes of keys can be
            replaced only once all keys are known.
        scrubber: what replaces; a new one when not given.
    """
    work = _Anonymiser(scrubber or Scrubber())
    for entry in entries():
        if isinstance(entry, Records):
            for record in entry.records:
                work.learn_keys(record)
    for entry in entries():
        if not isinstance(entry, Unreadable):
            yield work.entry(entry)


class _Anonymiser:
    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._text = scrubber.text

    def entry(self, entry: Entry) -> Entry:
        match entry:
            case Records():
                return msgspec.structs.replace(
                    entry,
                    source=self._source(entry.source),
                    records=[self._record(record) for record in entry.records],
                    unreadable=[Unreadable(_UNREADABLE, "") for _ in entry.unreadable],
                    position=self._position(entry.position),
                )
            case Documents():
                documents = [self._document(text) for text in entry.documents]
                return msgspec.structs.replace(
                    entry, source=self._source(entry.source), documents=documents
                )
            case Lost():
                return msgspec.structs.replace(
                    entry, source=self._source(entry.source), detail="records are known to be lost"
                )
            case Marked():
                return msgspec.structs.replace(entry, text=self._text(entry.text))
            case Status(status=status):
                told = RegionStatus(status.region, status.phase, status.kind, shards=status.shards)
                return msgspec.structs.replace(entry, status=told)
            case Began():
                return msgspec.structs.replace(entry, title="anonymised", origin="")
            case Alive() | Ended():
                return entry

    def learn_keys(self, record: StreamRecord) -> None:
        """Work out the hashes that keys of items have once they are replaced."""
        payload = _payload_of(record)
        for event in _list(payload.get(wire.EVENTS)) if payload is not None else ():
            for cause in _list(event.get(wire.CAUSES)):
                for name, typed in _attributes(cause.get(wire.KEY)):
                    new = self._typed(typed)
                    try:
                        old_hash = wire.attribute_hash(name, typed)
                        new_hash = wire.attribute_hash(self._text(name), new)
                    except (ArithmeticError, ValueError):
                        continue  # no key that a recorder wrote
                    self._scrubber.hashes[old_hash] = new_hash

    def _record(self, record: StreamRecord) -> StreamRecord:
        image = record.dynamodb.NewImage
        change = record.dynamodb
        if image is not None:
            change = Change(
                change.SequenceNumber, self._image(image), change.ApproximateCreationDateTime
            )
        return StreamRecord(change, self._text(record.eventID), record.eventName, record.awsRegion)

    def _image(self, image: Image) -> Image:
        request_id, colon, rest = image.reqID.S.partition(":")
        payload = self._payload(image.payload.S)
        return Image(Text(self._text(request_id) + colon + rest), Text(payload), image.ts, image.v)

    def _payload(self, text: str) -> str:
        """Replace what a payload of either generation says."""
        try:
            payload = msgspec.json.decode(text)
        except UNDECODABLE:
            return self._text(text)  # an entry of the original's, or nothing known
        if not isinstance(payload, dict):
            return self._text(text)
        if "gr_payload" in payload:
            payload = self._segment(payload)
        else:
            payload = {
                name: [self._fact(event) for event in _list(value)]
                if name == wire.EVENTS
                else self._text(value)
                if name == wire.REQUEST_ID
                else value
                for name, value in payload.items()
            }
        return msgspec.json.encode(payload).decode()

    def _fact(self, fact: dict[str, Any]) -> dict[str, Any]:
        return {name: self._part(name, value) for name, value in fact.items()}

    def _part(self, name: str, value: Any) -> Any:
        if name in (wire.CAUSES, wire.OUTPUTS):
            return [self._fact(part) for part in _list(value)]
        if name == wire.IDS and isinstance(value, dict):
            return {
                kind: v if kind in _ORDERED_IDS or not isinstance(v, str) else self._text(v)
                for kind, v in value.items()
            }
        if name == wire.ATTRIBUTE_HASHES and isinstance(value, dict):
            return {self._text(n): self._scrubber.hash(str(v)) for n, v in value.items()}
        if not isinstance(value, str) or name in _KEPT_FACTS:
            return value
        if name in _HASHED:
            return self._scrubber.hash(value)
        if name == wire.KEY and (attributes := _attributes(value)):
            return self._key(value) if attributes else self._text(value)
        return self._text(value)

    def _key(self, key: str) -> str:
        """Replace a canonical key of DynamoDB's; its attributes are sorted by name."""
        renamed = {self._text(name): self._typed(typed) for name, typed in _attributes(key)}
        return wire.canonical_key(renamed)

    def _typed(self, typed: dict[str, str]) -> dict[str, str]:
        ((kind, value),) = typed.items()
        replaced = self._scrubber.hash if kind == wire.HIDDEN else self._text
        return {kind: replaced(value)}

    def _document(self, text: str) -> str:
        try:
            document = msgspec.json.decode(text)
        except UNDECODABLE:
            return "{}"
        if not isinstance(document, dict):
            return "{}"
        return msgspec.json.encode(self._segment(document)).decode()

    def _segment(self, value: Any) -> Any:
        """Replace what an X-Ray document says, level by level."""
        if isinstance(value, dict):
            return {
                name: part if name in _KEPT_FIELDS else self._segment(part)
                for name, part in value.items()
                if name not in _DROPPED_FIELDS
            }
        if isinstance(value, list):
            return [self._segment(part) for part in value]
        return self._text(value) if isinstance(value, str) else value

    def _position(self, position: Position | None) -> Position | None:
        if position is None:
            return None
        return Position(
            self._text(position.stream_arn), position.shard_id, position.sequence, position.ended
        )

    def _source(self, source: str) -> str:
        return source if source.startswith("shardId-") else self._text(source)


def _payload_of(record: StreamRecord) -> dict[str, Any] | None:
    image = record.dynamodb.NewImage
    if image is None or image.v is None:
        return None
    try:
        payload = msgspec.json.decode(image.payload.S)
    except UNDECODABLE:
        return None
    return payload if isinstance(payload, dict) else None


def _list(value: Any) -> list[dict[str, Any]]:
    """Give the objects of a list; whatever else stands there is passed over."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _attributes(key: Any) -> list[tuple[str, dict[str, str]]]:
    """Take a canonical key apart: name and typed value of each attribute; [] if it is none."""
    if not isinstance(key, str) or not key.startswith("[["):
        return []
    try:
        parts = msgspec.json.decode(key, type=list[tuple[str, str, str]])
    except UNDECODABLE:
        return []
    return [(name, {kind: value}) for name, kind, value in parts]
