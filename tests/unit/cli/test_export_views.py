"""`gammaray-tui export`: views, formats, filters, and what is said when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from causality.exports import FORMATS
from causality.views import VIEWS, select
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


def test_the_screen_exports_everything_what_fits_its_filter_or_a_chain(tmp_path: Path) -> None:
    watch = _watched()
    (everything,) = watch.exports().scopes()
    assert (everything.id, everything.invocations) == ("everything", 6)
    mermaid = tmp_path / "all.mmd"
    assert watch.exports().export("aggregate", "mermaid", mermaid, "everything") == 6
    assert mermaid.read_text().startswith("flowchart LR")

    watch.set_filter("request:d0c7c3f5*")
    fitting = watch.exports().scopes()[0]
    assert (fitting.id, fitting.invocations) == ("filtered", 3)
    other = next(
        root
        for root in select(watch.engine)
        if root.function == "ImageProcPyB" and not root.request_id.startswith("d0c7c3f5")
    )
    watch.select(other.request_id)
    assert [scope.id for scope in watch.exports().scopes()] == ["filtered", "everything", "chain"]
    written = {}
    for scope in ("filtered", "chain"):
        path = tmp_path / f"{scope}.json"
        assert watch.exports().export("instance", "json", path, scope) == 3
        written[scope] = {i["request_id"] for i in json.loads(path.read_text())["invocations"]}
    assert other.request_id in written["chain"]
    assert not written["chain"] & written["filtered"]


def test_a_preview_draws_what_will_be_written() -> None:
    exports = _watched().exports()
    preview = exports.preview("instance", "everything")
    assert preview.whole
    named = {node.id: node.name for node in preview.drawn.nodes}
    assert "ImageProcPyB" in named.values()
    lines = {(edge.channel, named[edge.target]) for edge in preview.drawn.edges}
    assert any(target == "UpdateWebsiteB" and proof for proof, target in lines)
    aggregate = exports.preview("aggregate", "everything").drawn
    assert len(aggregate.nodes) < len(preview.drawn.nodes)
    with pytest.raises(ValueError, match="no scope 'chain'"):
        exports.preview("instance", "chain")


def test_what_cannot_be_exported_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = _watched()
    with pytest.raises(ValueError, match="no format 'docx'"):
        watch.exports().export("instance", "docx", tmp_path / "file", "everything")
    with pytest.raises(ValueError, match="no view 'side'"):
        watch.exports().export("side", "dot", tmp_path / "file", "everything")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(UserError) as raised:
        watch.exports().export("instance", "svg", tmp_path / "file", "everything")
    assert "gammaray-tui[graph]" in raised.value.todo
    assert not (tmp_path / "file").exists()
