"""Hooks: every session, client, thread and task, and no trace of them in what users see."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib.machinery
import importlib.util
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import aiobotocore.session
import boto3
import botocore.session
import pytest
from botocore.stub import Stubber

from gammaray_recorder import aws_hooks, hooks
from gammaray_recorder.recording import Recorder
from tests.unit.recorder.boto import boto_session
from tests.unit.recorder.support import (
    REGION,
    Context,
    MemoryWriter,
    Server,
    invoked,
    memory_recorder,
)

Recording = tuple[Recorder, MemoryWriter]


def functions_of(writer: MemoryWriter) -> list[tuple[str, str]]:
    return [(call["o"], call.get("res", "")) for call in writer.calls()]


def test_sessions_clients_and_resources_made_before_the_hooks(
    unhooked: None, server: Server
) -> None:
    before: Any = botocore.session.Session()
    arguments = {"region_name": REGION, "endpoint_url": server.url}
    client = before.create_client("dynamodb", **arguments)
    table = boto3.session.Session().resource("dynamodb", **arguments).Table("orders")
    recorder, writer = memory_recorder()
    hooks.install(recorder)
    with invoked(recorder):
        client.get_item(TableName="one", Key={"id": {"S": "1"}})
        table.put_item(Item={"id": "1"})
        before.create_client("dynamodb", **arguments).list_tables()
        boto3.session.Session().client("dynamodb", **arguments).list_tables()
    assert functions_of(writer) == [
        ("GetItem", "one"),
        ("PutItem", "orders"),
        ("ListTables", ""),
        ("ListTables", ""),
    ]


def test_the_default_session_is_recorded(
    recording: Recording, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    recorder, writer = recording
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=server.url)
    with invoked(recorder):
        client.list_tables()
    assert functions_of(writer) == [("ListTables", "")]


def test_aiobotocore_is_recorded_in_each_task(recording: Recording, server: Server) -> None:
    recorder, writer = recording

    async def handle() -> None:
        session = aiobotocore.session.get_session()
        arguments = {"region_name": REGION, "endpoint_url": server.url}
        async with session.create_client("dynamodb", **arguments) as client:
            keys = [{"id": {"S": str(number)}} for number in range(5)]
            await asyncio.gather(*(client.delete_item(TableName="t", Key=key) for key in keys))

    with invoked(recorder):
        asyncio.run(handle())
    calls = writer.calls()
    assert {call["out"][0]["key"] for call in calls} == {
        f'[["id","S","{number}"]]' for number in range(5)
    }
    assert len({call["i"] for call in calls}) == 5


def test_threads_of_the_handler_belong_to_the_only_invocation(
    recording: Recording, server: Server
) -> None:
    recorder, writer = recording
    client = boto_session().client("dynamodb", endpoint_url=server.url)
    with invoked(recorder):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(client.list_tables) for _ in range(8)]
            assert all(future.result() for future in futures)
        thread = threading.Thread(target=client.list_tables)
        thread.start()
        thread.join()
    assert len(writer.calls()) == 9


def test_several_invocations_at_once_keep_their_calls_apart(
    recording: Recording, server: Server
) -> None:
    recorder, _ = recording
    client = boto_session().client("dynamodb", endpoint_url=server.url)
    together = threading.Barrier(3)
    seen: dict[str, list[str]] = {}

    def handle(name: str) -> None:
        begun = recorder.begin({}, Context(aws_request_id=name))
        assert begun is not None
        together.wait(60)
        for _ in range(5):
            client.get_item(TableName=name, Key={"id": {"S": "1"}})
        together.wait(60)
        seen[name] = [event["res"] for event in begun[0].take() if event["k"] == "c"]
        recorder.end(begun)

    threads = [threading.Thread(target=handle, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {name: [name] * 5 for name in ("one", "two", "three")}


def test_a_thread_without_context_is_not_guessed_among_several_invocations() -> None:
    recorder, _ = memory_recorder()
    assert recorder.current() is None
    found: list[Any] = []
    with invoked(recorder, context=Context("one")), invoked(recorder, context=Context("two")):
        thread = threading.Thread(target=lambda: found.append(recorder.current()))
        thread.start()
        thread.join()
        current = recorder.current()
        assert current is not None
        assert current.request_id == "two"
    assert found == [None]


def test_a_task_that_outlives_its_handler_is_still_the_handlers(
    recording: Recording, server: Server
) -> None:
    recorder, writer = recording
    loop = asyncio.new_event_loop()
    go = asyncio.Event()

    async def late() -> None:
        await go.wait()
        session = aiobotocore.session.get_session()
        arguments = {"region_name": REGION, "endpoint_url": server.url}
        async with session.create_client("dynamodb", **arguments) as client:
            await client.get_item(TableName="late", Key={"id": {"S": "1"}})

    with invoked(recorder, context=Context("first")):
        task = loop.create_task(late())
        loop.run_until_complete(asyncio.sleep(0))
    with invoked(recorder, context=Context("second")):
        go.set()
        loop.run_until_complete(task)
    loop.close()
    kinds = [event["k"] for event in writer.events]
    assert kinds == ["s", "e", "s", "c", "e"]
    assert functions_of(writer) == [("GetItem", "late")]


def test_nothing_is_recorded_outside_of_an_invocation(recording: Recording, server: Server) -> None:
    recorder, writer = recording
    boto_session().client("dynamodb", endpoint_url=server.url).list_tables()
    assert writer.events == []
    assert recorder.current() is None


def test_stubbed_clients_work_and_are_recorded(recording: Recording) -> None:
    recorder, writer = recording
    client = boto_session().client("sns")
    topic = f"arn:aws:sns:{REGION}:123456789012:t"
    with Stubber(client) as stubber, invoked(recorder):
        parameters = {"TopicArn": topic, "Message": "x"}
        stubber.add_response("publish", {"MessageId": "m-1"}, parameters)
        assert client.publish(**parameters)["MessageId"] == "m-1"
    (call,) = writer.calls()
    assert call["out"] == [{"res": topic, "ids": {"sns_message": "m-1"}}]


def test_presigning_is_no_call(recording: Recording) -> None:
    recorder, writer = recording
    client = boto_session().client("s3")
    with invoked(recorder):
        assert client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    assert writer.calls() == []


def test_paginators_and_waiters_are_recorded_page_by_page(
    recording: Recording, server: Server
) -> None:
    recorder, writer = recording
    client = boto_session().client("dynamodb", endpoint_url=server.url)
    with invoked(recorder):
        list(client.get_paginator("scan").paginate(TableName="orders"))
    assert functions_of(writer) == [("Scan", "orders")]


def test_what_cannot_be_described_is_counted_and_does_no_harm(
    recording: Recording, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, writer = recording

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gammaray_recorder.calls.resource_of", fail)
    client = boto_session().client("dynamodb", endpoint_url=server.url)
    with invoked(recorder):
        assert client.list_tables()
    assert writer.calls() == []
    assert writer.ends()[0]["drop"] == 1


@pytest.mark.parametrize("answered", [True, False])
def test_answers_that_no_client_gives_are_counted_and_do_no_harm(answered: bool) -> None:
    recorder, writer = memory_recorder()
    call_hooks = aws_hooks.CallHooks(recorder)
    context: dict[str, Any] = {}
    with invoked(recorder):
        call_hooks.before(params={}, model=None, context=context)
        if answered:
            call_hooks.after(http_response=None, parsed=None, context=context)
        else:
            error = ValueError()
            error.kwargs = None  # type: ignore[attr-defined]
            call_hooks.failed(exception=error, context=context)
    assert context == {}
    assert writer.ends()[0]["drop"] == 1


# --- installing --------------------------------------------------------------------------


class Patched:
    """A stand-in for a patch, which notes the modules that it was given."""

    def __init__(self) -> None:
        self.modules: list[Any] = []

    def __call__(self, module: Any, recorder: Recorder) -> None:
        self.modules.append(module)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unhooked: None) -> Path:
    """A folder on sys.path whose modules are forgotten after the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def follow(*names: str) -> Patched:
    patched = Patched()
    recorder, _ = memory_recorder()
    finder = hooks._PostImport(dict.fromkeys(names, patched), recorder)
    sys.meta_path.insert(0, finder)
    return patched


def test_a_module_is_patched_once_right_after_it_ran(fresh: Path) -> None:
    (fresh / "wanted_a.py").write_text("VALUE = 1")
    (fresh / "other_a.py").write_text("import wanted_a")
    patched = follow("wanted_a")
    module: Any = importlib.import_module("other_a")
    assert patched.modules == [module.wanted_a]
    assert patched.modules[0].VALUE == 1
    importlib.reload(module.wanted_a)
    assert len(patched.modules) == 1


def test_a_module_that_was_only_looked_for_is_patched_when_it_is_imported(fresh: Path) -> None:
    (fresh / "wanted_b.py").write_text("VALUE = 1")
    patched = follow("wanted_b")
    assert importlib.util.find_spec("wanted_b") is not None
    assert patched.modules == []
    importlib.import_module("wanted_b")
    assert len(patched.modules) == 1


def test_a_module_that_fails_can_be_imported_again(fresh: Path) -> None:
    source = fresh / "wanted_c.py"
    source.write_text("raise KeyError('first')")
    patched = follow("wanted_c")
    with pytest.raises(KeyError, match="first"):
        importlib.import_module("wanted_c")
    source.write_text("VALUE = 22")
    importlib.invalidate_caches()
    assert importlib.import_module("wanted_c").VALUE == 22
    assert len(patched.modules) == 1


def test_modules_of_a_zip_share_a_loader_and_are_told_apart(fresh: Path) -> None:
    with zipfile.ZipFile(fresh / "code.zip", "w") as archive:
        for name in ("wanted_d", "wanted_e", "other_d"):
            archive.writestr(f"{name}.py", "import other_d\n" if "wanted" in name else "")
    sys.path.insert(0, str(fresh / "code.zip"))
    patched = follow("wanted_d", "wanted_e")
    for name in ("other_d", "wanted_d", "wanted_e"):
        importlib.import_module(name)
    assert [module.__name__ for module in patched.modules] == ["wanted_d", "wanted_e"]


def test_finders_and_loaders_of_old_are_left_alone(fresh: Path) -> None:
    class OldLoader:
        def create_module(self, spec: Any) -> None:
            return None

    class Finder:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
            if name == "wanted_h":
                return importlib.machinery.ModuleSpec(name, OldLoader())  # type: ignore[arg-type]
            return None

    patched = follow("wanted_h")
    finder: Any = sys.meta_path[0]
    sys.meta_path[1:1] = [object(), Finder()]  # type: ignore[list-item]
    assert finder.find_spec("wanted_h").name == "wanted_h"
    assert finder.find_spec("anything_else") is None
    assert patched.modules == []


def test_a_missing_module_is_missing_as_before(fresh: Path) -> None:
    follow("wanted_f")
    with pytest.raises(ModuleNotFoundError, match="No module named 'wanted_f'"):
        importlib.import_module("wanted_f")


def test_a_library_that_cannot_be_hooked_works_on(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fresh / "wanted_g.py").write_text("VALUE = 1")
    recorder, _ = memory_recorder()

    def refuse(module: Any, recorder: Recorder) -> None:
        raise AttributeError("secret")

    sys.meta_path.insert(0, hooks._PostImport({"wanted_g": refuse}, recorder))
    assert importlib.import_module("wanted_g").VALUE == 1
    line = "gammaray: calls of wanted_g are not recorded: AttributeError\n"
    assert capsys.readouterr().err == line


LATE_IMPORT = """
import sys
from gammaray_recorder import aws_hooks, hooks
from tests.unit.recorder.support import Server, invoked, memory_recorder
from importlib import import_module
recorder, writer = memory_recorder()
hooks.install(recorder)
assert not {"botocore", "urllib3", "boto3"} & {name.split(".")[0] for name in sys.modules}
server = Server()
boto3, requests = import_module("boto3"), import_module("requests")
with invoked(recorder):
    client = boto3.client("dynamodb", region_name="us-west-2", endpoint_url=server.url)
    client.put_item(TableName="t", Item={"id": {"S": "1"}})
    requests.get(server.url + "/path")
print([(call["s"], call["o"]) for call in writer.calls()])
"""


def test_libraries_imported_after_the_hooks() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LATE_IMPORT], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[('dynamodb', 'PutItem'), ('http', 'HTTP')]\n", run.stderr
