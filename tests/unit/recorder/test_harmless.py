"""The same code with and without the recorder: what goes out, comes back and stays is the same."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gammaray_recorder import bootstrap
from gammaray_recorder.recording import Recorder
from gammaray_recorder.settings import Settings
from gammaray_recorder.table import Table
from gammaray_recorder.writer import Writer
from tests.unit.recorder.boto import boto_session
from tests.unit.recorder.support import REGION, Answer, Context, MemoryWriter, Server, invoked
from tests.unit.recorder.test_wire import ITEMS

Recording = tuple[Recorder, MemoryWriter]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BROKEN: dict[str, Any] = {
    "TableName": st.none() | st.integers() | st.text(max_size=5),
    "Item": JSON,
    "Key": JSON,
}
quick = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(call: Callable[[], Any]) -> Any:
    """Give what a call returned, without what differs each time, or the error that it raised."""
    try:
        result = call()
    except Exception as error:
        return type(error), str(error)
    result.pop("ResponseMetadata", None)
    return result


def with_and_without(
    recording: Recording, server: Server, service: str, method: str, params: Any
) -> None:
    """Make a call twice and compare what was sent and what came back."""
    recorder, _ = recording
    before = copy.deepcopy(params)
    client = boto_session().client(service, endpoint_url=server.url)
    server.requests.clear()
    plain = outcome(lambda: getattr(client, method)(**params))
    sent = [(request.path, request.body) for request in server.requests]
    server.requests.clear()
    with invoked(recorder):
        recorded = outcome(lambda: getattr(client, method)(**params))
    assert [(request.path, request.body) for request in server.requests] == sent
    assert recorded == plain
    assert params == before


@quick
@given(item=ITEMS)
def test_items_of_any_kind(recording: Recording, server: Server, item: Any) -> None:
    server.respond = lambda request: Answer(json.dumps({"Attributes": {"a": {"S": "b"}}}).encode())
    with_and_without(
        recording, server, "dynamodb", "put_item", {"TableName": "orders", "Item": item}
    )


@quick
@given(payload=JSON, invocation=st.sampled_from(["RequestResponse", "Event", "DryRun"]))
def test_payloads_of_any_kind(
    recording: Recording, server: Server, payload: Any, invocation: str
) -> None:
    body = json.dumps(payload).encode()
    server.respond = lambda request: Answer(headers={"x-amzn-requestid": "r"})
    recorder, _ = recording
    client = boto_session().client("lambda", endpoint_url=server.url)
    server.requests.clear()
    arguments = {"FunctionName": "f", "InvocationType": invocation}
    client.invoke(Payload=io.BytesIO(body), **arguments)["Payload"].read()
    with invoked(recorder):
        answer = client.invoke(Payload=io.BytesIO(body), **arguments)
        assert answer["Payload"].read() == b"{}"
        assert client.invoke(Payload=body, **arguments)["Payload"].read() == b"{}"
    assert [request.body for request in server.requests] == [body] * 3


@quick
@given(params=st.fixed_dictionaries({}, optional=BROKEN))
def test_arguments_that_botocore_refuses(recording: Recording, server: Server, params: Any) -> None:
    with_and_without(recording, server, "dynamodb", "put_item", params)


@quick
@given(statement=st.text(min_size=1) | st.sampled_from(
    ["INSERT INTO", "UPDATE t SET", "DELETE FROM t WHERE", "INSERT INTO t VALUE {'a': ?}",
     "INSERT INTO t VALUE <<>>", "UPDATE t SET a=1 WHERE b = <<>>", "x" * 5000, "{" * 3000]
), number=st.integers(0, 2))  # fmt: skip
def test_statements_that_are_none(
    recording: Recording, server: Server, statement: str, number: int
) -> None:
    params = {"Statement": statement, "Parameters": [{"S": "x"}] * max(number, 1)}
    with_and_without(recording, server, "dynamodb", "execute_statement", params)


def test_logging_and_the_event_loop_are_left_alone(
    recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    recorder, _ = recording
    root = logging.getLogger()
    before = (root.level, list(root.handlers), set(logging.root.manager.loggerDict))

    async def main() -> tuple[int, bool]:
        loop = asyncio.get_running_loop()
        with invoked(recorder):
            await asyncio.sleep(0)
        return len(asyncio.all_tasks()), loop is asyncio.get_running_loop()

    with caplog.at_level(logging.DEBUG):
        assert asyncio.run(main()) == (1, True)
    assert (root.level, list(root.handlers), set(logging.root.manager.loggerDict)) == before
    assert not [record for record in caplog.records if record.name != "asyncio"]


# --- when nothing can be written ------------------------------------------------------------


@contextmanager
def nobody() -> Iterator[str]:
    """Give an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def black_hole() -> Iterator[str]:
    """Give an address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        yield f"http://127.0.0.1:{hole.getsockname()[1]}"


@contextmanager
def answering(status: int, code: str) -> Iterator[str]:
    """Give an address that answers with an error."""
    server = Server(
        lambda request: Answer(json.dumps({"__type": f"x#{code}"}).encode(), status=status)
    )
    yield server.url
    server.close()


@pytest.mark.parametrize(
    "place",
    [
        nobody,
        black_hole,
        lambda: answering(400, "ResourceNotFoundException"),
        lambda: answering(400, "AccessDeniedException"),
        lambda: answering(400, "ThrottlingException"),
        lambda: answering(500, "InternalServerError"),
    ],
    ids=["nobody listens", "black hole", "missing", "denied", "throttled", "broken"],
)
def test_functions_work_and_hardly_wait_when_nothing_can_be_written(
    place: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited_s: list[float] = []
    with place() as url:
        settings = Settings({"AWS_REGION": REGION, "AWS_ENDPOINT_URL": url})
        writer = Writer(settings, Table(settings))
        writer.start()
        recorder = Recorder(settings, writer)
        result = object()
        handler = bootstrap.recorded(lambda event, context: result, recorder)
        wait = writer.wait

        def timed(invocation: Any) -> None:
            # The lock tells how long it may be waited for, whatever else the machine does.
            lock = _Lock(invocation.flushed, waited_s)
            invocation.flushed = lock
            wait(invocation)

        monkeypatch.setattr(writer, "wait", timed)
        for number in range(5):
            assert handler({}, Context(f"r-{number}")) is result
    assert all(timeout_s <= 0.05 for timeout_s in waited_s)
    assert len(capsys.readouterr().err.splitlines()) <= 1


class _Lock:
    """A lock that notes for how long it was asked to wait at most."""

    def __init__(self, lock: threading.Lock, waited_s: list[float]) -> None:
        self._lock, self._waited_s = lock, waited_s
        self.locked, self.release = lock.locked, lock.release

    def acquire(self, timeout: float) -> bool:
        self._waited_s.append(timeout)
        return self._lock.acquire(timeout=timeout)
