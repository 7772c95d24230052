"""X-Ray's segment documents as they are written, as far as this engine reads them.

Source: X-Ray developer guide, "Segment documents".
"""

from __future__ import annotations

from typing import Any

import msgspec


class Aws(msgspec.Struct, gc=False):
    """What a segment says of AWS: of Lambda's own request, or of a call to a service."""

    request_id: str | None = None
    operation: str | None = None
    region: str | None = None
    table_name: str | None = None
    table_names: tuple[str, ...] = ()
    bucket_name: str | None = None
    key: str | None = None
    queue_url: str | None = None
    topic_arn: str | None = None
    function_name: str | None = None
    function_arn: str | None = None
    stream_name: str | None = None


class Response(msgspec.Struct, gc=False):
    """The answer to an HTTP request."""

    status: int | None = None


class Request(msgspec.Struct, gc=False):
    """An HTTP request."""

    method: str | None = None
    url: str | None = None


class Http(msgspec.Struct, gc=False):
    """An HTTP request, with its answer."""

    request: Request | None = None
    response: Response | None = None


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
    aws: Aws | None = None
    http: Http | None = None
    sql: Any = None
    subsegments: list[Segment] = []
