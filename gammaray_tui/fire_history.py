"""What was fired before, for the dialog: targets with their payloads, the newest first."""

from __future__ import annotations

from pathlib import Path

import msgspec
import platformdirs

from gammaray_tui.kept_list import KeptList


class Entry(msgspec.Struct, frozen=True):
    """One target that was fired, and the payload it got; "" for its own."""

    target: str
    payload: str = ""


def default_path() -> Path:
    """Say where the history is kept."""
    return platformdirs.user_state_path("gammaray-tui") / "fired.json"


class FireHistory(KeptList[Entry]):
    """The history on disk."""

    def __init__(self, path: Path | None = None) -> None:
        """Read and write this file; None: the usual one."""
        super().__init__(path or default_path(), list[Entry])
