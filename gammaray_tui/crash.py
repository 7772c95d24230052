"""What is left of a screen that died of a defect: a file that tells of it, and what to do."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import platformdirs
from rich.console import Console

from gammaray_tui import __version__
from providers.errors import UserError

_WIDTH = 120
_LONGEST = 200


def telling_to(file: TextIO) -> Console:
    """Make what Textual shall tell of a defect to, in the place of the terminal."""
    return Console(file=file, width=_WIDTH, color_system=None, legacy_windows=False)


def default_folder() -> Path:
    """Say where such files are kept."""
    return platformdirs.user_state_path("gammaray-tui") / "crashes"


def defect_of(error: Exception, what: str, on: str) -> UserError:
    """Give an error that nobody foresaw as one to show; everything else goes on.

    Args:
        error: what was raised.
        what: what was being done.
        on: what is watched.
    """
    defect = UserError(
        f"Something went wrong while {what}: {type(error).__name__}: {error}",
        on=on,
        todo="This is a defect of gammaray-tui: please report it with the lines below. "
        "Everything else goes on.",
        kind="defect",
    )
    defect.__cause__ = error
    return defect


def crashed(told: str, recording: Path | None, folder: Path | None = None) -> UserError:
    """Keep what was told of a defect, and say where, and where the recording is.

    Args:
        told: the traceback.
        recording: the file that was recorded to; None for none.
        folder: where to keep it; None: where such files are kept.
    """
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    todo = [
        "This is a defect of gammaray-tui: please report it.",
        _kept(told, folder or default_folder()),
    ]
    if recording is not None:
        todo.append(f"What was recorded is whole: gammaray-tui replay {recording}")
    return UserError(
        f"The screen came to its end: {lines[-1][:_LONGEST]}",
        todo="\n".join(todo),
        kind="defect",
    )


def _kept(told: str, folder: Path) -> str:
    at = datetime.now(UTC)
    path = folder / f"{at:%Y%m%dT%H%M%S%f}.txt"
    head = f"gammaray-tui {__version__}, Python {platform.python_version()}, {platform.platform()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{head}\n{at:%Y-%m-%d %H:%M:%S} UTC\n\n{told}")
    except OSError as error:
        return f"Its traceback could not be written to {path}: {error.strerror or error}."
    return f"Its traceback, with values of variables in it, is in {path}"
