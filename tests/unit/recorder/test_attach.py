"""Ways to attach the recorder beside the swapped handler: a decorator, and the exec wrapper."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gammaray_recorder
from gammaray_recorder import bootstrap, recorded
from gammaray_recorder.recording import Recorder
from tests.unit.recorder.support import (
    REGION,
    Context,
    MemoryWriter,
    Server,
    events_in,
    memory_recorder,
)

Recording = tuple[Recorder, MemoryWriter]
WRAPPER = Path(gammaray_recorder.__file__).parent / "exec-wrapper.sh"


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """A recorder that has been started, so that the decorator takes it."""
    recorder, writer = memory_recorder()
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "Resize")
    monkeypatch.setattr(bootstrap, "_started", [recorder])
    return recorder, writer


def statuses(writer: MemoryWriter) -> list[str]:
    return [event["st"] for event in writer.ends()]


class Application:
    """Like a framework's: an object that is configured, and called by Lambda."""

    def __init__(self) -> None:
        self.routes: list[str] = []

    def route(self, path: str) -> None:
        self.routes.append(path)

    def __call__(self, event: Any, context: Any) -> Any:
        return event, context, self.routes


def test_functions_methods_objects_and_classes_are_recorded(recording: Recording) -> None:
    _, writer = recording
    context = Context()

    @recorded
    def function(event: Any, context: Any) -> Any:
        return event, context

    assert function({"a": 1}, context) == ({"a": 1}, context)
    assert function(context=context, event={"a": 2}) == ({"a": 2}, context)

    class Handlers:
        @recorded
        def method(self, event: Any, context: Any) -> Any:
            return self, event, context

    handlers = Handlers()
    assert handlers.method(1, context) == (handlers, 1, context)

    application = recorded(Application())
    application.route("/orders")
    application.name = "shop"  # type: ignore[attr-defined]
    assert application({}, context) == ({}, context, ["/orders"])
    assert application.name == "shop"  # type: ignore[attr-defined]

    bound = recorded(functools.partial(lambda extra, event, context: (extra, event), 7))
    assert bound({}, context) == (7, {})
    assert statuses(writer) == ["ok"] * 5
    assert {start["src"][0]["ids"]["lambda_request"] for start in writer.starts()} == {
        context.aws_request_id
    }


def test_a_decorated_class_is_the_same_class_with_recorded_objects(recording: Recording) -> None:
    class Handler(Application):
        pass

    assert recorded(Handler) is Handler
    assert Handler()(1, None) == (1, None, [])
    assert statuses(recording[1]) == ["ok"]
    assert "__call__" not in vars(recorded(type("Plain", (), {})))


def test_a_coroutine_function_stays_one_and_lets_other_tasks_run(recording: Recording) -> None:
    recorder, writer = recording
    turns: list[str] = []

    @recorded
    async def handler(event: Any, context: Any) -> Any:
        assert recorder.current() is not None
        await asyncio.sleep(0)
        turns.append("handler")
        return event

    async def other() -> None:
        turns.append("other")

    async def main() -> Any:
        task = asyncio.create_task(other())
        result = await handler("event", Context())
        await task
        return result

    assert inspect.iscoroutinefunction(handler)
    assert asyncio.run(main()) == "event"
    assert sorted(turns) == ["handler", "other"]
    assert statuses(writer) == ["ok"]
    assert recorder.current() is None


def test_coroutines_at_once_are_told_apart_and_their_errors_are_the_very_objects(
    recording: Recording,
) -> None:
    recorder, writer = recording
    error = KeyError("mine")

    @recorded
    async def handler(event: str, context: Any) -> str:
        for _ in range(3):
            await asyncio.sleep(0)
            invocation = recorder.current()
            assert invocation is not None
            assert invocation.request_id == event
        if event == "b":
            raise error
        return event

    async def main() -> list[Any]:
        return await asyncio.gather(
            *(handler(name, Context(name)) for name in "abc"), return_exceptions=True
        )

    assert asyncio.run(main()) == ["a", error, "c"]
    assert sorted(statuses(writer)) == ["error", "ok", "ok"]


def test_a_cancelled_coroutine_is_cancelled_at_once(recording: Recording) -> None:
    @recorded
    async def handler(event: Any, context: Any) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(handler({}, Context()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert [end["err"] for end in recording[1].ends()] == ["CancelledError"]


def test_a_decorated_handler_that_is_also_swapped_is_recorded_once(recording: Recording) -> None:
    recorder, writer = recording

    @recorded
    def handler(event: Any, context: Any) -> str:
        return "done"

    assert bootstrap.recorded(handler, recorder)({}, Context()) == "done"
    assert len(writer.starts()) == len(writer.ends()) == 1


@pytest.mark.parametrize("method", [False, True])
def test_a_traceback_ends_where_the_users_own_does(recording: Recording, method: bool) -> None:
    def fails(*arguments: Any) -> None:
        raise ValueError("mine")

    def frames(function: Callable[..., Any]) -> list[tuple[str, str]]:
        try:
            function(*(["self"] if method else []), {}, Context())
        except ValueError as error:
            found = traceback.extract_tb(error.__traceback__)
            return [(Path(frame.filename).name, frame.name) for frame in found]
        raise AssertionError

    plain, ours = frames(fails), frames(recorded(fails))
    assert [frame for frame in ours if frame[0] != "bootstrap.py"] == plain


def test_outside_of_lambda_the_decorator_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in bootstrap._SIGNS:
        monkeypatch.delenv(name, raising=False)

    def handler(event: Any, context: Any) -> None:
        """Do nothing."""

    assert recorded(handler) is handler


RUNTIME = """
import importlib, json, os
module, _, name = os.environ["_HANDLER"].rpartition(".")
handler = getattr(importlib.import_module(module), name)
context = type("Context", (), {"aws_request_id": "r-1"})()
print(json.dumps([handler({"a": 1}, context), os.environ["_HANDLER"]]))
"""


def test_the_exec_wrapper_puts_the_recorder_before_the_handler(
    tmp_path: Path, server: Server
) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return event\n")
    root = str(Path(gammaray_recorder.__file__).parents[1])
    environment = {
        "_HANDLER": "app.handler",
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": REGION,
        "GAMMARAY_FLUSH_MS": "5000",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{tmp_path}:{root}",
    }
    command = [str(WRAPPER), sys.executable, "-c", RUNTIME]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    # User code and other tools find the handler that they know.
    assert json.loads(ran.stdout) == [{"a": 1}, "app.handler"]
    assert ran.stderr == ""
    assert [event["k"] for event in events_in(server.requests)] == ["s", "e"]


def test_the_exec_wrapper_leaves_other_runtimes_alone() -> None:
    command = [str(WRAPPER), "/bin/sh", "-c", "echo $_HANDLER; exit 3"]
    ran = subprocess.run(
        command, env={"_HANDLER": "index.handler"}, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.returncode) == ("index.handler\n", 3)
