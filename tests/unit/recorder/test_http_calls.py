"""HTTP calls: recorded without what they carry, and traced only where that is allowed."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
import urllib3

from gammaray_recorder import hooks
from gammaray_recorder.recording import Recorder
from gammaray_recorder.settings import Settings, host_of
from tests.unit.recorder.support import (
    Answer,
    MemoryWriter,
    Request,
    Server,
    invoked,
    memory_recorder,
)

Recording = tuple[Recorder, MemoryWriter]


@pytest.fixture
def tracing(unhooked: None) -> Recording:
    """A recorder that trusts the test's server with `traceparent`."""
    recorder, writer = memory_recorder(GAMMARAY_TRACE_HOSTS="127.0.0.1")
    hooks.install(recorder)
    return recorder, writer


@pytest.fixture
def foreign(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """A recorder to whom the test's server is somebody else's."""
    monkeypatch.setattr("gammaray_recorder.settings._OWN_HOSTS", ())
    return recording


def test_a_request_is_recorded_by_method_host_and_path_alone(
    foreign: Recording, server: Server
) -> None:
    recorder, writer = foreign
    url = server.url.replace("//", "//user:hidden@") + "/orders/7?token=hidden#hidden"
    with invoked(recorder):
        requests.post(url, data=b"hidden", headers={"authorization": "hidden"}, timeout=10)
    (call,) = writer.calls()
    assert call["res"] == f"POST 127.0.0.1:{server.port}/orders/7"
    assert (call["s"], call["o"], call["local"]) == ("http", "HTTP", 1)
    assert 0 < call["d"] < 10
    assert "hidden" not in str(writer.events)
    assert "out" not in call
    (request,) = server.requests
    assert request.body == b"hidden"
    assert "traceparent" not in request.headers


def test_a_trusted_host_gets_a_traceparent_that_the_record_names(
    tracing: Recording, server: Server
) -> None:
    recorder, writer = tracing
    headers = {"x-own": "1"}
    with invoked(recorder):
        requests.get(server.url + "/a", headers=headers, timeout=10)
        urllib3.PoolManager().request("GET", server.url + "/b", headers=headers)
        urllib3.PoolManager(headers=headers).request("GET", server.url + "/c")
    assert headers == {"x-own": "1"}
    calls = writer.calls()
    for request, call in zip(server.requests, calls, strict=True):
        assert request.headers["x-own"] == "1"
        sent = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", request.headers["traceparent"])
        assert sent is not None
        assert call["i"] == sent[2]
        assert call["out"] == [{"res": call["res"], "ids": {"traceparent": f"{sent[1]}-{sent[2]}"}}]
    assert len({call["out"][0]["ids"]["traceparent"] for call in calls}) == 3


@pytest.mark.parametrize("name", ["traceparent", "TraceParent"])
def test_a_traceparent_of_the_users_own_is_left_alone_and_proves_nothing(
    tracing: Recording, server: Server, name: str
) -> None:
    recorder, writer = tracing
    own = f"00-{'a' * 32}-{'b' * 16}-00"
    with invoked(recorder):
        requests.get(server.url, headers={name: own}, timeout=10)
    assert server.requests[0].headers["traceparent"] == own
    assert "out" not in writer.calls()[0]


def test_ids_of_the_answer_are_kept(foreign: Recording, server: Server) -> None:
    recorder, writer = foreign
    answers = iter(
        [
            {"apigw-requestid": "a-1", "x-amzn-RequestId": "other"},
            {"x-amzn-RequestId": "a-2"},
            {"x-amz-request-id": "s-1"},
        ]
    )
    server.respond = lambda request: Answer(headers=next(answers))
    with invoked(recorder):
        for _ in range(3):
            requests.put(server.url, timeout=10)
    ids = [call["out"][0]["ids"] for call in writer.calls()]
    assert ids == [{"apigw_request": "a-1"}, {"apigw_request": "a-2"}, {"s3_request": "s-1"}]


def test_errors_keep_their_status_and_what_they_may_have_caused(
    tracing: Recording, server: Server
) -> None:
    recorder, writer = tracing
    server.respond = lambda request: Answer(status=502)
    with invoked(recorder):
        assert requests.get(server.url, timeout=10).status_code == 502
    server.respond = lambda request: None
    with invoked(recorder), pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=10)
    answered, broken = writer.calls()
    assert answered["err"] == "502"
    assert "traceparent" in answered["out"][0]["ids"]
    assert broken["err"] in {"ProtocolError", "MaxRetryError"}
    assert "traceparent" in broken["out"][0]["ids"]


def test_retries_are_one_call_and_redirects_are_two(tracing: Recording, server: Server) -> None:
    recorder, writer = tracing
    answers = iter([Answer(status=503), Answer(status=503), Answer()])
    server.respond = lambda request: next(answers)
    retry = urllib3.Retry(total=5, status_forcelist=[503], backoff_factor=0)
    with invoked(recorder):
        assert urllib3.PoolManager().request("GET", server.url, retries=retry).status == 200
    (call,) = writer.calls()
    assert call["try"] == 2
    assert len({request.headers["traceparent"] for request in server.requests}) == 1

    writer.events.clear()

    def redirect(request: Request) -> Answer:
        if request.path == "/old":
            return Answer(status=302, headers={"location": "/new"})
        return Answer()

    server.respond = redirect
    with invoked(recorder):
        requests.get(server.url + "/old", timeout=10)
    assert [call["res"].rpartition("/")[2] for call in writer.calls()] == ["old", "new"]


def test_what_a_pool_does_is_unchanged_outside_of_an_invocation(
    tracing: Recording, server: Server
) -> None:
    _, writer = tracing
    assert requests.get(server.url, timeout=10).status_code == 200
    assert writer.events == []
    assert "traceparent" not in server.requests[0].headers


def test_a_failing_recorder_does_not_fail_the_request(
    tracing: Recording, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, writer = tracing

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Settings, "may_trace", fail)
    monkeypatch.setattr(recorder, "record", fail)
    with invoked(recorder):
        assert requests.get(server.url, timeout=10).status_code == 200
    assert writer.ends()[0]["drop"] == 1


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("dynamodb.us-west-2.amazonaws.com", False),
        ("photos.s3.amazonaws.com", False),
        ("shop-1.eu-west-1.elb.amazonaws.com", True),
        ("127.0.0.1", True),
        ("abc.execute-api.evil.example", False),
        ("abc.lambda-url.us-west-2.on.aws", True),
        ("abc.execute-api.cn-north-1.amazonaws.com.cn", True),
        ("amazonaws.com.evil.example", False),
        ("evilamazonaws.com", False),
        ("api.example.com", True),
        ("deep.own.example", True),
        ("own.example", False),
        ("localhost", True),
        ("example.com", False),
    ],
)
def test_traceparent_goes_to_aws_and_to_configured_hosts_only(host: str, trusted: bool) -> None:
    settings = Settings(
        {
            "GAMMARAY_TRACE_HOSTS": "API.example.com, *.own.example,",
            "AWS_ENDPOINT_URL": "http://localhost:4566",
        }
    )
    assert settings.may_trace(host) is trusted


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://user:word@Host.example:80/path", "host.example"),
        ("https://[::1]:443/", "::1"),
        ("host.example", "host.example"),
        ("http://host.example?x=@other", "host.example"),
    ],
)
def test_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("name", "text", "attribute", "expected"),
    [
        ("GAMMARAY_FLUSH_MS", "120", "flush_s", 0.12),
        ("GAMMARAY_FLUSH_MS", "soon", "flush_s", 0.05),
        ("GAMMARAY_FLUSH_MS", "-1", "flush_s", 0.05),
        ("GAMMARAY_FLUSH_MS", "0", "flush_s", 0.0),
        ("GAMMARAY_INTERVAL_MS", "20", "interval_s", 0.02),
        ("GAMMARAY_INTERVAL_MS", "0", "interval_s", 0.2),
        ("GAMMARAY_TTL_S", "3600", "ttl_s", 3600),
        ("GAMMARAY_TTL_S", "nan", "ttl_s", 604800),
        ("GAMMARAY_TTL_S", "inf", "ttl_s", 604800),
        ("GAMMARAY_TABLE", "", "table", "gammaRays"),
        ("GAMMARAY_REGION", "eu-west-1", "table_region", "eu-west-1"),
    ],
)
def test_settings_that_cannot_be_read_count_as_absent(
    name: str, text: str, attribute: str, expected: Any
) -> None:
    settings = Settings({"AWS_REGION": "us-west-2", name: text})
    assert getattr(settings, attribute) == expected


def test_endpoints_are_found_as_the_sdks_find_them() -> None:
    common = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert Settings(common).endpoint == "http://127.0.0.1:1"
    own = {**common, "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:2"}
    assert Settings(own).endpoint == "http://127.0.0.1:2"
    assert Settings({**own, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}).endpoint is None
