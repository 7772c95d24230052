"""Which archive was asked last, with which engine, and what: kept for the next time."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import platformdirs

from gammaray_tui.commands.output import write_result
from providers.errors import UserError


class Remembered(msgspec.Struct, frozen=True):
    """What stands in the History screen when it opens."""

    dataset: str = ""
    engine: str = "duckdb"
    question: str = "chains"


def default_path() -> Path:
    """Say where it is kept."""
    return platformdirs.user_state_path("gammaray-tui") / "asked.json"


def remembered() -> Remembered:
    """Give what was asked last; what cannot be read is done without: it is a convenience."""
    try:
        return msgspec.json.decode(default_path().read_bytes(), type=Remembered)
    except (OSError, msgspec.DecodeError):
        return Remembered()


def remember(asked: Remembered) -> None:
    """Keep what was asked last, where that can be written."""
    path = default_path()
    with contextlib.suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_result(msgspec.json.encode(asked), path)
