"""The recorder's own connection through a proxy, where the environment names one."""

from __future__ import annotations

from base64 import b64encode

import pytest

from gammaray_recorder.connection import Connection, ProtocolError
from gammaray_recorder.settings import Settings, proxy_of
from gammaray_recorder.table import Table
from tests.unit.recorder.support import Server, Tunnel, items_in
from tests.unit.recorder.test_table import POST

AWS = "https://dynamodb.us-west-2.amazonaws.com"
HTTPS = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        (AWS, {}, None),
        (AWS, HTTPS, "http://proxy:3128"),
        (AWS, {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        (AWS, {"ALL_PROXY": "http://all:1"}, "http://all:1"),
        (AWS, {"HTTP_PROXY": "http://proxy:3128"}, None),
        ("http://127.0.0.1:8000", HTTPS, None),
        ("http://127.0.0.1:8000", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("http://127.0.0.1:8000", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "127.0.0.1"}, None),
        (AWS, {**HTTPS, "NO_PROXY": "localhost, .amazonaws.com"}, None),
        (AWS, {**HTTPS, "NO_PROXY": "us-west-2.amazonaws.com:443"}, None),
        (AWS, {**HTTPS, "no_proxy": "*"}, None),
        (AWS, {**HTTPS, "NO_PROXY": "notamazonaws.com,"}, "http://proxy:3128"),
    ],
)
def test_the_proxy_is_found_as_other_programs_find_it(
    url: str, environment: dict[str, str], proxy: str | None
) -> None:
    assert proxy_of(url, environment) == proxy


def test_plain_requests_tell_the_proxy_their_whole_url(server: Server) -> None:
    environment = {
        "AWS_REGION": "us-west-2",
        "AWS_ENDPOINT_URL": "http://dynamodb.example:8000",
        "HTTP_PROXY": server.url.replace("//", "//user:se%20cret@"),
    }
    table = Table(Settings(environment))
    assert table.write([{"reqID": {"S": "a"}}]) == []
    (request,) = server.requests
    assert request.path == "http://dynamodb.example:8000/"
    assert request.headers["host"] == "dynamodb.example:8000"
    token = b64encode(b"user:se cret").decode()
    assert request.headers["proxy-authorization"] == f"Basic {token}"
    assert items_in(server.requests)


def test_a_refused_tunnel_is_an_error_of_the_connection() -> None:
    tunnel = Tunnel(0, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    with pytest.raises(ProtocolError, match="refused"):
        Connection(AWS, proxy=tunnel.url).exchange(POST)
    assert tunnel.asked[0].startswith(
        b"CONNECT dynamodb.us-west-2.amazonaws.com:443 HTTP/1.1\r\n"
        b"host: dynamodb.us-west-2.amazonaws.com:443\r\n"
    )
    tunnel.close()


def test_a_proxy_that_hangs_up_is_an_error_of_the_connection() -> None:
    tunnel = Tunnel(0, b"")
    with pytest.raises(ProtocolError):
        Connection(AWS, proxy=tunnel.url).exchange(POST)
    tunnel.close()
