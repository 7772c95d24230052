"""The recorder's parts, each alone; benchmarks.recorder_overhead measures the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.recorder_overhead import ITEM, dynamodb, empty, quick_server, recorder_at
from gammaray_recorder import aws_hooks, bootstrap, causes
from gammaray_recorder.invocation import Invocation
from gammaray_recorder.recording import Recorder
from gammaray_recorder.writer import items_of
from tests.unit.recorder.events import IMAGE, KEY, change
from tests.unit.recorder.support import REGION, Context, invoked, memory_recorder


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with quick_server() as url:
        yield url


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


@pytest.fixture
def recorder(url: str) -> Recorder:
    return recorder_at(url)


@pytest.mark.benchmark(group="empty handler")
def test_empty_recorded(benchmark: BenchmarkFixture, recorder: Recorder) -> None:
    benchmark(bootstrap.recorded(empty, recorder), {}, Context())


@pytest.mark.benchmark(group="parts")
def test_hooks_of_one_put(benchmark: BenchmarkFixture) -> None:
    recorder, writer = memory_recorder()
    hooks = aws_hooks.CallHooks(recorder)
    model = dynamodb("http://127.0.0.1:9", None).meta.service_model.operation_model("PutItem")

    class Response:
        status_code = 200
        url = "http://127.0.0.1:9/"

    def call() -> None:
        context = {"client_region": REGION}
        hooks.before(params={"TableName": "orders", "Item": ITEM}, model=model, context=context)
        hooks.after(http_response=Response, parsed={}, context=context)

    with invoked(recorder):
        benchmark(call)
    assert writer.calls()


@pytest.mark.benchmark(group="parts")
def test_causes_of_a_hundred_stream_records(benchmark: BenchmarkFixture) -> None:
    invocation = Invocation(Context(), REGION)
    event = {"Records": [change("INSERT", KEY, IMAGE)] * 100}
    assert len(benchmark(causes.read, event, invocation)) == 100


@pytest.mark.benchmark(group="parts")
def test_encoding_a_hundred_calls(benchmark: BenchmarkFixture) -> None:
    invocation = Invocation(Context(), REGION)
    call = {"k": "c", "i": "0123456789abcdef", "t": 1773000000.123456, "s": "dynamodb",
            "o": "PutItem", "g": REGION, "d": 0.003776, "res": "orders",
            "out": [{"res": "orders", "hash": "9" * 32, "ah": {"id": "9" * 12}}]}  # fmt: skip
    assert len(benchmark(items_of, invocation, [call] * 100, 1773000000.0, 60, 380_000)) == 1
