"""Log lines as text: what is saved from the screen and printed by the command."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from gammaray_tui.commands.output import escaped
from providers.operations import LogLine


def log_line(line: LogLine) -> str:
    """Give one line: when, where, which function, what; control characters are spelled out."""
    at = f"{datetime.fromtimestamp(line.at_s, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
    return escaped(f"{at} {line.region} {line.function} {line.text}")


def log_text(lines: Iterable[LogLine]) -> str:
    """Give many lines, each ended."""
    return "".join(log_line(line) + "\n" for line in lines)
