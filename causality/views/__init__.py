"""Views of the causal graph, as plain data: what exports write and screens can draw."""

from __future__ import annotations

from collections.abc import Mapping

from causality.engine import Engine
from causality.filters import Test
from causality.views.aggregate import aggregate_view
from causality.views.instance import instance_view
from causality.views.model import NodeKind, View, ViewEdge, ViewName, ViewNode
from causality.views.selection import chains_of, select

VIEWS: Mapping[ViewName, str] = {
    "instance": "invocations, and what caused them",
    "calls": "the same with every other call",
    "aggregate": "functions and resources, mean times",
}


def view_of(engine: Engine, name: ViewName, test: Test | None = None) -> View:
    """Make a view of a settled graph.

    Args:
        engine: the graph.
        name: which view.
        test: keeps only chains with an invocation that fits (causality.filters.parse).
    """
    if name == "aggregate":
        return aggregate_view(engine, test)
    return instance_view(engine, test, name=name)


__all__ = [
    "VIEWS",
    "NodeKind",
    "View",
    "ViewEdge",
    "ViewName",
    "ViewNode",
    "aggregate_view",
    "chains_of",
    "instance_view",
    "select",
    "view_of",
]
