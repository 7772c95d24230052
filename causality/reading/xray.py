"""X-Ray segment documents, joined to invocations by request id and trace id.

One invocation shows as an `AWS::Lambda` segment (queue wait and attempts, with the request id)
and one `AWS::Lambda::Function` segment an attempt (initialisation, SDK calls), whose parent is
the attempt. Subsegments can be sent by themselves, too. Documents come in any order, again,
unfinished, or not at all. Source: X-Ray developer guide, "Segment documents" and "Sending trace
data"; Lambda developer guide, "Visualize Lambda function invocations using AWS X-Ray", with the
old and the new structure of function segments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from causality import names
from causality.clock import LAST_TIME_S
from causality.facts import Call
from causality.reading.segments import Aws, Segment


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
_INITIALISED = frozenset({"Initialization", "Init", "Restore", "Restore Runtime"})
_NOT_CALLS = _INITIALISED | {"Invocation", "Overhead", "Dwell Time"}


def decode(document: str | bytes) -> ServiceSegment | FunctionSegment | LoosePart | None:
    """Decode a segment document; None for segments that say nothing of an invocation.

    Raises:
        msgspec.DecodeError: the document is not a segment.
    """
    try:
        segment = _decoder.decode(document)
    except msgspec.ValidationError:
        # Some writers put null where others leave a member out, or numbers as text.
        loose = _without_nulls(msgspec.json.decode(document))
        segment = msgspec.convert(loose, Segment, strict=False)
    if segment.inferred:
        return None
    if segment.type == "subsegment":
        return _loose(segment)
    origin = segment.origin or _likely_origin(segment)
    if origin == "AWS::Lambda":
        return _service(segment)
    if origin == "AWS::Lambda::Function":
        return _function(segment)
    return None


def _likely_origin(segment: Segment) -> str | None:
    """Tell a segment that does not say what it is of by what only Lambda's have."""
    if segment.aws is None:
        return None
    if segment.aws.function_arn:
        return "AWS::Lambda::Function"
    is_function = names.function_arn(segment.resource_arn or "") is not None
    return "AWS::Lambda" if is_function and segment.aws.request_id else None


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
    dwells: list[tuple[float, float]] = []
    attempts = []
    throttles = 0
    for part in segment.subsegments:
        if part.name == "Dwell Time":
            _check_times(part)
            length_s = _length(part)
            if length_s is not None:
                dwells.append((part.start_time or 0.0, length_s))
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
        min(dwells)[1] if dwells else None,  # one that is tried again waits again
        tuple(attempts),
        throttles or int(_is_throttled(segment)),
    )


def _function(segment: Segment) -> FunctionSegment:
    init_s = None
    calls: list[Call] = []
    _check_times(segment)
    started, ended = segment.start_time, None if segment.in_progress else segment.end_time
    handler = overhead = None
    failed = segment.fault or segment.error
    error = _exception(segment)
    for part in segment.subsegments:
        if part.name in _INITIALISED:
            _check_times(part)
            length_s = _length(part)
            if length_s is not None:
                init_s = (init_s or 0.0) + length_s  # again, where it took too long at first
                if started is not None and (part.start_time or 0.0) >= started:
                    started = max(started, part.end_time or started)
        elif part.name == "Invocation":
            handler = part
        elif part.name == "Overhead":
            overhead = part
    if handler is not None:
        # The segment spans the overhead as well.
        _check_times(handler)
        started = handler.start_time or started
        ended = handler.end_time or ended
        failed = failed or handler.fault or handler.error
        error = error or _exception(handler)
    elif overhead is not None:
        # The newest documents show where the handler ends by what comes after it.
        _check_times(overhead)
        if started is not None and started <= (overhead.start_time or 0.0):
            ended = overhead.start_time
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
    if segment.id:
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
    aws = segment.aws or Aws()
    request = segment.http.request if segment.http else None
    call = Call(
        segment.id,
        segment.start_time,
        _length(segment),
        service=names.service(segment.name),
        operation=_operation(aws.operation or ""),
        region=aws.region,
        resource=aws.table_name
        or (",".join(aws.table_names) if aws.table_names else None)
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
    if segment.sql is not None:
        call.service, call.resource = "sql", segment.name
    elif segment.namespace == "remote" and not aws.operation:
        call.service = "http"
        call.operation = (request.method if request else None) or ""
        call.resource = names.place((request.url if request else None) or segment.name)
    return call


def _operation(name: str) -> str:
    """Spell an operation as AWS does: "put_item" and "putItem" are "PutItem"."""
    if name[:1].isupper():
        return name
    return "".join([word[:1].upper() + word[1:] for word in name.split("_")])


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
    """Give the type of the exception that a segment ended with.

    A cause can be the id of an exception that one of its subsegments tells.
    """
    cause = segment.cause
    if cause is None:
        return None
    if isinstance(cause, str):
        told = (e for part in _below(segment) for e in _exceptions(part) if e.get("id") == cause)
        first = next(told, None)
    else:
        first = next(_exceptions(segment), None)
    name = first.get("type") if first is not None else None
    return name if isinstance(name, str) and name else None


def _exceptions(segment: Segment) -> Iterator[dict[str, Any]]:
    told = segment.cause.get("exceptions") if isinstance(segment.cause, dict) else None
    if isinstance(told, list):
        yield from (exception for exception in told if isinstance(exception, dict))


def _below(segment: Segment) -> Iterator[Segment]:
    for part in segment.subsegments:
        yield part
        yield from _below(part)


def _is_throttled(segment: Segment) -> bool:
    return segment.throttle or (segment.http is not None and _status(segment) == 429)


def _status(segment: Segment) -> int:
    response = segment.http.response if segment.http else None
    return (response.status if response else None) or 0
