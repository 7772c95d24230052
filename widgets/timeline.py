"""A bar of a time line: spans of seconds turned into cells, with half a cell of precision."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from causality.snapshot import Phase, Span
from widgets.glyphs import Glyphs
from widgets.palette import Palette

# Where two phases meet in one half cell the greater wins: work hides waiting, never the reverse.
# Only calls, which are a part of work, show within it.
_WEIGHT: dict[Phase, int] = {"wait": 1, "init": 2, "running": 3, "run": 4, "sdk": 5}
_WAIT, _INIT, _RUNNING, _RUN, _SDK = 1, 2, 3, 4, 5


def timeline(
    spans: Sequence[Span],
    chain_s: float,
    width: int,
    glyphs: Glyphs,
    palette: Palette,
    run: Style,
    *,
    from_s: float = 0.0,
) -> list[Segment]:
    """Draw spans of a chain that took `chain_s` seconds into exactly `width` cells.

    Args:
        spans: what to draw, in seconds since the chain's root started.
        chain_s: the seconds that the whole width stands for.
        width: cells to fill.
        from_s: the second at the left edge.
        glyphs: the signs in use.
        palette: the styles in use.
        run: the style of work done: tells an error from a success.
    """
    if width <= 0:
        return []
    halves = half_cells(spans, chain_s, width, from_s)
    signs = {
        (_WAIT, _WAIT): (glyphs.wait, palette.faint),
        (_INIT, _INIT): (glyphs.init, palette.running),
        (_RUNNING, _RUNNING): (glyphs.running, palette.running),
        (_RUN, _RUN): (glyphs.run, run),
        (_SDK, _SDK): (glyphs.sdk, palette.muted),
    }
    blank = (" ", palette.faint)
    pieces: list[tuple[str, Style]] = []
    for index in range(0, 2 * width, 2):
        before, after = halves[index], halves[index + 1]
        if before == after:
            sign = signs.get((before, before), blank)
        elif _SDK in (before, after):
            sign = signs[(_SDK, _SDK)] if min(before, after) < _RUN else (glyphs.run, run)
        elif before == _RUN:
            sign = (glyphs.run_left_half, run)
        elif after == _RUN:
            sign = (glyphs.run_right_half, run)
        else:
            greater = max(before, after)
            sign = signs[(greater, greater)]
        if pieces and pieces[-1][1] is sign[1]:
            pieces[-1] = (pieces[-1][0] + sign[0], sign[1])
        else:
            pieces.append(sign)
    return [Segment(text, style) for text, style in pieces]


def half_cells(spans: Sequence[Span], chain_s: float, width: int, from_s: float = 0.0) -> bytearray:
    """Give the phase of each half cell: 0 none, then waiting, init, still running, run, call."""
    halves = bytearray(2 * width)
    if chain_s <= 0:
        chain_s = max((span.end_s for span in spans), default=0.0) or 1.0
    scale = 2 * width / chain_s
    for span in spans:
        weight = _WEIGHT[span.phase]
        if span.end_s < from_s or span.start_s > from_s + chain_s:
            continue
        first = min(2 * width - 1, max(0, int((span.start_s - from_s) * scale)))
        end = min(2 * width, round((span.end_s - from_s) * scale))
        if end <= first:
            if weight == _SDK and halves[first]:
                continue  # too short to see within the work that it is a part of
            end = first + 1
        for index in range(first, end):
            if halves[index] < weight:
                halves[index] = weight
    return halves
