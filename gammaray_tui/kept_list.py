"""What a user typed before, kept on disk, the newest first."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

_MOST: Final = 50
_Entry = TypeVar("_Entry")


class KeptList(Generic[_Entry]):
    """A list on disk. What cannot be read or written is done without: it is a convenience."""

    def __init__(self, path: Path, kind: type[list[_Entry]]) -> None:
        """Name the file, which need not exist, and the type of the list."""
        self._path = path
        self._kind = kind

    def entries(self) -> list[_Entry]:
        """Give the entries, the newest first."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=self._kind)
        except (OSError, msgspec.DecodeError):
            return []

    def add(self, entry: _Entry) -> None:
        """Put an entry first; it stands in the list once."""
        entries = [entry, *(other for other in self.entries() if other != entry)][:_MOST]
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # It may hold anything of the user's: mkstemp's file is for its owner only.
            descriptor, name = tempfile.mkstemp(dir=self._path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(entries))
            Path(name).replace(self._path)
