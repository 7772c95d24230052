"""HTTP calls through urllib3 (and requests, which stands on it) and http.client.

Requests that an AWS SDK makes are left to its own events. Each library is hooked where one
request leaves for one host, so that redirects to other hosts are requests of their own.
"""

from __future__ import annotations

import threading
from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Optional

    from gammaray_recorder.http_calls import HttpCall
    from gammaray_recorder.recording import Recorder

CALL = "_gammaray_call"
HEADER = "traceparent"


def begin(
    recorder: Recorder, method: Any, scheme: Any, host: Any, port: Any, target: Any
) -> Optional[HttpCall]:
    """Begin to record a request; None outside of an invocation, or when that fails."""
    invocation = recorder.current()
    if invocation is None:
        return None
    try:
        from gammaray_recorder.http_calls import HttpCall  # most functions make no such calls

        return HttpCall(recorder, invocation, method, scheme, host, port, target)
    except Exception:
        invocation.lost += 1
        return None


class _Inside(threading.local):
    """The pool whose `urlopen` this thread is in: for a retry, it calls itself."""

    pool: Any = None
    retries = 0


def install_urllib3(connectionpool: ModuleType, recorder: Recorder) -> None:
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
            return original(self, method, url, body, headers, *args, **kw)
        if inside.pool is self:
            inside.retries += 1
            return original(self, method, url, body, headers, *args, **kw)
        call = begin(recorder, method, self.scheme, self.host, self.port, url)
        if call is None:
            return original(self, method, url, body, headers, *args, **kw)
        sent = self.headers if headers is None else headers
        value = call.header(sent or ())
        if value is not None:
            headers = sent.copy() if hasattr(sent, "copy") else dict(sent or {})
            headers[HEADER] = value
        outer, inside.pool, inside.retries = inside.pool, self, 0
        try:
            response = original(self, method, url, body, headers, *args, **kw)
        except BaseException as error:
            call.record(error=error, retries=inside.retries)
            raise
        finally:
            inside.pool = outer
        call.record(response.status, response.headers, retries=inside.retries)
        return response

    pool_class.urlopen = urlopen


def install_http_client(client: ModuleType, recorder: Recorder) -> None:
    """Wrap the steps of a request of http.client, on which urllib.request stands, too."""
    connection_class: Any = client.HTTPConnection
    put_request = connection_class.putrequest
    end_headers = connection_class.endheaders
    get_response = connection_class.getresponse

    @wraps(put_request)
    def putrequest(self: Any, method: Any, url: Any, *args: Any, **kw: Any) -> Any:
        put_request(self, method, url, *args, **kw)
        if "urllib3." in type(self).__module__ or type(self).__module__.startswith("botocore."):
            return
        host, port = self.host, self.port
        if getattr(self, "_tunnel_host", None):
            host, port = self._tunnel_host, self._tunnel_port
        scheme = "https" if self.default_port == 443 else "http"
        self.__dict__[CALL] = begin(recorder, method, scheme, host, port, url)

    @wraps(end_headers)
    def endheaders(self: Any, *args: Any, **kw: Any) -> Any:
        call: Optional[HttpCall] = self.__dict__.get(CALL)
        if call is not None:
            value = call.header([line.split(b":", 1)[0] for line in self._buffer])
            if value is not None:
                self.putheader(HEADER, value)
        return end_headers(self, *args, **kw)

    @wraps(get_response)
    def getresponse(self: Any, *args: Any, **kw: Any) -> Any:
        call: Optional[HttpCall] = self.__dict__.pop(CALL, None)
        if call is None:
            return get_response(self, *args, **kw)
        try:
            response = get_response(self, *args, **kw)
        except BaseException as error:
            call.record(error=error)
            raise
        call.record(response.status, response.headers)
        return response

    connection_class.putrequest = putrequest
    connection_class.endheaders = endheaders
    connection_class.getresponse = getresponse
