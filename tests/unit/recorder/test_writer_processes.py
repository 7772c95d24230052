"""Writers in processes that fork, or are killed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.recorder.support import REGION, Server, events_in, items_in, kinds_in

PRELUDE = """
import os, sys
from gammaray_recorder import bootstrap
from tests.unit.recorder.support import Context
recorder = bootstrap.start_recorder()
def call(name):
    recorder.record(recorder.current(), {"k": "c", "o": name})
"""

FORKING = """
def handler(event, context):
    call("Parent")
    child = os.fork()
    if not child:
        call("Child")
        os._exit(0)
    os.waitpid(child, 0)
    call("ParentAgain")
bootstrap.recorded(handler, recorder)({}, Context("forking"))
"""

DYING = """
def handler(event, context):
    call("Early")
    sys.stdin.readline()
    os._exit(3)
bootstrap.recorded(handler, recorder)({}, Context("dying"))
"""


@pytest.fixture
def process_environment(server: Server) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": server.url,
        "GAMMARAY_FLUSH_MS": "60000",
    }


def test_a_forked_child_writes_its_own_calls(
    server: Server, process_environment: dict[str, str]
) -> None:
    subprocess.run([sys.executable, "-c", PRELUDE + FORKING], env=process_environment, check=True)
    operations = sorted(str(event.get("o", event["k"])) for event in events_in(server.requests))
    assert operations == ["Child", "Parent", "ParentAgain", "e", "s"]
    keys = [item["reqID"]["S"] for item in items_in(server.requests)]
    assert len(set(keys)) == len(keys)


def test_a_handler_that_is_killed_has_lost_its_last_moments_only(
    server: Server, process_environment: dict[str, str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PRELUDE + DYING], env=process_environment, stdin=subprocess.PIPE
    ) as process:
        server.wait_for(lambda: "Early" in str([request.body for request in server.requests]))
        process.communicate(b"die\n")
    assert process.returncode == 3
    assert kinds_in(server.requests)[:2] == ["s", "c"]
