"""A watch that goes on where an earlier one stopped: nothing lost unseen, nothing twice."""

from __future__ import annotations

from providers.events import Position
from providers.streams import Resume
from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime
from tests.fakes.watch import EAST, WEST, read_in_order, watching


async def test_reading_goes_on_after_the_last_record(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table(shards=2)
    west.page_records = 3
    for shard in west.stream.open_shards():
        west.write(shard, 5)
    async with watching(aws, time) as first:
        await first.until(lambda: first.has_all(west))
    parent, other = west.stream.open_shards()
    west.write(parent, 4)
    for child in west.split(parent):
        west.write(child, 2)
    west.write(other, 1)
    async with watching(aws, time, resume=first.resume()) as second:
        both = {written.event_id for written in west.all_written()}
        await second.until(lambda: {*first.ids(), *second.ids()} == both)
        assert not set(first.ids()) & set(second.ids())
        assert read_in_order(second, west)
        assert not second.gaps


async def test_every_batch_says_how_far_its_shard_was_read(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.page_records = 2
    shard = west.stream.open_shards()[0]
    west.write(shard, 3)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        west.split(shard)
        await watch.until(lambda: watch.positions(WEST)[-1:] and watch.positions(WEST)[-1].ended)
        arn = west.stream.arn
        assert watch.positions(WEST) == [
            Position(arn, shard.id, shard.written[1].sequence),
            Position(arn, shard.id, shard.written[2].sequence),
            Position(arn, shard.id, shard.written[2].sequence, ended=True),
        ]


async def test_what_was_trimmed_meanwhile_is_a_gap_and_the_rest_is_read(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 5)
    async with watching(aws, time) as first:
        await first.until(lambda: first.has_all(west))
    west.write(shard, 5)
    west.trim(shard, 7)
    async with watching(aws, time, resume=first.resume()) as second:
        await second.until(
            lambda: second.ids() == [written.event_id for written in shard.written[7:]]
        )
        assert [gap.source for gap in second.gaps] == [shard.id]


async def test_a_shard_that_is_gone_with_unread_records_is_a_gap_and_one_read_to_its_end_is_not(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table(shards=2)
    ended, open_one = west.stream.open_shards()
    west.write(ended, 2)
    west.write(open_one, 2)
    async with watching(aws, time) as first:
        west.split(ended)
        await first.until(lambda: any(position.ended for position in first.positions(WEST)))
        await first.until(lambda: first.has_all(west))
    child = west.split(open_one, 1)[0]
    west.write(child, 2)
    west.forget_shard(ended)
    west.forget_shard(open_one)
    async with watching(aws, time, resume=first.resume()) as second:
        await second.until(lambda: second.ids() == [w.event_id for w in child.written])
        assert [gap.source for gap in second.gaps] == [open_one.id]


async def test_another_stream_is_read_from_its_beginning_beside_the_rest_of_the_old_one(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.write(west.stream.open_shards()[0], 2)
    async with watching(aws, time) as first:
        await first.until(lambda: first.has_all(west))
    west.write(west.stream.open_shards()[0], 2)
    west.disable_stream()
    west.enable_stream()
    west.write(west.stream.open_shards()[0], 2)
    async with watching(aws, time, resume=first.resume()) as second:
        await second.until(lambda: len(set(second.ids())) == 4)
        assert not set(first.ids()) & set(second.ids())
        assert not second.gaps


async def test_a_stream_that_is_gone_is_a_gap(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.write(west.stream.open_shards()[0], 2)
    async with watching(aws, time) as first:
        await first.until(lambda: first.has_all(west))
    shard = west.stream.open_shards()[0]
    west.delete_table()
    west.make_table()
    west.write(west.stream.open_shards()[0], 2)
    async with watching(aws, time, resume=first.resume()) as second:
        await second.until(lambda: len(second.ids()) == 2 and second.gaps)
        assert [gap.source for gap in second.gaps] == [shard.id]


async def test_shards_without_a_position_are_read_from_the_first_watchs_start(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table(shards=2)
    for shard in west.stream.open_shards():
        west.write(shard, 2)
    time.advance(60)
    start_s = time.now_s()
    async with watching(aws, time, "now") as first:
        await first.until(first.is_live)
        west.write(west.stream.open_shards()[0], 1)
        await first.until(lambda: len(first.ids()) == 1)
    late = west.stream.open_shards()[1]
    west.write(late, 2)
    async with watching(aws, time, resume=first.resume(start_s=start_s)) as second:
        await second.until(lambda: second.ids() == [w.event_id for w in late.written[2:]])


async def test_a_region_that_was_not_watched_starts_as_asked(
    aws: FakeAws, time: VirtualTime
) -> None:
    west, east = aws.region(WEST), aws.region(EAST)
    for region in (west, east):
        region.make_table()
        region.write(region.stream.open_shards()[0], 2)
    async with watching(aws, time) as first:
        await first.until(lambda: first.has_all(west))
    async with watching(aws, time, "all", regions=(WEST, EAST), resume=first.resume()) as second:
        await second.until(lambda: second.has_all(east))
        assert not second.ids(WEST)


async def test_a_day_without_a_watch_is_a_gap_even_if_no_shard_tells(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time) as first:
        await first.until(first.is_live)
    time.advance(30 * 3600)
    stopped = Resume({WEST: ()}, None, time.now_s() - 30 * 3600)
    async with watching(aws, time, resume=stopped) as second:
        await second.until(lambda: second.gaps)
        assert "30 h" in second.gaps[0].detail
