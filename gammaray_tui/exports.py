"""What can be exported: the views and formats, in one place for the screen and the commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, get_args

from causality.engine import Engine
from causality.exports import FORMATS as _FORMATS
from causality.exports import ExportError, render
from causality.filters import Test
from causality.graph import Invocation
from causality.service_map import MapEdge, MapNode, ServiceMap
from causality.snapshot import NodeId
from causality.views import VIEWS as _VIEWS
from causality.views import ViewEdge, ViewName, ViewNode, chains_of, select, view_of
from gammaray_tui.commands.output import write_result
from providers.errors import UserError
from widgets import formats

_PREVIEWED: Final = 60  # nodes: more cannot be taken in at a glance


@dataclass(frozen=True, slots=True)
class Named:
    """Something to choose, with what it means."""

    id: str
    meaning: str


@dataclass(frozen=True, slots=True)
class NamedFormat(Named):
    """A form to choose, with the end of its files' names, with its dot."""

    suffix: str


VIEWS: tuple[Named, ...] = tuple(Named(name, meaning) for name, meaning in _VIEWS.items())
FORMATS: tuple[NamedFormat, ...] = tuple(
    NamedFormat(entry.name, entry.meaning, entry.suffix) for entry in _FORMATS.values()
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the graph that can be exported, and how many invocations that is."""

    id: str
    meaning: str
    invocations: int


class Exports(Protocol):
    """What can be exported of a model now."""

    def scopes(self) -> Sequence[Scope]:
        """Give the parts that can be chosen, the most likely first; costs a little each time."""

    def export(self, view: str, format_name: str, path: Path, scope: str) -> int:
        """Write a part to a file; give the number of invocations written."""

    def preview(self, view: str, scope: str) -> Preview:
        """Give the first nodes of what would be drawn."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a view, to be drawn in the terminal.

    Attributes:
        drawn: its first nodes, with the edges between them.
        whole: whether these are all.
    """

    drawn: ServiceMap
    whole: bool


class GraphExports:
    """What can be exported of a settled graph (Exports)."""

    def __init__(
        self,
        engine: Engine,
        *,
        fitting: Test | None,
        selected: NodeId | None,
        now_s: float,
        whole: str = "",
    ) -> None:
        """Take the graph, the filter of the screen, its selection, the time, and what it holds."""
        self._engine = engine
        self._whole = whole
        self._fitting = fitting
        self._selected = (selected or "").split("#", 1)[0]
        self._now_s = now_s

    def scopes(self) -> list[Scope]:
        """Give the parts that can be chosen: what the screen shows comes first."""
        known = self._engine.invocations
        scopes = [Scope("everything", self._whole, len(known))]
        if self._fitting is not None:
            fitting = len(select(self._engine, self._fitting))
            scopes.insert(0, Scope("filtered", "what fits the filter", fitting))
        selected = known.get(self._selected)
        if selected is not None:
            chain = len(chains_of(self._engine, [selected]))
            scopes.append(Scope("chain", "the one of the selection", chain))
        return scopes

    def export(self, view: str, format_name: str, path: Path, scope: str) -> int:
        """Write a part to a file; give the number of invocations written.

        Raises:
            ValueError: no such view, format or scope.
            providers.errors.UserError: it cannot be drawn here, or the file not be written.
        """
        test = self._test(scope)
        data = written(self._engine, view, format_name, test=test, now_s=self._now_s)
        write_result(data, path)
        return len(select(self._engine, test))

    def preview(self, view: str, scope: str) -> Preview:
        """Give the first nodes of what would be drawn.

        Raises:
            ValueError: no such view or scope.
        """
        name, test = _view(view), self._test(scope)
        found: list[Invocation] = []
        if name != "aggregate":  # which is small, however many it stands for
            found = select(self._engine, test)
            test = set(found[:_PREVIEWED]).__contains__
        made = view_of(self._engine, name, test)
        nodes = {node.id: _drawn(node) for node in made.nodes[:_PREVIEWED]}
        edges = [
            _line(edge, nodes[edge.source], nodes[edge.target])
            for edge in made.edges
            if edge.source in nodes and edge.target in nodes
        ]
        whole = max(len(made.nodes), len(found)) <= _PREVIEWED
        return Preview(ServiceMap(tuple(nodes.values()), tuple(edges)), whole)

    def _test(self, scope: str) -> Test | None:
        if scope == "everything":
            return None
        if scope == "filtered" and self._fitting is not None:
            return self._fitting
        if scope == "chain" and self._selected:
            return lambda invocation: invocation.request_id == self._selected
        raise ValueError(f"there is no scope {scope!r}")


def _drawn(node: ViewNode) -> MapNode:
    """Make a frame of a node: what the drawing says of it, in few words."""
    name = f"{node.service} {node.name}" if node.kind == "call" else node.name
    if node.kind == "call":
        words = [node.resource, node.key]
    else:
        words = [formats.short_region(node.region), formats.duration(node.duration_s)]
    if node.count > 1:
        words.insert(0, f"×{node.count}")
    about = "" if node.kind == "source" else " ".join(word for word in words if word)
    return MapNode(
        (node.id, "", ""), name, node.region, node.kind == "source", errors=node.errors, about=about
    )


def _line(edge: ViewEdge, source: MapNode, target: MapNode) -> MapEdge:
    """Make a line of an edge: how it is proven, and of how many it stands for."""
    words = [edge.evidence or "", f"×{edge.count}" if edge.count > 1 else ""]
    ambiguous = edge.count if edge.candidates > 1 else 0
    text = " ".join(word for word in words if word)
    return MapEdge(source.id, target.id, text, edge.count, 0, ambiguous, 0.0)


def written(
    engine: Engine, view: str, format_name: str, *, test: Test | None = None, now_s: float = 0.0
) -> bytes:
    """Write a settled graph in one of the FORMATS.

    Raises:
        ValueError: no such view or format.
        UserError: it cannot be drawn here; says what to do.
    """
    if format_name not in _FORMATS:
        raise ValueError(f"there is no format {format_name!r}")
    try:
        return render(engine, _view(view), format_name, test=test, now_s=now_s)
    except ExportError as error:
        raise UserError(
            str(error), on=f"export as {format_name}", todo=error.todo, kind="export"
        ) from error


def _view(name: str) -> ViewName:
    known: tuple[ViewName, ...] = get_args(ViewName)
    for view in known:
        if view == name:
            return view
    raise ValueError(f"there is no view {name!r}")
