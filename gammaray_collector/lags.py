"""How far streams lag behind: what is read late must not be taken for what was never recorded."""

from __future__ import annotations

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


def lag_of(said: Sequence[Read], now_s: float) -> float:
    """Give how far behind a stream is that brings these records; 0 if that is nothing unusual."""
    newest_s = max((one.facts.written_at_s for one in said), default=now_s)
    return now_s - newest_s if _NOTICED_S < now_s - newest_s < _LONGEST_S else 0.0


def told(said: Sequence[Read], now_s: float) -> Iterator[Item]:
    """Give what has to be written if a stream lags: how much, and when that was."""
    lag_s = lag_of(said, now_s)
    if lag_s:
        yield {
            PK: PARTITION,
            SK: said[0].region or "-",
            _AT: int(now_s),
            _SECONDS: int(lag_s),
            EXPIRES: int(now_s + 10 * _VALID_S),
        }


def longest_s(table: Table, now_s: float) -> float:
    """Give the longest lag of any region's streams of late."""
    (items,) = table.query([Asked(PARTITION)])
    return max(by_region(items, now_s).values(), default=0.0)


def by_region(items: Iterable[Item], now_s: float) -> dict[str, float]:
    """Give the lags of late, seconds, by the items of PARTITION."""
    return {
        str(item[SK]): float(item[_SECONDS]) for item in items if int(item[_AT]) >= now_s - _VALID_S
    }
