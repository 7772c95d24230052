"""Views of what the original could not draw: doubts, outside causes, retries, many objects."""

from __future__ import annotations

import pytest

from causality.exports.dot import dot
from causality.views import View, ViewNode, select, view_of
from causality.views.aggregate import FOLD_ABOVE, aggregate
from causality.views.instance import UNSEEN
from causality.views.model import ViewEdge
from tests.unit.analysis.chains import World, read, received, send, update, updated
from tests.unit.exports.engines import engine_of


def _nodes(view: View) -> dict[str, ViewNode]:
    return {node.id: node for node in view.nodes}


def test_a_message_nobody_sent_comes_from_a_source_that_says_so() -> None:
    world = World()
    world.run("a", "A", 0.0, 1.0, causes=(received("m"),))

    view = view_of(world.engine(), "instance")

    source = view.nodes[0]
    assert (source.kind, source.service, source.resource, source.error) == (
        "source",
        "sqs",
        "jobs",
        UNSEEN,
    )
    assert view.edges == (ViewEdge(source.id, "invocation:a"),)


def test_a_schedule_is_named() -> None:
    world = World()
    cause = {"s": "schedule", "res": "arn:aws:events:us-east-1:1:rule/nightly"}
    world.run("a", "A", 0.0, 1.0, causes=(cause,))

    source = view_of(world.engine(), "aggregate").nodes[0]

    assert (source.kind, source.name, source.resource) == ("source", "schedule", "rule/nightly")
    assert source.error is None


def test_ambiguous_edges_lead_from_each_candidate() -> None:
    view = view_of(engine_of("edge/putitem_same_key_two_writers"), "instance")

    doubts = [edge for edge in view.edges if edge.evidence == "ambiguous"]

    assert doubts
    assert all(edge.candidates > 1 for edge in doubts)
    assert all(_nodes(view)[edge.source].kind == "call" for edge in doubts)


def test_functions_of_one_name_in_two_accounts_are_two() -> None:
    world = World()
    for number, account in enumerate(("111111111111", "222222222222", "111111111111")):
        call = send("s", number + 0.5, 0.1, f"m{number}")
        world.run(f"a{number}", "A", number, number + 1.0, call, account=account)

    view = view_of(world.engine(), "aggregate")

    functions = [node for node in view.nodes if node.kind == "invocation"]
    assert [(node.account, node.count) for node in functions] == [
        ("111111111111", 2),
        ("222222222222", 1),
    ]
    assert sum(node.kind == "call" for node in view.nodes) == 2
    assert b"A us-east-1 222222222222" in dot(view)


def test_a_retried_invocation_is_one_node_with_the_times_of_its_last_attempt() -> None:
    world = World()
    world.run("a", "A", 0.0, 2.0, read("r1", 0.5, 1.0), status="error")
    world.run("a", "A", 10.0, 11.0, read("r2", 10.25, 0.5), attempt="b")

    node = _nodes(view_of(world.engine(), "calls"))["invocation:a"]

    assert (node.attempts, node.errors, node.state) == (2, 0, "ok")
    assert node.duration_s == pytest.approx(1.0)
    assert node.sdk_s == pytest.approx(0.5)
    assert node.sdk_share == pytest.approx(0.5)


def test_calls_that_trigger_nothing_are_in_the_view_of_calls_only() -> None:
    world = World()
    world.run("a", "A", 0.0, 2.0, read("r", 0.5, 0.1), send("s", 1.0, 0.1, "m"))
    engine = world.engine()

    assert "call:a:r" not in _nodes(view_of(engine, "instance"))
    assert not _nodes(view_of(engine, "calls"))["call:a:r"].triggers
    assert _nodes(view_of(engine, "instance"))["call:a:s"].triggers


def test_aggregate_means_and_counts() -> None:
    world = World()
    for run, took_s in enumerate((1.0, 3.0)):
        at_s = 10.0 * run
        world.run(f"a{run}", "A", at_s, at_s + took_s, send("s", at_s + 0.5, 0.1, f"m{run}"))
        world.run(f"b{run}", "B", at_s + 4, at_s + 5, causes=(received(f"m{run}"),))

    view = view_of(world.engine(), "aggregate")

    node = _nodes(view)["function:us-east-1:A"]
    assert (node.count, node.errors, node.request_id) == (2, 0, None)
    assert node.duration_s == pytest.approx(2.0)
    delivered = next(edge for edge in view.edges if edge.target == "function:us-east-1:B")
    assert (delivered.count, delivered.evidence) == (2, "exact")
    assert delivered.delay_s == pytest.approx(3.4)


def test_a_clock_that_is_an_hour_off_leaves_the_mean_delay_of_the_others() -> None:
    world = World()
    for run, off_s in enumerate((0.0, -3600.0)):
        at_s = 10_000.0 + 10.0 * run
        world.run(f"a{run}", "A", at_s, at_s + 1.0, send("s", at_s + 0.5, 0.1, f"m{run}"))
        began_s = at_s + 4 + off_s
        world.run(f"b{run}", "B", began_s, began_s + 1, causes=(received(f"m{run}"),))

    view = view_of(world.engine(), "aggregate")

    delivered = next(edge for edge in view.edges if edge.target == "function:us-east-1:B")
    assert delivered.delay_s == pytest.approx(1.7)


@pytest.mark.parametrize(("objects", "shown"), [(FOLD_ABOVE, FOLD_ABOVE), (FOLD_ABOVE + 1, 1)])
def test_many_objects_of_a_bucket_are_folded(objects: int, shown: int) -> None:
    nodes = tuple(
        ViewNode(f"call:{n}", "call", "PutObject", "s3", "us-east-1", "bucket", f"key{n}")
        for n in range(objects)
    )

    folded = aggregate(View("calls", nodes, ()))

    assert len(folded.nodes) == shown
    assert sum(node.count for node in folded.nodes) == objects


def test_equal_graphs_give_equal_views() -> None:
    engine = engine_of("mapreduce")

    assert view_of(engine, "calls") == view_of(engine, "calls")
    assert len({node.id for node in view_of(engine, "calls").nodes}) == 103


def test_a_filter_keeps_what_may_have_caused_each_other_beside_chains_with_a_root() -> None:
    world = World()
    for name, at_s in (("x", 2.0), ("y", 2.1)):
        world.run(name, "F", at_s, at_s + 1, update("u", at_s + 0.5), causes=(updated(),))
    world.run("root", "G", 0.0, 1.0, send("s", 0.5, 0.1, "m"))
    world.run("z", "H", 3.0, 4.0, causes=(received("m"),))
    engine = world.engine()

    kept = select(engine, lambda invocation: invocation.request_id in ("x", "z"))

    assert [invocation.request_id for invocation in kept] == ["root", "x", "y", "z"]
