"""Where recordings are kept when nobody says where, and which of them may go."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import platformdirs

from providers.errors import UserError
from providers.recordings.reader import SUFFIX, Summary, summarise

# Demo runs are recorded unasked: so many of them, and no more, stay.
KEPT_DEMOS: Final = 20


def default_folder() -> Path:
    """Give the folder for recordings without a name of their own: in the user's state folder."""
    return platformdirs.user_state_path("gammaray-tui") / "recordings"


def new_path(kind: str, now_s: float | None = None) -> Path:
    """Give a free name in the default folder, such as `2026-11-22T190346Z-demo.gammaray`."""
    at = datetime.fromtimestamp(time.time() if now_s is None else now_s, UTC)
    stem = f"{at:%Y-%m-%dT%H%M%SZ}-{kind}"
    path = default_folder() / f"{stem}{SUFFIX}"
    number = 2
    while path.exists():
        path = default_folder() / f"{stem}-{number}{SUFFIX}"
        number += 1
    return path


def find_recordings(paths: Sequence[Path] = ()) -> tuple[list[Summary], list[UserError]]:
    """Look recordings up, the oldest first: those named, those in folders named.

    Args:
        paths: files and folders; without any, the default folder.

    Returns:
        What was found, and what is wrong with files that cannot be read.
    """
    found: list[Summary] = []
    wrong: list[UserError] = []
    for path in paths or (default_folder(),):
        for file in sorted(_files(path) if paths else path.glob(f"*{SUFFIX}")):
            try:
                found.append(summarise(file))
            except UserError as error:
                wrong.append(error)
    return sorted(found, key=lambda summary: summary.start_s), wrong


def _files(path: Path) -> Iterable[Path]:
    try:
        return path.glob(f"*{SUFFIX}") if path.is_dir() else [path]
    except OSError:  # no path can be that long: opening it says so
        return [path]


def latest_of(origin: str) -> Path:
    """Give the newest recording in the default folder of a watch of the same origin.

    Raises:
        UserError: there is none.
    """
    found, _ = find_recordings()
    fitting = [summary for summary in found if summary.began.origin == origin]
    if not fitting:
        raise UserError(
            "There is no recording to go on with.",
            on=origin,
            todo="Name one: --resume FILE. `gammaray-tui recordings` lists those that there are.",
            kind="no-recording",
        )
    return max(fitting, key=lambda summary: summary.end_s).path


def prune_demos() -> None:
    """Delete the oldest recordings of demo runs, past those that are kept.

    One that cannot be deleted stays: it stands in nobody's way.
    """
    found, _ = find_recordings()
    demos = [summary.path for summary in found if summary.began.kind == "demo"]
    delete(demos[: max(0, len(demos) - KEPT_DEMOS)])


def delete(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Delete files; give those that could not be deleted, each with the reason."""
    failed = []
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            failed.append((path, error.strerror or str(error)))
    return failed
