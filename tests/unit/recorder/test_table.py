"""The table's client: signed as botocore signs, and patient with what servers do."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from gammaray_recorder.connection import Connection, ProtocolError
from gammaray_recorder.credentials import Credentials, NoCredentials
from gammaray_recorder.settings import Settings, endpoint_url
from gammaray_recorder.signing import Signer
from gammaray_recorder.sink import Refused, Unavailable
from gammaray_recorder.table import Table
from tests.unit.recorder.support import Answer, Request, Server, items_in

POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"


def item(name: str) -> dict[str, dict[str, str]]:
    return {"reqID": {"S": name}, "payload": {"S": "{}"}}


def table_at(server: Server, **environment: str) -> Table:
    return Table(
        Settings({"AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": server.url, **environment})
    )


# --- signing ------------------------------------------------------------------------------


def headers_of(request: bytes) -> dict[str, str]:
    head = request.partition(b"\r\n\r\n")[0].decode()
    lines = (line.partition(": ") for line in head.split("\r\n")[1:])
    return {name: value for name, _, value in lines}


@settings(max_examples=60)
@given(
    body=st.binary(max_size=50),
    token=st.none() | st.text("abc+/=", min_size=1),
    secret=st.text("abcXYZ019+/", min_size=1),
    region=st.sampled_from(["us-west-2", "cn-north-1"]),
)
def test_requests_are_signed_as_botocore_signs_them(
    body: bytes, token: str | None, secret: str, region: str
) -> None:
    host = f"dynamodb.{region}.amazonaws.com"
    signer = Signer(host, region)
    target = "DynamoDB_20120810.PutItem"
    ours = headers_of(signer.request(target, body, ("AKID", secret, token), 1773000000.0))
    theirs: Any = AWSRequest("POST", f"https://{host}/", data=body)
    theirs.context["timestamp"] = ours["x-amz-date"]
    for name in ("content-type", "x-amz-target", "x-amz-date"):
        theirs.headers[name] = ours[name]
    if token:
        theirs.headers["x-amz-security-token"] = token
    signature: Any = SigV4Auth(BotocoreCredentials("AKID", secret, token), "dynamodb", region)
    canonical = signature.canonical_request(theirs)
    expected = signature.signature(signature.string_to_sign(theirs, canonical), theirs)
    assert ours["authorization"].endswith(f"Signature={expected}")
    assert f"/{region}/dynamodb/aws4_request" in ours["authorization"]


def test_the_days_key_follows_the_day_and_the_secret() -> None:
    signer = Signer("h", "r")
    first = signer.request("t", b"", ("a", "s", None), 0.0)
    assert signer.request("t", b"", ("a", "s", None), 0.0) == first
    assert signer.request("t", b"", ("a", "s", None), 86400.0) != first
    assert signer.request("t", b"", ("a", "other", None), 0.0) != first
    assert signer.request("t", b"", ("a", "s", None), 0.0) == first


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("us-west-2", "https://dynamodb.us-west-2.amazonaws.com"),
        ("us-gov-west-1", "https://dynamodb.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn"),
        ("us-isob-east-1", "https://dynamodb.us-isob-east-1.sc2s.sgov.gov"),
        ("us-iso-east-1", "https://dynamodb.us-iso-east-1.c2s.ic.gov"),
        ("eusc-de-east-1", "https://dynamodb.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_endpoints_of_all_partitions(region: str, url: str) -> None:
    assert endpoint_url(region) == url


# --- credentials --------------------------------------------------------------------------


def test_credentials_of_the_environment_are_read_anew_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credentials = Credentials()
    assert credentials.get() == ("AKIDEXAMPLE", "example-secret", None)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert credentials.get() == ("AKIDEXAMPLE", "example-secret", "token")


@pytest.fixture
def snapshot(monkeypatch: pytest.MonkeyPatch, server: Server) -> Server:
    """The runtime's credentials endpoint, as a function restored from a snapshot has it."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/v1/credentials?x=1")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "runtime-token")
    return server


def test_credentials_of_a_snapshot_are_fetched_and_renewed(
    snapshot: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}
    snapshot.respond = lambda request: Answer(json.dumps(answer).encode())
    credentials = Credentials()
    assert credentials.get() == credentials.get() == ("A", "S", "T")
    (request,) = snapshot.requests
    assert (request.method, request.path) == ("GET", "/v1/credentials?x=1")
    assert request.headers["authorization"] == "runtime-token"
    later = time.time() + 300
    monkeypatch.setattr(time, "time", lambda: later)
    credentials.get()
    assert len(snapshot.requests) == 2


@pytest.mark.parametrize("answer", [Answer(b"no", 403), Answer(b"{}"), Answer(b"[]")], ids=repr)
def test_credentials_that_cannot_be_had(snapshot: Server, answer: Answer) -> None:
    snapshot.respond = lambda request: answer
    with pytest.raises(NoCredentials):
        Credentials().get()


def test_no_credentials_at_all_is_refused(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", raising=False)
    with pytest.raises(Refused, match="no credentials"):
        table_at(server).write([item("a")])


# --- the connection -----------------------------------------------------------------------


def test_requests_share_one_connection(server: Server) -> None:
    kept = Connection(server.url)
    for _ in range(3):
        assert kept.exchange(POST) == (200, b"{}")
    assert server.connections == 1


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("size", [0, 1, 70_000, 200_000])
def test_bodies_of_any_length_and_coding(server: Server, size: int, chunked: bool) -> None:
    server.respond = lambda request: Answer(b"x" * size, chunked=chunked)
    kept = Connection(server.url)
    assert kept.exchange(POST) == (200, b"x" * size)
    assert kept.exchange(POST) == (200, b"x" * size)
    assert server.connections == 1


def test_a_connection_that_the_server_closes_is_opened_again(server: Server) -> None:
    server.respond = lambda request: Answer(close=True, headers={"connection": "close"})
    kept = Connection(server.url)
    assert kept.exchange(POST)[0] == 200
    assert kept.exchange(POST)[0] == 200
    assert server.connections == 2


def test_a_connection_that_died_unseen_is_replaced_once(server: Server) -> None:
    kept = Connection(server.url)
    kept.exchange(POST)
    answers = iter([None, Answer()])
    server.respond = lambda request: next(answers)
    assert kept.exchange(POST)[0] == 200
    assert server.connections == 2


def test_a_new_connection_that_dies_is_not_tried_again(server: Server) -> None:
    server.respond = lambda request: None
    with pytest.raises(ProtocolError):
        Connection(server.url).exchange(POST)
    assert server.connections == 1


def test_a_connection_that_was_idle_too_long_is_not_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Connection(server.url)
    kept.exchange(POST)
    later = time.time() + 46
    monkeypatch.setattr(time, "time", lambda: later)
    assert kept.exchange(POST)[0] == 200
    assert server.connections == 2


def test_nobody_listening_is_an_error_that_the_table_calls_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings({"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        Table(settings).write([item("a")])


class RawServer:
    """Answers one connection with given bytes, whatever it is asked."""

    def __init__(self, answer: bytes) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, args=(answer,), daemon=True)
        self._thread.start()

    def _serve(self, answer: bytes) -> None:
        connected, _ = self._socket.accept()
        with connected:
            connected.recv(65536)
            connected.sendall(answer)

    def close(self) -> None:
        self._thread.join()
        self._socket.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nT: 1\r\n\r\n",
         b"ok"),
    ],
)  # fmt: skip
def test_unusual_but_valid_answers(answer: bytes, expected: bytes) -> None:
    raw = RawServer(answer)
    assert Connection(raw.url).exchange(POST) == (200, expected)
    raw.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 140_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=range(7),
)
def test_answers_that_are_not_http_are_errors_of_the_connection(answer: bytes) -> None:
    raw = RawServer(answer)
    with pytest.raises(ProtocolError):
        Connection(raw.url).exchange(POST)
    raw.close()


def test_a_silent_server_is_left_after_the_timeout(server: Server) -> None:
    server.respond = lambda request: server.hang()
    with pytest.raises(TimeoutError):
        Connection(server.url, timeout_s=0.05).exchange(POST)


# --- the table ----------------------------------------------------------------------------


def test_one_item_is_put_and_several_are_batched_by_25(server: Server) -> None:
    table = table_at(server, GAMMARAY_TABLE="records")
    assert table.write([item("a")]) == []
    assert table.write([item(str(number)) for number in range(60)]) == []
    targets = [request.headers["x-amz-target"] for request in server.requests]
    assert targets == ["DynamoDB_20120810.PutItem"] + ["DynamoDB_20120810.BatchWriteItem"] * 3
    sizes = [len(items_in([request], "records")) for request in server.requests]
    assert sizes == [1, 25, 25, 10]
    assert server.connections == 1


def test_the_signature_is_for_the_tables_region(server: Server) -> None:
    table_at(server, GAMMARAY_REGION="eu-west-1").write([item("a")])
    assert "/eu-west-1/dynamodb/" in server.requests[0].headers["authorization"]


def test_unprocessed_items_are_given_back(server: Server) -> None:
    def respond(request: Request) -> Answer:
        requests = request.json()["RequestItems"]["gammaRays"]
        return Answer(json.dumps({"UnprocessedItems": {"gammaRays": requests[1:]}}).encode())

    server.respond = respond
    assert table_at(server).write([item("a"), item("b"), item("c")]) == [item("b"), item("c")]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "ProvisionedThroughputExceededException", Unavailable),
        (400, "ThrottlingException", Unavailable),
        (500, "InternalServerError", Unavailable),
        (503, "", Unavailable),
        (400, "ResourceNotFoundException", Refused),
        (400, "AccessDeniedException", Refused),
        (400, "ValidationException", Refused),
    ],
)
def test_errors_pass_or_they_stay(
    server: Server, status: int, code: str, error: type[Exception]
) -> None:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}) if code else "oops"
    server.respond = lambda request: Answer(body.encode(), status)
    with pytest.raises(error, match=code or "HTTP 503"):
        table_at(server).write([item("a")])
