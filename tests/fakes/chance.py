"""Random scenarios: everything that can happen to a watch, mixed.

One seed gives one scenario, always. The choices come from a `random.Random`, which can be one
of hypothesis, so that failures shrink.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import TypeAlias, TypeVar

from tests.fakes.scenario import (
    Answer,
    Consume,
    DeleteTable,
    Deny,
    ExpireCredentials,
    ExpireIterators,
    Forget,
    GoWrong,
    Hide,
    Merge,
    Pages,
    Pass,
    Restart,
    Scenario,
    SetServiceClock,
    SleepAndWake,
    Split,
    Step,
    Trim,
    TurnStreamOffAndOn,
    Write,
)
from tests.fakes.watch import EAST, WEST

REGIONS = (WEST, EAST)
OPERATIONS = ("", "DescribeTable", "DescribeStream", "GetShardIterator", "GetRecords")
FAULTS = (
    "throttle",
    "limit",
    "server-error",
    "unavailable",
    "close",
    "half",
    "garbage",
    "not-aws",
    "expired-iterator",
)
HOUR_S = 3600.0
Number = TypeVar("Number", int, float)
Part: TypeAlias = Callable[[Random], list[Step]]


def random_scenario(seed: int, *, records: int = 500) -> Scenario:
    """Make a scenario of about so many records, written in 8 to 24 parts."""
    random = Random(seed)
    steps = [step for _ in range(random.randint(8, 24)) for step in random_part(random)]
    steps.insert(random.randrange(len(steps) + 1), Write(WEST, 0, 1))
    written = sum(step.count for step in steps if isinstance(step, Write))
    grown = [
        replace(step, count=-(-step.count * records // written))
        if isinstance(step, Write)
        else step
        for step in steps
    ]
    return Scenario(
        grown,
        since=random.choice(("all", "now", "30m")),
        queue_size=random.choice((1, 3, 100)),
        shards=_rarely(random, 40, (1, 2, 2, 3, 6)),
    )


def random_part(random: Random) -> list[Step]:
    """Choose a step, a step that is given a moment, or a few that belong together."""
    (part,) = random.choices(list(_PARTS), list(_PARTS.values()))
    return part(random)


def _moment(random: Random) -> Step:
    return Pass(random.choice((0.02, 0.1, 0.3, 1.0)))


def _write(random: Random) -> list[Step]:
    return [Write(_region(random), _shard(random), random.randint(1, 40)), _moment(random)]


def _split(random: Random) -> list[Step]:
    children = random.randint(1, 3)
    return [Split(_region(random), _shard(random), children, random.random() < 0.5)]


def _roll_over(random: Random) -> list[Step]:
    """All shards of a region end at once, as after four hours."""
    region = _region(random)
    return [Split(region, number, 1, False) for number in range(random.randint(1, 8))]


def _merge(random: Random) -> list[Step]:
    return [Merge(_region(random), _shard(random))]


def _lose(random: Random) -> list[Step]:
    region, shard = _region(random), _shard(random)
    if random.random() < 0.5:
        return [Trim(region, shard, random.randint(1, 100))]
    return [Forget(region, shard, random.random() < 0.5)]


def _hide(random: Random) -> list[Step]:
    return [Hide(_region(random), _shard(random)), _moment(random)]


def _expire(random: Random) -> list[Step]:
    return [ExpireIterators(_region(random)), _moment(random)]


def _go_wrong(random: Random) -> list[Step]:
    times = random.randint(1, 5)
    return [
        GoWrong(_region(random), random.choice(FAULTS), random.choice(OPERATIONS), times),
        _moment(random),
    ]


def _lose_the_network(random: Random) -> list[Step]:
    """Nothing gets through for up to an hour, in one region or in all."""
    minutes = _rarely(random, 60, (1, 5))
    regions = REGIONS if random.random() < 0.5 else (_region(random),)
    return [
        *(GoWrong(region, "close", "", 100_000) for region in regions),
        *(Write(region, _shard(random), random.randint(1, 20)) for region in regions),
        Pass(minutes * 60.0),
        *(GoWrong(region, "end", "", 0) for region in regions),
    ]


def _answer(random: Random) -> list[Step]:
    return [
        Answer(
            _region(random),
            random.choice((2, 5, 20, 100, 1000, 1000)),
            random.choice((1, 3, 100)),
            random.choice(("honoured", "ignored", "rejected")),
            random.random() < 0.5,
        )
    ]


def _pages(random: Random) -> list[Step]:
    empty, repeated = random.randint(0, 5), random.randint(0, 5)
    return [Pages(_region(random), empty, repeated, random.randint(0, 10))]


def _turn_off_and_on(random: Random) -> list[Step]:
    return [TurnStreamOffAndOn(_region(random), _rarely(random, 120, (1, 2, 2, 3)))]


def _delete_table(random: Random) -> list[Step]:
    return [DeleteTable(_region(random), random.choice((1.0, 11.0)))]


def _deny(random: Random) -> list[Step]:
    return [Deny(_region(random), random.choice(OPERATIONS)), _moment(random)]


def _pass(random: Random) -> list[Step]:
    return [Pass(_rarely(random, 90.0, (2.0, 5.0, 12.0)))]


def _sleep(random: Random) -> list[Step]:
    return [SleepAndWake(random.choice((60.0, HOUR_S, 5 * HOUR_S))), _moment(random)]


def _sleep_long(random: Random) -> list[Step]:
    """Longer, alone or together, than records are held."""
    hours = random.choice((11, 13, 25, 30))
    return [SleepAndWake(hours * HOUR_S), Pass(_rarely(random, 70.0, (1.0,)))]


def _restart(random: Random) -> list[Step]:
    return [Restart(random.choice((1.0, 60.0, HOUR_S, HOUR_S, 30 * HOUR_S))), _moment(random)]


def _set_clock(random: Random) -> list[Step]:
    return [SetServiceClock(random.choice((-300.0, 0.0, 1.5, 300.0)))]


def _expire_credentials(random: Random) -> list[Step]:
    return [ExpireCredentials(random.choice((1.0, 10.0)))]


def _consume(random: Random) -> list[Step]:
    return [Consume(random.random() < 0.5)]


def _lineage(random: Random) -> list[Step]:
    """A shard that is long in reading, with children, and perhaps grandchildren, behind it."""
    region, shard = _region(random), random.randint(0, 1)
    return [
        Answer(region, random.choice((3, 10, 50)), 100, "honoured", random.random() < 0.5),
        Write(region, shard, random.randint(20, 60)),
        Split(region, shard, 2, random.random() < 0.5),
        *(Write(region, number, 3) for number in range(random.randint(1, 6))),
        *(Split(region, _shard(random), 1, False) for _ in range(random.randint(0, 4))),
        Write(region, _shard(random), 5),
        _moment(random),
    ]


def _held_up(random: Random) -> list[Step]:
    """Records that go while the reader is held up."""
    region, shard = _region(random), random.randint(0, 1)
    return [
        Answer(region, random.choice((3, 10, 50)), 100, "honoured", False),
        Write(region, shard, 10),
        _moment(random),
        Consume(False),
        Write(region, shard, random.randint(20, 60)),
        *(Split(region, _shard(random), 2, False) for _ in range(random.randint(0, 2))),
        _moment(random),
        *(_lose(random)[0] for _ in range(random.randint(1, 3))),
        *(_expire(random)[:1] if random.random() < 0.5 else ()),
        Consume(True),
        _moment(random),
    ]


def _rarely(random: Random, costly: Number, usual: Sequence[Number]) -> Number:
    """Choose what takes long to play only now and then."""
    return costly if random.random() < 0.05 else random.choice(usual)


def _region(random: Random) -> str:
    return random.choice(REGIONS)


def _shard(random: Random) -> int:
    return random.randint(0, 20)


# How often each is chosen, beside the others.
_PARTS: dict[Part, float] = {
    _write: 10,
    _split: 3,
    _roll_over: 1,
    _merge: 2,
    _lose: 3,
    _hide: 2,
    _expire: 2,
    _go_wrong: 4,
    _lose_the_network: 0.3,
    _answer: 2,
    _pages: 2,
    _turn_off_and_on: 1,
    _delete_table: 0.5,
    _deny: 1,
    _pass: 2,
    _sleep: 1,
    _sleep_long: 0.5,
    _restart: 1,
    _set_clock: 0.5,
    _expire_credentials: 0.5,
    _consume: 2,
    _lineage: 2,
    _held_up: 2,
}
