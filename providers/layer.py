"""The Lambda layer that carries the recorder, and how a function is made to load it.

A function is recorded by settings and no change to its code: this layer, and the handler
`SWAPPED_HANDLER` with the environment of `handler_environment`. (Users may keep their handler, and
set AWS_LAMBDA_EXEC_WRAPPER to the layer's script.) The bytes of the layer depend on nothing but
the recorder's sources, so a deployer can tell whether it changed. All of it is Python: one layer
serves every Python runtime, on x86_64 and on arm64.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import gammaray_recorder

SWAPPED_HANDLER = "gammaray_recorder.handler.handler"

# Where AWS_LAMBDA_EXEC_WRAPPER finds the script that swaps the handler (not in container images).
EXEC_WRAPPER = "/opt/gammaray-exec"

# What `python` on the function's sys.path (/opt/python) must hold, for every Python runtime.
_PREFIX = "python/gammaray_recorder/"
_WRAPPER = "exec-wrapper.sh"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold
_HASH_CHARS = 16


def build_layer() -> bytes:
    """Zip the recorder as a layer: the same sources give the same bytes, on any machine."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in _sources():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, also when built on Windows
            entry.external_attr = (0o100644 if name.startswith(_PREFIX) else 0o100755) << 16
            archive.writestr(entry, source)
    return buffer.getvalue()


def layer_hash() -> str:
    """Give 16 hex digits that change when, and only when, the recorder's sources change.

    Taken over the sources and not over the zip: another zlib may compress differently.
    """
    digest = hashlib.sha256()
    for name, source in _sources():
        digest.update(f"{name}:{len(source)}:".encode())
        digest.update(source)
    return digest.hexdigest()[:_HASH_CHARS]


def layer_version_description() -> str:
    """Describe the layer version, so that a later deployment can see what it holds."""
    return f"gammaray-tui recorder {layer_hash()}"


def handler_environment(user_handler: str, table: str = "gammaRays") -> dict[str, str]:
    """Give the environment variables that a recorded function needs beside its own.

    Args:
        user_handler: the function's own handler, as `Handler` had it: "app.handler".
        table: where the records go.
    """
    return {"GAMMARAY_HANDLER": user_handler, "GAMMARAY_TABLE": table}


def _sources() -> list[tuple[str, bytes]]:
    """Give the layer's files by their names in it."""
    folder = Path(gammaray_recorder.__file__).parent
    paths = {_PREFIX + path.name: path for path in folder.glob("*.py")}
    paths[EXEC_WRAPPER.rpartition("/")[2]] = folder / _WRAPPER
    # A checkout on Windows may hold other line ends; the layer must not.
    return [
        (name, path.read_bytes().replace(b"\r\n", b"\n")) for name, path in sorted(paths.items())
    ]
