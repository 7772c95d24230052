"""The demo as users run it: in a terminal, or headless, and what it leaves behind."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.check_demo_graph import check
from tests.terminal import Terminal, all_gone_afterwards
from tests.unit.cli.run import clean_environment, command, run

# Each starts a local AWS of its own: they need not wait for those that share one.
pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("demo")]

NOT_TO_BE_USED = {
    "AWS_PROFILE": "there-is-no-such-profile",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-to-be-used",
    "AWS_CA_BUNDLE": "/there/is/no/such/file",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """Give a folder for temporary files; nothing may be left in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def test_headless_prints_the_document_whatever_the_users_own_aws_settings_are(
    home: Path, scratch: Path
) -> None:
    done = run(
        home,
        *("demo", "--headless", "--count", "3", "--format", "json"),
        environ={**NOT_TO_BE_USED, "TMPDIR": str(scratch)},
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    check(document, count=3)
    functions = {one["request_id"]: one["function"] for one in document["invocations"]}
    assert Counter(
        functions[call["request_id"]] for call in document["calls"] if call["service"] == "http"
    ) == {"ImageProcPy": 3, "UpdateWebsite": 3}
    ports = [int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", done.stderr)]
    assert len(ports) >= 2
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)


def test_a_chain_that_is_not_complete_in_time_is_named(home: Path, scratch: Path) -> None:
    done = run(
        home,
        *("demo", "--headless", "--timeout", "0"),
        environ={"TMPDIR": str(scratch)},
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-2:] == [
        "not complete after 0 s:",
        "  1 of 1 chain: nothing was seen",
    ]


def demo_terminal(home: Path, scratch: Path) -> Terminal:
    return Terminal(command("demo"), clean_environment(home, TMPDIR=str(scratch)), home)


@pytest.mark.parametrize("how", ["q", "SIGTERM", "SIGKILL", "closed"])
def test_however_it_is_left_nothing_stays(how: str, home: Path, scratch: Path) -> None:
    with demo_terminal(home, scratch) as terminal:
        # The detail of the selected invocation names what it called: a chain is on the screen.
        terminal.wait_for("DetectLabels")
        with all_gone_afterwards(terminal.pid) as processes:
            assert len(processes) >= 3
            if how == "q":
                terminal.type("q")
            elif how == "closed":
                terminal.close()
            else:
                terminal.kill(signal.Signals[how])
            code = terminal.wait()
    assert (
        code
        == {
            "q": 0,
            "SIGTERM": 128 + signal.SIGTERM,
            "SIGKILL": -signal.SIGKILL,
            "closed": 128 + signal.SIGHUP,
        }[how]
    )


def test_leaving_while_it_still_starts_leaves_nothing(home: Path, scratch: Path) -> None:
    with demo_terminal(home, scratch) as terminal:
        terminal.wait_for("MiniStack")
        with all_gone_afterwards(terminal.pid):
            terminal.type("q")
            assert terminal.wait() == 0
