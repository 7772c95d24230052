"""Worlds with known truth: no wrong edge is certain, and what ids can prove is proven."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection

import pytest

from causality.document import GraphDocument, graph_document
from causality.engine import Engine
from causality.records import StreamRecord
from tests.unit.causality.world import ACCOUNT, Options, World
from tests.unit.causality.world_services import IDENTIFIED, TABLES

_ORIGINAL = ("put", "update", "delete", "batch", "object", "publish", "invoke")
_UNIQUE = 10**9

# Whatever goes wrong, an id that AWS issued proves an edge or there is none.
IDENTIFIED_WORLDS = {
    "quiet": Options(IDENTIFIED),
    "skewed": Options(IDENTIFIED, skew_s=0.25, failures=0.3, twice=0.3),
    "crowded by outsiders": Options(IDENTIFIED, outsiders=0.3, drops=0.3, refused=0.2),
    "alike": Options(IDENTIFIED, contents=1, keys=1, failures=0.2, outsiders=0.2),
    "forwarding": Options((*IDENTIFIED, "forward", "relay", "relay"), failures=0.2, drops=0.2),
}
BROKEN_WORLDS = {
    "results": Options(
        (*IDENTIFIED, "forward"), results=0.5, lost=0.1, outsiders=0.2, failures=0.2
    ),
    "handing on": Options((*TABLES, "object", "relay", "relay"), failures=0.2),
    "handing on, local": Options(
        (*TABLES, "object", "relay", "send", "publish"), local=True, failures=0.2
    ),
    "records lost": Options(IDENTIFIED, lost=0.2, outsiders=0.2, failures=0.2, twice=0.2),
    "calls repeated": Options(IDENTIFIED, repeated=0.4, unanswered=0.2, failures=0.2, contents=2),
    "local": Options(IDENTIFIED, local=True, contents=3, keys=4, skew_s=0.1, failures=0.2),
    "local with outsiders": Options(IDENTIFIED, local=True, contents=9, keys=9, outsiders=0.3),
}
# Order proves only where everyone who writes is recorded, or every record is delivered.
TABLE_WORLDS = {
    "quiet": Options(TABLES),
    "busy keys": Options(TABLES, keys=3, contents=_UNIQUE, skew_s=0.25, spread_s=100.0),
    "one key": Options(("update",), keys=1, contents=_UNIQUE, depth=1, roots=60, spread_s=300.0),
    "filtered": Options(TABLES, keys=3, contents=_UNIQUE, drops=0.3, spread_s=100.0),
    "refused": Options(TABLES, keys=3, contents=_UNIQUE, refused=0.3, spread_s=100.0),
    "retried": Options(TABLES, keys=3, contents=_UNIQUE, failures=0.3, twice=0.2),
    "unanswered": Options(TABLES, keys=3, contents=_UNIQUE, repeated=0.3, unanswered=0.3),
    "outsiders": Options(("put", "batch"), keys=100, contents=_UNIQUE, outsiders=0.4),
    "original": Options(_ORIGINAL, 1, keys=3, skew_s=0.25, spread_s=100.0),
    "original, filtered": Options(_ORIGINAL, 1, keys=3, drops=0.3, spread_s=100.0),
    "original, spread": Options(_ORIGINAL, 1, keys=300, failures=0.1, skew_s=0.1),
}
# An outsider where recorded writes leave no record, calls or starts whose records are lost: what
# such a world does not show as doubtful by itself must be doubted all the same.
DOUBTFUL_WORLDS = {
    "outsiders on busy keys": Options(TABLES, keys=3, contents=_UNIQUE, outsiders=0.3),
    "outsiders, filtered": Options(TABLES, keys=30, contents=_UNIQUE, outsiders=0.3, drops=0.2),
    "outsiders, spread": Options(
        TABLES, keys=30, contents=_UNIQUE, outsiders=0.2, drops=0.2, roots=20, spread_s=1000.0
    ),
    "records lost": Options(TABLES, keys=30, contents=_UNIQUE, lost=0.1),
    "records lost on busy keys": Options(TABLES, keys=3, contents=_UNIQUE, lost=0.1),
    "contents return": Options(TABLES, keys=30, contents=5, outsiders=0.2, drops=0.1),
    "objects return": Options(
        ("object", "put"), keys=10, contents=3, local=True, outsiders=0.2, lost=0.1
    ),
    "all that can go wrong": Options(
        (*IDENTIFIED, *TABLES),
        local=True,
        keys=20,
        contents=5,
        outsiders=0.2,
        lost=0.05,
        failures=0.2,
        drops=0.1,
        skew_s=0.1,
    ),
    "unanswered, with outsiders": Options(
        TABLES, keys=10, contents=_UNIQUE, repeated=0.2, unanswered=0.2, outsiders=0.2, lost=0.05
    ),
    "original, refused": Options(_ORIGINAL, 1, keys=3, refused=0.3),
    "original, all": Options(
        _ORIGINAL,
        1,
        keys=30,
        outsiders=0.1,
        refused=0.1,
        lost=0.05,
        drops=0.1,
        roots=20,
        spread_s=2000.0,
    ),
}
# Here an outsider may write the very key that a recorded call has just written without leaving a
# record, and the original recorded neither contents nor the time of a record.
MASKED_WORLDS = {
    "original, outsiders": Options(_ORIGINAL, 1, keys=30, outsiders=0.3, drops=0.2),
    "original, outsiders on busy keys": Options(_ORIGINAL, 1, keys=3, outsiders=0.3),
    "few outsiders on busy keys": Options(TABLES, keys=3, contents=_UNIQUE, outsiders=0.05),
    "few contents": Options(TABLES, keys=3, contents=8, outsiders=0.2, drops=0.1),
}
ALL_WORLDS = {**IDENTIFIED_WORLDS, **BROKEN_WORLDS, **TABLE_WORLDS, **DOUBTFUL_WORLDS}


@pytest.fixture(
    params=[range(2), pytest.param(range(2, 24), marks=pytest.mark.slow)], ids=["", "more"]
)
def seeds(request: pytest.FixtureRequest) -> range:
    chosen: range = request.param
    return chosen


def _settled(records: list[StreamRecord], pauses: random.Random | None = None) -> Engine:
    engine = Engine()
    for record in records:
        engine.apply_records([record])
        if pauses is not None and pauses.random() < 0.1:
            engine.settle()
    engine.settle()
    engine.finish()
    return engine


def wrong_edges(world: World, engine: Engine, of: Collection[str] | None = None) -> list[str]:
    """Give the certain edges that are not true, of all invocations or some."""
    truth = defaultdict(set)
    for edge in world.true_edges:
        truth[edge.child].add((edge.parent, edge.call_id))
    wrong = []
    for found in engine.edges():
        child = found.cause.invocation.request_id
        if found.parent is None or (of is not None and child not in of):
            continue
        parent = found.parent.request_id
        if found.call is not None:
            right = (parent, found.call.id) in truth[child]
        else:
            right = parent in {parent for parent, _ in truth[child]}
        if not right:
            wrong.append(f"{parent} -> {child} ({found.evidence}, {found.cause.fact})")
    return wrong


@pytest.mark.parametrize("name", ALL_WORLDS)
def test_no_certain_edge_is_wrong(name: str, seeds: range) -> None:
    for seed in seeds:
        world = World(seed, ALL_WORLDS[name]).run()
        engine = _settled(world.records())
        assert not engine.unreadable
        assert not wrong_edges(world, engine), seed


@pytest.mark.parametrize("name", MASKED_WORLDS)
def test_hardly_an_edge_is_wrong_where_records_mask_each_other(name: str) -> None:
    certain = wrong = 0
    for seed in range(24):
        world = World(seed, MASKED_WORLDS[name]).run()
        engine = _settled(world.records())
        certain += sum(edge.parent is not None for edge in engine.edges())
        wrong += len(wrong_edges(world, engine))
    assert wrong <= 0.02 * certain


# Where contents return, the first of two equal ones looks unique until the second one comes.
@pytest.mark.parametrize("name", sorted({*TABLE_WORLDS, *DOUBTFUL_WORLDS} - {"objects return"}))
def test_no_edge_is_wrong_at_any_moment(name: str) -> None:
    for seed in range(3):
        world = World(seed, ALL_WORLDS[name]).run()
        late = random.Random(seed)
        # Each record is some while on its way, as those of other shards are.
        records = sorted(
            world.records(),
            key=lambda r: float(r.dynamodb.NewImage.ts.N) + late.uniform(0, 1500),  # type: ignore[union-attr]
        )
        engine = Engine()
        for begin in range(0, len(records), 7):
            engine.apply_records(records[begin : begin + 7])
            engine.settle()
            assert not wrong_edges(world, engine), (seed, begin)


@pytest.mark.parametrize("name", IDENTIFIED_WORLDS)
def test_every_edge_with_an_id_on_both_sides_is_exact(name: str, seeds: range) -> None:
    for seed in seeds:
        world = World(seed, IDENTIFIED_WORLDS[name]).run()
        exact = {
            (edge.parent.request_id, edge.call.id, edge.cause.invocation.request_id)
            for edge in _settled(world.records()).edges()
            if edge.evidence == "exact" and edge.parent is not None and edge.call is not None
        }
        assert exact == world.true_edges


@pytest.mark.parametrize("name", ["quiet", "busy keys", "retried", "local"])
def test_no_edge_leads_from_one_account_to_another_with_the_same_names(
    name: str, seeds: range
) -> None:
    for seed in seeds:
        worlds, records = two_accounts(seed, ALL_WORLDS[name])
        random.Random(seed).shuffle(records)
        engine = _settled(records, random.Random(seed))
        known = {world: {edge.child for edge in world.true_edges} for world in worlds}
        certain = 0
        for edge in engine.edges():
            if edge.parent is not None:
                assert edge.parent.account == edge.cause.invocation.account
                certain += 1
        for world in worlds:
            assert not wrong_edges(world, engine, of=known[world]), seed
        alone = [_settled(world.records()) for world in worlds]
        assert certain > 0.7 * sum(e.parent is not None for one in alone for e in one.edges())


def two_accounts(seed: int, options: Options) -> tuple[list[World], list[StreamRecord]]:
    """Run two worlds with the same names, each in an account of its own; give all records."""
    worlds = [World(seed, options).run(), World(seed + 1000, options).run()]
    records = worlds[0].records()
    for record in worlds[1].records():
        image = record.dynamodb.NewImage
        assert image is not None
        image.payload.S = image.payload.S.replace(ACCOUNT, "210987654321")
        records.append(record)
    return worlds, records


@pytest.mark.parametrize("kinds", [("events", "publish"), ("forward", "send", "relay", "events")])
def test_every_result_is_of_its_invocation(kinds: tuple[str, ...], seeds: range) -> None:
    for seed in seeds:
        world = World(seed, Options(kinds, results=0.7, failures=0.2, twice=0.2)).run()
        engine = _settled(world.records())
        found = {
            (edge.parent.request_id, edge.call.id if edge.call else "", edge.cause.invocation)
            for edge in engine.edges()
            if edge.parent is not None
        }
        assert {(parent, call, child.request_id) for parent, call, child in found} == {
            (edge.parent, edge.call_id, edge.child) for edge in world.true_edges
        }
        assert any(not edge.call_id for edge in world.true_edges)


def test_unique_content_tells_every_write_apart(seeds: range) -> None:
    for seed in seeds:
        world = World(seed, Options(("put", "batch"), keys=4, contents=_UNIQUE)).run()
        found = {
            (edge.parent.request_id, edge.call.id, edge.cause.invocation.request_id): edge.evidence
            for edge in _settled(world.records()).edges()
            if edge.parent is not None and edge.call is not None
        }
        written = {key for key, evidence in found.items() if evidence == "content"}
        assert written <= world.true_edges
        assert found.keys() <= world.true_edges
        assert len(found) > 0.7 * len(world.true_edges)


@pytest.mark.parametrize("name", ALL_WORLDS)
def test_any_order_gives_the_same_graph(name: str, seeds: range) -> None:
    for seed in seeds:
        records = World(seed, ALL_WORLDS[name]).run().records()
        expected: GraphDocument = graph_document(_settled(records))
        shuffling = random.Random(seed)
        shuffling.shuffle(records)
        repeated = [*records, *shuffling.sample(records, len(records) // 5)]
        assert graph_document(_settled(repeated, shuffling)) == expected


def test_clean_writes_of_one_key_are_told_by_order() -> None:
    world = World(7, Options(("update",), keys=1, depth=1, roots=50, spread_s=2000.0)).run()
    engine = _settled(world.records())
    certain = [edge for edge in engine.edges() if edge.parent is not None]
    assert len(certain) > 0.6 * len(world.true_edges)
    assert not wrong_edges(world, engine)
