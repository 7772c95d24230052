"""Which columns the causal tree has at a width, and how wide each is."""

from __future__ import annotations

from dataclasses import dataclass

_MARKS = 3  # cursor, state, space
_FUNCTION_CAP = 36
_FUNCTION_LEAST = 12


@dataclass(frozen=True, slots=True)
class TreeColumns:
    """Cells of each column; 0 leaves it out. Columns are one cell apart."""

    function: int
    region: int = 0
    trigger: int = 0
    start: int = 0
    duration: int = 6
    timeline: int = 0
    delay: int = 0
    cold: int = 0
    evidence: int = 0
    full_region: bool = False
    init_shown: bool = False


def tree_columns(width: int, short_region: int = 4, full_region: int = 9) -> TreeColumns:
    """Choose columns for a tree of `width` cells.

    Args:
        width: cells of a line.
        short_region: cells of the longest short region name in sight.
        full_region: cells of the longest full region name in sight.
    """
    if width >= 150:
        chosen = TreeColumns(
            0, full_region, 27, 8, 7, 34, 7, 6, 2, full_region=True, init_shown=True
        )
    elif width >= 112:
        chosen = TreeColumns(0, short_region, 23, 8, 6, 22, 6, 2, 1)
    elif width >= 92:
        chosen = TreeColumns(0, short_region, 18, 8, 6, 14, 6, 1, 1)
    elif width >= 70:
        chosen = TreeColumns(0, short_region, 0, 8, 6, 16, 6, 1, 1)
    elif width >= 54:
        chosen = TreeColumns(0, short_region, 0, 8, 6, 10, 0, 1, 0)
    else:
        chosen = TreeColumns(0, cold=1)
    return _with_the_rest(chosen, width)


def _with_the_rest(columns: TreeColumns, width: int) -> TreeColumns:
    others = (
        columns.region,
        columns.trigger,
        columns.start,
        columns.duration,
        columns.timeline,
        columns.delay,
        columns.cold,
        columns.evidence,
    )
    taken = _MARKS + sum(cells + 1 for cells in others if cells)
    rest = max(_FUNCTION_LEAST, width - taken)
    function = min(rest, _FUNCTION_CAP) if columns.timeline else rest
    left_over = rest - function
    to_trigger = left_over // 3 if columns.trigger else 0
    return TreeColumns(
        function,
        columns.region,
        columns.trigger + to_trigger,
        columns.start,
        columns.duration,
        columns.timeline + left_over - to_trigger if columns.timeline else 0,
        columns.delay,
        columns.cold,
        columns.evidence,
        columns.full_region,
        columns.init_shown,
    )
