"""The layer's bytes, and how a function is made to load it."""

from __future__ import annotations

import ast
import importlib.util
import io
import zipfile
from pathlib import Path

import pytest

import gammaray_recorder
from providers import layer

SOURCES = sorted(Path(gammaray_recorder.__file__).parent.glob("*.py"))


def test_layer_holds_every_module_below_python_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(layer.build_layer())) as archive:
        names = archive.namelist()
        modules = [f"python/gammaray_recorder/{source.name}" for source in SOURCES]
        assert names == ["gammaray-exec", *modules]
        for name, source in zip(modules, SOURCES, strict=True):
            assert archive.read(name) == source.read_bytes()


def test_layer_is_the_same_each_time_and_small() -> None:
    first = layer.build_layer()
    assert layer.build_layer() == first
    assert len(first) < 60_000


def test_entries_carry_no_date_and_are_readable_by_the_runtime() -> None:
    with zipfile.ZipFile(io.BytesIO(layer.build_layer())) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            executable = entry.filename == layer.EXEC_WRAPPER.removeprefix("/opt/")
            assert entry.external_attr >> 16 == (0o100755 if executable else 0o100644)


def test_hash_changes_with_a_source_and_with_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = layer.layer_hash()
    assert layer.layer_hash() == before
    for source in (*SOURCES, SOURCES[0].parent / "exec-wrapper.sh"):
        (tmp_path / source.name).write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(gammaray_recorder, "__file__", str(tmp_path / "__init__.py"))
    assert layer.layer_hash() == before  # only line ends differ
    (tmp_path / "wire.py").write_bytes(b"VERSION = 3\n")
    assert layer.layer_hash() != before
    assert layer.layer_hash() in layer.layer_version_description()


def test_environment_names_the_users_handler_and_the_table() -> None:
    assert layer.handler_environment("app.main", "other") == {
        "GAMMARAY_HANDLER": "app.main",
        "GAMMARAY_TABLE": "other",
    }


def test_swapped_handler_is_a_module_of_the_layer() -> None:
    module, _, function = layer.SWAPPED_HANDLER.rpartition(".")
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert function == "handler"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_source_is_python_3_9_and_asks_for_the_standard_library_only(source: Path) -> None:
    tree = ast.parse(source.read_text(), feature_version=(3, 9))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    foreign = {"boto3", "botocore", "urllib3", "requests", "httpx", "aiohttp", "aws_xray_sdk"}
    if source.name == "xray.py":  # what it is for: the SDK, where the function has it
        foreign.remove("aws_xray_sdk")
    assert not imported & foreign
