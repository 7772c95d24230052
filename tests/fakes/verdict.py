"""What a watch must have brought once all troubles are over, measured against what was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from causality.engine import Engine
from providers.events import Gap, RecordBatch
from tests.fakes.stream_model import FakeRegion, FakeShard, FakeStream
from tests.fakes.watch import Watch, out_of_order

TABLE = "gammaRays"


async def check(watch: Watch) -> None:
    """Wait until everything that can still come has come, and see that all of it is right."""
    regions = [watch.aws.region(name) for name in watch.session.regions]
    for region in regions:
        await _all_held_come(watch, region)
    for region in regions:
        # A shard that is gone for good is asked for a few times before it is given up.
        await _all_losses_are_shown(watch, region)
        counts = Counter(watch.ids(region.name))
        assert [event_id for event_id, count in counts.items() if count > 1] == []
        assert set(counts) <= {w.event_id for w in region.all_written()}
        assert list(out_of_order(watch, region)) == []
    _check_graph(watch)


async def _all_held_come(watch: Watch, region: FakeRegion) -> None:
    held = _held(region)

    def missing() -> set[str]:
        return held - set(watch.ids(region.name))

    await watch.until(lambda: not missing(), missing)


async def _all_losses_are_shown(watch: Watch, region: FakeRegion) -> None:
    def missing() -> list[str]:
        return _hidden_losses(watch, region)

    await watch.until(lambda: not missing(), missing)


def _check_graph(watch: Watch) -> None:
    """Every record that came is one invocation, and none of them saw it twice."""
    engine = Engine()
    for batch in watch.batches:
        engine.apply_records(batch.records)
    engine.settle()
    came = sum(len(watch.ids(region)) for region in watch.session.regions)
    assert len(engine.invocations) == engine.records == came
    assert all(len(invocation.attempts) == 1 for invocation in engine.invocations.values())


def _held(region: FakeRegion) -> set[str]:
    """Give the records that are still there to be read."""
    return {
        written.event_id
        for stream in region.streams
        if stream.known
        for shard in stream.shards.values()
        if shard.readable
        for written in shard.written[shard.horizon :]
    }


def _hidden_losses(watch: Watch, region: FakeRegion) -> list[str]:
    """Describe the stretches of lost records that no gap stands for.

    A gap must come where the records are missing: after the shard's last record before the
    stretch, and before its first one behind it.
    """
    came_at: dict[str, int] = {}
    gaps: list[tuple[int, str]] = []
    for at, event in enumerate(watch.events):
        if isinstance(event, RecordBatch) and event.region == region.name:
            came_at.update((record.eventID, at) for record in event.records)
        elif isinstance(event, Gap) and event.region == region.name:
            gaps.append((at, event.source))
    return [
        f"{count} of {shard.id} between events {after} and {before}"
        for stream in region.streams
        for shard in stream.shards.values()
        for count, after, before in _lost_stretches(shard, stream, came_at, len(watch.events))
        if not any(after < at < before and source in (shard.id, TABLE) for at, source in gaps)
    ]


def _lost_stretches(
    shard: FakeShard, stream: FakeStream, came_at: dict[str, int], end: int
) -> Iterator[tuple[int, int, int]]:
    """Give the length of each stretch, and the events before and behind it.

    Nobody can know of records that a whim, not their age, took away before the shard was ever
    read, or that went with a deleted table.
    """
    after, count, aged = -1, 0, False
    for written in [*shard.written, None]:
        at = end if written is None else came_at.get(written.event_id)
        if written is not None and at is None:
            count += 1
            aged |= written.aged
            continue
        assert at is not None
        if count and (aged or after >= 0) and not stream.deleted:
            yield count, after, at
        after, count, aged = at, 0, False
