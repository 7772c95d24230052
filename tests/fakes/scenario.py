"""What happens to a fake AWS while it is watched, as data: a list of steps, played in order.

Steps name shards by number; the number is taken modulo what there is, so that any list of
steps makes sense. A scenario of one's own:

    scenario = Scenario([Write(WEST, 0, 100), Split(WEST, 0, 2), ExpireIterators(WEST), Pass(5)])
    stage.play(scenario)  # plays it and checks what came

`tests/fakes/chance.py` makes random ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tests.fakes.keys import Keys
from tests.fakes.stream_model import FakeRegion, FakeShard, Fault
from tests.fakes.watch import EAST, WEST, Watch


@dataclass(frozen=True)
class Write:
    region: str
    shard: int
    count: int


@dataclass(frozen=True)
class Split:
    region: str
    shard: int
    children: int
    parent_listed_as_open: bool


@dataclass(frozen=True)
class Merge:
    region: str
    shard: int


@dataclass(frozen=True)
class Trim:
    region: str
    shard: int
    count: int


@dataclass(frozen=True)
class Forget:
    """A closed shard's data goes; the shard may stay listed."""

    region: str
    shard: int
    listed: bool


@dataclass(frozen=True)
class Hide:
    """A shard is not listed for a while, as if the listing were behind."""

    region: str
    shard: int


@dataclass(frozen=True)
class ExpireIterators:
    region: str


@dataclass(frozen=True)
class GoWrong:
    """The next calls of an operation ("" for any) fail; "end" ends all that goes wrong."""

    region: str
    kind: str
    operation: str
    times: int


@dataclass(frozen=True)
class Answer:
    """How the service answers from now on."""

    region: str
    page_records: int
    describe_limit: int
    child_filter: str
    end_with_empty_page: bool


@dataclass(frozen=True)
class Pages:
    """The next pages are empty, or begin with records that were read before."""

    region: str
    empty: int
    repeated: int
    times: int


@dataclass(frozen=True)
class TurnStreamOffAndOn:
    region: str
    shards: int = 2


@dataclass(frozen=True)
class DeleteTable:
    """The table goes, and another one comes."""

    region: str
    gone_s: float


@dataclass(frozen=True)
class Deny:
    region: str
    operation: str


@dataclass(frozen=True)
class Pass:
    seconds: float


@dataclass(frozen=True)
class SleepAndWake:
    """The computer sleeps: time passes, nobody notices, and what is a day old is trimmed."""

    seconds: float


@dataclass(frozen=True)
class Restart:
    """The watch ends, and another goes on where it stopped."""

    pause_s: float


@dataclass(frozen=True)
class SetServiceClock:
    ahead_s: float


@dataclass(frozen=True)
class ExpireCredentials:
    """The session's keys are not accepted any more; new ones come after a while."""

    renewed_after_s: float


@dataclass(frozen=True)
class Consume:
    """The consumer stops taking events, or goes on."""

    flowing: bool


Step: TypeAlias = (
    Write
    | Split
    | Merge
    | Trim
    | Forget
    | Hide
    | ExpireIterators
    | GoWrong
    | Answer
    | Pages
    | TurnStreamOffAndOn
    | DeleteTable
    | Deny
    | Pass
    | SleepAndWake
    | Restart
    | SetServiceClock
    | ExpireCredentials
    | Consume
)


@dataclass(frozen=True)
class Scenario:
    """Steps, and what is there when they begin.

    Attributes:
        since: what the watch is asked for; everything is written after it began.
        queue_size: events that the consumer's queue holds.
        shards: of each region's stream.
    """

    steps: Sequence[Step]
    since: str = "all"
    queue_size: int = 3
    shards: int = 2
    regions: tuple[str, ...] = (WEST, EAST)


async def play(watch: Watch, keys: Keys, steps: Sequence[Step]) -> None:
    """Play the steps while the watch goes on."""
    for step in steps:
        match step:
            case Pass(seconds):
                await watch.passes(seconds)
            case SleepAndWake(seconds):
                watch.time.advance(seconds)
                watch.aws.trim_what_is_a_day_old()
            case Restart(pause_s):
                await watch.restart_after(pause_s)
                watch.aws.trim_what_is_a_day_old()
            case SetServiceClock(ahead_s):
                watch.aws.clock_ahead_s = ahead_s
            case ExpireCredentials(renewed_after_s):
                watch.aws.expired_keys.add(keys.current)
                await watch.passes(renewed_after_s)
                keys.renew()
            case DeleteTable(region, gone_s):
                watch.aws.region(region).delete_table()
                await watch.passes(gone_s)
                watch.aws.region(region).make_table(shards=2)
            case Consume(flowing):
                watch.flowing.set() if flowing else watch.flowing.clear()
            case _:
                _change(watch.aws.region(step.region), step)


def _change(region: FakeRegion, step: Step) -> None:
    shards = list(region.stream.shards.values())
    open_shards = region.stream.open_shards()
    closed = [shard for shard in shards if shard.closed and shard.readable]
    holding = [shard for shard in shards if shard.horizon < len(shard.written)]
    match step:
        case Write(_, number, count):
            region.write(_pick(open_shards, number), count)
        case Split(_, number, children, parent_listed_as_open):
            parent = _pick(open_shards, number)
            parent.listed_as_open = parent_listed_as_open
            region.split(parent, children)
        case Merge(_, number) if len(open_shards) > 1:
            region.merge(_pick(open_shards, number), _pick(open_shards, number + 1))
        case Trim(_, number, count) if holding:
            region.trim(_pick(holding, number), count)
        case Forget(_, number, listed) if closed:
            # The younger ones, which are likelier to be in use.
            region.forget_shard(_pick(closed[-3:], number), listed=listed)
        case Hide(_, number):
            region.hide(_pick(shards, number))
        case ExpireIterators():
            region.expire_iterators()
        case GoWrong(_, "end", _, _):
            region.faults.clear()
        case GoWrong(_, kind, operation, times):
            region.faults.append(Fault(kind, operation, times))
        case Answer(_, page_records, describe_limit, child_filter, end_with_empty_page):
            region.page_records = page_records
            region.describe_limit = describe_limit
            region.child_filter = child_filter
            region.end_with_empty_page = end_with_empty_page
        case Pages(_, empty, repeated, times):
            region.empty_pages = empty
            region.repeated_records = repeated
            region.repeating_pages = times
        case TurnStreamOffAndOn(_, count):
            region.disable_stream()
            region.enable_stream(count)
        case Deny(_, operation):
            region.denied.add(operation)


def _pick(shards: list[FakeShard], number: int) -> FakeShard:
    return shards[number % len(shards)]


def heal(region: FakeRegion) -> None:
    """End all troubles; what is lost stays lost."""
    region.faults.clear()
    region.denied.clear()
    region.empty_pages = 0
    region.repeating_pages = 0
    for stream in region.streams:
        for shard in stream.shards.values():
            shard.listed |= shard.readable
