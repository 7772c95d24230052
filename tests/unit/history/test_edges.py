"""Edges of archives are those of the live engine, grade by grade and candidate by candidate."""

from __future__ import annotations

from pathlib import Path

import pytest

from causality.records import StreamRecord
from providers.events import Gap, RecordBatch
from tests.unit.archive.making import batch, write
from tests.unit.causality import oracle
from tests.unit.causality.test_world import ALL_WORLDS, MASKED_WORLDS, two_accounts
from tests.unit.causality.world import World
from tests.unit.history.asking import edges_of_archive, edges_of_engine, live

WORLDS = {**ALL_WORLDS, **MASKED_WORLDS}
# Of each sort one, and what is hardest; all of them are played by the slow tests.
CHOSEN = ("forwarding", "original, refused", "all that can go wrong")


def test_all_recorded_runs_together(tmp_path: Path) -> None:
    records = [r for case in oracle.CASES for r in oracle.readable(oracle.json_records(case))]
    write(tmp_path, batch(records))
    assert edges_of_archive(tmp_path) == edges_of_engine(live(records))


@pytest.mark.slow
@pytest.mark.parametrize("case", oracle.CASES)
def test_each_recorded_run(case: str, tmp_path: Path) -> None:
    records = oracle.readable(oracle.json_records(case))
    write(tmp_path, batch(records))
    assert edges_of_archive(tmp_path) == edges_of_engine(live(records))


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        pytest.param(name, seed, marks=() if name in CHOSEN and seed == 1 else pytest.mark.slow)
        for name in WORLDS
        for seed in (1, 2)
    ],
)
def test_a_world_in_which_things_go_wrong(name: str, seed: int, tmp_path: Path) -> None:
    records = World(seed, WORLDS[name]).run().records()
    write(tmp_path, *_in_pieces(records))
    assert edges_of_archive(tmp_path) == edges_of_engine(live(records))


def test_what_is_near_lost_records_is_doubted(tmp_path: Path) -> None:
    records = World(3, WORLDS["busy keys"]).run().records()
    image = records[0].dynamodb.NewImage
    assert image is not None
    gap = Gap("us-west-2", "shard", "trimmed", float(image.ts.N) / 1000 - 3000.0)
    write(tmp_path, gap, batch(records))
    found = edges_of_archive(tmp_path)
    assert found == edges_of_engine(live(records, gap))
    assert "ambiguous" in {edge[3] for edge in found}


def test_two_accounts_with_the_same_names(tmp_path: Path) -> None:
    _, records = two_accounts(1, WORLDS["all that can go wrong"])
    write(tmp_path, *_in_pieces(records))
    found = edges_of_archive(tmp_path)
    assert found == edges_of_engine(live(records))


def _in_pieces(records: list[StreamRecord]) -> list[RecordBatch]:
    """Give them out of order, half of them twice."""
    pieces = [batch(records[start : start + 7]) for start in range(0, len(records), 7)]
    return [*pieces[::-1], *pieces[::2]]
