"""What is watched through the collector is what is watched directly: edges, tables and the map."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest

from causality.engine import Engine
from causality.latency import latencies_of
from causality.records import StreamRecord
from causality.service_map import OUTSIDE, FlowTable, MapEdge, MapNodeId
from causality.snapshot import LatencyRow
from gammaray_collector.items import RECORDS, Item
from gammaray_collector.rollups import Range, read_rollups
from gammaray_tui.collected import CollectedWatch
from gammaray_tui.collected_tables import CollectedTables
from providers.collected import CountedBefore, CountedDoubts
from providers.collected_chain import Fetching
from providers.collected_table import CollectedTable
from tests.unit.causality import oracle
from tests.unit.causality.test_world import ALL_WORLDS, MASKED_WORLDS
from tests.unit.causality.world import World
from tests.unit.collector.fake_table import FakeTable
from tests.unit.collector.runs import NOW_S, collected, edges_live, edges_of

_WORLDS = ("busy keys", "original", "contents return", "records lost on busy keys")
_OPENED = 12


class _Read:
    """A collector's table, read as if through DynamoDB."""

    def __init__(self, table: FakeTable) -> None:
        self._table = table

    async def query(self, _client: Any, wanted: Range) -> list[Item]:
        partition = self._table.items.get(wanted.partition, {})
        places = sorted(p for p in partition if wanted.first <= p <= wanted.last)
        return [dict(partition[place]) for place in places]


async def opened(table: FakeTable, request_id: str) -> tuple[CollectedWatch, set[str]]:
    """Open a chain; give the watch, and what belongs to the chain."""
    fetching = Fetching(cast("CollectedTable", _Read(table)), None, 1000)
    chain = await fetching.chain(request_id)
    watch = CollectedWatch("w", fetching.chain, clock=lambda: NOW_S)
    watch.take_chain(chain)
    return watch, set(chain.members)


def recorded(table: FakeTable) -> list[str]:
    """Name the invocations of which there are records."""
    return [
        partition[2:]
        for partition, items in sorted(table.items.items())
        if partition.startswith("i#") and any(place.startswith(RECORDS) for place in items)
    ]


@pytest.mark.parametrize("case", oracle.CASES)
async def test_an_opened_chain_has_the_edges_of_the_live_view(case: str) -> None:
    records = oracle.readable(oracle.json_records(case))
    table, live = collected(records, 50), edges_live(records)
    for request_id in recorded(table)[:_OPENED]:
        watch, members = await opened(table, request_id)
        assert request_id in members
        found = {place: edge for place, edge in edges_of(watch.engine).items()}
        assert found == {place: edge for place, edge in live.items() if place[0] in members}


@pytest.mark.parametrize("name", _WORLDS)
async def test_no_edge_of_an_opened_chain_is_surer_than_in_the_live_view(name: str) -> None:
    records = World(0, {**ALL_WORLDS, **MASKED_WORLDS}[name]).run().records()
    table, live = collected(records, 50), edges_live(records)
    for request_id in recorded(table)[:_OPENED]:
        watch, members = await opened(table, request_id)
        for place, edge in edges_of(watch.engine).items():
            if place[0] in members and edge[0] != "ambiguous":
                assert edge == live[place]


@pytest.mark.parametrize("case", oracle.APPLICATIONS)
def test_tables_and_map_are_those_of_the_live_view(case: str) -> None:
    records = oracle.readable(oracle.json_records(case))
    counted, engine = tables_of(collected(records, 50)), graph_of(records)
    live = latencies_of(engine.invocations.values())
    assert _told(counted.functions) == _told(live.functions.rows())
    # Cold starts are not counted with edges.
    assert _told(counted.edges, figures=2) == _told(live.edges.rows(), figures=2)
    flows = FlowTable()
    flows.update(engine.invocations.values())
    drawn = flows.map(live.functions.rows(), NOW_S)
    between = [e for e in drawn.edges if e.source[1] != OUTSIDE]
    assert _drawn(counted.service_map().edges) == _drawn(between)


@pytest.mark.parametrize("name", ["calls repeated", "all that can go wrong"])
def test_edges_count_the_invocations_that_failed(name: str) -> None:
    records = World(0, ALL_WORLDS[name]).run().records()
    engine, flows = graph_of(records), FlowTable()
    flows.update(engine.invocations.values())
    live = _drawn(e for e in flows.map([], NOW_S).edges if e.source[1] != OUTSIDE)
    random.Random(1).shuffle(records)
    found = _drawn(tables_of(collected(records, 5)).service_map().edges)
    # The live view shows the paths of HTTP, and counts with each what several may have caused.
    counts = {edge[:4] for edge in live}
    plain = {edge for edge in found if edge[:4] in counts}
    assert plain <= live
    assert sum(errors for *_, errors in plain)


def _drawn(edges: Iterable[MapEdge]) -> set[tuple[MapNodeId, MapNodeId, str, int, int]]:
    return {(e.source, e.target, e.channel, e.count, e.errors) for e in edges}


def tables_of(table: FakeTable) -> CollectedTables:
    """Give the tables of all that was counted."""
    doubts = list(table.of("d#"))
    tables = CollectedTables()
    tables.take(CountedDoubts(sorted({str(item["pk"]) for item in doubts}), doubts))
    tables.take(CountedBefore(read_rollups(table.of("t#"))))
    tables.renew(NOW_S, None)
    return tables


def graph_of(records: Sequence[StreamRecord]) -> Engine:
    """Give the graph of the live view."""
    engine = Engine()
    engine.apply_records(records)
    engine.finish()
    return engine


def _told(rows: Sequence[LatencyRow], figures: int = 3) -> dict[tuple[str, str], list[int]]:
    return {
        (row.name, row.region): [row.count, row.errors, row.cold][:figures]
        + [round((quantile or 0) * 50) for quantile in (row.p50_s, row.p95_s)]
        for row in rows
    }
