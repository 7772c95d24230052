"""One HTTP request, from before it is sent until its answer has come.

A request to a function of one's own gets a W3C `traceparent` header unless it has one: the
called function's event shows it, which proves the edge without any help of AWS.
"""

from __future__ import annotations

import time

from gammaray_recorder import wire
from gammaray_recorder.settings import host_of, is_aws

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Optional, Tuple

    from gammaray_recorder.invocation import Event, Invocation
    from gammaray_recorder.recording import Recorder

_HEADER = "traceparent"
_PATH_LIMIT = 512

# Response headers that carry the id which the called function sees as requestContext.requestId.
_REQUEST_ID_HEADERS = ("apigw-requestid", "x-amzn-requestid")


class HttpCall:
    """A request that is under way. No method raises."""

    def __init__(
        self,
        recorder: Recorder,
        invocation: Invocation,
        method: Any,
        scheme: Any,
        host: Any,
        port: Any,
        target: Any,
    ) -> None:
        """Begin a request: `target` is its path with the query, or all of its URL."""
        self._began_ns = time.perf_counter_ns()
        self._recorder = recorder
        self._invocation = invocation
        self._at_s = time.time()
        self._span = invocation.next_span()
        self._method = method
        self._address = (scheme, host, port, target)
        self._parent: Optional[str] = None
        self._started_ns = self._began_ns

    def header(self, names: Iterable[Any]) -> Optional[str]:
        """Give the `traceparent` to add to headers of these names; None: leave them alone."""
        value = None
        try:
            host = _text(self._address[1]).strip("[]").lower()
            if self._recorder.settings.may_trace(host) and not any(
                _text(name).lower() == _HEADER for name in names
            ):
                self._parent = "%s-%s" % (self._invocation.trace, self._span)
                value = "00-%s-01" % self._parent
        except Exception:
            self._parent = None
        self._started_ns = time.perf_counter_ns()
        return value

    def record(
        self,
        status: Any = None,
        headers: Any = None,
        error: Optional[BaseException] = None,
        retries: int = 0,
    ) -> None:
        """Record the request with its answer, or with the exception that it ended in."""
        ended_ns = time.perf_counter_ns()
        try:
            event = self._event(ended_ns, status, headers, error, retries)
            self._recorder.record(self._invocation, event)
        except Exception:
            self._invocation.lost += 1
        own_ns = (self._started_ns - self._began_ns) + (time.perf_counter_ns() - ended_ns)
        self._invocation.own_ns += own_ns

    def _event(
        self,
        ended_ns: int,
        status: Any,
        headers: Any,
        error: Optional[BaseException],
        retries: int,
    ) -> Event:
        host, path = self._target()
        resource = "%s %s%s" % (_text(self._method).upper(), host, path)
        event: Event = {
            wire.KIND: wire.KIND_CALL,
            wire.CALL_ID: self._span,
            wire.AT: round(self._at_s, 6),
            wire.SERVICE: "http",
            wire.OPERATION: "HTTP",
            wire.RESOURCE: resource,
            wire.DURATION_S: round((ended_ns - self._started_ns) / 1e9, 6),
        }
        if error is not None:
            event[wire.ERROR] = type(error).__name__
        elif isinstance(status, int) and status >= 400:
            event[wire.ERROR] = str(status)
        if retries:
            event[wire.RETRIES] = retries
        if not is_aws(host_of(host)):
            event[wire.LOCAL] = 1
        ids = {} if headers is None else _ids(headers)
        if self._parent:
            ids[wire.ID_TRACEPARENT] = self._parent
        if ids:
            # Whatever the answer was: an error's is a function's answer, too.
            event[wire.OUTPUTS] = [{wire.RESOURCE: resource, wire.IDS: ids}]
        return event

    def _target(self) -> Tuple[str, str]:
        """Give host (with a port that is not the scheme's own) and path, without the query."""
        scheme, host, port, target = self._address
        host, path = _text(host).lower(), _text(target)
        if ":" in host and not host.startswith("["):
            host = "[%s]" % host
        if port and port != (443 if _text(scheme) == "https" else 80):
            host = "%s:%d" % (host, port)
        path = path.split("?", 1)[0].split("#", 1)[0]
        if "://" in path:  # through a proxy, the whole URL is asked for
            authority, _, path = path.split("://", 1)[1].partition("/")
            host, path = authority.rsplit("@", 1)[-1].lower(), "/" + path
        return host, path[:_PATH_LIMIT]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _ids(headers: Any) -> Dict[str, str]:
    ids: Dict[str, str] = {}
    for name in _REQUEST_ID_HEADERS:
        value = headers.get(name)
        if value:
            ids[wire.ID_APIGW_REQUEST] = str(value)
            break
    s3_request = headers.get("x-amz-request-id")
    if s3_request:
        ids[wire.ID_S3_REQUEST] = str(s3_request)  # a presigned upload
    return ids
