"""Exports: the graph as a file for other programs. One registry, pure functions to bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from causality.engine import Engine
from causality.exports.errors import ExportError
from causality.filters import Test
from causality.graph import Invocation
from causality.views import View, ViewName, select, view_of

_Write: TypeAlias = Callable[[Engine, ViewName, Test | None, float], bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which the graph can be written.

    Attributes:
        name: what the user calls it.
        suffix: of the files that hold it, with its dot.
        meaning: what it is for, in a few words.
        views: the views that make a difference; the others give the same as the first.
        binary: whether it is something else than text.
    """

    name: str
    suffix: str
    meaning: str
    views: tuple[ViewName, ...]
    write: _Write
    binary: bool = False


def render(
    engine: Engine,
    view: ViewName,
    format_name: str,
    *,
    test: Test | None = None,
    now_s: float = 0.0,
) -> bytes:
    """Write a settled graph.

    Args:
        engine: the graph.
        view: which view of it.
        format_name: a name in FORMATS.
        test: keeps only chains with an invocation that fits (causality.filters.parse).
        now_s: epoch seconds against which deadlines are judged; where running bars end.

    Raises:
        KeyError: no such format.
        ExportError: it cannot be drawn here.
    """
    return FORMATS[format_name].write(engine, view, test, now_s)


def _drawn(write: Callable[[View], bytes]) -> _Write:
    return lambda engine, view, test, _now_s: write(view_of(engine, view, test))


def _listed(write: Callable[[list[Invocation]], bytes]) -> _Write:
    return lambda engine, _view, test, _now_s: write(select(engine, test))


# Each module is imported when it is first needed: some bring libraries that take long to load.


def _json(engine: Engine, _view: ViewName, test: Test | None, now_s: float) -> bytes:
    from causality.document import encode
    from causality.exports.labels import harmless_json

    only = None if test is None else {i.request_id for i in select(engine, test)}
    return harmless_json(encode(engine, now_s, only=only).decode()).encode()


def _dot(view: View) -> bytes:
    from causality.exports.dot import dot

    return dot(view)


def _mermaid(view: View) -> bytes:
    from causality.exports.mermaid import mermaid

    return mermaid(view)


def _graphml(view: View) -> bytes:
    from causality.exports.graphml import graphml

    return graphml(view)


def _csv(invocations: list[Invocation]) -> bytes:
    from causality.exports.tables import latencies_csv

    return latencies_csv(invocations)


def _perfetto(invocations: list[Invocation]) -> bytes:
    from causality.exports.perfetto import perfetto

    return perfetto(invocations)


def _otlp(invocations: list[Invocation]) -> bytes:
    from causality.exports.otlp import otlp

    return otlp(invocations)


def _svg(view: View) -> bytes:
    from causality.exports.drawing import svg

    return svg(view)


def _png(view: View) -> bytes:
    from causality.exports.drawing import png

    return png(view)


_ALL: tuple[ViewName, ...] = ("instance", "calls", "aggregate")
_WHOLE: tuple[ViewName, ...] = ("instance",)

FORMATS: Mapping[str, Format] = {
    entry.name: entry
    for entry in (
        Format("json", ".json", "graph document, for programs", _WHOLE, _json),
        Format("dot", ".dot", "Graphviz, for drawing", _ALL, _drawn(_dot)),
        Format("mermaid", ".mmd", "Mermaid flowchart, for Markdown", _ALL, _drawn(_mermaid)),
        Format("graphml", ".graphml", "GraphML, for Gephi or yEd", _ALL, _drawn(_graphml)),
        Format("csv", ".csv", "latencies by function and edge", ("aggregate",), _listed(_csv)),
        Format("perfetto", ".json", "time line for ui.perfetto.dev", _WHOLE, _listed(_perfetto)),
        Format("otlp", ".json", "OpenTelemetry traces", _WHOLE, _listed(_otlp)),
        Format("svg", ".svg", "drawing, scalable", _ALL, _drawn(_svg)),
        Format("png", ".png", "drawing, of pixels", _ALL, _drawn(_png), binary=True),
    )
}

__all__ = ["FORMATS", "ExportError", "Format", "render"]
