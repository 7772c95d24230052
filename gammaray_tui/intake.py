"""What comes into a watch: cut into slices, counted by the second, region by region."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from causality.snapshot import RegionState
from providers.events import ProviderEvent, RecordBatch, RegionStatus
from providers.record_time import record_time_s

# A batch is at most one page of 1000 records; applied in slices so that keys stay quick.
_SLICE = 50
_RECENT_S = 30
# A source lags behind if its records are older than this when they come; and as long as it has
# more of them, they come without such a pause.
_BEHIND_S = 5.0
_SILENT_S = 10.0


class Sources:
    """Which shards and regions lag behind the others, and until when each has been read.

    Shards are read independently. While one is hours behind another, or its region cannot be
    reached, an effect without its call says nothing: the call may be in what is still to be read.
    """

    def __init__(self) -> None:
        """Begin with no source."""
        self._behind: dict[tuple[str, str], tuple[float, float]] = {}
        self._unread: dict[str, float] = {}
        self._known: set[str] = set()

    def take(self, batch: RecordBatch, now_s: float) -> None:
        """Note how far a source is read once these records are applied.

        Args:
            batch: the newest records of its source.
            now_s: epoch seconds, of a batch that does not say when it arrived.
        """
        written_s = record_time_s(batch.records[-1]) if batch.records else None
        if written_s is None:
            return
        arrived_s = batch.received_at_s or now_s
        source = (batch.region, batch.source)
        self._behind.pop(source, None)
        ended = batch.position is not None and batch.position.ended
        if arrived_s - written_s > _BEHIND_S and not ended:
            self._behind[source] = (written_s, arrived_s)

    def take_status(self, status: RegionStatus, now_s: float) -> None:
        """Note since when a region is not read that will be, or was."""
        if status.brings != "records":
            return
        if status.phase == "live":
            self._known.add(status.region)
        # Down from the start: nobody records there. Later: it goes on once the user has helped.
        never_read = status.phase == "down" and status.region not in self._known
        if status.phase in ("live", "ended") or never_read:
            self._unread.pop(status.region, None)
        else:
            self._unread.setdefault(status.region, now_s)

    def read_until_s(self, now_s: float) -> float:
        """Give until when all sources have been read; infinity if none lags behind."""
        for source, (_, arrived_s) in list(self._behind.items()):
            if now_s - arrived_s > _SILENT_S:
                del self._behind[source]
        lagging = [written_s for written_s, _ in self._behind.values()]
        return min([*lagging, *self._unread.values()], default=float("inf"))


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
