"""How shards descend: parents first, children followed, whatever the listing shows."""

from __future__ import annotations

import pytest

from tests.fakes.stream_model import Fault
from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime
from tests.fakes.watch import EAST, WEST, read_in_order, watching


async def test_reads_every_record_of_every_shard(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table(shards=3)
    for shard in west.stream.open_shards():
        west.write(shard, 5)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        west.write(west.stream.open_shards()[1], 3)
        await watch.until(lambda: watch.has_all(west))
        await watch.until(watch.is_live)
        assert read_in_order(watch, west)
        status = watch.status()
        assert status is not None
        assert status.shards == 3


async def test_many_shards_come_on_many_pages(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table(shards=23)
    west.describe_limit = 5
    for shard in west.stream.open_shards():
        west.write(shard)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        assert west.calls["DescribeStream"] >= 5


@pytest.mark.parametrize("child_filter", ["honoured", "ignored", "rejected"])
@pytest.mark.parametrize("end_with_empty_page", [False, True])
async def test_follows_children_after_the_parents_last_page(
    aws: FakeAws, time: VirtualTime, child_filter: str, end_with_empty_page: bool
) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.child_filter = child_filter
    west.end_with_empty_page = end_with_empty_page
    west.page_records = 4
    parent = west.stream.open_shards()[0]
    west.write(parent, 10)
    async with watching(aws, time, "now") as watch:
        await watch.until(watch.is_live)
        west.write(parent, 10)
        for child in west.split(parent):
            west.write(child, 3)
            west.write(west.split(child, 1)[0], 2)
        await watch.until(lambda: len(watch.ids()) == 20)
        assert set(watch.ids()) == {w.event_id for w in west.all_written()[10:]}
        assert read_in_order(watch, west)
        assert not watch.gaps


async def test_children_begin_with_their_oldest_record(aws: FakeAws, time: VirtualTime) -> None:
    """What was written between a child's birth and its first iterator must not be lost."""
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time, "now") as watch:
        await watch.until(watch.is_live)
        (child,) = west.split(west.stream.open_shards()[0], 1)
        west.write(child, 7)
        await watch.until(lambda: watch.has_all(west))


async def test_children_that_are_listed_late_are_found(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        (child,) = west.split(west.stream.open_shards()[0], 1)
        child.listed = False
        west.write(child, 2)
        await watch.passes(30)
        assert not watch.ids()
        child.listed = True
        await watch.until(lambda: watch.has_all(west))


async def test_a_rollover_of_many_shards_is_found_by_listing(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table(shards=40)
    async with watching(aws, time, "now") as watch:
        await watch.until(watch.is_live)
        before = west.calls["DescribeStream"]
        for shard in west.stream.open_shards():
            west.write(west.split(shard, 1)[0])
        await watch.until(lambda: watch.has_all(west))
        assert west.calls["DescribeStream"] - before < 40


async def test_a_parent_that_is_not_listed_counts_as_drained(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    parent = west.stream.open_shards()[0]
    west.write(parent, 4)
    (child,) = west.split(parent, 1)
    west.write(child, 2)
    west.forget_shard(parent, listed=False)
    async with watching(aws, time) as watch:
        await watch.until(lambda: len(watch.ids()) == 2)
        await watch.until(watch.is_live)
        assert not watch.gaps


async def test_a_parent_that_is_listed_but_gone_counts_as_drained(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    parent = west.stream.open_shards()[0]
    (child,) = west.split(parent, 1)
    west.write(child, 2)
    west.forget_shard(parent, listed=True)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        assert not watch.gaps


async def test_an_open_parent_with_children_is_read_first_and_then_closed(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.page_records = 2
    parent = west.stream.open_shards()[0]
    parent.listed_as_open = True
    west.write(parent, 9)
    for child in west.split(parent):
        west.write(child, 2)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        assert read_in_order(watch, west)


async def test_from_now_on_skips_an_open_parent_with_children(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    parent = west.stream.open_shards()[0]
    parent.listed_as_open = True
    west.write(parent, 9)
    children = west.split(parent)
    west.write(children[0], 5)
    async with watching(aws, time, "now") as watch:
        await watch.until(watch.is_live)
        west.write(children[0], 2)
        west.write(children[1], 2)
        await watch.until(lambda: len(watch.ids()) == 4)
        assert not set(watch.ids()) & {w.event_id for w in parent.written}


async def test_merged_shards_are_read_once_and_in_order(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table(shards=2)
    one, other = west.stream.open_shards()
    west.write(one, 3)
    west.write(other, 3)
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        west.write(west.merge(one, other), 4)
        await watch.until(lambda: watch.has_all(west))
        assert read_in_order(watch, west)


async def test_a_shard_that_seems_to_end_but_is_open_is_read_on(
    aws: FakeAws, time: VirtualTime
) -> None:
    """One strange answer (200 and an empty object) must not end a shard for good."""
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 3)
    async with watching(aws, time) as watch:
        await watch.until(lambda: watch.has_all(west))
        west.faults.append(Fault("empty-object", "GetRecords"))
        await watch.until(lambda: not west.faults)
        west.write(shard, 3)
        await watch.until(lambda: watch.has_all(west))


async def test_regions_are_told_apart_by_the_client_not_by_the_arn(
    aws: FakeAws, time: VirtualTime
) -> None:
    west, east = aws.region(WEST), aws.region(EAST)
    for region in (west, east):
        region.make_table()
        region.write(region.stream.open_shards()[0], 3)
    east.stream.arn = west.stream.arn
    async with watching(aws, time, regions=(WEST, EAST)) as watch:
        await watch.until(lambda: watch.has_all(west) and watch.has_all(east))
        in_west, in_east = watch.positions(WEST), watch.positions(EAST)
        assert {at.stream_arn for at in in_west} == {at.stream_arn for at in in_east}
        assert {at.shard_id for at in in_west}.isdisjoint(at.shard_id for at in in_east)
