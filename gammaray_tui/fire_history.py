"""What was fired before, for the dialog: targets with their payloads, the newest first."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

_MOST: Final = 50


class Entry(msgspec.Struct, frozen=True):
    """One target that was fired, and the payload it got; "" for its own."""

    target: str
    payload: str = ""


def default_path() -> Path:
    """Say where the history is kept."""
    return platformdirs.user_state_path("gammaray-tui") / "fired.json"


class FireHistory:
    """The history on disk. What cannot be read or written is done without: it is a convenience."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or default_path()

    def entries(self) -> list[Entry]:
        """Give what was fired, the newest first."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Entry])
        except (OSError, msgspec.DecodeError):
            return []

    def add(self, entry: Entry) -> None:
        """Put an entry first; it stands in the list once."""
        entries = [entry, *(other for other in self.entries() if other != entry)][:_MOST]
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Payloads may hold anything: mkstemp's file is for its owner only.
            descriptor, name = tempfile.mkstemp(dir=self._path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(entries))
            Path(name).replace(self._path)
