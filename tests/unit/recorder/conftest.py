"""Fixtures of the recorder's tests."""

from __future__ import annotations

import concurrent.futures.thread
import gc
import http.client
import sys
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import botocore.handlers
import httpx
import pytest
import urllib3.connectionpool

from gammaray_recorder import bootstrap, hooks
from gammaray_recorder.recording import Recorder
from tests.unit.recorder.support import MemoryWriter, Server, memory_recorder, serving

HOOKED: dict[Any, tuple[str, ...]] = {
    aiohttp.ClientRequest: ("send",),
    aiohttp.ClientResponse: ("start",),
    concurrent.futures.thread._WorkItem: ("__init__", "run"),
    http.client.HTTPConnection: ("putrequest", "endheaders", "getresponse"),
    httpx.HTTPTransport: ("handle_request",),
    httpx.AsyncHTTPTransport: ("handle_async_request",),
    threading.Thread: ("start",),
    urllib3.connectionpool.HTTPConnectionPool: ("urlopen",),
}


@pytest.fixture(scope="module", autouse=True)
def others_put_aside() -> Iterator[None]:
    """Hide what other tests left: hooks are installed by looking at every object."""
    gc.freeze()
    yield
    gc.unfreeze()


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
def unhooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back, after the test, whatever its hooks changed in the libraries."""
    monkeypatch.setattr(
        botocore.handlers, "BUILTIN_HANDLERS", [*botocore.handlers.BUILTIN_HANDLERS]
    )
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(bootstrap, "_started", [])
    for holder, names in HOOKED.items():
        for name in names:
            monkeypatch.setattr(holder, name, getattr(holder, name))


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
