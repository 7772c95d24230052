"""The results as a picture: what each configuration adds to an invocation, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from providers.configurations import CONFIGURATIONS
from providers.overhead.summary import Line, Spread, Summary

_WIDTH: Final = 860
_LEFT: Final = 150
_RIGHT: Final = 90
_ROW: Final = 18
_GAP: Final = 34
_TOP: Final = 64
_FOOT: Final = 20
_STEPS: Final = (1, 2, 5, 10)
# Told apart without colours too: each row is labelled.
_COLOURS: Final = {
    "T": "#8a8f98",
    "F": "#c06c2b",
    "S": "#2b7a78",
    "D": "#2f6fb7",
    "B": "#7d4fb0",
}
_STYLE: Final = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#3b4048}"
    ".title{font-size:15px;font-weight:600}.axis{stroke:#b9bec6}.zero{stroke:#3b4048}"
    "@media(prefers-color-scheme:dark){text{fill:#d5d9e0}.zero{stroke:#d5d9e0}}"
)


def chart_of(summary: Summary) -> str:
    """Draw the median and the quartiles of the ms that are added to a warm invocation.

    Each benchmark has a scale of its own, which begins at zero or at its least figure.
    """
    groups = list(_groups(summary))
    height = _TOP + sum(_GAP + _ROW * len(lines) for _, lines in groups) + _FOOT
    setup = summary.setup
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(f'What observing {setup.application} costs')}</title>",
        f"<style>{_STYLE}</style>",
        _text(16, 24, "added to a warm invocation, ms", "title"),
        _text(16, 44, f"median and quartiles of {_counts(summary)} differences to the clean "
                      f"function, {setup.where}"),
    ]  # fmt: skip
    top = _TOP
    for benchmark, lines in groups:
        parts += _group(benchmark, lines, top)
        top += _GAP + _ROW * len(lines)
    return "\n".join([*parts, "</svg>", ""])


def _groups(summary: Summary) -> Iterator[tuple[str, list[Line]]]:
    for benchmark in summary.setup.benchmarks:
        lines = [line for line in summary.lines if line.benchmark == benchmark and line.added_wall]
        if lines:
            yield benchmark, lines


def _group(benchmark: str, lines: Sequence[Line], top: int) -> Iterator[str]:
    spreads = [line.added_wall for line in lines if line.added_wall is not None]
    low = min(0.0, *(spread.lower for spread in spreads))
    high = max(0.0, *(spread.upper for spread in spreads))
    step = _step((high - low) or 1.0)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step or step
    scale = (_WIDTH - _LEFT - _RIGHT) / (high - low)

    def x(value: float) -> float:
        return _LEFT + (value - low) * scale

    bottom = top + 8 + _ROW * len(lines)
    for number in range(round((high - low) / step) + 1):
        at = low + number * step
        kind = "zero" if abs(at) < step / 2 else "axis"
        yield f'<line class="{kind}" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{top}" y2="{bottom}"/>'
        yield _text(x(at) + 3, bottom + 10, f"{at:g}")
    yield _text(16, top + 14, benchmark)
    for row, (line, spread) in enumerate(zip(lines, spreads, strict=True)):
        yield from _box(line, spread, top + 4 + _ROW * row, x(spread.lower), x(spread.median),
                        x(spread.upper))  # fmt: skip


def _box(
    line: Line, spread: Spread, top: int, lower: float, median: float, upper: float
) -> Iterator[str]:
    colour = _COLOURS.get(line.configuration, "#8a8f98")
    about = CONFIGURATIONS[line.configuration].text
    yield (
        f"<g><title>{escape(f'{line.benchmark}{line.configuration}: {about}')}</title>"
        f'<rect x="{lower:.1f}" y="{top + 2}" width="{max(upper - lower, 1):.1f}" '
        f'height="{_ROW - 6}" rx="2" fill="{colour}" fill-opacity="0.35"/>'
        f'<rect x="{median - 1:.1f}" y="{top}" width="2.5" height="{_ROW - 2}" '
        f'fill="{colour}"/></g>'
    )
    yield _text(_LEFT - 24, top + 11, line.configuration)
    yield _text(_WIDTH - _RIGHT + 8, top + 11, f"{spread.median:+.2f}")


def _step(span: float) -> float:
    """Give a round distance for about four marks over a span."""
    size: float = 10 ** math.floor(math.log10(span / 4))
    return next(step * size for step in _STEPS if span / (step * size) <= 5)


def _counts(summary: Summary) -> str:
    counts = {line.added_wall.count for line in summary.lines if line.added_wall is not None}
    return " or ".join(map(str, sorted(counts))) or "no"


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    of = f' class="{kind}"' if kind else ""
    return f'<text{of} x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
