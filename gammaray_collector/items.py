r"""What the table `gammaRaysCollected` holds about single invocations (docs/collector.md).

Keys are strings (`pk`, `sk`). An item's own content is JSON in `j`; `expires` is an epoch second
for DynamoDB's TTL. Items that were counted say in `c` what they added to which rollup, and have a
version `n`, so that a correction takes out exactly that (gammaray_collector.ledger).

One example of each kind (rollups and doubts: gammaray_collector.rollups):

    record   {"pk": "i#8d1f", "sk": "r#8d1f:0c2a:1", "v": 2, "ts": 1795364783024,
              "g": "us-west-2", "p": "{\"r\": \"8d1f\", \"a\": \"0c2a\", \"e\": [...]}"}
    attempts {"pk": "i#8d1f", "sk": "a#", "n": 2, "c": "[...]",
              "j": "{\"0c2a\": {\"function\": \"DBSyncPy\", \"started_s\": 1795364782.7, ...}}"}
    edge     {"pk": "i#8d1f", "sk": "e#b07c51a2", "n": 3, "c": "[...]",
              "j": "{\"grade\": \"content\", \"parent\": \"77aa\", \"call\": \"f735\", ...}"}
    effect   {"pk": "i#77aa", "sk": "t#8d1f#b07c51a2"}
    invoked  {"pk": "i#8d1f", "sk": "v#"}
    output   {"pk": "k#<digest>", "sk": "1795364782764#o#5be1c0d2", "j": "{\"request\": ...}"}
    cause    {"pk": "k#<digest>", "sk": "1795364782782#c#b07c51a2", "j": "{...}"}
             (under an id that AWS issued, time stands last: "o#5be1c0d2#1795364782764")
    key name {"pk": "n#us-west-2#image-proc-B", "sk": "[\"id\"]"}
    put      {"pk": "p#us-west-2#image-proc-B#3", "sk": "o#5be1c0d2", "j": "{...}"}
    due      {"pk": "u#5", "sk": "1795364872782#b07c51a2", "p": <compressed: "[{...}, ...]">}

An effect points from an invocation to one that it may have caused. It is written before the edge
and never taken away: the edge at its other end tells whether it still holds. Of an invocation that
is marked as invoked, a call was answered with its request id: whatever its event looks like, that
call is its cause, and waits under the match key of this id.
"""

from __future__ import annotations

import zlib
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

import msgspec

from causality.records import Change, Image, Number, StreamRecord, Text

Value: TypeAlias = str | int | bytes
Item: TypeAlias = dict[str, Value]
Key: TypeAlias = tuple[str, str]
Grade: TypeAlias = Literal["exact", "content", "order", "ambiguous", "none"]
Need: TypeAlias = Literal["", "content", "order"]

TABLE: Final = "gammaRaysCollected"
# The function's environment: where its table is.
ENV_REGION: Final = "GAMMARAY_COLLECTED_REGION"
ENV_TABLE: Final = "GAMMARAY_COLLECTED_TABLE"
PK: Final = "pk"
SK: Final = "sk"
EXPIRES: Final = "expires"
BODY: Final = "j"
VERSION: Final = "n"
COUNTED: Final = "c"

INVOCATIONS_KEPT_S: Final = 7 * 86400.0

RECORDS: Final = "r#"
ATTEMPTS: Final = "a#"
EDGES: Final = "e#"
EFFECTS: Final = "t#"
INVOKED: Final = "v#"


_COMPRESSED_FROM = 1024  # characters: what is shorter costs one write either way


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try of an invocation, as far as its records came.

    Attributes:
        function: its name; None until its start came.
        cold: None of a record of the original's, which does not tell.
        status: ok, error or timeout; None when it has not ended, or nothing tells how.
        dropped: events that the recorder lost.
        made: for each of its records, how many outputs it shows (gammaray_collector.silence).
    """

    request_id: str
    attempt: str
    function: str | None = None
    region: str | None = None
    started_s: float | None = None
    cold: bool | None = None
    init_s: float | None = None
    ended_s: float | None = None
    status: str | None = None
    error: str | None = None
    dropped: int = 0
    made: dict[str, dict[str, int]] = {}

    @property
    def duration_s(self) -> float | None:
        """How long the handler ran."""
        if self.started_s is None or self.ended_s is None:
            return None
        return max(0.0, self.ended_s - self.started_s)


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call that can be meant."""

    request_id: str
    call_id: str


class Edge(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finished edge: what is known of the call behind one record of an invocation's event.

    Attributes:
        child: request id of the invocation that was caused.
        cause_id: tells the records of its event apart.
        grade: "none" of an orphan: a call must have caused it, and none was seen in time.
        parent: request id of the causing invocation; None unless it is certain which it is.
        call: id of the causing call; None unless it is certain which it is.
        needs: what must not be doubted for the grade to hold (gammaray_collector.rollups.graded).
        source: whose doubts concern it, as `doubt_source` writes it; "" if none do.
        began_s: when the child began.
        delay_s: the call's end to the child's begin; None when either is not known.
        candidates: the calls that can be meant; the one call when it is certain.
        parent_function: also when the parent is not certain, if all candidates are of one function.
        resource: of the child's cause: table, bucket, topic, queue, ...
        mature: whether calls that come late are here by now.
        crowded: ambiguous, for more share a match key with it than were read.
        failed: whether the child's last attempt failed.
        again: whether the function was given the same before, under another request id; said of the
            first record of an event alone.
        made: the epoch minutes in which the calls were made that can be meant.
    """

    child: str
    cause_id: str
    grade: Grade
    began_s: float
    service: str
    parent: str | None = None
    call: str | None = None
    candidates: tuple[Candidate, ...] = ()
    needs: Need = ""
    source: str = ""
    delay_s: float | None = None
    child_function: str | None = None
    child_region: str | None = None
    parent_function: str | None = None
    parent_region: str | None = None
    operation: str | None = None
    resource: str | None = None
    key: str | None = None
    mature: bool = False
    crowded: bool = False
    failed: bool = False
    again: bool = False
    made: tuple[int, ...] = ()


_attempts = msgspec.json.Decoder(dict[str, Attempt])
_edge = msgspec.json.Decoder(Edge)
_encode = msgspec.json.Encoder().encode


def text_of(value: object) -> str:
    """Write a struct as the text of an item's body."""
    return _encode(value).decode()


def invocation_partition(request_id: str) -> str:
    """Give the partition of all that is kept of one invocation.

    `sk` begins with RECORDS, ATTEMPTS, EDGES (to its causes) or EFFECTS (what it caused).
    """
    return f"i#{request_id}"


def request_of(partition: str) -> str:
    """Give the request id of the invocation whose partition this is."""
    return partition.removeprefix("i#")


def kept_item(key: Key, body: str, at_s: float) -> Item:
    """Give an item about something of some time, kept for as long as invocations are."""
    partition, place = key
    return {PK: partition, SK: place, BODY: body, EXPIRES: int(at_s + INVOCATIONS_KEPT_S)}


# --- records ----------------------------------------------------------------------------------


def record_item(image: Image, request_id: str, region: str, written_s: float) -> Item:
    """Give the item of one record, as it stood in the record table."""
    payload = image.payload.S
    item: Item = {
        PK: invocation_partition(request_id),
        SK: RECORDS + image.reqID.S,
        "ts": image.ts.N,
        "p": zlib.compress(payload.encode()) if len(payload) > _COMPRESSED_FROM else payload,
        EXPIRES: int(written_s + INVOCATIONS_KEPT_S),
    }
    if image.v is not None:
        item["v"] = image.v.N
    if region:
        item["g"] = region
    return item


def stream_record_of(item: Item) -> StreamRecord:
    """Give a record as its stream brought it, for an engine (Engine.apply_records)."""
    payload = item["p"]
    text = zlib.decompress(payload).decode() if isinstance(payload, bytes) else str(payload)
    version = Number(str(item["v"])) if "v" in item else None
    record_id = str(item[SK]).removeprefix(RECORDS)
    image = Image(Text(record_id), Text(text), Number(str(item["ts"])), version)
    return StreamRecord(Change("", image), record_id, "INSERT", str(item.get("g", "")))


def invoked_key(request_id: str) -> Key:
    """Give the key of the mark of an invocation that some call is known to have started."""
    return invocation_partition(request_id), INVOKED


def invoked_item(request_id: str, at_s: float) -> Item:
    """Mark an invocation as started by a call that was answered with its request id."""
    partition, place = invoked_key(request_id)
    return {PK: partition, SK: place, EXPIRES: int(at_s + INVOCATIONS_KEPT_S)}


# --- what was concluded -------------------------------------------------------------------------


def attempts_key(request_id: str) -> Key:
    """Give the key of the item of all attempts of an invocation."""
    return invocation_partition(request_id), ATTEMPTS


def attempts_in(item: Item) -> dict[str, Attempt]:
    """Read the item of all attempts of an invocation; by attempt."""
    return _attempts.decode(str(item[BODY]))


def edge_key(child: str, cause_id: str) -> Key:
    """Give the key of an edge's item."""
    return invocation_partition(child), EDGES + cause_id


def edge_of(item: Item) -> Edge:
    """Read an edge's item."""
    return _edge.decode(str(item[BODY]))


def effect_item(parent: str, edge: Edge) -> Item:
    """Give the item that leads from an invocation to one that it may have caused."""
    return {
        PK: invocation_partition(parent),
        SK: f"{EFFECTS}{edge.child}#{edge.cause_id}",
        EXPIRES: int(edge.began_s + INVOCATIONS_KEPT_S),
    }


def effect_of(item: Item) -> tuple[str, str]:
    """Read an effect's item: request id of the child, and the id of its cause."""
    child, _, cause_id = str(item[SK]).removeprefix(EFFECTS).rpartition("#")
    return child, cause_id


def digest(data: bytes) -> str:
    """Give what stands for something long."""
    return blake2b(data, digest_size=12).hexdigest()


def instant(at_s: float) -> str:
    """Write a time so that texts stand in the order of time."""
    return f"{min(max(0, int(at_s * 1000)), 10**13 - 1):013d}"
