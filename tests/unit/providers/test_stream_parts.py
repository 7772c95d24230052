"""The small parts of the stream reader, each on its own."""

from __future__ import annotations

import asyncio

import pytest

from causality.records import Change, Image, Number, StreamRecord, Text
from providers.errors import UserError
from providers.events import RegionStatus
from providers.record_time import created_s, record_time_s
from providers.streams import Since, Timing, parse_since
from providers.streams.board import RegionBoard
from providers.streams.lineage import Lineage, Shard
from providers.streams.pace import Pace
from providers.streams.seen import Seen
from providers.streams.shard import _is_after
from providers.streams.timing import Backoff


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("now", Since("now")),
        ("ALL", Since("all")),
        ("90s", Since("ago", 90)),
        (" 15m ", Since("ago", 900)),
        ("2h", Since("ago", 7200)),
        ("1h30m", Since("ago", 5400)),
        ("1.5h", Since("ago", 5400)),
        ("1d", Since("ago", 86400)),
        ("0s", Since("now")),
    ],
)
def test_since_reads_what_people_write(text: str, since: Since) -> None:
    assert parse_since(text) == since


@pytest.mark.parametrize("text", ["", "15", "m", "-5m", "yesterday", "5 m x", "5w", "１５m;"])
def test_since_says_what_it_takes(text: str) -> None:
    with pytest.raises(ValueError, match="now, all, or a duration"):
        parse_since(text)


def test_since_starts_at() -> None:
    assert parse_since("all").start_s(1000.0) is None
    assert parse_since("now").start_s(1000.0) == 1000.0
    assert parse_since("2m").start_s(1000.0) == 880.0


def record(created: float | str | None, ts: str | None = None) -> StreamRecord:
    image = None if ts is None else Image(Text("r"), Text("end"), Number(ts))
    return StreamRecord(Change("1", image, created))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (record(100.0), 100.0),
        (record("100"), 100.0),
        (record("1970-01-01T00:01:40Z"), 100.0),
        (record("1970-01-01T02:01:40+02:00"), 100.0),
        (record("1970-01-01T00:01:40"), 100.0),
        (record("a while ago"), None),
        (record(None), None),
    ],
)
def test_creation_times_are_read_in_every_spelling(
    given: StreamRecord, expected: float | None
) -> None:
    assert created_s(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (record(100.0, "100734"), 100.734),
        (record(100.0, "95000"), 95.0),
        (record(100.0, "5000"), 100.0),  # a function with a wrong clock
        (record(100.0, "soon"), 100.0),
        (record(None, "5000"), 5.0),
        (record(None), None),
    ],
)
def test_the_items_own_time_refines_the_whole_second(
    given: StreamRecord, expected: float | None
) -> None:
    assert record_time_s(given) == expected


@pytest.mark.parametrize(
    ("sequence", "other", "after"),
    [
        ("10", "9", True),
        ("9", "10", False),
        ("0010", "9", True),
        ("010", "10", False),
        ("100000000000000000000000001", "99999999999999999999999999", True),
        ("", "9", True),
        ("x", "9", True),
    ],
)
def test_sequence_numbers_are_compared_as_integers(sequence: str, other: str, after: bool) -> None:
    assert _is_after(sequence, other) is after


def test_seen_remembers_at_least_its_size_and_at_most_twice() -> None:
    seen = Seen(100)
    assert all(seen.is_new(str(i)) for i in range(1000))
    assert not any(seen.is_new(str(i)) for i in range(901, 1000))
    assert sum(seen.is_new(str(i)) for i in range(800)) == 800


def test_lineage_reads_parents_first_and_forgets_what_is_over() -> None:
    lineage = Lineage()
    lineage.add([Shard("a", ended=True), Shard("b", "a"), Shard("c", "b"), Shard("x", "gone")])
    assert {shard.id for shard in lineage.ready()} == {"a", "x"}
    lineage.start("a")
    assert {shard.id for shard in lineage.ready()} == {"x"}
    assert lineage.is_closed("a")
    assert lineage.is_closed("b"), "it has a child"
    assert not lineage.is_closed("c")
    lineage.drain("a")
    assert {shard.id for shard in lineage.ready()} == {"b", "x"}
    assert [shard.id for shard in lineage.forget_unlisted([Shard("c", "b")])] == ["a"]
    assert {shard.id for shard in lineage.ready()} == {"b", "x"}, "unread shards are still tried"
    lineage.add([Shard("a", ended=True)])
    assert "a" not in {shard.id for shard in lineage.ready()}, "drained is drained for good"


def test_polls_are_short_while_records_come_and_bounded_for_many_shards() -> None:
    times_s = [0.0, 0.0, 4.9, 5.0, 29.0, 30.0, 500.0, 500.0]
    pace = Pace(lambda: times_s.pop(0) if len(times_s) > 1 else times_s[0])
    pace.readers = 2
    waits = [pace.idle_s() for _ in range(6)]
    assert waits == [0.1, 0.1, 0.25, 0.25, 1.0, 1.0]
    pace.active()
    assert pace.idle_s() == 0.1
    pace.readers = 20
    assert pace.idle_s() == 0.5
    pace.readers = 256
    assert pace.idle_s() == 1.0


def test_backoff_grows_is_jittered_and_starts_over() -> None:
    backoff = Backoff(Timing(chance=lambda: 0.0))
    assert [backoff.next_s("unreachable") for _ in range(4)] == [0.1, 0.2, 0.4, 0.8]
    for _ in range(100):
        assert backoff.next_s("unreachable") <= 7.5
    backoff.reset()
    assert backoff.next_s("expired-token") == 1.0
    assert Backoff(Timing(chance=lambda: 0.999)).next_s("unreachable") == pytest.approx(0.2, 0.01)


def board() -> RegionBoard:
    return RegionBoard("us-west-2", Timing())


def test_the_latest_problem_is_shown_and_ends_with_the_first_success() -> None:
    west = board()
    assert west.status().phase == "connecting"
    west.live()
    west.failed("table", UserError("No stream", kind="stream-disabled"), 10)
    west.failed("shard", UserError("No way", on="here", kind="unreachable", todo="Do."), 1.26)
    assert west.status().kind == "stream-disabled", "one failed call is everyday life"
    west.failed("shard", UserError("No way", on="here", kind="unreachable", todo="Do."), 1.26)
    status = west.status()
    assert (status.phase, status.kind, status.retry_in_s) == ("retrying", "unreachable", 1.3)
    assert (status.message, status.todo) == ("No way (here)", "Do.")
    recovered = west.recovered
    west.went_well("shard")
    assert recovered.is_set()
    assert not west.recovered.is_set()
    assert (west.status().phase, west.status().retry_in_s) == ("down", None)
    west.went_well("table")
    assert west.status().phase == "live"


def test_the_lag_is_that_of_the_shard_that_is_most_behind() -> None:
    west = board()
    assert west.status().lag_s is None
    west.behind("a", 0.4)
    west.behind("b", 90.0)
    assert west.status().lag_s == 90.0
    west.caught_up("b")
    assert west.status().lag_s == 0.4
    west.forget("a")
    west.forget("b")
    assert west.status().lag_s == 0.0


async def test_statuses_are_published_when_they_change_and_at_most_twice_a_second() -> None:
    slept: list[float] = []
    published: list[RegionStatus] = []
    go_on = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await go_on.wait()

    async def put(status: RegionStatus) -> None:
        published.append(status)

    west = RegionBoard("us-west-2", Timing(sleep=sleep))
    publishing = asyncio.create_task(west.publish(put))
    for _ in range(3):
        await asyncio.sleep(0)
    for lag_s in range(100):
        west.behind("a", float(lag_s))
        await asyncio.sleep(0)
    assert len(published) == 1
    assert slept == [0.5]
    go_on.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert [status.lag_s for status in published] == [None, 99.0]
    publishing.cancel()
