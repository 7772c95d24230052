"""Records as lines of the function's own log, for functions that shall make no call for them.

CloudWatch Logs carries them on; docs/records.md describes the line.
"""

from __future__ import annotations

import os

from gammaray_recorder import wire
from gammaray_recorder.sink import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

    from gammaray_recorder.sink import Item

_STANDARD_OUTPUT = 1
# CloudWatch Logs takes events of up to 256 KB everywhere, whatever it splits or cuts beyond.
_LINE_LIMIT = 240_000


class Log:
    """Writes items to standard output, one line a flush.

    To the descriptor itself: what the user's code does with sys.stdout is its own affair.
    """

    place = "standard output"
    payload_limit = 200_000

    def open(self) -> None:
        """Do nothing: standard output is open."""

    def forget(self) -> None:
        """Do nothing: a child may go on writing to it."""

    def write(self, items: List[Item]) -> List[Item]:
        """Write items as lines. Raises Unavailable when standard output is closed."""
        line: List[str] = []
        size = 0
        for text in map(wire.log_entry, items):
            if line and size + len(text) > _LINE_LIMIT:
                _write_line(line)
                line, size = [], 0
            line.append(text)
            size += len(text)
        _write_line(line)
        return []


def _write_line(entries: List[str]) -> None:
    left = ("%s [%s]\n" % (wire.LOG_MARK, ",".join(entries))).encode("utf-8", "replace")
    try:
        while left:  # a pipe may take it in parts
            left = left[os.write(_STANDARD_OUTPUT, left) :]
    except OSError as error:
        raise Unavailable(type(error).__name__) from error
