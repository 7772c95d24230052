"""What was filtered by before, also by earlier sessions."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from gammaray_tui.kept_list import KeptList


def default_path() -> Path:
    """Say where the history is kept."""
    return platformdirs.user_state_path("gammaray-tui") / "filtered.json"


class FilterHistory(KeptList[str]):
    """The history on disk."""

    def __init__(self) -> None:
        """Read and write the usual file."""
        super().__init__(default_path(), list[str])
