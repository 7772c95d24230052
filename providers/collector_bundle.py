"""The code that the collector's function runs: our own packages, and the libraries they need.

One of these libraries is compiled. What is installed here goes into the zip where it can run on
Lambda as well: then it is for Linux, and for a libc no newer than Lambda's. Its tags say so.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from providers.bundles import package_files
from providers.errors import UserError

HANDLER: Final = "gammaray_collector.handler.handler"
COMPILED: Final = "msgspec"
"""The library with compiled code; the others are Python."""

_OURS: Final = ("causality", "gammaray_collector", "gammaray_recorder")
_PYTHON: Final = ("ddsketch", "six")
_WANTED: Final = {".py", ".so"}
# Python's minor versions that both our code and Lambda have, each with the minor version of
# glibc 2 that its operating system has: Amazon Linux 2, then 2023 (Lambda's guide, "runtimes").
_GLIBC: Final = {11: 26, 12: 34, 13: 34, 14: 34}
_MACHINES: Final = {"x86_64": "x86_64", "aarch64": "arm64"}  # as wheels say it, as Lambda does
_TAG: Final = re.compile(r"cp3(\d+)-cp3\1-manylinux(?:_2_(\d+)|(2014|2010|1))_(\w+)")
_OLDER: Final = {"2014": 17, "2010": 12, "1": 5}  # minor versions of glibc, by old names of tags


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the function's zip holds, and what can run it.

    Attributes:
        runtime: as Lambda names it: "python3.12".
        architecture: "x86_64" or "arm64".
    """

    files: Mapping[str, bytes]
    runtime: str
    architecture: str


def bundle(*, wheel: Path | None = None, anywhere: bool = False) -> Bundle:
    """Put the collector's code together; the same sources give the same files.

    Args:
        wheel: of msgspec, for Lambda; None for what is installed here.
        anywhere: take what is installed here, whatever it runs on: a local AWS runs functions
            with this interpreter.

    Raises:
        UserError: msgspec does not run on Lambda (kind "not-for-lambda"), or a file is no wheel
            of it (kind "usage").
    """
    if wheel is not None:
        compiled, tags = _of_wheel(wheel)
    else:
        compiled, tags = _installed(COMPILED), _installed_tags(COMPILED)
    target = _target(tags)
    if target is None and not anywhere:
        what = wheel.name if wheel is not None else f"{COMPILED} as it is installed here"
        raise UserError(
            f"{what} does not run on Lambda: it is for {', '.join(tags) or 'nothing known'}",
            todo="Get one that does, with `pip download --no-deps --only-binary=:all: --platform "
            f"manylinux2014_x86_64 --python-version 3.12 {COMPILED}`, and name that file with "
            "--wheel.",
            kind="not-for-lambda",
        )
    runtime, architecture = target or (f"python3.{sys.version_info.minor}", "x86_64")
    files = dict(compiled)
    for name in _PYTHON:
        files |= _installed(name)
    for name in _OURS:
        files |= package_files(name)
    return Bundle(files, runtime, architecture)


def _target(tags: Iterable[str]) -> tuple[str, str] | None:
    """Choose a runtime and an architecture that code with one of these tags runs on."""
    for tag in tags:
        match = _TAG.fullmatch(tag)
        if match is None:
            continue
        python, glibc = int(match[1]), int(match[2] or _OLDER[match[3]])
        if glibc <= _GLIBC.get(python, -1) and match[4] in _MACHINES:
            return f"python3.{python}", _MACHINES[match[4]]
    return None


def _installed(name: str) -> dict[str, bytes]:
    """Read the modules of an installed distribution, by their names on sys.path."""
    try:
        files = importlib.metadata.files(name)
    except importlib.metadata.PackageNotFoundError:
        files = None
    if not files:
        raise UserError(
            f"The package {name} is not installed, or not by pip",
            todo="Install gammaray-tui again: it belongs to it.",
            kind="missing-package",
        )
    return {
        path.as_posix(): path.read_binary() for path in files if _is_module(Path(path.as_posix()))
    }


def _installed_tags(name: str) -> list[str]:
    """Give what an installed distribution runs on, as its wheel said."""
    text = importlib.metadata.distribution(name).read_text("WHEEL") or ""
    return re.findall(r"^Tag: *(\S+)", text, re.MULTILINE)


def _of_wheel(path: Path) -> tuple[dict[str, bytes], list[str]]:
    """Read the modules of a wheel, and what it runs on, which its name says."""
    parts = path.stem.split("-")  # name, version, at times a build's number, three tags
    if path.suffix != ".whl" or parts[0] != COMPILED or len(parts) not in (5, 6):
        raise UserError(
            f"{path.name} is no wheel of {COMPILED}", todo="Its name ends with .whl.", kind="usage"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            files = {
                entry: archive.read(entry)
                for entry in archive.namelist()
                if _is_module(Path(entry))
            }
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read: {error}", kind="usage") from error
    pythons, abis, platforms = parts[-3:]
    return files, [f"{pythons}-{abis}-{platform}" for platform in platforms.split(".")]


def _is_module(path: Path) -> bool:
    first = path.parts[0]
    return (
        path.suffix in _WANTED
        and first != ".."
        and not first.endswith((".dist-info", ".data"))
        and "__pycache__" not in path.parts
    )
