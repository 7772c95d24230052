"""X-Ray segment documents, joined to invocations by request id and trace id.

One invocation shows as an `AWS::Lambda` segment (queue wait and attempts, with the request id)
and one `AWS::Lambda::Function` segment an attempt (initialisation, SDK calls), whose parent is
the attempt. Subsegments can be sent by themselves, too. Documents come in any order, again,
unfinished, or not at all. Source: X-Ray developer guide, "Segment documents", "Sending trace
data" and "Lambda function segments".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from causality import names
from causality.clock import LAST_TIME_S
from causality.facts import Call


class _Aws(msgspec.Struct, gc=False):
    request_id: str | None = None
    operation: str | None = None
    region: str | None = None
    table_name: str | None = None
    bucket_name: str | None = None
    key: str | None = None
    queue_url: str | None = None
    topic_arn: str | None = None
    function_name: str | None = None
    function_arn: str | None = None
    stream_name: str | None = None


class _Response(msgspec.Struct, gc=False):
    status: int | None = None


class _Request(msgspec.Struct, gc=False):
    method: str | None = None
    url: str | None = None


class _Http(msgspec.Struct, gc=False):
    request: _Request | None = None
    response: _Response | None = None


class Segment(msgspec.Struct, gc=False):
    """A segment or subsegment, as far as this engine reads it."""

    id: str = ""
    name: str = ""
    start_time: float | None = None
    end_time: float | None = None
    in_progress: bool = False
    parent_id: str | None = None
    trace_id: str | None = None
    type: str | None = None
    origin: str | None = None
    namespace: str | None = None
    inferred: bool = False
    error: bool = False
    fault: bool = False
    throttle: bool = False
    resource_arn: str | None = None
    cause: Any = None
    aws: _Aws | None = None
    http: _Http | None = None
    subsegments: list[Segment] = []


class ServiceSegment(msgspec.Struct, gc=False):
    """What Lambda itself says of one request: when it was queued and tried.

    Attributes:
        attempts: the id of each "Attempt #n".
        throttles: how often it was refused because too many ran.
    """

    id: str
    trace_id: str
    request_id: str
    function: str
    arn: str | None
    queued_at_s: float | None
    ended_at_s: float | None
    dwell_s: float | None
    attempts: tuple[str, ...]
    throttles: int


class FunctionSegment(msgspec.Struct, gc=False):
    """What the function's runtime says of one attempt.

    Attributes:
        error: the type of the exception that ended it, where it is told.
        parts: its id, and those of what in it may have parts of its own.
    """

    id: str
    trace_id: str
    parent_id: str | None
    request_id: str | None
    function: str
    arn: str | None
    started_at_s: float | None
    ended_at_s: float | None
    init_s: float | None
    failed: bool
    throttled: bool
    error: str | None
    calls: list[Call]
    parts: tuple[str, ...]


class LoosePart(msgspec.Struct, gc=False):
    """A subsegment that was sent by itself, while its segment was still open.

    Attributes:
        parent_id: the segment or subsegment that it is a part of.
        parts: its id, and those of what in it may have parts of its own.
    """

    id: str
    trace_id: str
    parent_id: str
    ended_at_s: float | None
    calls: list[Call]
    parts: tuple[str, ...]


_decoder = msgspec.json.Decoder(Segment)
# A snapshot is restored in the place of initialising: the developer guide of Lambda, "Monitoring
# for Lambda SnapStart".
_INITIALISED = frozenset({"Initialization", "Restore"})
_NOT_CALLS = _INITIALISED | {"Invocation", "Overhead", "Dwell Time"}


def decode(document: str | bytes) -> ServiceSegment | FunctionSegment | LoosePart | None:
    """Decode a segment document; None for segments that say nothing of an invocation.

    Raises:
        msgspec.DecodeError: the document is not a segment.
    """
    try:
        segment = _decoder.decode(document)
    except msgspec.ValidationError:
        # Some writers put null where others leave a member out.
        segment = msgspec.convert(_without_nulls(msgspec.json.decode(document)), Segment)
    if segment.inferred or not segment.trace_id:
        return None
    if segment.type == "subsegment":
        return _loose(segment)
    if segment.origin == "AWS::Lambda":
        return _service(segment)
    if segment.origin == "AWS::Lambda::Function":
        return _function(segment)
    return None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(v) for name, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(member) for member in value if member is not None]
    return value


def _service(segment: Segment) -> ServiceSegment | None:
    request_id = segment.aws.request_id if segment.aws else None
    if not request_id:
        return None
    _check_times(segment)
    dwell_s = None
    attempts = []
    throttles = 0
    for part in segment.subsegments:
        if part.name == "Dwell Time":
            _check_times(part)
            dwell_s = _length(part)
        elif part.name.startswith("Attempt"):
            attempts.append(part.id)
            throttles += _is_throttled(part)
    return ServiceSegment(
        segment.id,
        segment.trace_id or "",
        request_id,
        names.bare_function(segment.name),
        segment.resource_arn,
        segment.start_time,
        None if segment.in_progress else segment.end_time,
        dwell_s,
        tuple(attempts),
        throttles or int(_is_throttled(segment)),
    )


def _function(segment: Segment) -> FunctionSegment:
    init_s = None
    calls: list[Call] = []
    _check_times(segment)
    started, ended = segment.start_time, None if segment.in_progress else segment.end_time
    failed = segment.fault or segment.error
    error = _exception(segment) if segment.cause is not None else None
    for part in segment.subsegments:
        if part.name in _INITIALISED:
            _check_times(part)
            init_s = _length(part)
        elif part.name == "Invocation":
            # Newer documents time the handler itself; the segment spans the overhead as well.
            _check_times(part)
            started = part.start_time or started
            ended = part.end_time or ended
            failed = failed or part.fault or part.error
            if part.cause is not None:
                error = error or _exception(part)
    _add_calls(segment.subsegments, calls)
    return FunctionSegment(
        segment.id,
        segment.trace_id or "",
        segment.parent_id,
        segment.aws.request_id if segment.aws else None,
        names.bare_function(segment.name),
        (segment.aws.function_arn if segment.aws else None) or segment.resource_arn,
        started,
        ended,
        init_s,
        failed,
        _is_throttled(segment),
        error,
        calls,
        tuple(_parts(segment)),
    )


def _loose(segment: Segment) -> LoosePart | None:
    if not segment.id or not segment.parent_id:
        return None
    calls: list[Call] = []
    _add_calls([segment], calls)
    _check_times(segment)
    return LoosePart(
        segment.id,
        segment.trace_id or "",
        segment.parent_id,
        None if segment.in_progress else segment.end_time,
        calls,
        tuple(_parts(segment)),
    )


def _parts(segment: Segment) -> Iterator[str]:
    """Give the ids of a segment and of those of its parts that are no calls."""
    yield segment.id
    for part in segment.subsegments:
        if part.namespace is None and part.name not in _INITIALISED:
            yield from _parts(part)


def _add_calls(parts: list[Segment], calls: list[Call]) -> None:
    for part in parts:
        if part.namespace in ("aws", "remote") and part.name not in _NOT_CALLS:
            _check_times(part)
            calls.append(_call(part))
        if part.subsegments:
            _add_calls(part.subsegments, calls)


def _check_times(segment: Segment) -> None:
    """Leave out times that are none."""
    start_s, end_s = segment.start_time, segment.end_time
    if start_s is not None and not 0.0 < start_s < LAST_TIME_S:
        segment.start_time = None
    if end_s is not None and not 0.0 < end_s < LAST_TIME_S:
        segment.end_time = None


def _call(segment: Segment) -> Call:
    aws = segment.aws or _Aws()
    request = segment.http.request if segment.http else None
    call = Call(
        segment.id,
        segment.start_time,
        _length(segment),
        service=names.service(segment.name),
        operation=aws.operation or "",
        region=aws.region,
        resource=aws.table_name
        or aws.bucket_name
        or aws.topic_arn
        or (names.bare_function(aws.function_name) if aws.function_name else None)
        or aws.stream_name
        or (aws.queue_url.rsplit("/", 1)[-1] if aws.queue_url else None),
        key=aws.key,
        error=_failure(segment),
        trace_id=segment.trace_id,
        answer_id=aws.request_id,
        refused=_is_refused(segment),
    )
    if segment.namespace == "remote":
        call.service = "http"
        call.operation = (request.method if request else None) or ""
        url = (request.url if request else None) or segment.name
        call.resource = url.split("://", 1)[-1].split("?", 1)[0]
    return call


def _length(segment: Segment) -> float | None:
    if segment.start_time is None or segment.end_time is None or segment.in_progress:
        return None
    return max(0.0, segment.end_time - segment.start_time)


def _failure(segment: Segment) -> str | None:
    """Give the type or status of what went wrong with a call; None when nothing did."""
    status = _status(segment)
    if not (segment.fault or segment.error or segment.throttle or status >= 400):
        return None
    # DynamoDB refuses what is too much with the status of any wrong request.
    refused = "Throttling" if segment.throttle and status != 429 else None
    return _exception(segment) or refused or (str(status) if status >= 400 else "error")


def _is_refused(segment: Segment) -> bool:
    """Say whether a call was answered with an error of its own: such a call did nothing.

    X-Ray's SDK for Python marks every exception as a fault; the status tells more.
    """
    status = _status(segment)
    if status:
        return 400 <= status < 500
    return (segment.error or segment.throttle) and not segment.fault


def _exception(segment: Segment) -> str | None:
    """Give the type of the exception that a segment ended with; one may only point at another's."""
    exceptions = segment.cause.get("exceptions") if isinstance(segment.cause, dict) else None
    first = exceptions[0] if isinstance(exceptions, list) and exceptions else None
    name = first.get("type") if isinstance(first, dict) else None
    return name if isinstance(name, str) and name else None


def _is_throttled(segment: Segment) -> bool:
    return segment.throttle or (segment.http is not None and _status(segment) == 429)


def _status(segment: Segment) -> int:
    response = segment.http.response if segment.http else None
    return (response.status if response else None) or 0
