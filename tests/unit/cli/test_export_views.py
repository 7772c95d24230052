"""`gammaray-tui export`: views, formats, filters, and what is said when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from causality.exports import FORMATS
from causality.views import VIEWS
from gammaray_tui.commands.export import Format, View
from gammaray_tui.watch import Watch
from providers.errors import UserError
from providers.events import ProviderEvent
from providers.files import collect, read
from tests.unit.cli.run import ORACLE, run

IMAGEPROC = ORACLE / "imageproc"


def test_the_command_offers_what_there_is() -> None:
    assert [entry.value for entry in Format] == list(FORMATS)
    assert [entry.value for entry in View] == list(VIEWS)


def test_views_formats_and_filter(tmp_path: Path) -> None:
    target = tmp_path / "graph.dot"
    chosen = ["--view", "calls", "--format", "dot", "--filter", "request:d0c7c3f5*", "-o"]

    done = run(tmp_path, "export", str(IMAGEPROC), *chosen, str(target))

    assert (done.returncode, done.stdout) == (0, "")
    text = target.read_text()
    assert text.startswith('digraph "gammaray calls" {')
    assert "f33a8503-39db-4e95-ae34-ddd2a5fe0522" in text  # the end of the fitting chain
    assert "9b157909-1aac-4b12-95af-3772df1bf961" not in text  # the other chain


def test_a_filter_that_cannot_be_read_is_pointed_at(tmp_path: Path) -> None:
    done = run(tmp_path, "export", str(IMAGEPROC), "--filter", "cold colour:red")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "no field 'colour'" in done.stderr
    assert done.stderr.splitlines()[-2:] == ["  cold colour:red", "       ^"]


def test_a_filter_that_nothing_fits_gives_an_empty_graph_and_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, "export", str(IMAGEPROC), "--filter", "function:Nothing")

    assert done.returncode == 0
    assert json.loads(done.stdout)["invocations"] == []
    assert "no invocation fits 'function:Nothing'" in done.stderr


def _watched() -> Watch:
    watch = Watch("files")
    event: ProviderEvent
    for event in read(collect([IMAGEPROC])):
        watch.apply(event)
    return watch


def test_the_screen_exports_the_chains_that_fit_its_filter(tmp_path: Path) -> None:
    watch = _watched()

    assert watch.export("aggregate", "mermaid", tmp_path / "all.mmd") == 6
    watch.set_filter("request:d0c7c3f5*")
    assert watch.export("instance", "json", tmp_path / "one.json") == 3

    assert (tmp_path / "all.mmd").read_text().startswith("flowchart LR")
    assert len(json.loads((tmp_path / "one.json").read_text())["invocations"]) == 3
    assert watch.export_formats == list(FORMATS)


def test_what_cannot_be_exported_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = _watched()
    with pytest.raises(ValueError, match="no format 'docx'"):
        watch.export("instance", "docx", tmp_path / "file")
    with pytest.raises(ValueError, match="no view 'side'"):
        watch.export("side", "dot", tmp_path / "file")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(UserError) as raised:
        watch.export("instance", "svg", tmp_path / "file")
    assert "gammaray-tui[graph]" in raised.value.todo
    assert not (tmp_path / "file").exists()
