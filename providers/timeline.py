"""Records and traces without arrival times, put in order by the times they carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import msgspec

from causality.records import UNDECODABLE, StreamRecord, Unreadable
from providers.events import ProviderEvent, RecordBatch, TraceBatch
from providers.record_time import record_time_s

# What was made within this many seconds comes together.
_TOGETHER_S: Final = 0.02
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One record, unreadable record or trace document, at the time it was made."""

    at_s: float
    region: str
    source: str
    item: StreamRecord | Unreadable | str


class _SegmentTimes(msgspec.Struct):
    start_time: float | None = None
    end_time: float | None = None


_segment_decoder = msgspec.json.Decoder(_SegmentTimes)


@dataclass(frozen=True)
class Timeline:
    """Recorded entries in the order of their times.

    Attributes:
        entries: sorted by `at_s`, those of equal time in the order they were read.
    """

    entries: list[Entry]

    @classmethod
    def of(cls, events: Iterable[ProviderEvent]) -> Timeline:
        """Put events in order by their own times.

        What has no time of its own (a removal in a text dump, an unreadable line) stays behind
        what came before it in its file.
        """
        entries: list[Entry] = []
        latest: dict[str, float] = {}
        timeless: dict[str, list[Entry]] = {}
        for event in events:
            for region, source, item in _items(event):
                at_s = _time_s(item)
                if at_s is None and source not in latest:
                    timeless.setdefault(source, []).append(Entry(0.0, region, source, item))
                    continue
                at_s = latest[source] if at_s is None else at_s
                latest[source] = at_s
                for early in timeless.pop(source, ()):
                    entries.append(Entry(at_s, early.region, source, early.item))
                entries.append(Entry(at_s, region, source, item))
        entries.sort(key=attrgetter("at_s"))
        first_s = entries[0].at_s if entries else 0.0
        lost = [e for early in timeless.values() for e in early]
        return cls([Entry(first_s, e.region, e.source, e.item) for e in lost] + entries)

    @property
    def start_s(self) -> float:
        """Epoch second of the first entry; 0 when there is none."""
        return self.entries[0].at_s if self.entries else 0.0

    @property
    def end_s(self) -> float:
        """Epoch second of the last entry; 0 when there is none."""
        return self.entries[-1].at_s if self.entries else 0.0

    def events(self) -> Iterator[tuple[float, ProviderEvent]]:
        """Give (time, event), neighbours of the same origin together."""
        start = 0
        while start < len(self.entries):
            begin_s = self.entries[start].at_s
            end = start
            while (
                end < len(self.entries)
                and end - start < _BATCH
                and self.entries[end].at_s - begin_s <= _TOGETHER_S
            ):
                end += 1
            for event in _events(self.entries[start:end]):
                yield begin_s, event
            start = end


def _items(
    event: ProviderEvent,
) -> Iterator[tuple[str, str, StreamRecord | Unreadable | str]]:
    if isinstance(event, RecordBatch):
        for record in event.records:
            yield event.region, event.source, record
        for unreadable in event.unreadable:
            yield event.region, event.source, unreadable
    elif isinstance(event, TraceBatch):
        for document in event.documents:
            yield event.region, event.source, document


def _time_s(item: StreamRecord | Unreadable | str) -> float | None:
    """Give the time an item was there to be read, None when it does not say."""
    if isinstance(item, StreamRecord):
        return record_time_s(item)
    if isinstance(item, Unreadable):
        return None
    try:
        times = _segment_decoder.decode(item)
    except UNDECODABLE:
        return None
    return times.start_time if times.end_time is None else times.end_time


def _events(entries: list[Entry]) -> list[ProviderEvent]:
    """Bundle neighbours of the same origin and kind into batches."""
    events: list[ProviderEvent] = []
    for entry in entries:
        last = events[-1] if events else None
        if isinstance(entry.item, str):
            if isinstance(last, TraceBatch) and last.source == entry.source:
                last.documents.append(entry.item)
            else:
                events.append(TraceBatch(entry.source, [entry.item], entry.region))
            continue
        if not isinstance(last, RecordBatch) or (last.source, last.region) != (
            entry.source,
            entry.region,
        ):
            last = RecordBatch(entry.region, entry.source, [], received_at_s=entry.at_s)
            events.append(last)
        if isinstance(entry.item, Unreadable):
            last.unreadable.append(entry.item)
        else:
            last.records.append(entry.item)
    return events
