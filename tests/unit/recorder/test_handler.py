"""The handler swap: with it and without it, a function behaves the same."""

from __future__ import annotations

import copy
import importlib
import io
import json
import subprocess
import sys
import traceback
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammaray_recorder import bootstrap
from gammaray_recorder.recording import Recorder
from providers.layer import SWAPPED_HANDLER, build_layer, handler_environment
from tests.unit.recorder.support import (
    REGION,
    Context,
    Server,
    events_in,
    items_in,
    memory_recorder,
    payload_of,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
ERRORS = (ValueError, KeyError, OSError, RuntimeError, SystemExit, KeyboardInterrupt, StopIteration)


@settings(max_examples=60)
@given(event=JSON, result=JSON, context=st.none() | st.builds(Context) | st.just(object()))
def test_arguments_and_results_are_the_very_objects(event: Any, result: Any, context: Any) -> None:
    recorder, writer = memory_recorder()
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> Any:
        seen.extend((event, context))
        return result

    before = copy.deepcopy(event)
    assert bootstrap.recorded(handler, recorder)(event, context) is result
    assert seen[0] is event
    assert seen[1] is context
    assert repr(event) == repr(before)
    (start,), (end,) = writer.starts(), writer.ends()
    assert start["src"]
    assert end["st"] == "ok"
    json.dumps(writer.events)


@settings(max_examples=60)
@given(error=st.sampled_from(ERRORS), argument=st.text())
def test_exceptions_are_the_very_objects(error: type[BaseException], argument: str) -> None:
    recorder, writer = memory_recorder()
    raised = error(argument)

    def handler(event: Any, context: Any) -> Any:
        raise raised

    with pytest.raises(error) as caught:
        bootstrap.recorded(handler, recorder)({}, Context())
    assert caught.value is raised
    assert raised.__context__ is None
    assert raised.__cause__ is None
    assert raised.args == (argument,)
    (end,) = writer.ends()
    assert (end["st"], end["err"]) == ("error", error.__name__)


def test_frames_of_the_recorder_are_those_that_the_runtime_leaves_out() -> None:
    recorder, _ = memory_recorder()

    def handler(event: Any, context: Any) -> Any:
        return 1 // 0

    try:
        bootstrap.recorded(handler, recorder)({}, Context())
    except ZeroDivisionError as error:
        frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "gammaray_recorder" in frame.filename]
    assert ours
    assert all(frame.filename.endswith("/bootstrap.py") for frame in ours)
    assert frames[-1].name == "handler"


def test_the_wrapper_looks_like_the_handler() -> None:
    def handler(event: Any, context: Any) -> Any:
        """Say what it does."""

    wrapped: Any = bootstrap.recorded(handler, memory_recorder()[0])
    assert wrapped.__name__ == "handler"
    assert wrapped.__doc__ == "Say what it does."
    assert wrapped.__wrapped__ is handler


def test_a_recorder_that_fails_does_not_fail_the_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, writer = memory_recorder()

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(writer, "opened", fail)
    wrapped = bootstrap.recorded(lambda event, context: event, recorder)
    assert wrapped(7, Context()) == 7
    assert recorder.current() is None
    monkeypatch.undo()
    monkeypatch.setattr(writer, "closed", fail)
    assert wrapped(8, Context()) == 8
    assert writer.lost == 1  # the first one was told by the record that was then lost itself


def test_facts_of_an_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    root = "1-65f1a2b3-0123456789abcdef01234567"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1")
    recorder, writer = memory_recorder()
    recorder.ready()
    wrapped = bootstrap.recorded(lambda event, context: None, recorder)
    wrapped({}, Context(function_version="7"))
    monkeypatch.delenv("_X_AMZN_TRACE_ID")
    wrapped({}, Context())
    cold, warm = writer.starts()
    assert cold["arn"] == Context().invoked_function_arn
    assert (cold["g"], cold["ver"], cold["mem"], cold["trace"]) == (REGION, "7", 256, root)
    assert cold["cold"] is True
    if sys.platform == "linux":
        assert cold["init"] > 0
    assert not {"cold", "init", "trace"} & warm.keys()
    for end in writer.ends():
        assert 0 < end["own"] < 1_000_000


def test_an_alias_is_told_from_a_version_and_the_time_left_is_kept() -> None:
    recorder, writer = memory_recorder()
    wrapped = bootstrap.recorded(lambda event, context: None, recorder)
    for qualifier in ("", ":live", ":7", ":$LATEST"):
        wrapped({}, Context(invoked_function_arn=Context().invoked_function_arn + qualifier))
    assert [start.get("alias") for start in writer.starts()] == [None, "live", None, None]
    for start, end in zip(writer.starts(), writer.ends(), strict=True):
        assert 0 < end["left"] <= start["left"] <= 60_000
    wrapped({}, object())
    assert not {"left", "alias"} & (writer.starts()[-1].keys() | writer.ends()[-1].keys())


@pytest.mark.parametrize(("allowed", "text"), [("", None), ("1", "x" * 500), ("no", None)])
def test_the_text_of_an_error_is_kept_only_where_it_may_be(allowed: str, text: Any) -> None:
    recorder, writer = memory_recorder(GAMMARAY_ERROR_TEXT=allowed)

    def handler(event: Any, context: Any) -> None:
        raise ValueError("x" * 1000)

    with pytest.raises(ValueError, match="xxx"):
        bootstrap.recorded(handler, recorder)({}, Context())
    (end,) = writer.ends()
    assert (end["err"], end.get("msg")) == ("ValueError", text)


def test_nested_invocations_of_one_process_give_their_calls_back() -> None:
    recorder, writer = memory_recorder()

    def inner(event: Any, context: Any) -> Any:
        current = recorder.current()
        return current and current.request_id

    def outer(event: Any, context: Any) -> Any:
        return bootstrap.recorded(inner, recorder)({}, Context("inner")), inner({}, None)

    assert bootstrap.recorded(outer, recorder)({}, Context("outer")) == ("inner", "outer")
    assert len({start["src"][0]["ids"]["lambda_request"] for start in writer.starts()}) == 2


# --- importing the user's handler ---------------------------------------------------------

SOURCES = {
    "works": ("app", "handler", "def handler(event, context):\n    return [event, context.x]"),
    "raises": ("app", "handler", "def handler(event, context):\n    raise KeyError('a', event)"),
    "exits": ("app", "handler", "import sys\ndef handler(event, context):\n    sys.exit(4)"),
    "import error": ("app", "handler", "import nothing_like_it"),
    "syntax error": ("app", "handler", "def handler(:\n"),
    "error at import": ("app", "handler", "raise RuntimeError('no configuration')"),
    "exit at import": ("app", "handler", "raise SystemExit(5)"),
    "no such function": ("app", "missing", "def handler(event, context): pass"),
    "no such module": ("other", "handler", ""),
    "in a folder": ("deep/app", "handler", "def handler(event, context):\n    return 1"),
    "in a package": ("deep.app", "handler", "def handler(event, context):\n    return 2"),
}
RUN = """
import importlib, json, os, sys
sys.path[:0] = sys.argv[3:]
try:
    handler = getattr(importlib.import_module(sys.argv[1].replace("/", ".")), sys.argv[2])
    context = type("Context", (), {"x": 5, "aws_request_id": "r-1"})()
    print(json.dumps(handler({"a": [1]}, context)))
except BaseException as error:
    print(type(error).__name__, error.args, getattr(error, "name", None))
print(sorted(name for name in sys.modules if name.split(".")[0] in
      {"logging", "boto3", "botocore", "urllib3", "http", "email", "ssl", "typing", "decimal",
       "dataclasses", "datetime", "urllib", "asyncio", "concurrent"}))
"""


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer as Lambda unpacks it below /opt."""
    folder = tmp_path_factory.mktemp("opt")
    with zipfile.ZipFile(io.BytesIO(build_layer())) as archive:
        archive.extractall(folder)
    return folder / "python"


def run_bare(
    folder: Path, module: str, function: str, *path: Path, environment: dict[str, str]
) -> tuple[str, str]:
    """Run a handler in an interpreter that has the standard library and nothing else."""
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", RUN, module, function, *map(str, path)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout, ran.stderr


@pytest.mark.parametrize(("module", "function", "source"), SOURCES.values(), ids=SOURCES)
def test_a_bare_interpreter_sees_no_difference(
    tmp_path: Path, layer: Path, server: Server, module: str, function: str, source: str
) -> None:
    code = tmp_path / "code"
    (code / "deep").mkdir(parents=True)
    (code / "app.py").write_text(source)
    (code / "deep" / "app.py").write_text(source)
    environment = {
        **handler_environment(f"{module}.{function}"),
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": server.url,
        "GAMMARAY_FLUSH_MS": "5000",
    }
    plain = run_bare(tmp_path, module, function, code, environment={})
    swapped = SWAPPED_HANDLER.rpartition(".")
    recorded = run_bare(tmp_path, swapped[0], swapped[2], layer, code, environment=environment)
    assert recorded == plain
    events = events_in(server.requests)
    assert [event["k"] for event in events] in ([], ["s", "e"])
    if source and plain[0].startswith(("[", "1", "2")):
        assert events[1]["st"] == "ok"
        assert events[0]["cold"] is True
        assert payload_of(items_in(server.requests)[0])["r"] == "r-1"


def test_the_runtimes_own_loader_is_used_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class FaultError(Exception):
        pass

    def own(event: Any, context: Any) -> None:
        pass

    class Runtime:
        @staticmethod
        def _get_handler(name: str) -> Any:
            if name == "app.handler":
                return own
            raise FaultError(f"Unable to import module '{name}'")

    monkeypatch.setitem(sys.modules, "awslambdaric.bootstrap", Runtime)
    assert bootstrap.load("app.handler") is own
    with pytest.raises(FaultError, match=r"Unable to import module 'gone\.handler'"):
        bootstrap.load("gone.handler")


def test_a_handler_that_was_not_named_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="GAMMARAY_HANDLER"):
        bootstrap.load("")


def test_a_recorder_that_cannot_start_leaves_the_handler_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(self: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", fail)
    monkeypatch.setenv("GAMMARAY_HANDLER", "user_app_a.handler")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "user_app_a.py").write_text("def handler(event, context):\n    return 9\n")
    handler = bootstrap.recorded_handler()
    assert handler is importlib.import_module("user_app_a").handler
    assert capsys.readouterr().err == "gammaray: nothing is recorded: RuntimeError\n"


def test_start_recorder_reads_the_environment(
    monkeypatch: pytest.MonkeyPatch, unhooked: None, server: Server
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("GAMMARAY_TABLE", "records")
    monkeypatch.setenv("GAMMARAY_FLUSH_MS", "5000")
    recorder = bootstrap.start_recorder()
    assert isinstance(recorder, Recorder)
    bootstrap.recorded(lambda event, context: None, recorder)({}, Context())
    assert items_in(server.requests, "records")
