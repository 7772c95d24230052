from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from gammaray_tui import __version__, cli
from gammaray_tui.commands.screen import need_terminal
from providers.errors import UserError
from tests.unit.cli.run import ORACLE, clean_environment, command, run, run_inside

COMMANDS = [
    "demo",
    "tail",
    "replay",
    "export",
    "deploy",
    "fire",
    "cleanup",
    "doctor",
    "setup",
    "init",
    "instrument",
    "uninstrument",
    "logs",
    "completion",
]
# What no command needs before it is known what it has to do.
HEAVY = {"textual", "rich", "botocore", "boto3", "aiobotocore", "aiohttp", "msgspec", "networkx"}


def test_help_names_every_command_and_option(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for word in [
        *COMMANDS,
        *("--profile", "--region", "--table", "--endpoint-url", "--since", "--theme", "--ascii"),
        *("--read-only", "--config", "--version"),
    ]:
        assert word in done.stdout
    assert "..." not in done.stdout.split("Commands:")[1], "a command's help is cut off"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str) -> None:
    done = run_inside(name, "--help")
    assert done.returncode == 0
    assert f"gammaray-tui {name}" in done.stdout


def test_version(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").stdout == f"gammaray-tui {__version__}\n"


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys, contextlib, io\n"
        "from gammaray_tui import cli\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    cli.app(['--help'])\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert not HEAVY & {name.partition(".")[0] for name in done.stdout.split()}


def test_a_mistyped_command_or_option_gets_a_hint(tmp_path: Path) -> None:
    done = run(tmp_path, "tial")
    assert done.returncode == 2
    assert "Did you mean 'tail'" in done.stderr
    done = run(tmp_path, "tail", "--regoin", "x")
    assert done.returncode == 2
    assert "--region" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("demo",), ("replay", str(ORACLE / "webapp"))])
def test_a_screen_needs_a_terminal(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments, environ={"AWS_DEFAULT_REGION": "us-west-2"})
    assert done.returncode == 2
    assert done.stdout == ""
    assert "needs a terminal" in done.stderr


def test_a_screen_needs_more_than_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    need_terminal("gammaray-tui tail")
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(UserError, match="TERM=dumb") as refused:
        need_terminal("gammaray-tui tail")
    assert "gammaray-tui tail" in refused.value.todo


def test_a_user_error_is_three_facts_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise UserError("It \x1bbroke.", on="region us-west-2", todo="Mend it.\nTry again.")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "gammaray-tui: It \\x1bbroke (region us-west-2)",
        "  Mend it.",
        "  Try again.",
    ]


def test_a_defect_keeps_its_traceback_and_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: by nought" in err
    assert "Traceback" in err
    assert "Please report it" in err.splitlines()[-1]


def test_an_interrupt_ends_with_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupt)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 128 + signal.SIGINT


def _exported_to(stdout: int | IO[bytes], home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("export", str(ORACLE / "imageproc" / "records.jsonl")),
        env=clean_environment(home),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = _exported_to(write_end, tmp_path)
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device without room")
def test_a_result_that_finds_no_room_is_told_in_a_line(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = _exported_to(full, tmp_path)
    assert done.returncode == 2
    assert "No space left on device (standard output)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_extra_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ministack'] = None\n")
    done = run(tmp_path, "demo", "--headless", environ={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert done.stdout == ""
    assert "pip install 'gammaray-tui[local]'" in done.stderr
    assert "Traceback" not in done.stderr
