"""Random scenarios: whatever happens, nothing is lost unseen, doubled, or out of order.

A failure prints the steps and how to play them again (`@reproduce_failure`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.session import AwsSession, AwsSettings
from tests.fakes.scenario import (
    Answer,
    Consume,
    Deny,
    ExpireIterators,
    Forget,
    GoWrong,
    Hide,
    Merge,
    Pages,
    Pass,
    SleepAndWake,
    Split,
    Step,
    Trim,
    TurnStreamOffAndOn,
    Write,
    check,
    heal,
    play,
)
from tests.fakes.streams_server import FakeAws
from tests.fakes.virtual_time import VirtualTime
from tests.fakes.watch import EAST, WEST, fake_aws, open_session, watching

REGIONS = st.sampled_from([WEST, EAST])
SHARDS = st.integers(0, 20)
OPERATIONS = st.sampled_from(
    ["", "DescribeTable", "DescribeStream", "GetShardIterator", "GetRecords"]
)
FAULTS = st.sampled_from(
    [
        "throttle",
        "limit",
        "server-error",
        "unavailable",
        "close",
        "half",
        "garbage",
        "expired-iterator",
    ]
)
WRITES = st.builds(Write, REGIONS, SHARDS, st.integers(1, 40))
STEPS: st.SearchStrategy[Step] = st.one_of(
    WRITES,
    WRITES,
    st.builds(Split, REGIONS, SHARDS, st.integers(1, 3), st.booleans()),
    st.builds(Merge, REGIONS, SHARDS),
    st.builds(Trim, REGIONS, SHARDS, st.integers(1, 100)),
    st.builds(Forget, REGIONS, SHARDS, st.booleans()),
    st.builds(Hide, REGIONS, SHARDS),
    st.builds(ExpireIterators, REGIONS),
    st.builds(GoWrong, REGIONS, FAULTS, OPERATIONS, st.integers(1, 5)),
    st.builds(
        Answer,
        REGIONS,
        st.sampled_from([1, 2, 5, 20, 1000]),
        st.sampled_from([1, 3, 100]),
        st.sampled_from(["honoured", "ignored", "rejected"]),
        st.booleans(),
    ),
    st.builds(Pages, REGIONS, st.integers(0, 5), st.integers(0, 5), st.integers(0, 10)),
    st.builds(TurnStreamOffAndOn, REGIONS),
    st.builds(Deny, REGIONS, OPERATIONS),
    st.builds(Pass, st.floats(0.01, 5)),
    st.builds(SleepAndWake, st.floats(1, 3000)),
    st.builds(Consume, st.booleans()),
)
# Most steps are given a moment to have their effect.
MOMENTS: st.SearchStrategy[Step] = st.builds(Pass, st.sampled_from([0.02, 0.1, 0.3, 1.0]))


@st.composite
def lineage_bursts(draw: st.DrawFn) -> list[Step]:
    """A shard that is long in reading, with children, and perhaps grandchildren, behind it."""
    region, shard = draw(REGIONS), draw(st.integers(0, 1))
    return [
        Answer(region, draw(st.integers(1, 8)), 100, "honoured", draw(st.booleans())),
        Write(region, shard, draw(st.integers(20, 60))),
        Split(region, shard, 2, draw(st.booleans())),
        *(Write(region, number, 3) for number in range(draw(st.integers(1, 6)))),
        *draw(st.lists(st.builds(Split, st.just(region), SHARDS, st.just(1), st.booleans()))),
        Write(region, draw(SHARDS), 5),
        draw(MOMENTS),
    ]


@st.composite
def loss_bursts(draw: st.DrawFn) -> list[Step]:
    """Records that go while the reader is held up."""
    region, shard = draw(REGIONS), draw(st.integers(0, 1))
    lose = st.one_of(
        st.builds(Trim, st.just(region), SHARDS, st.integers(10, 80)),
        st.builds(Forget, st.just(region), SHARDS, st.booleans()),
    )
    return [
        Answer(region, draw(st.integers(1, 8)), 100, "honoured", False),
        Write(region, shard, 10),
        draw(MOMENTS),
        Consume(False),
        Write(region, shard, draw(st.integers(20, 60))),
        *draw(st.lists(st.builds(Split, st.just(region), SHARDS, st.just(2), st.booleans()))),
        draw(MOMENTS),
        *draw(st.lists(lose, min_size=1, max_size=3)),
        *draw(st.lists(st.builds(ExpireIterators, st.just(region)), max_size=1)),
        Consume(True),
        draw(MOMENTS),
    ]


SCENARIO_PARTS = st.one_of(
    STEPS.map(lambda step: [step]),
    st.tuples(STEPS, MOMENTS).map(lambda pair: [*pair]),
    lineage_bursts(),
    loss_bursts(),
)


def scenarios(least: int, most: int) -> st.SearchStrategy[list[Step]]:
    parts = st.lists(SCENARIO_PARTS, min_size=least, max_size=most)
    return parts.map(lambda lists: [step for steps in lists for step in steps])


class Stage:
    """One event loop, server and session for all examples: starting them anew takes longest."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self._serving = fake_aws()
        self.aws: FakeAws
        self.time: VirtualTime
        self.aws, self.time = self.runner.run(self._serving.__aenter__())
        self.session: AwsSession = open_session(
            AwsSettings(regions=(WEST, EAST), endpoint_url=self.aws.endpoint_url)
        )

    def close(self) -> None:
        self.runner.run(self._serving.__aexit__(None, None, None))
        self.runner.close()

    def play(self, steps: list[Step]) -> None:
        self.runner.run(self._play(steps))

    async def _play(self, steps: list[Step]) -> None:
        self.aws.reset()
        regions = [self.aws.region(name) for name in (WEST, EAST)]
        for region in regions:
            region.make_table(shards=2)
        async with watching(self.aws, self.time, session=self.session, queue_size=3) as watch:
            # Connecting takes real time, in which virtual time would rush through the steps.
            await watch.until(lambda: watch.is_live(WEST) and watch.is_live(EAST))
            await play(watch, steps)
            watch.flowing.set()
            for region in regions:
                heal(region)
            for region in regions:
                await check(watch, region)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@given(steps=scenarios(5, 20))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_random_scenarios(stage: Stage, steps: list[Step]) -> None:
    stage.play(steps)


@pytest.mark.slow
@given(steps=scenarios(20, 100))
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_many_long_random_scenarios(stage: Stage, steps: list[Step]) -> None:
    stage.play(steps)
