"""Tables as aligned plain text, whatever the names in them hold."""

from __future__ import annotations

from collections.abc import Sequence

from gammaray_tui.commands.output import escaped

# Of one name that is longer, every line of its table would be.
_WIDEST = 300


def table_lines(
    heads: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str] = frozenset()
) -> list[str]:
    """Align rows under their headings; columns whose heading is in `right` by their ends.

    What is very long is cut in its middle, unless nothing stands behind it.
    """
    from rich.cells import cell_len  # letters of some scripts, and emoji, take two cells

    from widgets import text

    cells = [list(heads), *([escaped(cell) for cell in row] for row in rows)]
    widths = [max(cell_len(line[at]) for line in cells) for at in range(len(heads))]
    widths[:-1] = [min(width, _WIDEST) for width in widths[:-1]]
    fits = [text.right if head in right else text.name for head in heads]
    return [
        "  ".join(
            fit(cell, width) for fit, cell, width in zip(fits, line, widths, strict=True)
        ).rstrip()
        for line in cells
    ]
