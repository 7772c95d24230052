"""HTTP calls through httpx and aiohttp, of which the latter also carries aiobotocore's."""

from __future__ import annotations

from functools import wraps

from gammaray_recorder.http_hooks import CALL, HEADER
from gammaray_recorder.http_hooks import begin as begin_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Optional

    from gammaray_recorder.http_calls import HttpCall
    from gammaray_recorder.recording import Recorder

_SDK_HEADER = "amz-sdk-invocation-id"  # of every request that botocore or aiobotocore signs


def install_httpx(httpx: ModuleType, recorder: Recorder) -> None:
    """Wrap the transports that reach the network; those that users write are their own."""
    transport_class: Any = httpx.HTTPTransport
    async_class: Any = httpx.AsyncHTTPTransport
    original = transport_class.handle_request
    async_original = async_class.handle_async_request

    def begin(request: Any) -> Optional[HttpCall]:
        url = request.url
        if _SDK_HEADER in request.headers:
            return None
        return begin_call(recorder, request.method, url.scheme, url.host, url.port, url.path)

    def traced(call: HttpCall, request: Any) -> Any:
        value = call.header(request.headers)
        if value is None:
            return request
        headers = request.headers.copy()
        headers[HEADER] = value
        # A copy: the user can see the request, as it was, in the response.
        return type(request)(
            request.method,
            request.url,
            headers=headers,
            stream=request.stream,
            extensions=request.extensions,
        )

    @wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        call = begin(request)
        if call is None:
            return original(self, request)
        try:
            response = original(self, traced(call, request))
        except BaseException as error:
            call.record(error=error)
            raise
        call.record(response.status_code, response.headers)
        return response

    @wraps(async_original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        call = begin(request)
        if call is None:
            return await async_original(self, request)
        try:
            response = await async_original(self, traced(call, request))
        except BaseException as error:
            call.record(error=error)
            raise
        call.record(response.status_code, response.headers)
        return response

    transport_class.handle_request = handle_request
    async_class.handle_async_request = handle_async_request


def install_aiohttp(aiohttp: ModuleType, recorder: Recorder) -> None:
    """Wrap the sending of a request and the coming of its answer."""
    request_class: Any = aiohttp.ClientRequest
    response_class: Any = aiohttp.ClientResponse
    original_send, original_start = request_class.send, response_class.start

    @wraps(original_send)
    async def send(self: Any, connection: Any) -> Any:
        url = self.url
        call = None
        if _SDK_HEADER not in self.headers:
            call = begin_call(recorder, self.method, url.scheme, url.host, url.port, url.raw_path)
        if call is None:
            return await original_send(self, connection)
        value = call.header(self.headers)
        if value is not None:
            self.headers[HEADER] = value
        try:
            response = await original_send(self, connection)
        except BaseException as error:
            call.record(error=error)
            raise
        response.__dict__[CALL] = call
        return response

    @wraps(original_start)
    async def start(self: Any, connection: Any) -> Any:
        call: Optional[HttpCall] = self.__dict__.pop(CALL, None)
        if call is None:
            return await original_start(self, connection)
        try:
            response = await original_start(self, connection)
        except BaseException as error:
            call.record(error=error)
            raise
        call.record(self.status, self.headers)
        return response

    request_class.send, response_class.start = send, start
