"""Records without arrival times, put in order by the times they carry."""

from __future__ import annotations

import json

from causality.records import StreamRecord, Unreadable
from providers.events import RecordBatch, TraceBatch
from providers.timeline import Timeline
from tests.unit.providers.taping import batch, record


def test_entries_are_in_the_order_of_their_times_across_sources() -> None:
    timeline = Timeline.of(
        [
            batch("a", record("1", 1000), record("4", 4000)),
            batch("b", record("2", 2000), record("3", 3000)),
            TraceBatch("c", [json.dumps({"start_time": 1.0, "end_time": 2.5}), "{broken"]),
        ]
    )
    items = [
        e.item.eventID if isinstance(e.item, StreamRecord) else e.item for e in timeline.entries
    ]
    assert items[:2] == ["1", "2"]
    assert items[-2:] == ["3", "4"]
    assert "{broken" in items


def test_what_has_no_time_stays_with_its_neighbours() -> None:
    timeline = Timeline.of(
        [
            RecordBatch(
                "", "a", [record("first", None), record("1", 5000)], [Unreadable("r", "x")]
            ),
            batch("b", record("2", 1000), record("removed", None), record("3", 9000)),
            batch("c", record("timeless", None)),
        ]
    )
    order = [e.item.eventID for e in timeline.entries if isinstance(e.item, StreamRecord)]
    assert order == ["timeless", "2", "removed", "first", "1", "3"]
    assert len(timeline.entries) == 7
