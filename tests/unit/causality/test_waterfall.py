"""Chains laid out in time, on the recorded applications."""

from __future__ import annotations

from itertools import pairwise

import pytest

from causality.engine import Engine
from causality.tree.index import TreeIndex
from causality.waterfall import Waterfall, waterfall_of
from tests.unit.causality.oracle import APPLICATIONS, documents, json_records, readable


def _waterfalls(case: str, *, with_calls: bool = True) -> list[Waterfall]:
    engine = Engine()
    tree = TreeIndex(engine)
    engine.apply_records(readable(json_records(case)))
    engine.apply_documents(documents(case))
    engine.finish()
    engine.settle()
    tree.update(engine.touched)
    found: dict[float, Waterfall] = {}
    for request_id in engine.invocations:
        waterfall = waterfall_of(engine, tree, request_id, 0.0, with_calls=with_calls)
        if waterfall is not None:
            found[waterfall.began_s] = waterfall
    assert sum(not row.is_call for w in found.values() for row in w.rows) == len(engine.invocations)
    return list(found.values())


@pytest.mark.parametrize("case", APPLICATIONS)
def test_all_stands_within_the_chain_and_the_critical_path_has_no_holes(case: str) -> None:
    for waterfall in _waterfalls(case):
        assert waterfall.rows
        for row in waterfall.rows:
            for span in row.spans:
                assert span.start_s <= span.end_s <= waterfall.length_s + 1e-6
        assert any(row.critical for row in waterfall.rows)
        for before, after in pairwise(waterfall.path):
            assert after.start_s == pytest.approx(before.end_s, abs=1e-6)
        covered_s = sum(span.end_s - span.start_s for span in waterfall.path)
        assert covered_s == pytest.approx(waterfall.latency_s, abs=1e-6)
        assert sum(s for _, s in waterfall.totals) == pytest.approx(waterfall.latency_s, abs=1e-6)


def test_calls_have_lines_of_their_own_below_their_invocation() -> None:
    for waterfall in _waterfalls("webapp"):
        for above, row in pairwise(waterfall.rows):
            if row.is_call:
                assert row.node.split("#")[0] == above.node.split("#")[0]
                assert row.depth == above.depth + (not above.is_call)
    for waterfall in _waterfalls("webapp", with_calls=False):
        assert not any(row.is_call for row in waterfall.rows)


def test_marks_stand_in_the_time_of_the_chain() -> None:
    engine = Engine()
    tree = TreeIndex(engine)
    engine.apply_records(readable(json_records("webapp")))
    engine.settle()
    tree.update(engine.touched)
    node = tree.row(0).node
    plain = waterfall_of(engine, tree, node, 0.0, with_calls=False)
    assert plain is not None
    began_s, ended_s = plain.began_s, plain.began_s + plain.length_s
    marks = [
        (began_s - 60.0, "deployed", "webapp"),
        (began_s - 0.5, "fired", "webapp"),
        (began_s, "paused", ""),
        (ended_s + 1.0, "fired", "webapp"),
    ]
    found = waterfall_of(engine, tree, node, 0.0, with_calls=False, marks=marks)
    assert found is not None
    assert [(mark.kind, mark.text) for mark in found.marks] == [("fired", "webapp"), ("paused", "")]
    assert found.marks[0].offset_s == pytest.approx(-0.5, abs=1e-6)


def test_what_has_left_the_graph_has_no_time_line() -> None:
    engine = Engine()
    assert waterfall_of(engine, TreeIndex(engine), "gone", 0.0, with_calls=True) is None
