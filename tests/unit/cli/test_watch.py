"""What is known to be wrong before the screen opens is said where the command was typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terminal import Terminal
from tests.unit.archive.making import DEMO
from tests.unit.cli.run import clean_environment, command

ALTERNATE_SCREEN = "\x1b[?1049h"
EXPIRED_SSO = """
[profile sso]
region = us-west-2
sso_account_id = 123456789012
sso_role_name = reader
sso_session = company

[sso-session company]
sso_region = us-west-2
sso_start_url = https://127.0.0.1:1/start
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--region", "us-west-2"], ["No AWS credentials found", "--profile"]),
        (["--profile", "nobody"], ["no AWS profile named nobody", "sso"]),
        ([], ["No region", "--region"]),
        (["--region", "us west 2"], ["us west 2"]),
        (["--profile", "sso"], ["aws sso login --profile sso"]),
        (["--region", "us-west-2", "--since", "soon"], ["--since", "15m"]),
    ],
)
def test_it_is_said_without_a_screen(tmp_path: Path, arguments: list[str], said: list[str]) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(EXPIRED_SSO)
    with Terminal(command(*arguments), clean_environment(tmp_path), tmp_path) as terminal:
        assert terminal.wait() == 2
        for text in said:
            assert text in terminal.text
        assert ALTERNATE_SCREEN not in terminal.raw


def test_an_unknown_theme_is_said_without_a_screen(tmp_path: Path) -> None:
    line = command("replay", str(tmp_path), "--theme", "gammaray-drak")
    (tmp_path / "records.jsonl").write_text("\n")
    with Terminal(line, clean_environment(tmp_path), tmp_path) as terminal:
        assert terminal.wait() == 2
        assert 'Did you mean "gammaray-dark"' in terminal.text
        assert ALTERNATE_SCREEN not in terminal.raw


def test_an_archive_that_cannot_be_written_is_said_and_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_bytes(DEMO.read_bytes())
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "invocations").write_text("in the way")
    line = command("replay", "records.jsonl", "--speed", "max", "--archive", "history")
    with Terminal(line, clean_environment(tmp_path), tmp_path) as terminal:
        terminal.wait_for("UpdateWebsite")  # there is something to archive
        terminal.type("q")
        assert terminal.wait() == 1
        assert "gammaray-tui: The archive cannot be written" in terminal.text
