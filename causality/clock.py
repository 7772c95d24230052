"""How far clocks are trusted, and how long a delivery may take; in seconds."""

from __future__ import annotations

from typing import Final

# Two machines' clocks may differ by this much; a call made later than that cannot be the cause.
CLOCK_SKEW_S: Final = 1.0
# Times are written in whole milliseconds; a call later than this is later, if clocks are equal.
ROUNDING_S: Final = 0.002
# Without an id, a call this long before an invocation is not considered its cause.
ORDER_WINDOW_S: Final = 3600.0
# Equal content is looked for as far back as a stream keeps its records.
CONTENT_WINDOW_S: Final = 24 * 3600.0
# Order alone is no proof past the longest time that a delivery takes when all is well (a
# batching window of five minutes): an unrecorded writer is as likely by then.
PROMPT_S: Final = 360.0
# Where nothing tells when a record was written, the start of the invocation that it was given to
# has to do, and order proves no more once a call counts as one that triggered nothing.
PROMPT_START_S: Final = 60.0
# Past this, a time is no time: the year 5138 in seconds since 1970.
LAST_TIME_S: Final = 1e11
