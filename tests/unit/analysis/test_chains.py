"""Chains one by one: their members, their ends, and what the path says when things are missing."""

from __future__ import annotations

import pytest

from causality.analysis import chains, critical_path, steps, summary
from causality.views import select
from tests.unit.analysis.chains import EPOCH_S, World, invoke, invoked, received, send
from tests.unit.causality.oracle import CASES
from tests.unit.exports.engines import engine_of


def test_a_batch_belongs_to_the_chains_of_all_that_led_to_it() -> None:
    world = World()
    world.run("early", "Sender", 0.0, 1.0, send("s", 0.5, 0.1, "m1"))
    world.run("late", "Sender", 1.0, 3.0, send("s", 2.5, 0.1, "m2"))
    world.run("both", "Worker", 4.0, 5.0, causes=(received("m1"), received("m2")))
    world.run("alone", "Other", 9.0, 9.5, status="error")

    found = chains(select(world.engine()))

    assert [(c.root.request_id, [m.request_id for m in c.members]) for c in found] == [
        ("early", ["early", "both"]),
        ("late", ["late", "both"]),
        ("alone", ["alone"]),
    ]
    first, _, alone = map(summary, found)
    assert (first.functions, first.invocations, first.errors) == (("Sender", "Worker"), 2, 0)
    assert first.latency_s == pytest.approx(5.0)
    assert alone.errors == 1
    assert alone.latency_s == pytest.approx(0.5)


@pytest.mark.parametrize("case", CASES)
def test_each_invocation_is_in_a_chain_and_paths_stay_in_theirs(case: str) -> None:
    members = select(engine_of(case))

    found = chains(members)

    assert {m for chain in found for m in chain.members} == set(members)
    assert len({chain.root for chain in found}) == len(found)
    for chain in found:
        told = summary(chain)
        if told.path is not None:
            assert set(told.path.request_ids) <= {m.request_id for m in chain.members}
            assert told.latency_s is not None
            assert told.path.latency_s <= told.latency_s + 1e-6
            assert sum(told.path.totals().values()) == pytest.approx(told.path.latency_s)


def test_a_filtered_set_is_taken_apart_without_what_was_left_out() -> None:
    world = World()
    world.run("a", "A", 0.0, 1.0, send("s", 0.5, 0.1, "m"))
    world.run("b", "B", 2.0, 3.0, causes=(received("m"),))
    known = world.invocations()

    (chain,) = chains([known["b"]])

    assert (chain.root, chain.members) == (known["b"], [known["b"]])


def test_what_still_runs_is_said_and_counted_up_to_what_is_known() -> None:
    world = World()
    world.run("a", "A", 0.0, 1.0, send("s", 0.5, 0.1, "m"))
    world.run("b", "B", 2.0, None, send("t", 2.5, 0.5, "n"), causes=(received("m"),))
    engine = world.engine(ended=False)

    found = critical_path(select(engine))

    assert found is not None
    assert not found.complete
    assert found.latency_s == pytest.approx(3.0)
    (told,) = map(summary, chains(select(engine)))
    assert told.running == 1


def test_a_clock_that_runs_behind_gives_no_negative_parts() -> None:
    world = World()
    world.run("a", "A", 10.0, 12.0, send("s", 11.0, 0.5, "m"))
    world.run("b", "B", 9.0, 14.0, causes=(received("m"),))  # began before it was sent

    found = critical_path(select(world.engine()))

    assert found is not None
    assert found.request_ids == ("a", "b")
    assert all(part.duration_s > 0 for part in found.parts)
    assert found.parts[0].began_s == EPOCH_S + 10.0
    assert found.latency_s == pytest.approx(4.0)


def test_the_path_leaves_a_call_when_what_it_started_came_in() -> None:
    world = World()
    world.run("a", "A", 0.0, 9.0, send("s", 1.0, 5.0, "m"))  # answered long after delivery
    world.run("b", "B", 3.0, 20.0, causes=(received("m"),))
    world.queued("b", "B", 2.0, 1.0)

    found = critical_path(select(world.engine()))

    assert found is not None
    assert found.totals() == pytest.approx({"handler": 18.0, "sdk": 1.0, "queue": 1.0})


def test_the_split_is_that_of_the_whole_latency_though_clocks_disagree() -> None:
    world = World()
    world.run("a", "A", 0.0, 1.0, send("s", 0.1, 0.1, "m"))
    world.run("b", "B", 0.5, 2.0, causes=(received("m"),))
    world.queued("b", "B", -0.5, 0.2)

    (found,) = map(summary, chains(world.invocations().values()))

    assert found.path is not None
    assert found.latency_s == pytest.approx(2.0)
    assert sum(found.path.totals().values()) == pytest.approx(found.latency_s)


def test_one_that_ends_while_its_caller_waits_is_part_of_the_call() -> None:
    world = World()
    world.run("a", "A", 0.0, 5.0, invoke("i", 1.0, 3.0, "B", "b"))
    world.run("b", "B", 1.5, 3.5, causes=(invoked("B", "b"),))

    found = critical_path(select(world.engine()))

    assert found is not None
    assert found.request_ids == ("a",)
    assert found.totals() == pytest.approx({"handler": 2.0, "sdk": 3.0})


def test_steps_say_how_each_was_reached() -> None:
    world = World()
    waits = (invoke("i1", 1.0, 2.0, "B", "b"), invoke("i2", 4.0, 2.0, "C", "c"))
    world.run("a", "A", 0.0, 9.0, *waits)
    world.run("b", "B", 1.5, 2.5, causes=(invoked("B", "b"),))
    world.run("c", "C", 4.5, 5.5, causes=(invoked("C", "c"),))
    known = world.invocations()

    found = steps([known["b"], known["a"], known["c"]])

    assert [(step.request_id, step.how) for step in found] == [
        ("a", "answered"),
        ("c", "Invoke C"),
    ]
