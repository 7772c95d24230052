"""The service map follows the graph, repairs and departures included."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from causality.accounts import Key, told
from causality.engine import Engine
from causality.records import StreamRecord
from causality.service_map import FlowTable, flows, node_filter
from causality.snapshot import LatencyRow
from tests.unit.causality.oracle import APPLICATIONS, json_records, readable, true_edges

NOW_S = 1_795_000_000.0


def _followed(engine: Engine, records: list[StreamRecord], pages: int) -> FlowTable:
    table = FlowTable()
    for start in range(0, len(records), max(1, len(records) // pages)):
        engine.apply_records(records[start : start + max(1, len(records) // pages)])
        engine.settle()
        table.update(engine.touched)
        engine.touched.clear()
    engine.finish()
    table.update(engine.touched)
    return table


@pytest.mark.parametrize("case", APPLICATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_the_map_counts_the_true_edges_in_any_order(case: str, seed: int) -> None:
    records = readable(json_records(case))
    random.Random(seed).shuffle(records)
    engine = Engine()
    table = _followed(engine, records, 20)
    function = {
        request_id: (invocation.function or "?", invocation.region or "", "")
        for request_id, invocation in engine.invocations.items()
    }
    expected = Counter((function[edge.parent], function[edge.child]) for edge in true_edges(case))
    counted: Counter[tuple[Key, Key]] = Counter()
    for edge in table.map([], NOW_S).edges:
        if edge.source[1] != "outside":
            counted[edge.source, edge.target] += edge.count
    assert counted == expected


def test_the_map_is_the_sum_of_all_flows() -> None:
    engine = Engine()
    table = _followed(engine, readable(json_records("mapreduce")), 7)
    sums = Counter(
        (*(told(node, ()) for node in flow[0][:2]), flow[0][2])
        for invocation in engine.invocations.values()
        for flow in flows(invocation)
    )
    service_map = table.map([], NOW_S)
    assert {
        (edge.source, edge.target, edge.channel): edge.count for edge in service_map.edges
    } == dict(sums)
    assert {node.id for node in service_map.nodes} == {
        node for source, target, _ in sums for node in (source, target)
    }


def test_nodes_tell_what_the_table_of_latencies_knows() -> None:
    row = LatencyRow("alone", "us-west-2", 7, 2, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.5)
    (node,) = FlowTable().map([row], NOW_S).nodes
    assert (node.count, node.errors, node.rate, node.p95_s) == (7, 2, 1.5, 0.3)
    assert node_filter(node.id) == 'function:"alone" region:us-west-2'
    assert node_filter(("ObjectCreated:Put photos", "outside", "")) == "photos"
