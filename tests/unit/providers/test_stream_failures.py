"""What goes wrong between here and AWS: told, tried again, and without losing a record."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from botocore import exceptions as boto

from providers.session import AwsSettings
from providers.streams import board, context
from tests.fakes.keys import Keys
from tests.fakes.stream_model import Fault
from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime
from tests.fakes.watch import EAST, WEST, Watch, WatchedSession, watching


async def told(watch: Watch, kind: str, region: str = WEST) -> None:
    await watch.until(lambda: any(status.kind == kind for status in watch.statuses(region)))


@pytest.mark.parametrize(
    "operation", ["DescribeTable", "DescribeStream", "GetShardIterator", "GetRecords"]
)
@pytest.mark.parametrize(
    "kind",
    [
        "throttle",
        "limit",
        "server-error",
        "unavailable",
        "close",
        "half",
        "slow",
        "garbage",
        "not-aws",
    ],
)
async def test_no_failure_of_a_call_loses_a_record(
    aws: FakeAws, time: VirtualTime, kind: str, operation: str
) -> None:
    west = aws.region(WEST)
    west.make_table(shards=2)
    for shard in west.stream.open_shards():
        west.write(shard, 5)
    hangs = kind == "slow"
    west.faults.append(Fault(kind, operation, times=1 if hangs else 3))
    async with watching(aws, time, request_timeout_s=0.3 if hangs else 60.0) as watch:
        await watch.until(lambda: not west.faults)
        for shard in west.stream.open_shards():
            west.write(shard, 5)
        await watch.until(lambda: watch.has_all(west) and watch.is_live())


@pytest.mark.parametrize("operation", ["GetShardIterator", "GetRecords"])
async def test_what_does_not_answer_is_not_called_live(
    aws: FakeAws, time: VirtualTime, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "SILENT_AFTER_S", 0.01)
    # Virtual time stands still while a call is under way, and so would the board between two news.
    monkeypatch.setattr(board, "_INTERVAL_S", 0.0)
    west = aws.region(WEST)
    west.make_table()
    west.faults.append(Fault("slow", operation))
    async with watching(aws, time, request_timeout_s=3.0) as watch:
        await told(watch, "unreachable")
        status = next(s for s in watch.statuses() if s.kind == "unreachable")
        assert (status.phase, status.retry_in_s) == ("retrying", 3.0)
        assert status.message == "There has been no answer for 0.01 s"
        monkeypatch.setattr(context, "SILENT_AFTER_S", 60.0)
        await watch.until(watch.is_live)


async def test_other_readers_that_throttle_us_are_told_with_advice(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        west.faults.append(Fault("limit", "GetRecords", times=6))
        await told(watch, "throttled")
        status = next(s for s in watch.statuses() if s.kind == "throttled")
        assert status.phase == "retrying"
        assert status.retry_in_s
        assert "two readers" in status.todo
        await watch.until(watch.is_live)


async def test_a_single_throttled_call_is_not_worth_a_word(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        west.faults.append(Fault("throttle", "GetRecords"))
        await watch.passes(20)
        assert {status.kind for status in watch.statuses()} == {""}


async def test_access_denied_in_one_region_leaves_the_other_alone(
    aws: FakeAws, time: VirtualTime
) -> None:
    west, east = aws.region(WEST), aws.region(EAST)
    for region in (west, east):
        region.make_table()
        region.write(region.stream.open_shards()[0], 3)
    east.denied = {"GetRecords"}
    async with watching(aws, time, regions=(WEST, EAST)) as watch:
        await told(watch, "access-denied", EAST)
        await watch.until(lambda: watch.has_all(west) and watch.is_live(WEST))
        status = watch.status(EAST)
        assert status is not None
        assert status.phase == "down"
        assert "dynamodb:GetRecords" in status.message
        assert "dynamodb:GetRecords" in status.todo
        east.denied = set()
        await watch.until(lambda: watch.has_all(east) and watch.is_live(EAST))


async def test_expired_credentials_that_are_renewed_go_on_where_they_stopped(
    aws: FakeAws, time: VirtualTime
) -> None:
    keys = _keys()
    session = WatchedSession.open(AwsSettings("worker", (WEST,), endpoint_url=aws.endpoint_url))
    west = aws.region(WEST)
    west.make_table()
    shard = west.stream.open_shards()[0]
    west.write(shard, 3)
    async with watching(aws, time, session=session) as watch:
        await watch.until(lambda: watch.has_all(west))
        aws.expired_keys.add(keys.current)
        await told(watch, "expired-token")
        status = watch.status()
        assert status is not None
        assert status.phase == "down"
        assert "aws sso login --profile worker" in status.todo
        west.write(shard, 4)
        await watch.passes(30)
        keys.renew()
        await watch.until(lambda: watch.has_all(west) and watch.is_live())


class SignedOut(WatchedSession):
    """A session whose credentials cannot be had as long as there is a problem."""

    problem: ClassVar[Exception | None] = None

    @asynccontextmanager
    async def client(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        if self.problem is not None:
            raise self.problem
        async with super().client(*args, **options) as client:
            yield client


@pytest.mark.parametrize(
    ("problem", "kind", "todo"),
    [
        (boto.UnauthorizedSSOTokenError(), "expired-token", "aws sso login --profile worker"),
        (boto.TokenRetrievalError(provider="sso", error_msg="x"), "expired-token", "sso login"),
        (boto.RefreshWithMFAUnsupportedError(), "mfa-needed", "get-caller-identity"),
        (
            boto.CredentialRetrievalError(provider="assume-role", error_msg="x"),
            "no-credentials",
            "profile worker",
        ),
    ],
    ids=["sso", "sso-token", "mfa", "assumed-role"],
)
async def test_every_region_says_how_to_sign_in_again_and_goes_on_afterwards(
    aws: FakeAws,
    time: VirtualTime,
    monkeypatch: pytest.MonkeyPatch,
    problem: Exception,
    kind: str,
    todo: str,
) -> None:
    keys = _keys()
    session = SignedOut.open(AwsSettings("worker", (WEST, EAST), endpoint_url=aws.endpoint_url))
    regions = [aws.region(WEST), aws.region(EAST)]
    for region in regions:
        region.make_table()
        region.write(region.stream.open_shards()[0], 3)
    async with watching(aws, time, session=session) as watch:
        await watch.until(lambda: all(map(watch.has_all, regions)))
        monkeypatch.setattr(SignedOut, "problem", problem)
        aws.expired_keys.add(keys.current)
        for region in regions:
            await told(watch, kind, region.name)
            status = next(s for s in watch.statuses(region.name) if s.kind == kind)
            assert status.phase == "down"
            assert todo in status.todo
            assert "goes on by itself" in status.todo
            region.write(region.stream.open_shards()[0], 3)
        await watch.passes(60)
        keys.renew()
        monkeypatch.setattr(SignedOut, "problem", None)
        await watch.until(
            lambda: all(watch.has_all(region) and watch.is_live(region.name) for region in regions)
        )


async def test_a_profile_that_disappears_is_told_and_its_return_noticed(
    aws: FakeAws, time: VirtualTime
) -> None:
    keys = _keys()
    session = WatchedSession.open(AwsSettings("worker", (WEST,), endpoint_url=aws.endpoint_url))
    aws.region(WEST).make_table()
    async with watching(aws, time, session=session) as watch:
        await watch.until(watch.is_live)
        keys.remove()
        aws.expired_keys.add(keys.current)
        await told(watch, "unknown-profile")
        keys.renew()
        await watch.until(watch.is_live)


async def test_a_region_without_the_table_is_watched_until_it_has_one(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    async with watching(aws, time, "now") as watch:
        await told(watch, "table-missing")
        status = watch.status()
        assert status is not None
        assert status.phase == "down"
        await watch.passes(60)
        assert west.calls["DescribeTable"] >= 4
        west.make_table()
        west.write(west.stream.open_shards()[0], 2)
        # Made while watching, so all of it is wanted, even "from now on".
        await watch.until(lambda: watch.has_all(west) and watch.is_live())


async def test_a_disabled_stream_is_drained_and_the_new_one_followed(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.page_records = 2
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        first = west.stream
        west.write(first.open_shards()[0], 7)
        west.disable_stream()
        await told(watch, "stream-disabled")
        await watch.until(lambda: watch.has_all(west))
        west.enable_stream(shards=2)
        for shard in west.stream.open_shards():
            west.write(shard, 3)
        await watch.until(lambda: watch.has_all(west) and watch.is_live())
        assert {at.stream_arn for at in watch.positions()} == {first.arn, west.stream.arn}


@pytest.mark.parametrize("since", ["now", "all"])
async def test_streams_that_came_and_went_between_two_looks_are_read(
    aws: FakeAws, time: VirtualTime, since: str
) -> None:
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time, since) as watch:
        await watch.until(watch.is_live)
        for _ in range(3):
            west.write(west.stream.open_shards()[0], 2)
            west.disable_stream()
            west.enable_stream()
        west.write(west.stream.open_shards()[0], 2)
        await watch.until(lambda: watch.has_all(west))


async def test_a_stream_that_was_turned_off_before_is_still_read(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.write(west.stream.open_shards()[0], 3)
    west.disable_stream()
    west.enable_stream()
    west.write(west.stream.open_shards()[0], 3)
    west.disable_stream()
    async with watching(aws, time, "all") as watch:
        await watch.until(lambda: watch.has_all(west))
        await told(watch, "stream-disabled")


async def test_from_now_on_leaves_a_stream_that_is_off_alone(
    aws: FakeAws, time: VirtualTime
) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.write(west.stream.open_shards()[0], 3)
    west.disable_stream()
    async with watching(aws, time, "now") as watch:
        await told(watch, "stream-disabled")
        await watch.passes(30)
        assert not watch.ids()
        west.enable_stream()
        west.write(west.stream.open_shards()[0], 2)
        await watch.until(lambda: len(watch.ids()) == 2)


async def test_the_right_to_list_streams_is_not_needed(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    west.denied = {"ListStreams"}
    west.write(west.stream.open_shards()[0], 3)
    async with watching(aws, time, "all") as watch:
        await watch.until(lambda: watch.has_all(west) and watch.is_live())


async def test_a_deleted_table_and_its_successor(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table()
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        west.write(west.stream.open_shards()[0], 3)
        await watch.until(lambda: watch.has_all(west))
        west.delete_table()
        await told(watch, "table-missing")
        assert not watch.gaps
        west.make_table(shards=2)
        for shard in west.stream.open_shards():
            west.write(shard, 2)
        await watch.until(lambda: watch.has_all(west) and watch.is_live())


async def test_a_stream_without_images_is_told(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.view = "KEYS_ONLY"
    west.make_table()
    async with watching(aws, time) as watch:
        await told(watch, "stream-without-images")


async def test_a_network_that_was_gone_for_an_hour(aws: FakeAws, time: VirtualTime) -> None:
    west = aws.region(WEST)
    west.make_table(shards=3)
    async with watching(aws, time) as watch:
        await watch.until(watch.is_live)
        gone = Fault("close", times=1_000_000)
        west.faults.append(gone)
        await told(watch, "unreachable")
        before = sum(west.calls.values())
        await watch.passes(600)
        assert sum(west.calls.values()) - before < 600
        for shard in west.stream.open_shards():
            west.write(shard, 3)
        west.faults.clear()
        await watch.until(lambda: watch.has_all(west) and watch.is_live())


def _keys() -> Keys:
    return Keys(Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]))
