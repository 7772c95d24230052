"""HTTP through each library: recorded once, traced where the host is one's own, else untouched."""

from __future__ import annotations

import asyncio
import http.client
import re
import urllib.request
from collections.abc import Callable

import aiobotocore.session
import aiohttp
import httpx
import pytest
import requests
import urllib3

from gammaray_recorder.recording import Recorder
from tests.unit.recorder.support import Answer, MemoryWriter, Request, Server, invoked

Recording = tuple[Recorder, MemoryWriter]
Headers = dict[str, str]
Send = Callable[[str, Headers], int]


def by_http_client(url: str, headers: Headers) -> int:
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=10)
    connection.request("POST", "/orders?token=hidden", b"hidden", headers)
    with connection.getresponse() as response:
        response.read()
    connection.close()
    return response.status


def by_urllib(url: str, headers: Headers) -> int:
    request = urllib.request.Request(f"{url}/orders?token=hidden", b"hidden", headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        status: int = response.status
    return status


def by_urllib3(url: str, headers: Headers) -> int:
    pool = urllib3.PoolManager()
    return pool.request(
        "POST", f"{url}/orders?token=hidden", body=b"hidden", headers=headers
    ).status


def by_requests(url: str, headers: Headers) -> int:
    return requests.post(
        f"{url}/orders?token=hidden", data=b"hidden", headers=headers, timeout=10
    ).status_code


def by_httpx(url: str, headers: Headers) -> int:
    response = httpx.post(
        f"{url}/orders?token=hidden", content=b"hidden", headers=headers, timeout=10
    )
    if "traceparent" not in {name.lower() for name in headers}:
        assert "traceparent" not in response.request.headers  # the user's request is as it was
    return response.status_code


def by_async_httpx(url: str, headers: Headers) -> int:
    async def post() -> int:
        async with httpx.AsyncClient() as client:
            response = await client.post(
                f"{url}/orders?token=hidden", content=b"hidden", headers=headers
            )
            return response.status_code

    return asyncio.run(post())


def by_aiohttp(url: str, headers: Headers) -> int:
    async def post() -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/orders?token=hidden", data=b"hidden", headers=headers) as response,
        ):
            await response.read()
            return response.status

    return asyncio.run(post())


SENDERS = (
    by_http_client,
    by_urllib,
    by_urllib3,
    by_requests,
    by_httpx,
    by_async_httpx,
    by_aiohttp,
)


@pytest.mark.parametrize("send", SENDERS)
def test_a_request_to_ones_own_host_is_traced_and_recorded_once(
    recording: Recording, server: Server, send: Send
) -> None:
    recorder, writer = recording
    headers = {"x-own": "1"}
    with invoked(recorder):
        assert send(server.url, headers) == 200
    assert headers == {"x-own": "1"}
    (request,) = server.requests
    assert request.body == b"hidden"
    assert request.headers["x-own"] == "1"
    sent = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", request.headers["traceparent"])
    assert sent is not None
    (call,) = writer.calls()
    assert call["i"] == sent[2]
    resource = f"POST 127.0.0.1:{server.port}/orders"
    assert call["res"] == resource
    assert call["out"] == [{"res": resource, "ids": {"traceparent": f"{sent[1]}-{sent[2]}"}}]
    assert "hidden" not in str(writer.events)


@pytest.mark.parametrize("send", SENDERS)
@pytest.mark.parametrize("name", ["traceparent", "TraceParent"])
def test_a_traceparent_of_the_users_own_is_left_alone(
    recording: Recording, server: Server, send: Send, name: str
) -> None:
    recorder, writer = recording
    own = f"00-{'a' * 32}-{'b' * 16}-00"
    with invoked(recorder):
        send(server.url, {name: own})
    assert server.requests[0].headers["traceparent"] == own
    assert "out" not in writer.calls()[0]


@pytest.mark.parametrize("send", SENDERS)
def test_a_foreign_host_learns_nothing(
    recording: Recording, server: Server, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gammaray_recorder.settings._OWN_HOSTS", ())
    recorder, writer = recording
    server.respond = lambda request: Answer(headers={"apigw-requestid": "a-1"})
    with invoked(recorder):
        send(server.url, {})
    assert "traceparent" not in server.requests[0].headers
    (call,) = writer.calls()
    assert call["out"][0]["ids"] == {"apigw_request": "a-1"}


@pytest.mark.parametrize("send", SENDERS)
def test_a_redirect_is_a_request_of_its_own(
    recording: Recording, server: Server, send: Send
) -> None:
    def respond(request: Request) -> Answer:
        if request.path.startswith("/orders"):
            return Answer(status=303, headers={"location": "/elsewhere"})
        return Answer()

    server.respond = respond
    recorder, writer = recording
    with invoked(recorder):
        send(server.url, {})
    paths = [call["res"].rpartition("/")[2] for call in writer.calls()]
    assert paths == [request.path.split("?")[0].strip("/") for request in server.requests]
    headers = [request.headers["traceparent"] for request in server.requests]
    assert [header.split("-")[2] for header in headers] == [call["i"] for call in writer.calls()]


@pytest.mark.parametrize("send", SENDERS)
def test_a_request_without_an_answer_is_recorded_and_raises_what_it_would(
    recording: Recording, server: Server, send: Send
) -> None:
    server.respond = lambda request: None
    recorder, writer = recording
    with pytest.raises(Exception) as plain:  # noqa: PT011 (each library has its own)
        send(server.url, {})
    with invoked(recorder), pytest.raises(type(plain.value)):
        send(server.url, {})
    assert all("err" in call for call in writer.calls())
    assert writer.calls()


@pytest.mark.parametrize("send", SENDERS)
def test_nothing_is_traced_outside_of_an_invocation(
    recording: Recording, server: Server, send: Send
) -> None:
    assert send(server.url, {}) == 200
    assert "traceparent" not in server.requests[0].headers
    assert recording[1].events == []


@pytest.mark.parametrize("send", SENDERS)
def test_a_failing_recorder_does_not_fail_a_request(
    recording: Recording, server: Server, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, writer = recording

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gammaray_recorder.settings.Settings.may_trace", fail)
    monkeypatch.setattr(recorder, "record", fail)
    with invoked(recorder):
        assert send(server.url, {}) == 200
    assert writer.ends()[0]["drop"] == 1


def test_what_aiobotocore_sends_is_recorded_as_a_call_to_aws_alone(
    recording: Recording, server: Server
) -> None:
    recorder, writer = recording

    async def put() -> None:
        session = aiobotocore.session.get_session()
        async with session.create_client(
            "dynamodb", region_name="us-west-2", endpoint_url=server.url
        ) as client:
            await client.put_item(TableName="orders", Item={"id": {"S": "1"}})

    with invoked(recorder):
        asyncio.run(put())
    assert [(call["s"], call["o"]) for call in writer.calls()] == [("dynamodb", "PutItem")]
    assert "traceparent" not in server.requests[0].headers
