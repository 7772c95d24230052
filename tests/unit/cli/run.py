"""Running the real command in a process of its own, with nothing of the user's around it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner

from gammaray_tui.cli import app
from gammaray_tui.commands.output import EXIT_REFUSED
from providers.errors import UserError

ORACLE = Path(__file__).parents[2] / "data" / "oracle"
_TIMEOUT_S = 60.0


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Give an environment without AWS settings, whose home folder is an empty one."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        **more,
    }


def command(*arguments: str) -> list[str]:
    """Give the command line of gammaray-tui."""
    return [sys.executable, "-m", "gammaray_tui", *arguments]


def run(
    home: Path, *arguments: str, environ: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run gammaray-tui to its end."""
    return subprocess.run(
        command(*arguments),
        env=clean_environment(home, **environ or {}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def run_inside(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run gammaray-tui to its end in this process: many times as quick."""
    result = CliRunner().invoke(app, list(arguments), prog_name="gammaray-tui")
    code, stderr = result.exit_code, result.stderr
    if isinstance(result.exception, UserError):
        code = EXIT_REFUSED
        stderr += f"{result.exception.what} ({result.exception.on})\n{result.exception.todo}\n"
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(list(arguments), code, result.stdout, stderr)
