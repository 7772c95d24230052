"""The tree under headings, and shown so many levels deep."""

from __future__ import annotations

from typing import Any

import pytest

from causality.engine import Engine
from causality.filters import parse
from causality.latency import Latencies, LatencyTable
from causality.snapshot import TreeRow, TreeRows
from causality.tree.grouping import GROUPINGS, GroupedRows, Grouping, is_heading
from causality.tree.index import TreeIndex
from gammaray_tui.shown_tree import ShownTree, TreeChoices
from tests.unit.causality.oracle import json_records, readable
from tests.unit.causality.story import Story, T

_KINDS = [by for by in GROUPINGS if by is not None]
_PAGE = 40


def _loaded(case: str) -> tuple[Engine, TreeIndex]:
    engine = Engine()
    tree = TreeIndex(engine)
    engine.apply_records(readable(json_records(case)))
    _settle(engine, tree)
    return engine, tree


def _settle(engine: Engine, tree: TreeIndex) -> None:
    engine.settle()
    tree.update(engine.touched)
    engine.touched.clear()


def _rows(rows: TreeRows) -> list[TreeRow]:
    return [rows.row(index) for index in range(len(rows))]


def _unfolded(tree: TreeIndex, by: Grouping) -> GroupedRows:
    rows = GroupedRows(tree, by)
    rows.fold_all(False)
    return rows


@pytest.mark.parametrize("by", _KINDS)
@pytest.mark.parametrize("case", ["imageproc_overlap", "webapp"])
def test_groups_have_all_lines_of_the_tree_and_are_kept_as_things_come(
    case: str, by: Grouping
) -> None:
    engine = Engine()
    tree = TreeIndex(engine)
    rows = _unfolded(tree, by)
    records = readable(json_records(case))
    for start in range(0, len(records), _PAGE):
        engine.apply_records(records[start : start + _PAGE])
        _settle(engine, tree)
        found = _rows(rows)
        lines = [row for row in found if row.kind != "group"]
        assert sorted(row.node for row in lines) == sorted(row.node for row in _rows(tree))
        headings = [row for row in found if row.kind == "group"]
        assert sum(row.children for row in headings) == tree.chain_count
        assert sum(row.invocations for row in headings) == len(engine.invocations)
        assert sum(row.hidden_running for row in headings) == tree.running
        for index, row in enumerate(found):
            assert row.kind == "link" or rows.index_of(row.node) == index
    assert _rows(rows) == _rows(_unfolded(tree, by))


def test_what_chains_have_in_common_stands_in_the_heading() -> None:
    _, tree = _loaded("webapp")
    by_time = [row for row in _rows(GroupedRows(tree, "time")) if row.kind == "group"]
    assert [row.started_at_s for row in by_time] == sorted(row.started_at_s or 0 for row in by_time)
    assert all((row.started_at_s or 0) % 60 == 0 and not row.folded for row in by_time)
    by_function = _rows(GroupedRows(tree, "function"))
    assert all(row.kind == "group" and row.folded and row.region for row in by_function)
    assert sorted(row.function for row in by_function) == [row.function for row in by_function]
    together = _rows(GroupedRows(tree, "application"))
    assert 0 < len(together) <= len({row.function for row in by_function})


def test_a_group_is_folded_alone_and_opened_for_what_is_looked_for() -> None:
    _, tree = _loaded("webapp")
    rows = GroupedRows(tree, "function")
    heading = rows.row(0)
    assert is_heading(heading.node)
    rows.set_folded(False, heading.node)
    assert [row.kind for row in _rows(rows)][:2] == ["group", "invocation"]
    assert len(_rows(rows)) > len([r for r in _rows(rows) if r.kind == "group"]) > 1
    rows.fold_all(True)
    hidden = tree.row(0).node
    assert rows.index_of(hidden) is None
    rows.unfold_to(hidden)
    at = rows.index_of(hidden)
    assert at is not None
    assert rows.row(at).node == hidden


def test_what_does_not_fit_a_filter_is_not_counted() -> None:
    _, tree = _loaded("webapp")
    name = _rows(tree)[0].function
    tree.set_filter(parse(f"function:{name}", lambda: Latencies(LatencyTable(), LatencyTable())))
    rows = _rows(GroupedRows(tree, "function"))
    shown = {row.node for row in _rows(tree) if row.depth == 0}
    assert sum(row.children for row in rows) == len(shown) < tree.chain_count


def _tell(story: Story, chain: str, at_s: float) -> None:
    """Tell of a chain of three, each starting the next."""
    causes: tuple[dict[str, Any], ...] = ()
    for number in range(1, 4):
        begun_s = at_s + number
        following = {"res": "fn", "ids": {"lambda_request": f"{chain}{number + 1}"}}
        call = {"k": "c", "i": "call", "t": begun_s + 0.1, "d": 0.01, "s": "lambda", "o": "Invoke"}
        calls = [{**call, "g": "us-west-2", "out": [following]}] if number < 3 else []
        story.invocation(f"{chain}{number}", begun_s, *calls, causes=causes)
        causes = ({"s": "lambda", **following},)


def test_levels_are_shown_of_every_chain_also_of_those_to_come() -> None:
    story = Story()
    tree = TreeIndex(story.engine)
    _tell(story, "a", T)
    _settle(story.engine, tree)
    assert [row.depth for row in _rows(tree)] == [0, 1, 2]
    tree.show_levels(1)
    _tell(story, "b", T + 60)
    _settle(story.engine, tree)
    assert [(row.node, row.depth, row.children) for row in _rows(tree)] == [
        ("a1", 0, 2),
        ("b1", 0, 2),
    ]
    tree.set_folded(False, "b1")
    assert [row.node for row in _rows(tree)] == ["a1", "b1", "b2"]
    tree.show_levels(2)
    assert [row.node for row in _rows(tree)] == ["a1", "a2", "b1", "b2"]
    assert tree.deepest == 2
    tree.show_levels(None)
    assert len(tree) == 6


def test_fan_in_is_counted_and_leads_to_its_line() -> None:
    story = Story()
    tree = TreeIndex(story.engine)
    for number in (1, 2):
        call = {"k": "c", "i": "call", "t": T + number, "d": 0.01, "s": "sqs", "o": "SendMessage"}
        sent = {"res": "jobs", "ids": {"sqs_message": f"m{number}"}}
        story.invocation(f"p{number}", T + number, {**call, "g": "us-west-2", "out": [sent]})
    causes = tuple(
        {"s": "sqs", "res": "jobs", "ids": {"sqs_message": f"m{number}"}} for number in (1, 2)
    )
    story.invocation("batch", T + 3, causes=causes)
    _settle(story.engine, tree)
    rows = _rows(tree)
    assert [(row.node, row.kind, row.causes) for row in rows] == [
        ("p1", "invocation", 0),
        ("batch", "invocation", 2),
        ("p2", "invocation", 0),
        ("batch", "link", 0),
    ]
    assert tree.index_of("batch") == 1


def test_levels_go_from_headings_to_everything() -> None:
    story = Story()
    choices = TreeChoices(calls_shown=False, grouping="function")
    shown = ShownTree(story.engine, choices)
    _tell(story, "a", T)
    _settle(story.engine, shown.index)
    assert [row.depth for row in _rows(shown.rows)] == [-1]
    assert [shown.step_levels(1) for _ in range(5)] == [1, 2, 3, None, None]
    assert [shown.step_levels(-1) for _ in range(4)] == [2, 1, 0, 0]
    shown.step_levels(1)
    again = ShownTree(Story().engine, choices)
    assert (again.index.levels, choices.grouping) == (1, "function")
    shown.set_grouping(None)
    assert [row.node for row in _rows(shown.rows)] == ["a1"]
    shown.set_frozen(True)
    shown.set_folded(False, "a1")
    assert [row.node for row in _rows(shown.rows)] == ["a1", "a2"]
    assert shown.find("a1", lambda member: member.node == "a3", 1) == "a3"
    assert len(shown.rows) == 3


def test_headings_tell_accounts_apart_where_they_share_a_function() -> None:
    story = Story()
    for request_id, function, account in (
        ("r1", "pay", "111111111111"),
        ("r2", "pay", "222222222222"),
        ("r3", "pay", "222222222222"),
        ("r4", "mail", "222222222222"),
    ):
        story.invocation(request_id, T, function=function, account=account)
    tree = TreeIndex(story.engine)
    tree.update(story.engine.invocations.values())
    headings = {row.function: row.children for row in _rows(GroupedRows(tree, "function"))}
    assert headings == {"mail": 1, "pay 111111111111": 1, "pay 222222222222": 2}
