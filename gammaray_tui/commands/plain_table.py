"""Tables as aligned plain text, whatever the names in them hold."""

from __future__ import annotations

from collections.abc import Sequence

from gammaray_tui.commands.output import escaped


def table_lines(
    heads: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str] = frozenset()
) -> list[str]:
    """Align rows under their headings; columns whose heading is in `right` by their ends."""
    cells = [list(heads), *([escaped(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(heads))]
    return [
        "  ".join(
            cell.rjust(width) if head in right else cell.ljust(width)
            for cell, width, head in zip(line, widths, heads, strict=True)
        ).rstrip()
        for line in cells
    ]
