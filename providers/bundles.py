"""Zips that are uploaded as code: the user's own files, and packages that are put beside them.

The same contents give the same bytes, on any machine: a deployment can tell what changed.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from providers.errors import UserError

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold
# Sources and data, and no compiled extension: what was compiled for this machine may not load
# where the function runs. The packages that we bundle work without theirs.
_BUNDLED: Final = {".py", ".json"}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Zip contents by their names in the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, also when zipped on Windows
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def files_in(folder: Path, names: Iterable[str], *, by_own_name: bool = False) -> dict[str, bytes]:
    """Read files and folders, without what Python leaves behind (`__pycache__`).

    Args:
        folder: where the names are looked up.
        names: files and folders.
        by_own_name: put "apps/sync.py" at the archive's root, as "sync.py".
    """
    found = {}
    for name in names:
        start = folder / name
        root = start.parent if by_own_name else folder
        for path in [start] if start.is_file() else start.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def package_files(name: str) -> dict[str, bytes]:
    """Read an installed package: its Python sources and data.

    Raises:
        UserError: it is not installed (kind "missing-package").
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"The package {name} is not installed",
            todo="Install gammaray-tui again: it belongs to it.",
            kind="missing-package",
        )
    folder = Path(spec.submodule_search_locations[0])
    return {
        # A checkout on Windows may hold other line ends; the zip must not.
        f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes().replace(b"\r\n", b"\n")
        for path in folder.rglob("*")
        if path.suffix in _BUNDLED and "__pycache__" not in path.parts
    }
