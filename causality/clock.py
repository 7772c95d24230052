"""How far the clocks of two machines are trusted, in seconds."""

from __future__ import annotations

from typing import Final

# Two machines' clocks may differ by this much; a call made later than that cannot be the cause.
CLOCK_SKEW_S: Final = 1.0
# Without an id, a call this long before an invocation is not considered its cause.
ORDER_WINDOW_S: Final = 3600.0
