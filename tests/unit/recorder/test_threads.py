"""Threads and pools: what they do belongs to the invocation that started it, or gave it to them."""

from __future__ import annotations

import io
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest
from boto3.s3.transfer import TransferConfig

from gammaray_recorder.invocation import Invocation
from gammaray_recorder.recording import Recorder
from tests.unit.recorder.boto import boto_session
from tests.unit.recorder.support import (
    Answer,
    Context,
    MemoryWriter,
    Request,
    Server,
    invoked,
)

Recording = tuple[Recorder, MemoryWriter]


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Do something several times at once, all together from the start."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def request_id(invocation: Invocation | None) -> str | None:
    return None if invocation is None else invocation.request_id


def test_threads_and_pools_belong_to_the_invocation_that_uses_them(recording: Recording) -> None:
    recorder, _ = recording
    together = threading.Barrier(4)
    seen: dict[str, list[str | None]] = {}
    with ThreadPoolExecutor(8) as pool:

        def handle(number: int) -> None:
            name = f"r-{number}"
            with invoked(recorder, context=Context(name)):
                together.wait(10)
                ids: list[str | None] = []
                thread = threading.Thread(target=lambda: ids.append(request_id(recorder.current())))
                thread.start()
                thread.join()
                for _ in range(5):
                    ids.append(request_id(pool.submit(recorder.current).result(10)))
                ids += map(request_id, pool.map(lambda _: recorder.current(), range(5)))
                seen[name] = ids
                together.wait(10)

        in_threads(4, handle)
        assert pool.submit(recorder.current).result(10) is None  # nobody's
    assert seen == {f"r-{number}": [f"r-{number}"] * 11 for number in range(4)}


def test_a_thread_that_outlives_its_invocation_is_not_the_next_ones(recording: Recording) -> None:
    recorder, _ = recording
    go_on, seen = threading.Event(), []

    def work() -> None:
        go_on.wait(10)
        seen.append(request_id(recorder.current()))

    with invoked(recorder, context=Context("first")):
        thread = threading.Thread(target=work)
        thread.start()
    with invoked(recorder, context=Context("second")):
        go_on.set()
        thread.join()
    assert seen == ["first"]


def test_a_pool_works_as_before(recording: Recording) -> None:
    recorder, _ = recording
    variable: ContextVar[int] = ContextVar("variable", default=0)

    def fails() -> None:
        raise KeyError("mine")

    with (
        invoked(recorder),
        ThreadPoolExecutor(1, initializer=lambda: variable.set(7) and None) as pool,
    ):
        variable.set(1)
        assert pool.submit(variable.get).result(10) == 7  # the thread's own, as always
        assert pool.submit(divmod, 7, 2).result(10) == (3, 1)
        with pytest.raises(KeyError) as raised:
            pool.submit(fails).result(10)
    frames = [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert not any("gammaray_recorder" in name for name in frames)


def test_a_thread_can_be_started_but_once(recording: Recording) -> None:
    with invoked(recording[0]):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        with pytest.raises(RuntimeError, match="threads can only be started once"):
            thread.start()
        thread.join()


@pytest.mark.parametrize("size", [100, 6 << 20])
def test_uploads_by_the_transfer_manager_are_recorded_of_each_invocation(
    recording: Recording, server: Server, size: int
) -> None:
    def respond(request: Request) -> Answer:
        if request.path.endswith("?uploads"):
            return Answer(b"<R><UploadId>u</UploadId></R>")
        return Answer(b"<R><ETag>&quot;e&quot;</ETag></R>", headers={"ETag": '"e"'})

    server.respond = respond
    recorder, writer = recording
    client = boto_session().client("s3", endpoint_url=server.url)
    together = threading.Barrier(2)
    transfer = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)

    def handle(number: int) -> None:
        with invoked(recorder, context=Context(f"r-{number}")):
            together.wait(10)
            client.upload_fileobj(io.BytesIO(b"x" * size), "photos", f"{number}", Config=transfer)
            together.wait(10)

    in_threads(2, handle)
    last = "CompleteMultipartUpload" if size > 1000 else "PutObject"
    written = [call for call in writer.calls() if "out" in call]
    assert sorted((call["o"], call["out"][0]["key"]) for call in written) == [
        (last, "0"),
        (last, "1"),
    ]
    assert "drop" not in str(writer.ends())
