"""What a record says, independent of its generation: starts, calls, ends and their parts.

The field names are those of gammaray_recorder.wire, so generation 2 decodes straight into
these; the decoder of generation 1 builds the same ones from the original's text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from sys import intern
from typing import Annotated, Final, TypeAlias, cast

import msgspec

from causality.clock import LAST_TIME_S
from gammaray_recorder import wire

LONGEST_S: Final = 1e9
# One empty mapping for all: most parts have no ids or hashes, and nobody writes into them.
_nothing: Callable[[], Mapping[str, str]] = repeat(dict[str, str]()).__next__
# Checked while decoding; what does not hold makes the record, or a part of it, unreadable.
Instant: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, lt=LAST_TIME_S)]
Length: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, lt=LONGEST_S)]
Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class Cause(
    msgspec.Struct,
    gc=False,
    rename={
        "service": wire.SERVICE,
        "resource": wire.RESOURCE,
        "item_hash": wire.HASH,
        "at_s": wire.AT,
        "region": wire.REGION,
        "caller": wire.CALLER,
    },
):
    """What one record of an invocation's event says about the call that caused it.

    Attributes:
        service: dynamodb, s3, sns, sqs, events, kinesis, lambda, http, schedule, ...
        resource: table, bucket, topic ARN, queue or stream ARN, function name, "METHOD host/path".
        key: canonical DynamoDB key, or an S3 object's key.
        caller: request id of the invocation that the event names: an Invoke of the original's, or
            Lambda's own, which hands on the result of another invocation.
        subject: generation 1 only: an SNS message's subject, "None" for none.
    """

    service: str = "unknown"
    resource: str | None = None
    region: str | None = None
    key: str | None = None
    item_hash: str | None = None
    name: str | None = None
    at_s: float | None = None
    ids: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    caller: str | None = None
    caller_function: str | None = None
    subject: str | None = None


class Output(
    msgspec.Struct,
    gc=False,
    rename={
        "resource": wire.RESOURCE,
        "item_hash": wire.HASH,
        "attribute_hashes": wire.ATTRIBUTE_HASHES,
        "operation": wire.OPERATION,
    },
):
    """One item, message or object of a call: what may cause an invocation.

    Attributes:
        operation: what happens to this item, where a call can do several things: put, delete.
        doubtful: generation 1 only: the call's text can be read so, and in a likelier way, too.
    """

    resource: str | None = None
    key: str | None = None
    item_hash: str | None = None
    attribute_hashes: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    ids: Mapping[str, str] = msgspec.field(default_factory=_nothing)
    operation: str | None = None
    subject: str | None = None
    doubtful: bool = False


class Start(
    msgspec.Struct,
    gc=False,
    tag=wire.KIND_START,
    tag_field=wire.KIND,
    rename={
        "at_s": wire.AT,
        "region": wire.REGION,
        "version": wire.FUNCTION_VERSION,
        "memory_mb": wire.MEMORY_MB,
        "init_s": wire.INIT_S,
        "trace_id": wire.TRACE_ID,
        "causes": wire.CAUSES,
    },
):
    """An invocation began."""

    at_s: Instant
    arn: str = ""
    region: str | None = None
    version: str | None = None
    memory_mb: int | None = None
    cold: bool | int | None = None
    init_s: Length | None = None
    trace_id: str | None = None
    causes: tuple[Cause, ...] = ()


class Call(
    msgspec.Struct,
    gc=False,
    tag=wire.KIND_CALL,
    tag_field=wire.KIND,
    rename={
        "id": wire.CALL_ID,
        "at_s": wire.AT,
        "duration_s": wire.DURATION_S,
        "service": wire.SERVICE,
        "operation": wire.OPERATION,
        "region": wire.REGION,
        "resource": wire.RESOURCE,
        "error": wire.ERROR,
        "retries": wire.RETRIES,
        "outputs": wire.OUTPUTS,
    },
):
    """One SDK operation that an invocation made.

    Attributes:
        local: the endpoint was not AWS's own, so its request ids prove nothing.
        answer_id: only of X-Ray's: the request id of the answer.
        refused: only of X-Ray's: the service answered that it did nothing.
    """

    id: Id
    at_s: Instant | None = None
    duration_s: Length | None = None
    service: str = ""
    operation: str = ""
    region: str | None = None
    resource: str | None = None
    key: str | None = None
    error: str | None = None
    retries: int = 0
    local: bool | int = False
    outputs: tuple[Output, ...] = ()
    trace_id: str | None = None
    answer_id: str | None = None
    refused: bool = False

    @property
    def ended_at_s(self) -> float | None:
        """When its answer was there, by what this record alone tells."""
        if self.at_s is None or self.duration_s is None:
            return None
        return self.at_s + self.duration_s


class End(
    msgspec.Struct,
    gc=False,
    tag=wire.KIND_END,
    tag_field=wire.KIND,
    rename={
        "at_s": wire.AT,
        "status": wire.STATUS,
        "error": wire.ERROR,
        "dropped": wire.DROPPED,
        "overhead_us": wire.OVERHEAD_US,
    },
):
    """An invocation is over."""

    at_s: Instant
    status: str | None = None
    error: str | None = None
    dropped: int = 0
    overhead_us: int | None = None


Fact: TypeAlias = Start | Call | End


class Facts(msgspec.Struct, gc=False):
    """All that one item of the record table says.

    Attributes:
        attempt: the attempt's nonce; None when the record does not tell (calls of generation 1).
        generation: 1 (the original's) or 2.
        unknown: events of kinds that this version does not know, skipped.
        region: where the recorder says that it ran.
        unreadable: why events of known kinds could not be read, skipped.
    """

    request_id: str
    attempt: str | None
    facts: list[Fact]
    generation: int
    written_at_s: float
    unknown: int = 0
    region: str | None = None
    unreadable: tuple[str, ...] = ()


class OneId(msgspec.Struct, gc=False, frozen=True):
    """A mapping of a single id, as most causes and outputs show: a dict takes six times as much."""

    kind: str
    value: str

    def __len__(self) -> int:
        """Give the number of ids."""
        return 1

    def __iter__(self) -> Iterator[str]:
        """Give the kinds of ids."""
        yield self.kind

    def __contains__(self, kind: object) -> bool:
        """Say whether it is of a kind."""
        return kind == self.kind

    def __getitem__(self, kind: str) -> str:
        """Give the id of a kind."""
        if kind != self.kind:
            raise KeyError(kind)
        return self.value

    def get(self, kind: str, default: str | None = None) -> str | None:
        """Give the id of a kind, if it is of that."""
        return self.value if kind == self.kind else default

    def keys(self) -> tuple[str]:
        """Give the kinds of ids."""
        return (self.kind,)

    def values(self) -> tuple[str]:
        """Give the ids."""
        return (self.value,)

    def items(self) -> tuple[tuple[str, str]]:
        """Give the ids with their kinds."""
        return ((self.kind, self.value),)


# Reads like any mapping, but a struct cannot inherit from one.
_one_id = cast(Callable[[str, str], Mapping[str, str]], OneId)


class UnreadablePayload(ValueError):
    """The record's payload does not follow its generation's grammar; the message says how."""


# A name that records repeat again and again is kept once (`intern`); written out, not in a function
# for each, because every record comes here.


def shrink_start(start: Start) -> None:
    """Let a start and its causes take less memory: one copy of each name and no needless dict."""
    start.arn = intern(start.arn)
    if start.version is not None:
        start.version = intern(start.version)
    for cause in start.causes:
        cause.service = intern(cause.service)
        if cause.name is not None:
            cause.name = intern(cause.name)
        if cause.resource is not None:
            cause.resource = intern(cause.resource)
        ids = cause.ids
        if len(ids) == 1:
            (kind,) = ids
            cause.ids = _one_id(kind, ids[kind])


def shrink_call(call: Call) -> None:
    """Let a call and its outputs take less memory."""
    call.service = intern(call.service)
    call.operation = intern(call.operation)
    if call.region is not None:
        call.region = intern(call.region)
    resource = call.resource
    if resource is not None:
        call.resource = resource = intern(resource)
    for output in call.outputs:
        if output.resource == resource:
            output.resource = resource
        elif output.resource is not None:
            output.resource = intern(output.resource)
        ids = output.ids
        if len(ids) == 1:
            (kind,) = ids
            output.ids = _one_id(kind, ids[kind])
