"""The critical path: its parts, their sum, and which of several ways it takes."""

from __future__ import annotations

import pytest

from causality.analysis import critical_path
from causality.views import select
from tests.unit.analysis.chains import World, read, received, send
from tests.unit.causality.oracle import CASES
from tests.unit.exports.engines import engine_of


def test_parts_of_a_chain_of_two() -> None:
    world = World()
    world.run("a", "First", 0.0, 1.5, read("r", 0.2, 0.3), send("s", 1.0, 0.1, "m"), init_s=0.4)
    world.run("b", "Second", 3.0, 4.0, causes=(received("m"),), init_s=0.5)
    world.queued("b", "Second", 1.9, 0.6)

    found = critical_path(select(world.engine()))

    assert found is not None
    assert found.request_ids == ("a", "b")
    assert found.evidence == "exact"
    assert [(part.kind, part.request_id) for part in found.parts] == [
        ("init", "a"),
        ("handler", "a"),
        ("sdk", "a"),
        ("handler", "a"),
        ("sdk", "a"),
        ("delay", "b"),
        ("queue", "b"),
        ("init", "b"),
        ("handler", "b"),
    ]
    assert found.latency_s == pytest.approx(4.4)
    assert found.totals() == pytest.approx(
        {"init": 0.9, "handler": 1.7, "sdk": 0.4, "delay": 0.8, "queue": 0.6}
    )
    assert found.parts[2].detail == "GetItem table"


def test_what_comes_after_the_queue_and_before_the_start_is_delay() -> None:
    world = World()
    world.run("a", "First", 0.0, 1.0, send("s", 0.5, 0.5, "m"))
    world.run("b", "Second", 3.0, 4.0, causes=(received("m"),), init_s=0.5)
    world.queued("b", "Second", 1.5, 0.2)

    found = critical_path(select(world.engine()))

    assert found is not None
    assert found.totals() == pytest.approx(
        {"handler": 1.5, "sdk": 0.5, "delay": 0.5 + 0.8, "queue": 0.2, "init": 0.5}
    )


def test_of_two_parents_the_one_that_came_last_counts() -> None:
    world = World()
    world.run("early", "Sender", 0.0, 1.0, send("s", 0.5, 0.1, "m1"))
    world.run("late", "Sender", 0.0, 3.0, send("s", 2.5, 0.1, "m2"))
    world.run("both", "Worker", 4.0, 5.0, causes=(received("m1"), received("m2")))

    found = critical_path(select(world.engine()))

    assert found is not None
    assert found.request_ids == ("late", "both")


def test_a_retry_is_told_apart() -> None:
    world = World()
    world.run("a", "First", 0.0, 1.0, send("s", 0.5, 0.5, "m"))
    world.run("b", "Second", 2.0, 3.0, causes=(received("m"),), status="error")
    world.run("b", "Second", 5.0, 6.0, causes=(received("m"),), attempt="b")

    found = critical_path(select(world.engine()))

    assert found is not None
    assert found.totals() == pytest.approx({"handler": 1.5, "sdk": 0.5, "delay": 1.0, "retry": 3.0})


def test_one_whose_start_was_lost_counts_from_its_first_call() -> None:
    world = World()
    world.run("a", "First", 0.0, 1.0, send("s", 0.5, 0.1, "m1"))
    world.run("b", "Second", 1.5, 3.0, send("s", 2.0, 0.1, "m2"), causes=(received("m1"),))
    world.run("c", "Third", 4.0, 5.0, causes=(received("m2"),))
    world.lose_start("b")

    chain = select(world.engine(), lambda invocation: invocation.request_id == "c")
    found = critical_path(chain)

    assert found is not None
    assert found.request_ids == ("b", "c")
    assert found.totals() == pytest.approx({"sdk": 0.1, "delay": 1.9, "handler": 1.0})


def test_nothing_known_gives_nothing() -> None:
    assert critical_path([]) is None


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("traces", [True, False])
def test_parts_follow_each_other_and_add_up(case: str, traces: bool) -> None:
    engine = engine_of(case, traces=traces)

    found = critical_path(select(engine))

    assert found is not None
    for one, following in zip(found.parts, found.parts[1:], strict=False):
        assert one.ended_s == following.began_s
    assert all(part.duration_s > 0 for part in found.parts)
    assert sum(part.duration_s for part in found.parts) == pytest.approx(found.latency_s)


def test_a_recorded_chain() -> None:
    engine = engine_of("imageproc")
    first = engine.invocations["9b157909-1aac-4b12-95af-3772df1bf961"]
    chain = select(engine, lambda invocation: invocation is first)

    found = critical_path(chain)

    assert found is not None
    assert found.request_ids == (
        "9b157909-1aac-4b12-95af-3772df1bf961",
        "ee9ca713-92d7-4aab-ba26-99703d85b28a",
        "9135ab53-cad4-4c6f-8006-f70324afc078",
    )
    assert found.evidence == "order"
