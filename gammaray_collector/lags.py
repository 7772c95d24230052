"""How far streams lag behind: what is read late must not be taken for what was never recorded.

Shards of a region are read side by side, and each may lag by another time. A lag is rounded up, by
a fifth at most, and each that this leaves has an item: no shorter lag takes a longer one's place.

    {"pk": "lag", "sk": "us-west-2#609", "at": 1795364783, "seconds": 609, "expires": 1795367783}
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from gammaray_collector.items import EXPIRES, PK, SK, Item
from gammaray_collector.reading import Read
from gammaray_collector.table import Asked, Table

PARTITION: Final = "lag"
_AT: Final = "at"
_SECONDS: Final = "seconds"
_NOTICED_S: Final = 30.0
# What is older than streams hold records was not delayed: it was copied, or played back.
_LONGEST_S: Final = 86_400.0
_VALID_S: Final = 300.0
_STEPS: Final = 4  # from a lag to its double


def lag_of(said: Sequence[Read], now_s: float) -> float:
    """Give how far behind a stream is that brings these records; 0 if that is nothing unusual."""
    newest_s = max((one.facts.written_at_s for one in said), default=now_s)
    return now_s - newest_s if _NOTICED_S < now_s - newest_s < _LONGEST_S else 0.0


def told(said: Sequence[Read], now_s: float) -> Iterator[Item]:
    """Give what has to be written if a stream lags: how much, and when that was."""
    lag_s = lag_of(said, now_s)
    if lag_s:
        rounded_s = math.ceil(2 ** (math.ceil(math.log2(lag_s) * _STEPS) / _STEPS))
        yield {
            PK: PARTITION,
            SK: f"{said[0].region or '-'}#{rounded_s}",
            _AT: int(now_s),
            _SECONDS: rounded_s,
            EXPIRES: int(now_s + 10 * _VALID_S),
        }


def longest_s(table: Table, now_s: float) -> float:
    """Give the longest lag of any region's streams of late."""
    (items,) = table.query([Asked(PARTITION)])
    return max(by_region(items, now_s).values(), default=0.0)


def by_region(items: Iterable[Item], now_s: float) -> dict[str, float]:
    """Give the longest lag of late of each region, seconds, by the items of PARTITION."""
    found: dict[str, float] = {}
    for item in items:
        if int(item[_AT]) >= now_s - _VALID_S:
            region = str(item[SK]).rpartition("#")[0]
            found[region] = max(found.get(region, 0.0), float(item[_SECONDS]))
    return found
