"""What providers yield: the one door through which data enters the application.

Live streams, files, recordings and traces all put these on one bounded queue; whoever reads
the queue applies them to the graph. No event knows who made it or who will show it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from causality.records import StreamRecord, Unreadable

RegionPhase: TypeAlias = Literal["connecting", "live", "retrying", "down", "ended"]


@dataclass(frozen=True, slots=True)
class Position:
    """How far a shard has been read; a later watch can go on from here (`Resume`).

    Attributes:
        sequence: sequence number of the last record that was read.
        ended: the shard was read to its end, so nothing more can come from it.
    """

    stream_arn: str
    shard_id: str
    sequence: str
    ended: bool = False


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records of one shard (or file) in their order, as one page brought them.

    Attributes:
        region: the client's region, not the one written in ARNs (local servers write another).
        received_at_s: epoch seconds when the page arrived.
        position: how far the shard has been read once these records are taken; None for what
            does not come from a shard. A batch without records can still bring a position.
    """

    region: str
    source: str
    records: list[StreamRecord]
    unreadable: list[Unreadable] = field(default_factory=list)
    received_at_s: float = 0.0
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class TraceBatch:
    """X-Ray segment documents (JSON text, as BatchGetTraces returns them)."""

    source: str
    documents: list[str]
    region: str = ""


@dataclass(frozen=True, slots=True)
class RegionStatus:
    """How reading a region goes; sent whenever it changes.

    Attributes:
        phase: "live" reads; "retrying" will try again by itself; "down" needs the user.
        kind: why, as a fixed word: "", "table-missing", "stream-disabled", "access-denied",
            "expired-token", "no-credentials", "unreachable", "throttled", "region-disabled", ...
        message: why, for people, one sentence; empty when live.
        todo: what the user can do next.
        lag_s: age of the newest record read when it arrived; None before the first.
        retry_in_s: seconds until the next try, when retrying.
        shards: shards being read now.
        brings: what is read there; only what brings records can bring a call.
    """

    region: str
    phase: RegionPhase
    kind: str = ""
    message: str = ""
    todo: str = ""
    lag_s: float | None = None
    retry_in_s: float | None = None
    shards: int = 0
    brings: Literal["records", "traces"] = "records"


@dataclass(frozen=True, slots=True)
class Gap:
    """Records known to be lost: trimmed before they could be read."""

    region: str
    source: str
    detail: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the user or the tool did, at a time: fired, deployed, paused."""

    at_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class EndOfInput:
    """A finite source (files, a replay) has nothing more to give."""

    source: str


@dataclass(frozen=True, slots=True)
class Restart:
    """A replay goes back: all that came so far is forgotten, and comes again from the start."""

    source: str


ProviderEvent: TypeAlias = (
    RecordBatch | TraceBatch | RegionStatus | Gap | Mark | EndOfInput | Restart
)
