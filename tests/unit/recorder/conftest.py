"""Fixtures of the recorder's tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import botocore.handlers
import pytest
import urllib3.connectionpool

from gammaray_recorder import hooks
from gammaray_recorder.recording import Recorder
from tests.unit.recorder.support import MemoryWriter, Server, memory_recorder, serving


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake credentials, and nothing of the machine's own configuration."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "_X_AMZN_TRACE_ID", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def unhooked() -> Iterator[None]:
    """Put back whatever the test's hooks changed in the libraries."""
    handlers = list(botocore.handlers.BUILTIN_HANDLERS)
    finders = list(sys.meta_path)
    urlopen = urllib3.connectionpool.HTTPConnectionPool.urlopen
    yield
    botocore.handlers.BUILTIN_HANDLERS[:] = handlers
    sys.meta_path[:] = finders
    urllib3.connectionpool.HTTPConnectionPool.urlopen = urlopen  # type: ignore[method-assign]


@pytest.fixture
def recording(unhooked: None) -> tuple[Recorder, MemoryWriter]:
    """A recorder with its hooks installed, and what it recorded."""
    recorder, writer = memory_recorder()
    hooks.install(recorder)
    return recorder, writer


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server
