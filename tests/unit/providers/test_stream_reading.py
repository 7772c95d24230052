"""Reading a shard: pages, iterators that expire, data that is trimmed, repeats, backpressure."""

from __future__ import annotations

import asyncio

import pytest

from providers.events import RecordBatch
from providers.streams import Since
from tests.fakes.stream_model import Fault
from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime
from tests.fakes.watch import WEST, read_in_order, watching


async def test_an_empty_page_is_not_the_end(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 3)
    west.empty_pages = 40
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))


async def test_empty_pages_of_a_closed_shard_are_not_its_end(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    parent = west.stream.open_shards()[0]
    west.write(parent, 3)
    west.write(west.split(parent, 1)[0], 3)
    west.empty_pages = 40
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        assert read_in_order(watch, west)


async def test_pages_of_a_thousand_records_and_of_a_megabyte(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table(shards=2)
    many, large = west.stream.open_shards()
    west.write(many, 2500)
    west.write(large, 12, size=300_000)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        batches = [event for event in watch.events if isinstance(event, RecordBatch)]
        assert max(len(batch.records) for batch in batches) == 1000
        assert read_in_order(watch, west)


async def test_records_that_cannot_be_decoded_come_as_unreadable(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 2)
    west.write(shard, 1, broken=True)
    async with watching(aws, time) as watch:
        await watch.until(lambda: len(watch.ids()) == 2)
        unreadable = [
            bad
            for event in watch.events
            if isinstance(event, RecordBatch)
            for bad in event.unreadable
        ]
        assert [bad.event_id for bad in unreadable] == [shard.written[2].event_id]
        assert unreadable[0].reason
        # It counts as read: reading goes on behind it.
        assert watch.positions()[-1].sequence == shard.written[2].sequence


async def test_an_expired_iterator_is_replaced_after_the_last_record(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.page_records = 3
    shard = west.stream.open_shards()[0]
    west.write(shard, 4)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        west.expire_iterators()
        west.write(shard, 4)
        await watch.until(lambda: watch.has_all(west))


async def test_nothing_is_lost_when_the_iterator_expires_before_the_first_record(
    aws: FakeAws, time: VirtualTime
) -> None:
    """LATEST must not be asked for a second time."""
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 5)
    time.advance(60)
    async with watching(aws, time, "now") as watch:
        await watch.until(watch.is_live)
        west.expire_iterators()
        west.write(shard, 3)
        await watch.until(lambda: len(watch.ids()) == 3)
        assert set(watch.ids()) == {w.event_id for w in shard.written[5:]}


async def test_a_computer_that_slept_goes_on_where_it_was(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    async with watching(aws, time, "now") as watch:
        await watch.until(watch.is_live)
        west.write(shard, 2)
        time.advance(3 * 3600)
        west.write(shard, 2)
        await watch.until(lambda: watch.has_all(west))


async def test_a_silence_of_more_than_a_day_is_a_gap(aws: FakeAws, time: VirtualTime) -> None:
    """The streams hold 24 hours; what was written and trimmed meanwhile left no trace."""
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        time.advance(23 * 3600)
        await watch.passes(5)
        assert not watch.gaps
        time.advance(30 * 3600)
        await watch.until(lambda: watch.gaps)
        assert "30 h" in watch.gaps[0].detail
        west.write(west.stream.open_shards()[0])
        await watch.until(lambda: watch.has_all(west))
        assert len(watch.gaps) == 1


async def test_trimmed_records_are_shown_as_a_gap(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 2)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        watch.flowing.clear()
        west.write(shard, 10)
        west.trim(shard, 8)
        west.expire_iterators()
        watch.flowing.set()
        await watch.until(lambda: shard.written[-1].event_id in watch.ids())
        (gap,) = watch.gaps
        assert (gap.region, gap.source) == (WEST, shard.id)
        assert shard.written[1].sequence in gap.detail
        assert len(watch.ids()) == len(set(watch.ids()))


async def test_an_iterator_that_points_to_trimmed_data_is_not_used_again(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.page_records = 2
    shard = west.stream.open_shards()[0]
    async with watching(aws, time, queue_size=1) as watch:
        await watch.until(watch.is_live)
        watch.flowing.clear()
        west.write(shard, 30)
        await watch.until(lambda: west.calls["GetRecords"] >= 2)
        west.trim(shard, 20)
        watch.flowing.set()
        await watch.until(lambda: shard.written[-1].event_id in watch.ids())
        assert len(watch.gaps) == 1
        assert set(watch.ids()) >= {w.event_id for w in shard.written[20:]}


async def test_trimming_what_was_not_asked_for_is_no_gap(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 6)
    time.advance(3600)
    west.faults.append(Fault("slow", "GetRecords"))
    async with watching(aws, time, "15m", request_timeout_s=0.3) as watch:
        await watch.until(lambda: not west.faults)
        west.trim(shard, 3)
        west.write(shard, 2)
        await watch.until(lambda: len(watch.ids()) == 2)
        assert not watch.gaps


async def test_a_followed_shard_whose_data_is_gone_is_a_gap(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    parent = west.stream.open_shards()[0]
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        (child,) = west.split(parent, 1)
        west.write(child, 4)
        (grandchild,) = west.split(child, 1)
        west.write(grandchild, 2)
        west.forget_shard(child, listed=True)
        await watch.until(lambda: len(watch.ids()) == 2)
        assert [gap.source for gap in watch.gaps] == [child.id]


async def test_a_shard_that_cannot_be_found_for_a_moment_is_read(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 3)
    shard.readable = False
    async with watching(aws, time) as watch:
        await watch.until(lambda: west.calls["GetShardIterator"] > 6)
        shard.readable = True
        await watch.until(lambda: watch.has_all(west))
        assert not watch.gaps


async def test_repeated_records_come_once(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    async with watching(aws, time) as watch:
        for _ in range(5):
            west.repeating_pages, west.repeated_records = 1, 3
            west.write(shard, 2)
            await watch.until(lambda: watch.has_all(west))
        assert len(watch.ids()) == len(set(watch.ids())) == 10


async def test_since_a_while_ago_drops_what_is_older(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    for _ in range(10):
        west.write(shard, 50)
        time.advance(300)
    async with watching(aws, time, "16m") as watch:
        await watch.until(watch.is_live)
        await watch.until(lambda: len(watch.ids()) == 150)
        west.write(shard)
        await watch.until(lambda: len(watch.ids()) == 151)
        start_s = time.now_s() - 16 * 60 - 60
        assert set(watch.ids()) <= {w.event_id for w in shard.written if w.created_s > start_s}


class _SinceInstant(Since):
    """A start at a known instant, however long connecting takes."""

    def start_s(self, now_s: float) -> float | None:
        return self.ago_s


async def test_whole_seconds_in_creation_times_lose_nothing(
    aws: FakeAws, time: VirtualTime
) -> None:
    """A record made 0.2 s after the start carries the second in which the start lies."""
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 2)
    time.advance(5.7)
    start_s = time.now_s()
    time.advance(0.2)
    west.write(shard, 2)
    time.advance(60)
    async with watching(aws, time, _SinceInstant("ago", start_s)) as watch:
        await watch.until(lambda: len(watch.ids()) == 2)
        assert watch.ids() == [w.event_id for w in shard.written[2:]]


@pytest.mark.parametrize("ahead_s", [-400.0, 400.0])
async def test_a_clock_that_is_wrong_does_not_move_the_start(
    aws: FakeAws, time: VirtualTime, ahead_s: float
) -> None:
    aws.clock_ahead_s = ahead_s
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 3)
    time.advance(120)
    west.write(shard, 2)
    async with watching(aws, time, "60s") as watch:
        await watch.until(lambda: len(watch.ids()) == 2)
        west.write(shard, 1)
        await watch.until(lambda: len(watch.ids()) == 3)
        await watch.until(lambda: [s for s in watch.statuses() if s.lag_s is not None])
        assert (watch.statuses()[-1].lag_s or 0) < 70, "the lag is measured by the server's clock"


async def test_hours_of_old_shards_are_not_read_for_the_last_minutes(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    for _ in range(6):
        west.write(west.stream.open_shards()[0], 4000)
        time.advance(4 * 3600)
        west.split(west.stream.open_shards()[0], 1)
        west.write(west.stream.open_shards()[0])
    time.advance(3600)
    west.write(west.stream.open_shards()[0], 2)
    async with watching(aws, time, "15m") as watch:
        await watch.until(lambda: len(watch.ids()) == 2)
        await watch.until(watch.is_live)
        assert west.calls["GetRecords"] < 10


async def test_lag_is_shown_and_a_full_queue_is_waited_for(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.page_records = 10
    shard = west.stream.open_shards()[0]
    async with watching(aws, time, queue_size=2) as watch:
        await watch.until(watch.is_live)
        watch.flowing.clear()
        west.write(shard, 300)
        await watch.passes(20)
        calls = west.calls["GetRecords"]
        await watch.passes(100)
        assert west.calls["GetRecords"] == calls, "read on though nobody takes the records"
        watch.takes_s = 0.2
        watch.flowing.set()
        await watch.until(lambda: watch.has_all(west))
        assert max(status.lag_s or 0 for status in watch.statuses()) >= 100
        await watch.until(lambda: (watch.statuses()[-1].lag_s or 0) < 100)


async def test_idle_readers_slow_down_and_are_awake_again_after_a_record(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)

        async def polls_in(seconds: float) -> int:
            before = west.calls["GetRecords"]
            await watch.passes(seconds)
            return west.calls["GetRecords"] - before

        assert await polls_in(4) >= 20
        await watch.passes(40)
        assert await polls_in(20) <= 21
        west.write(west.stream.open_shards()[0])
        await watch.until(lambda: watch.has_all(west))
        assert await polls_in(2) >= 10
        await watch.passes(60)
        watch.source.expect_records()
        await watch.passes(1)
        assert await polls_in(2) >= 10


async def test_cancelling_ends_everything(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table(shards=5)
    before = asyncio.all_tasks()
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
    left = {task for task in asyncio.all_tasks() - before if "aiohttp" not in repr(task)}
    assert not left
