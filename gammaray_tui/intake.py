"""What comes into a watch: cut into slices, counted by the second, region by region."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from causality.snapshot import RegionState
from providers.events import ProviderEvent, RecordBatch, RegionStatus

# A batch is at most one page of 1000 records; applied in slices so that keys stay quick.
_SLICE = 100
_RECENT_S = 30


class Traffic:
    """Records by the second, for the last half minute."""

    def __init__(self) -> None:
        """Begin with none."""
        self._per_second: deque[tuple[int, int]] = deque(maxlen=_RECENT_S + 1)

    def count(self, records: int, now_s: float) -> None:
        """Count records that came just now, epoch seconds."""
        second = int(now_s)
        if self._per_second and self._per_second[-1][0] == second:
            records += self._per_second.pop()[1]
        self._per_second.append((second, records))

    def rates(self, now_s: float) -> tuple[float, ...]:
        """Give the records of each full second, oldest first.

        The running second is not full yet: it would always look like a fall.
        """
        recent = dict(self._per_second)
        second = int(now_s)
        return tuple(float(recent.get(second - back, 0)) for back in range(_RECENT_S, 0, -1))


def slices(event: ProviderEvent) -> list[ProviderEvent]:
    """Cut a batch of records into pieces that are applied quickly; other events stay whole."""
    if not isinstance(event, RecordBatch) or len(event.records) <= _SLICE:
        return [event]
    found: list[ProviderEvent] = [
        replace(event, records=event.records[start : start + _SLICE], unreadable=[])
        for start in range(0, len(event.records), _SLICE)
    ]
    if event.unreadable:
        found.append(replace(event, records=[]))
    return found


def region_state(status: RegionStatus) -> RegionState:
    """Give what the screen shows of a region."""
    return RegionState(
        status.region,
        status.phase,
        status.kind,
        status.message,
        status.todo,
        status.lag_s,
        status.retry_in_s,
        status.shards,
    )
