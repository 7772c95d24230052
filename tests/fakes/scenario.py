"""What happens to a fake AWS while it is watched, as data: a list of steps, played in order.

Steps name shards by number; the number is taken modulo what there is, so that any list of
steps makes sense.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tests.fakes.stream_model import FakeRegion, FakeShard, Fault
from tests.fakes.watch import Watch, out_of_order


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


@dataclass(frozen=True)
class Deny:
    region: str
    operation: str


@dataclass(frozen=True)
class Pass:
    seconds: float


@dataclass(frozen=True)
class SleepAndWake:
    """The computer sleeps: time passes and nobody notices."""

    seconds: float


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
    | Deny
    | Pass
    | SleepAndWake
    | Consume
)


async def play(watch: Watch, steps: Sequence[Step]) -> None:
    """Play the steps while the watch goes on."""
    for step in steps:
        match step:
            case Pass(seconds):
                await watch.passes(seconds)
            case SleepAndWake(seconds):
                watch.time.advance(seconds)
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
        case TurnStreamOffAndOn():
            region.disable_stream()
            region.enable_stream(shards=2)
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


async def check(watch: Watch, region: FakeRegion) -> None:
    """Wait until everything that can still come has come, and see that all of it is right."""
    await watch.until(lambda: _held(region) <= set(watch.ids(region.name)))
    await watch.until(lambda: _lost_unnoticed(watch, region) <= _gaps(watch, region))
    counts = Counter(watch.ids(region.name))
    assert not [event_id for event_id, count in counts.items() if count > 1], "delivered twice"
    assert set(counts) <= {w.event_id for w in region.all_written()}
    assert not list(out_of_order(watch, region))


def _held(region: FakeRegion) -> set[str]:
    """Give the records that are still there to be read."""
    return {
        written.event_id
        for stream in region.streams
        for shard in stream.shards.values()
        if shard.readable
        for written in shard.written[shard.horizon :]
    }


def _lost_unnoticed(watch: Watch, region: FakeRegion) -> set[str]:
    """Give the shards of which a record is missing behind one that came.

    (When the first records of a shard are gone before it was ever read, nobody can know.)
    """
    came = set(watch.ids(region.name))
    lost = set()
    for stream in region.streams:
        for shard in stream.shards.values():
            have = [written.event_id in came for written in shard.written]
            if True in have and False in have[have.index(True) :]:
                lost.add(shard.id)
    return lost


def _gaps(watch: Watch, region: FakeRegion) -> set[str]:
    return {gap.source for gap in watch.gaps if gap.region == region.name}
