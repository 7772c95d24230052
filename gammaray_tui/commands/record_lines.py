"""One line for each record of a stream, as text or as JSON."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from causality import names
from causality.facts import Call, End, Facts, Start, UnreadablePayload
from causality.problems import describe_cause
from causality.reading.decoding import decode_image
from causality.records import Image, StreamRecord, Unreadable
from gammaray_tui.commands.output import escaped

if TYPE_CHECKING:
    from providers.events import RecordBatch

# Far more than a reader repeats after it lost its place; bounded all the same.
_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Line:
    """What is told of one record.

    Attributes:
        at: when the recorder wrote it, epoch seconds; None when it cannot be told.
        kind: what it carries: "start", "call", "end", joined with "+"; "unreadable".
        function: its function's name, once a start told it.
        what: the rest, in words.
    """

    at: float | None
    region: str
    kind: str
    request_id: str | None
    function: str | None
    what: str

    def as_text(self) -> str:
        """Give the line for people: nothing in it is obeyed by a terminal."""
        at = "-" if self.at is None else _clock(self.at)
        return escaped(
            f"{at}  {self.region:<12} {self.kind:<10} {self.function or '-':<20}"
            f" {self.request_id or '-'}  {self.what}".rstrip()
        )

    def as_json(self, record: StreamRecord | Unreadable) -> str:
        """Give the line for programs, with the record itself.

        `export` and `replay` read a file of such lines as they read any `*.jsonl`.
        """
        told = asdict(self) | msgspec.to_builtins(record)
        if isinstance(record, StreamRecord):
            told["awsRegion"] = self.region
        return msgspec.json.encode(told).decode()


class RecordLines:
    """Turns records into lines: each record once, however often it is delivered.

    Attributes:
        told: records that got their line.
        repeated: further deliveries of such records.
        unreadable: records that could not be read, among those told.
        removed: deletions, mostly of expired records: they say nothing and get no line.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.told = 0
        self.repeated = 0
        self.unreadable = 0
        self.removed = 0
        self._as_json = as_json
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._functions: OrderedDict[str, str | None] = OrderedDict()

    def of(self, batch: RecordBatch) -> Iterator[str]:
        """Give the lines of a batch's records that were not told before."""
        for record in batch.records:
            image = record.dynamodb.NewImage
            item_key = image.reqID.S if image is not None else ""  # of one that is not of a stream
            if image is None and record.eventName == "REMOVE":
                self.removed += 1
            elif self._is_new(batch, record.eventID, record.dynamodb.SequenceNumber or item_key):
                yield self._told(self._read(image, batch.region), record)
        for unreadable in batch.unreadable:
            if self._is_new(batch, unreadable.event_id, unreadable.sequence or unreadable.raw):
                line = Line(None, batch.region, "unreadable", None, None, unreadable.reason)
                yield self._told(line, unreadable)

    def _told(self, line: Line, record: StreamRecord | Unreadable) -> str:
        self.told += 1
        if line.kind == "unreadable":
            self.unreadable += 1
        return line.as_json(record) if self._as_json else line.as_text()

    def _is_new(self, batch: RecordBatch, event_id: str, sequence: str) -> bool:
        if not (event_id or sequence):
            return True  # nothing tells it from others
        identity = hash((batch.region, event_id) if event_id else (batch.source, sequence))
        if identity in self._seen:
            self.repeated += 1
            return False
        self._seen[identity] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def _read(self, image: Image | None, region: str) -> Line:
        try:
            facts = decode_image(image)
        except UnreadablePayload as error:
            request_id = image.reqID.S.partition(":")[0] if image is not None else None
            return Line(None, region, "unreadable", request_id, None, str(error))
        kinds = dict.fromkeys(_KINDS[type(fact)] for fact in facts.facts)
        return Line(
            facts.written_at_s,
            region,
            "+".join(kinds) or "empty",
            facts.request_id,
            self._function_of(facts),
            "; ".join(_words(fact) for fact in facts.facts),
        )

    def _function_of(self, facts: Facts) -> str | None:
        """Remember which function a request id belongs to: only starts tell it."""
        for fact in facts.facts:
            if isinstance(fact, Start):
                arn = names.function_arn(fact.arn)
                self._functions[facts.request_id] = arn.name if arn else fact.arn or None
                if len(self._functions) > _REMEMBERED:
                    self._functions.popitem(last=False)
        return self._functions.get(facts.request_id)


_KINDS: dict[type, str] = {Start: "start", Call: "call", End: "end"}


def _words(fact: Start | Call | End) -> str:
    if isinstance(fact, Start):
        temper = "cold, " if fact.cold else ""
        return temper + (", ".join(map(describe_cause, fact.causes)) or "no cause known")
    if isinstance(fact, Call):
        took = "" if fact.duration_s is None else f" {fact.duration_s * 1000:.0f}ms"
        failed = f" failed: {fact.error}" if fact.error else ""
        return f"{_on(fact.operation or fact.service, fact.resource)}{took}{failed}"
    return (fact.status or "ended") + (f": {fact.error}" if fact.error else "")


def _on(act: str, resource: str | None) -> str:
    return act if not resource else f"{act} {names.last_part(names.table_of_stream(resource))}"


def _clock(at_s: float) -> str:
    instant = datetime.fromtimestamp(at_s, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
