"""What this tool keeps on this computer: recordings, histories and the like."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import platformdirs

from providers import unfinished
from providers.operations import Resource

_RECORDINGS: Final = "recordings"


def own_folders() -> tuple[Path, ...]:
    """Give the folders that only this tool writes to; settings are the user's, and not in them."""
    return (
        platformdirs.user_state_path("gammaray-tui"),
        platformdirs.user_cache_path("gammaray-tui"),
    )


def local_files(folders: Iterable[Path]) -> list[Resource]:
    """List every file in these folders, with size and age; a folder may not exist.

    What tells of acts that were stopped half-way is left out: it goes when there is nothing left
    of them, and may be of another account.
    """
    resources = []
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            folders_in = path.relative_to(folder).parts[:-1]
            if path.is_symlink() or not path.is_file() or unfinished.FOLDER in folders_in:
                continue
            status = path.stat()
            recording = _RECORDINGS in folders_in
            resources.append(
                Resource(
                    kind="recording" if recording else "local file",
                    id=str(path),
                    name=str(path.relative_to(folder)),
                    region="",
                    managed=True,
                    created_at_s=status.st_mtime,
                    size_bytes=status.st_size,
                    detail="on this computer",
                )
            )
    return resources
