"""Where reading starts: now, with everything held, some time ago, or at an instant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

_UNITS_S: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_DURATION = re.compile(rf"(?:{_PART.pattern}\s*)+")


@dataclass(frozen=True)
class Since:
    """A start.

    Attributes:
        kind: "now", "all", "ago" or "at".
        ago_s: how long ago, with "ago".
        at_s: epoch second, with "at".
    """

    kind: Literal["now", "all", "ago", "at"]
    ago_s: float = 0.0
    at_s: float = 0.0

    def start_s(self, now_s: float) -> float | None:
        """Give the epoch second that reading starts at, None for everything."""
        if self.kind == "all":
            return None
        return self.at_s if self.kind == "at" else now_s - self.ago_s


def parse_since(text: str) -> Since:
    """Read "now", "all" or a duration such as "90s", "15m", "2h", "1h30m", "1d".

    Raises:
        ValueError: it is none of these; the message says what is accepted.
    """
    wanted = text.strip().lower()
    if wanted in ("now", "all"):
        return Since("now" if wanted == "now" else "all")
    if not _DURATION.fullmatch(wanted):
        raise ValueError(
            f"cannot read {text!r} as a start: use now, all, or a duration such as 90s, 15m or 2h"
        )
    ago_s = sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(wanted))
    return Since("ago", ago_s) if ago_s else Since("now")
