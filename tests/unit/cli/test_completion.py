from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.run import run


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --command")]
)
def test_a_script_is_printed_for_each_shell(tmp_path: Path, shell: str, word: str) -> None:
    done = run(tmp_path, "completion", shell)
    assert done.returncode == 0, done.stderr
    assert word in done.stdout
    assert "gammaray-tui" in done.stdout


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gammaray-tui doc", ["doctor"]),
        ("gammaray-tui deploy image", ["imageproc"]),
        ("gammaray-tui --profile te", ["testuser"]),
        ("gammaray-tui doctor --region us-we", ["us-west-1", "us-west-2"]),
        ("gammaray-tui completion z", ["zsh"]),
        ("gammaray-tui cleanup --app web", ["webapp"]),
        ("gammaray-tui deploy imageproc -c B", ["B"]),
        ("gammaray-tui --theme gammaray-d", ["gammaray-dark"]),
    ],
)
def test_commands_and_values_are_completed(tmp_path: Path, line: str, expected: list[str]) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        "[profile testuser]\nregion = us-west-2\n[sso-session tests]\n"
    )
    words = line.split(" ")
    environ = {
        "_GAMMARAY_TUI_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = run(tmp_path, environ=environ)
    assert done.stdout.split() == expected, done.stderr
