"""GraphML, for Gephi, yEd, Cytoscape and networkx itself."""

from __future__ import annotations

import io

from causality.exports.labels import identity, node_lines, printable
from causality.views import View, ViewEdge, ViewNode


def graphml(view: View) -> bytes:
    """Write a view as GraphML; what is unknown is left out."""
    import networkx  # takes 0.2 s to import: only who asks for GraphML waits for it

    graph: networkx.DiGraph[str] = networkx.DiGraph(name=f"gammaray {view.name}")
    for node in view.nodes:
        graph.add_node(identity(node.id), **_node_attributes(node))
    for edge in view.edges:
        graph.add_edge(identity(edge.source), identity(edge.target), **_edge_attributes(edge))
    written = io.BytesIO()
    networkx.write_graphml_xml(graph, written)
    return written.getvalue() + b"\n"


def _node_attributes(node: ViewNode) -> dict[str, str | int | float | bool]:
    texts = {
        "kind": node.kind,
        "name": node.name,
        "service": node.service,
        "region": node.region,
        "account": node.account,
        "resource": node.resource,
        "key": node.key,
        "request_id": node.request_id or "",
        "state": node.state,
        "error": node.error or "",
        "label": "\n".join(node_lines(node)),
    }
    numbers: dict[str, int | float | bool | None] = {
        "triggers": node.triggers,
        "traced": node.traced,
        "count": node.count,
        "attempts": node.attempts,
        "errors": node.errors,
        "cold_starts": node.cold,
        "duration_s": node.duration_s,
        "init_s": node.init_s,
        "sdk_s": node.sdk_s,
        "sdk_share": node.sdk_share,
        "started_at_s": node.started_at_s,
    }
    found: dict[str, str | int | float | bool] = {
        name: text if name == "label" else printable(text) for name, text in texts.items() if text
    }
    return found | {name: value for name, value in numbers.items() if value is not None}


def _edge_attributes(edge: ViewEdge) -> dict[str, str | int | float | bool]:
    found: dict[str, str | int | float | bool] = {
        "count": edge.count,
        "candidates": edge.candidates,
    }
    if edge.evidence is not None:
        found["evidence"] = edge.evidence
    if edge.delay_s is not None:
        found["delay_s"] = edge.delay_s
    return found
