"""Graphviz DOT: what the original drew, with the evidence as the style of edges."""

from __future__ import annotations

from collections.abc import Mapping

from causality.exports.labels import edge_text, identity, is_guess, node_lines
from causality.views import View, ViewEdge, ViewNode

_EDGE_STYLES: Mapping[str | None, str] = {
    None: "",
    "exact": "style=solid",
    "content": "style=dashed",
    "order": "style=dotted",
    "ambiguous": "style=dotted color=gray50 fontcolor=gray50",
}
_GUESSED_CALL = "style=dotted"


def dot(view: View) -> bytes:
    """Write a view as DOT; every name is quoted so that it stands for itself."""
    lines = [
        f"digraph {quoted(f'gammaray {view.name}')} {{",
        '\tgraph [rankdir=LR fontname="Helvetica"]',
        '\tnode [fontname="Helvetica" fontsize=10 margin="0.15,0.08"]',
        '\tedge [fontname="Helvetica" fontsize=9]',
    ]
    names = {}
    for node in view.nodes:
        names[node.id] = quoted(node.id)
        lines.append(f"\t{names[node.id]} [{_node_attributes(node)}]")
    for edge in view.edges:
        ends = f"\t{names[edge.source]} -> {names[edge.target]}"
        attributes = _edge_attributes(edge)
        lines.append(f"{ends} [{attributes}]" if attributes else ends)
    return ("\n".join([*lines, "}"]) + "\n").encode()


def quoted(text: str) -> str:
    """Quote a name of any characters."""
    return _in_quotes(identity(text))


def _in_quotes(text: str) -> str:
    # With quotes around everything no name is a number, a keyword or HTML, and DOT's scanner
    # minds these two only. The graphviz package spells the same, at five times the cost.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _label(lines: list[str]) -> str:
    # In a label "&" begins an entity; a backslash and n, put in after escaping, a new line.
    return _in_quotes("\n".join(lines)).replace("&", "&amp;").replace("\n", "\\n")


def _node_attributes(node: ViewNode) -> str:
    label = f"label={_label(node_lines(node))}"
    if node.kind == "source":
        style = " style=dashed color=gray50" if node.error else ""
        return f"{label} shape=ellipse{style}"
    shape = "shape=box style=rounded" if node.kind == "invocation" else "shape=octagon"
    if node.kind == "call" and not node.triggers:
        shape = "shape=box style=filled fillcolor=gray85"
    return f"{label} {shape} color={colour(node)}{' fontcolor=red3' if node.errors else ''}"


def colour(node: ViewNode) -> str:
    """Give the colour of a node's border: failed, without times, or nothing special."""
    if node.errors:
        return "red3"
    if not node.traced and node.duration_s is None:
        return "darkorange"
    return "black" if node.triggers else "gray50"


def _edge_attributes(edge: ViewEdge) -> str:
    style = _EDGE_STYLES[edge.evidence]
    if is_guess(edge) and edge.evidence != "ambiguous":
        style = _GUESSED_CALL
    text = edge_text(edge)
    if not text:
        return style
    return f"label={_label([text])} {style}" if style else f"label={_label([text])}"
