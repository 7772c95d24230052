"""HTTP calls through urllib3, and requests, which stands on it.

A call to AWS, or to a host that the settings name, gets a W3C `traceparent` header unless it
has one: the called function's event shows it, which proves the edge without any help of AWS.
"""

from __future__ import annotations

import threading
import time
from functools import wraps

from gammaray_recorder import wire
from gammaray_recorder.settings import host_of, is_aws

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Dict, Optional, Tuple

    from gammaray_recorder.invocation import Invocation
    from gammaray_recorder.recording import Recorder

_HEADER = "traceparent"
_PATH_LIMIT = 512

# Response headers that carry the id which the called function sees as requestContext.requestId.
_REQUEST_ID_HEADERS = ("apigw-requestid", "x-amzn-requestid")


class _Inside(threading.local):
    """The pool whose `urlopen` this thread is in: for a retry, it calls itself."""

    pool: Any = None
    retries = 0


def install(connectionpool: ModuleType, recorder: Recorder) -> None:
    """Wrap the one method through which every request of urllib3 goes."""
    pool_class = connectionpool.HTTPConnectionPool
    original = pool_class.urlopen
    inside = _Inside()

    @wraps(original)
    def urlopen(
        self: Any,
        method: Any,
        url: Any,
        body: Any = None,
        headers: Any = None,
        *args: Any,
        **kw: Any,
    ) -> Any:
        if type(self).__module__.startswith("botocore."):
            return original(self, method, url, body, headers, *args, **kw)  # its events tell
        if inside.pool is self:
            inside.retries += 1
            return original(self, method, url, body, headers, *args, **kw)
        invocation = recorder.current()
        if invocation is None:
            return original(self, method, url, body, headers, *args, **kw)
        call = _Call(recorder, invocation, self, method, url)
        traced = call.traced(self.headers if headers is None else headers)
        outer, inside.pool, inside.retries = inside.pool, self, 0
        try:
            response = original(
                self, method, url, body, headers if traced is None else traced, *args, **kw
            )
        except BaseException as error:
            call.record(inside.retries, error=type(error).__name__)
            raise
        finally:
            inside.pool = outer
        call.record(inside.retries, response=response)
        return response

    pool_class.urlopen = urlopen


class _Call:
    """One request, from before it is sent until its response has come."""

    def __init__(
        self, recorder: Recorder, invocation: Invocation, pool: Any, method: Any, url: Any
    ) -> None:
        self._began_ns = time.perf_counter_ns()
        self._recorder = recorder
        self._invocation = invocation
        self._at_s = time.time()
        self._span = invocation.next_span()
        self._pool = pool
        self._method = method
        self._url = url
        self._parent: Optional[str] = None
        self._started_ns = self._began_ns

    def traced(self, headers: Any) -> Any:
        """Give a copy of the headers with a `traceparent`, or None to leave them alone."""
        copy = None
        try:
            host = str(self._pool.host).strip("[]").lower()
            if self._recorder.settings.may_trace(host) and not _has_header(headers):
                copy = headers.copy() if hasattr(headers, "copy") else dict(headers or {})
                copy[_HEADER] = "00-%s-%s-01" % (self._invocation.trace, self._span)
                self._parent = "%s-%s" % (self._invocation.trace, self._span)
        except Exception:
            copy = None
            self._parent = None
        self._started_ns = time.perf_counter_ns()
        return copy

    def record(self, retries: int, response: Any = None, error: Optional[str] = None) -> None:
        """Record the request with its answer, or with the exception that it ended in."""
        ended_ns = time.perf_counter_ns()
        try:
            self._recorder.record(self._invocation, self._event(ended_ns, retries, response, error))
        except Exception:
            self._invocation.lost += 1
        own_ns = (self._started_ns - self._began_ns) + (time.perf_counter_ns() - ended_ns)
        self._invocation.own_ns += own_ns

    def _event(
        self, ended_ns: int, retries: int, response: Any, error: Optional[str]
    ) -> Dict[str, Any]:
        host, path = self._target()
        resource = "%s %s%s" % (self._method, host, path)
        event = {
            wire.KIND: wire.KIND_CALL,
            wire.CALL_ID: self._span,
            wire.AT: round(self._at_s, 6),
            wire.SERVICE: "http",
            wire.OPERATION: "HTTP",
            wire.RESOURCE: resource,
            wire.DURATION_S: round((ended_ns - self._started_ns) / 1e9, 6),
        }
        status = getattr(response, "status", 0)
        if error is None and status >= 400:
            error = str(status)
        if error is not None:
            event[wire.ERROR] = error
        if retries:
            event[wire.RETRIES] = retries
        if not is_aws(host_of(host)):
            event[wire.LOCAL] = 1
        ids = {} if response is None else _ids(response.headers)
        if self._parent:
            ids[wire.ID_TRACEPARENT] = self._parent
        if ids:
            # Whatever the answer was: an error's is a function's answer, too.
            event[wire.OUTPUTS] = [{wire.RESOURCE: resource, wire.IDS: ids}]
        return event

    def _target(self) -> Tuple[str, str]:
        """Give host (with a port that is not the scheme's own) and path, without the query."""
        pool = self._pool
        host, path = str(pool.host).lower(), str(self._url)
        if ":" in host and not host.startswith("["):
            host = "[%s]" % host
        standard = 443 if pool.scheme == "https" else 80
        if pool.port and pool.port != standard:
            host = "%s:%d" % (host, pool.port)
        path = path.split("?", 1)[0].split("#", 1)[0]
        if "://" in path:  # through a proxy, the whole URL is asked for
            authority, _, path = path.split("://", 1)[1].partition("/")
            host, path = authority.rsplit("@", 1)[-1].lower(), "/" + path
        return host, path[:_PATH_LIMIT]


def _has_header(headers: Any) -> bool:
    for name in headers or ():
        text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
        if text.lower() == _HEADER:
            return True
    return False


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
