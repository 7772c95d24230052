"""Folding safe text into lines of a width in cells."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells


def wrapped(text: str, width: int) -> Iterator[tuple[bool, str]]:
    """Give the lines of a text folded at spaces, each with whether it is the first."""
    line, first = "", True
    for word in text.split():
        for part in chop_cells(word, width) or [""]:
            if line and cell_len(line) + 1 + cell_len(part) > width:
                yield first, line
                line, first = part, False
            else:
                line = f"{line} {part}" if line else part
    yield first, line
