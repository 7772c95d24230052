"""A heat map as lines: latencies from bottom to top, time from left to right, counts as shades."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby

from rich.segment import Segment

from causality.heat import HeatMap
from widgets import formats
from widgets.look import Look

_LABEL = 9
_MOST_ERRORS_SHOWN = 9


def heat_lines(heat: HeatMap, width: int, look: Look) -> list[list[Segment]]:
    """Draw a heat map, as many of its newest columns as there is room for.

    Args:
        heat: what to draw; with nothing in it, one line says so.
        width: cells of a line.
        look: signs and colours.
    """
    palette, glyphs = look.palette, look.glyphs
    room = max(1, width - _LABEL - 1)
    shown = min(len(heat.errors), room)
    cells = room // shown if shown else 1  # of a column
    if not heat.counts:
        return [[Segment(" nothing came in this time", palette.muted)]]
    lines = []
    top = len(heat.counts) - 1
    labels = _labels(heat.bounds_s)
    for row in range(top, -1, -1):
        label = look.right(labels[row], _LABEL - 2)
        lines.append(
            [
                Segment(f"{label} ", palette.muted),
                Segment(glyphs.pass_on, palette.rail),
                *_shaded(heat.counts[row][-shown:], heat.greatest, cells, look),
            ]
        )
    if any(heat.errors):
        failed = "".join(_errors(count).ljust(cells) for count in heat.errors[-shown:])
        label = look.right(f"failed {glyphs.state['error']}", _LABEL - 1)
        lines.append(
            [
                Segment(label, palette.error),
                Segment(glyphs.pass_on, palette.rail),
                Segment(failed, palette.error),
            ]
        )
    lines.append(
        [Segment(" " * _LABEL + _axis(shown * cells, 60 // heat.slot_s * cells), palette.muted)]
    )
    return lines


def legend(heat: HeatMap, look: Look) -> list[Segment]:
    """Say how many samples each shade stands for at least, and where a row begins."""
    palette, shades = look.palette, look.glyphs.shades
    if not heat.counts:
        return []
    pieces = [Segment(" " * _LABEL + f"in each {heat.slot_s} s: ", palette.muted)]
    counts = range(1, heat.greatest + 1)
    for level, shade in enumerate(shades):
        first = counts[bisect_left(counts, level, key=lambda count: _level(count, heat.greatest))]
        if _level(first, heat.greatest) == level:
            pieces.append(Segment(shade * 2, palette.running))
            pieces.append(Segment(f" {formats.count(first)}+  ", palette.muted))
    pieces.append(Segment("  a row: from its time up to the next", palette.muted))
    return pieces


def _labels(bounds_s: Sequence[float]) -> list[str]:
    """Write the bounds; where some would read alike, to a tenth of a millisecond."""
    labels = [formats.duration(bound_s) for bound_s in bounds_s]
    if len(set(labels)) == len(labels) or bounds_s[-1] >= 1.0:
        return labels
    return [f"{bound_s * 1000:.1f}ms" for bound_s in bounds_s]


def _shaded(counts: Sequence[int], greatest: int, cells: int, look: Look) -> list[Segment]:
    shades, style = look.glyphs.shades, look.palette.running
    text = "".join((shades[_level(count, greatest)] if count else " ") * cells for count in counts)
    return [Segment("".join(run), style) for _, run in groupby(text)]


def _level(count: int, greatest: int) -> int:
    """Give the shade of a count: by its logarithm, so that a few beside many are seen."""
    if greatest <= 1:
        return 3
    return min(3, int(4 * math.log(count) / math.log(greatest)))


def _errors(count: int) -> str:
    if not count:
        return " "
    return str(count) if count <= _MOST_ERRORS_SHOWN else "+"


def _axis(columns: int, a_minute: int) -> str:
    """Say how long ago the columns were: minutes, where there is room for them."""
    end, line = "now", ""
    for minutes in range(columns // a_minute, 0, -1):
        at, text = columns - minutes * a_minute, f"-{minutes}m"
        if at + len(text) + len(end) < columns and (at > len(line) or not line):
            line = line.ljust(at) + text
    return line.ljust(columns - len(end)) + end
