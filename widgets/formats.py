"""Numbers and times as short text: a duration in six cells, an offset in seven."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

UNKNOWN = "–"
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_DIRECTIONS = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
    "gov": "g",
    "iso": "i",
    "isob": "b",
    "local": "l",
}


def duration(seconds: float | None) -> str:
    """Write a duration in at most six cells: 0.4ms, 147ms, 1.16s, 12.3s, 2m05s, 1h02m."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds == 0:
        return "0ms"
    if seconds < 0.00095:
        return f"{seconds * 1000:.1f}ms" if seconds >= 0.00005 else "<.1ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 99.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}m{whole % _MINUTE_S:02d}s"
    if whole < 4 * _DAY_S:
        return f"{whole // _HOUR_S}h{whole % _HOUR_S // _MINUTE_S:02d}m"
    return f"{whole // _DAY_S}d{whole % _DAY_S // _HOUR_S:02d}h"


def delay(seconds: float | None) -> str:
    """Write a trigger delay: none where an invocation began before its call was answered."""
    return duration(None if seconds is None else max(0.0, seconds))


def offset(seconds: float | None) -> str:
    """Write an offset to the start of a chain: +98ms; a clock that runs behind shows -3ms."""
    if seconds is None:
        return UNKNOWN
    text = duration(seconds)
    return text if seconds < 0 else "+" + text


def clock(at_s: float | None) -> str:
    """Write an instant of today in eight cells, in UTC: 10:23:58."""
    if at_s is None:
        return UNKNOWN
    return f"{datetime.fromtimestamp(at_s, UTC):%H:%M:%S}"


def instant(at_s: float | None) -> str:
    """Write an instant in full, in UTC."""
    if at_s is None:
        return UNKNOWN
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def minute(at_s: float) -> str:
    """Write a minute in full, in UTC."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M} UTC"


def hour_and_minute(at_s: float) -> str:
    """Write a minute in five cells, in UTC."""
    return f"{datetime.fromtimestamp(at_s, UTC):%H:%M}"


def lag(seconds: float | None) -> str:
    """Write an age in at most four cells: 0.8s, 12s, 3m, 2h, 5d."""
    if seconds is None:
        return UNKNOWN
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f}s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f}m"
    if seconds < 2 * _DAY_S:
        return f"{seconds / _HOUR_S:.0f}h"
    return f"{seconds / _DAY_S:.0f}d"


def size(count_of_bytes: int) -> str:
    """Write a size in at most six cells: 0 B, 812 B, 4 kB, 12 MB, 3 GB."""
    value, units = float(count_of_bytes), ["B", "kB", "MB", "GB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}"


def rate(per_second: float) -> str:
    """Write a rate a second in at most four cells: 0, 0.2, 7.5, 371, 12k."""
    if per_second < 0.005:
        return "0"
    if per_second < 9.95:
        return f"{per_second:.1f}" if per_second >= 0.05 else f"{per_second:.2f}"
    if per_second < 9999.5:
        return f"{per_second:.0f}"
    return f"{per_second / 1000:.0f}k"


def count(number: int) -> str:
    """Write a count with separators: 3,869."""
    return f"{number:,}"


def short_count(number: int) -> str:
    """Write a count in at most five cells: 9,999 as 9999, then 12.3k, 4.5M."""
    if number < 100_000:
        return str(number)
    if number < 999_500:
        return f"{number / 1000:.0f}k"
    return f"{number / 1_000_000:.1f}M"


def plural(number: int, noun: str) -> str:
    """Write a count with its noun: 1 chain, 2 chains."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def short_region(region: str) -> str:
    """Shorten a region as AWS does: us-west-2 to usw2, ap-southeast-1 to apse1."""
    head, *middle = region.split("-")
    if not middle:
        return region
    return head + "".join(_DIRECTIONS.get(part, part) for part in middle)


def sparkline(values: Sequence[float], width: int, bars: str) -> str:
    """Draw the newest `width` values as bars of eight heights, scaled to the greatest."""
    newest = values[-width:] if width > 0 else ()
    greatest = max(newest, default=0)
    if greatest <= 0:
        return bars[0] * len(newest)
    top = len(bars) - 1
    return "".join(bars[min(top, round(value / greatest * top))] for value in newest)
