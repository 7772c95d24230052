"""Running the real command in a process of its own, with nothing of the user's around it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

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
