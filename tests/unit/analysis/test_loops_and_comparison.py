"""Loops, and the comparison of two sets of chains."""

from __future__ import annotations

import pytest

from causality.analysis import Hop, compare, loops
from causality.analysis.latencies import covered, latency_entries
from causality.filters import parse
from causality.latency import latencies_of
from causality.views import select
from tests.unit.analysis.chains import World, received, send, update, updated
from tests.unit.causality.oracle import APPLICATIONS
from tests.unit.exports.engines import engine_of


def test_a_chain_that_comes_back_is_a_loop() -> None:
    world = World()
    for turn in range(3):
        at_s = 10.0 * turn
        world.run(
            f"a{turn}",
            "A",
            at_s,
            at_s + 1,
            send("s", at_s + 0.5, 0.1, f"b{turn}", "other"),
            causes=(received(f"a{turn}"),),
        )
        world.run(
            f"b{turn}",
            "B",
            at_s + 2,
            at_s + 3,
            send("s", at_s + 2.5, 0.1, f"a{turn + 1}"),
            causes=(received(f"b{turn}", "other"),),
        )

    found = {loop.function: loop for loop in loops(select(world.engine()))}

    assert set(found) == {"A", "B"}
    assert found["A"].functions == ("A", "B")
    assert (found["A"].service, found["A"].resource, found["A"].turns) == ("sqs", "jobs", 2)
    assert found["A"].request_ids == ("a0", "b0", "a1")


def test_the_same_function_through_other_resources_is_no_loop() -> None:
    world = World()
    world.run("a0", "A", 0.0, 1.0, send("s", 0.5, 0.1, "m", "second"), causes=(received("x"),))
    world.run("a1", "A", 2.0, 3.0, causes=(received("m", "second"),))

    assert loops(select(world.engine())) == []


def test_of_a_batch_every_parent_can_close_the_loop() -> None:
    world = World()
    world.run("x", "X", 0.0, 1.0, send("s", 0.5, 0.1, "other"))
    world.run("a0", "A", 0.0, 1.0, send("s", 0.5, 0.1, "own"), causes=(received("first"),))
    world.run("a1", "A", 2.0, 3.0, causes=(received("other"), received("own")))

    (found,) = loops(select(world.engine()))

    assert (found.function, found.resource, found.request_ids) == ("A", "jobs", ("a0", "a1"))


@pytest.mark.parametrize("application", [name for name in APPLICATIONS if name != "mapreduce"])
def test_recorded_applications_have_no_loop(application: str) -> None:
    found = loops(select(engine_of(application)))

    assert [loop.function for loop in found] == []


def test_what_differs_between_two_runs() -> None:
    before, after = World(), World()
    for world, took_s, queue in ((before, 1.0, "old"), (after, 3.0, "new")):
        for run in range(10):
            at_s = 20.0 * run
            message = f"m{run}"
            world.run(
                f"a{run}",
                "A",
                at_s,
                at_s + took_s,
                send("s", at_s + 0.5, 0.1, message, queue),
            )
            cause = received(message, queue)
            world.run(f"b{run}", "B", at_s + 5, at_s + 6, causes=(cause,))

    found = compare(select(before.engine()), select(after.engine()))

    assert found.appeared == ((Hop("A", "SendMessage", "new", "B", "us-east-1"), 10),)
    assert found.vanished == ((Hop("A", "SendMessage", "old", "B", "us-east-1"), 10),)
    assert found.functions_appeared == found.functions_vanished == ()
    slower, same = found.shifts
    assert (slower.kind, slower.name, slower.before.count, slower.after.count) == (
        "function",
        "A",
        10,
        10,
    )
    assert (slower.verdict, slower.superiority) == ("slower", 1.0)
    assert slower.p_value < 0.001
    assert slower.p50_s == pytest.approx(2.0, rel=0.02)
    assert slower.ratio == pytest.approx(3.0, rel=0.02)
    assert same.name == "B"
    assert same.p50_s == pytest.approx(0.0)
    assert same.verdict == "unresolved"


def test_too_few_samples_leave_a_shift_unresolved() -> None:
    before, after = World(), World()
    before.run("a", "A", 0.0, 1.0)
    after.run("b", "A", 0.0, 9.0)

    (shift,) = compare(select(before.engine()), select(after.engine())).shifts

    assert (shift.verdict, shift.p_value) == ("unresolved", 1.0)
    assert shift.p50_s == pytest.approx(8.0)


def test_a_run_compared_to_itself_does_not_differ() -> None:
    members = select(engine_of("webapp"))

    found = compare(members, members)

    assert (found.appeared, found.vanished) == ((), ())
    assert {shift.p50_s for shift in found.shifts} == {0.0}


def _updates(callers: int) -> World:
    world = World()
    for caller in range(callers):
        world.run(f"a{caller}", "A", 0.0, 1.0, update("u", 0.5))
        world.run(f"b{caller}", "B", 2.0, 3.0, causes=(updated(),))
    return world


def test_what_is_in_doubt_neither_appeared_nor_vanished() -> None:
    certain, doubtful = select(_updates(1).engine()), select(_updates(2).engine())

    for found in (compare(certain, doubtful), compare(doubtful, certain)):
        assert (found.appeared, found.vanished) == ((), ())
    assert compare(certain, []).vanished == (
        (Hop("A", "UpdateItem", "orders", "B", "us-east-1"), 1),
    )
    assert compare(doubtful, []).vanished == ()


def _of_accounts(*accounts: str, took_s: float = 1.0) -> World:
    world = World()
    for account in accounts:
        world.run(f"a{account}", "A", 0.0, took_s, account=account)
    return world


def test_functions_of_one_name_in_several_accounts_are_told_apart() -> None:
    both = select(_of_accounts("111111111111", "222222222222").engine())
    one = select(_of_accounts("111111111111").engine())
    other = select(_of_accounts("222222222222", took_s=2.0).engine())

    assert compare(both, one).functions_vanished == (("A", "us-east-1", "222222222222"),)
    assert [shift.account for shift in compare(both, both).shifts] == [
        "111111111111",
        "222222222222",
    ]
    # One account may be compared to another, as staging to production.
    (shift,) = compare(one, other).shifts
    assert (shift.name, shift.account) == ("A", "")
    assert shift.ratio == pytest.approx(2.0, rel=0.02)
    assert [entry.account for entry in latency_entries(both, covered(both))] == [
        "111111111111",
        "222222222222",
    ]
    (entry,) = latency_entries(one, covered(one))
    assert (entry.count, entry.account) == (1, None)


def test_of_one_name_in_several_accounts_each_is_as_slow_as_it_is() -> None:
    world = _of_accounts("111111111111", took_s=1.0)
    world.run("slow", "A", 0.0, 9.0, account="222222222222")
    members = select(world.engine())
    test = parse("p95>5s", lambda: latencies_of(members))

    (entry,) = latency_entries(members, covered(members), test=test)

    assert entry.account == "222222222222"
    assert entry.max_s == pytest.approx(9.0)
