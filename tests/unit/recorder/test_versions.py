"""The layer in every Python of Lambda's that this machine has: 3.9 to 3.14.

A version that is not there is skipped; the sources are checked for Python 3.9's syntax anyway.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from providers.layer import build_layer

SCRIPT = Path(__file__).with_name("any_python.py")
VERSIONS = [f"3.{minor}" for minor in range(9, 15)]


def interpreters() -> dict[str, str]:
    """Find one interpreter of each version: this one, by name, and pyenv's."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    for version in VERSIONS:
        installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))
        candidates = [shutil.which(f"python{version}"), *map(str, installed)]
        for candidate in filter(None, candidates):
            ran = subprocess.run([candidate, "-c", ""], capture_output=True, check=False)
            if ran.returncode == 0:  # not the shim of a version that is switched off
                found.setdefault(version, candidate)
    return found


FOUND = interpreters()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_recorder_works_with_the_standard_library_alone(version: str, tmp_path: Path) -> None:
    if version not in FOUND:
        pytest.skip(f"Python {version} is not installed")
    with zipfile.ZipFile(io.BytesIO(build_layer())) as archive:
        archive.extractall(tmp_path)
    ran = subprocess.run(
        [
            *(FOUND[version], "-I", "-S", "-B", "-W", "error"),
            *(str(SCRIPT), str(tmp_path / "python")),
        ],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    assert json.loads(ran.stdout) == [
        *(["r-1", "s", None], ["r-1", "c", None], ["r-1", "c", None], ["r-1", "e", "ok"]),
        *(["r-2", "s", None], ["r-2", "c", None], ["r-2", "e", "error"]),
    ]
