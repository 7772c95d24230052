from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.run import run_inside


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--print"], "--print goes with --role"),
        (["--role", "--collector"], "--role and --collector exclude each other"),
        (["--wheel", __file__], "--wheel goes with --collector"),
        (["--collector", "--wheel", str(Path(__file__).with_suffix(".whl"))], "does not exist"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], says: str) -> None:
    done = run_inside("setup", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
