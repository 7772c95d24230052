"""The original's JSON files: the functions of one region, as its setupApps.py deployed them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from providers.configurations import CONFIGURATIONS
from providers.manifest_parts import Manifest

# The libraries that the original put into each zip: its recorder and what that needed. The
# recorder is another now, and brings nothing.
_LIBRARIES: Final = "site-packages"
_LEAST_MEMORY_MB: Final = 128


class _Function(msgspec.Struct, frozen=True):
    name: str
    handler: str
    files_and_dirs: tuple[str, ...]
    memory_mb: Annotated[int, msgspec.Meta(ge=_LEAST_MEMORY_MB, le=10240)] = msgspec.field(
        default=_LEAST_MEMORY_MB, name="lambdaMemory"
    )


class _File(msgspec.Struct, frozen=True):
    region: str
    functions: Annotated[tuple[_Function, ...], msgspec.Meta(min_length=1)]


def read_original(path: Path) -> Manifest:
    """Read one of the original's files, such as imageProc.json.

    Where all names end in the letter of one configuration ("DBSyncPyB"), that is the file's
    configuration. Libraries of an environment that is not there any more are left out.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError, ValueError: it cannot be understood.
        OSError: it cannot be read.
    """
    file = msgspec.json.decode(path.read_bytes(), type=_File)
    letter = _common_letter([function.name for function in file.functions])
    data: dict[str, Any] = {
        "title": f"{path.stem} of the original",
        "configuration": letter,
        "functions": [
            {
                "name": function.name.removesuffix(letter or ""),
                "region": file.region,
                "handler": function.handler,
                "files": [
                    name
                    for name in function.files_and_dirs
                    if _LIBRARIES not in Path(name).parts or (path.parent / name).exists()
                ],
                "memory_mb": function.memory_mb,
            }
            for function in file.functions
        ],
        "fire": {"function": file.functions[0].name.removesuffix(letter or "")},
    }
    return msgspec.convert(data, Manifest)


def _common_letter(names: list[str]) -> str | None:
    letters = {name[-1:] for name in names}
    if len(letters) == 1 and letters <= set(CONFIGURATIONS) and all(len(n) > 1 for n in names):
        return letters.pop()
    return None
