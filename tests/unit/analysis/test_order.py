"""Happens-before: over hops, over answers, and when nothing orders two invocations."""

from __future__ import annotations

import pytest

from causality.analysis import Relation, relation
from tests.unit.analysis.chains import (
    World,
    invoke,
    invoked,
    received,
    send,
    update,
    updated,
)
from tests.unit.exports.engines import engine_of


def test_causes_are_before_effects_over_any_number_of_hops() -> None:
    world = World()
    world.run("a", "A", 0.0, 1.0, send("s", 0.5, 0.1, "m1"))
    world.run("b", "B", 2.0, 3.0, send("s", 2.5, 0.1, "m2"), causes=(received("m1"),))
    world.run("c", "C", 4.0, 5.0, causes=(received("m2"),))
    world.run("d", "D", 9.0, 10.0)
    found = world.invocations()

    assert relation(found["a"], found["c"]) == Relation("before", ("a", "b", "c"))
    assert relation(found["c"], found["a"]) == Relation("after", ("a", "b", "c"))
    assert relation(found["b"], found["b"]) == Relation("same", ("b",))
    assert relation(found["a"], found["d"]) == Relation("concurrent")  # later, but not because


def test_siblings_are_ordered_when_the_caller_waited_in_between() -> None:
    world = World()
    world.run(
        "a",
        "A",
        0.0,
        9.0,
        invoke("i1", 1.0, 2.0, "B", "b"),
        invoke("i2", 4.0, 2.0, "C", "c"),
        send("s", 0.5, 0.1, "m"),
    )
    world.run("b", "B", 1.5, 2.5, causes=(invoked("B", "b"),))
    world.run("c", "C", 4.5, 5.5, causes=(invoked("C", "c"),))
    world.run("d", "D", 6.0, 7.0, causes=(received("m"),))
    found = world.invocations()

    assert relation(found["b"], found["c"]) == Relation("before", ("b", "a", "c"))
    assert relation(found["b"], found["d"]).kind == "concurrent"  # sent before b was invoked


def test_a_caller_that_waited_is_before_what_it_invoked_and_not_after() -> None:
    world = World()
    world.run("a", "A", 0.0, 9.0, invoke("i1", 1.0, 5.0, "B", "b"), send("s", 7.0, 0.1, "m"))
    inner = invoke("i2", 2.0, 2.0, "C", "c")
    world.run("b", "B", 1.5, 5.5, inner, causes=(invoked("B", "b"),))
    world.run("c", "C", 2.5, 3.5, causes=(invoked("C", "c"),))
    world.run("d", "D", 8.0, 9.5, causes=(received("m"),))
    found = world.invocations()

    for later, path in (("b", ("a", "b")), ("c", ("a", "b", "c")), ("d", ("a", "d"))):
        assert relation(found["a"], found[later]) == Relation("before", path)
        assert relation(found[later], found["a"]) == Relation("after", path)
    assert relation(found["c"], found["d"]) == Relation("before", ("c", "b", "a", "d"))


def test_records_that_contradict_each_other_order_nothing() -> None:
    world = World()
    world.run("a", "A", 0.0, 5.0, send("s1", 1.0, 0.1, "m1"), causes=(received("m2"),))
    world.run("b", "B", 2.0, 3.0, send("s2", 2.5, 0.1, "m2"), causes=(received("m1"),))
    found = world.invocations()

    assert relation(found["a"], found["b"]) == Relation("concurrent", certain=False)


def test_nobody_waits_for_what_is_invoked_for_later() -> None:
    world = World()
    quick = invoke("i1", 1.0, 2.0, "B", "b")
    quick["out"][0]["o"] = "event"
    world.run("a", "A", 0.0, 9.0, quick, invoke("i2", 4.0, 2.0, "C", "c"))
    world.run("b", "B", 1.5, 1.6, causes=(invoked("B", "b"),))  # its clock may be slow
    world.run("c", "C", 4.5, 5.5, causes=(invoked("C", "c"),))
    found = world.invocations()

    assert relation(found["b"], found["c"]) == Relation("concurrent")


def test_an_answer_was_waited_for_whatever_the_clock_of_the_function_says() -> None:
    world = World()
    world.run(
        "a", "A", 0.0, 9.0, invoke("i1", 1.0, 2.0, "B", "b"), invoke("i2", 4.0, 2.0, "C", "c")
    )
    world.run("b", "B", 0.9, 2.5, causes=(invoked("B", "b"),))  # its clock is slow
    world.run("c", "C", 4.5, 7.5, causes=(invoked("C", "c"),))  # its clock is quick
    found = world.invocations()

    assert relation(found["b"], found["c"]) == Relation("before", ("b", "a", "c"))


def test_a_request_that_may_have_been_waited_for_leaves_a_doubt() -> None:
    world = World()
    to_b = {**invoke("i", 1.0, 2.0, "GET b.example/x", "t"), "s": "http", "o": "GET"}
    to_b["out"] = [{"res": "GET b.example/x", "ids": {"traceparent": "t"}}]
    world.run("a", "A", 0.0, 9.0, to_b, send("s", 4.0, 0.1, "m"))
    asked = {"s": "http", "res": "GET b.example/x", "ids": {"traceparent": "t"}}
    world.run("b", "B", 0.9, 2.5, causes=(asked,))  # its clock is slow, or nobody waited
    world.run("c", "C", 5.0, 6.0, causes=(received("m"),))
    found = world.invocations()

    assert relation(found["a"], found["b"]) == Relation("before", ("a", "b"))
    assert relation(found["b"], found["c"]) == Relation("concurrent", certain=False)


def test_whichever_of_a_caller_s_calls_it_was_all_came_after_the_answer() -> None:
    world = World()
    calls = (update("u1", 5.0), update("u2", 6.0))
    world.run("a", "A", 0.0, 9.0, invoke("i", 1.0, 2.0, "B", "b"), *calls)
    world.run("b", "B", 1.5, 2.5, causes=(invoked("B", "b"),))
    for name in ("c", "d"):
        world.run(name, "C", 10.0, 11.0, causes=(updated(),))
    found = world.invocations()
    (cause,) = found["c"].causes
    assert cause.edge is not None
    assert cause.edge.call is None  # one of two, and a's in any case

    assert relation(found["b"], found["c"]) == Relation("before", ("b", "a", "c"))


def test_a_result_is_handed_on_after_all_that_led_to_it() -> None:
    world = World()
    world.run("a", "A", 0.0, 9.0, invoke("i", 1.0, 2.0, "B", "b"))
    world.run("b", "B", 1.5, 2.5, causes=(invoked("B", "b"),))
    handed_on = {"s": "lambda", "res": "A", "caller": "a", "name": "destination:Success"}
    world.run("c", "C", 10.0, 11.0, causes=(handed_on,))
    found = world.invocations()

    assert relation(found["b"], found["c"]) == Relation("before", ("b", "a", "c"))


def test_a_call_that_was_not_recorded_may_have_come_after_the_answer() -> None:
    world = World()
    world.run("a", "A", 0.0, 9.0, invoke("i", 1.0, 2.0, "B", "b"))
    world.run("b", "B", 1.5, 2.5, causes=(invoked("B", "b"),))
    by_a = {"s": "lambda", "res": "C", "caller": "a", "ids": {"lambda_request": "c"}}
    world.run("c", "C", 5.0, 6.0, causes=(by_a,))
    found = world.invocations()

    assert relation(found["a"], found["c"]) == Relation("before", ("a", "c"))
    assert relation(found["b"], found["c"]) == Relation("concurrent", certain=False)


def test_siblings_of_one_fan_out_are_concurrent() -> None:
    world = World()
    world.run("a", "A", 0.0, 1.0, send("s1", 0.2, 0.1, "m1"), send("s2", 0.5, 0.1, "m2"))
    world.run("b", "B", 2.0, 3.0, causes=(received("m1"),))
    world.run("c", "C", 4.0, 5.0, causes=(received("m2"),))
    found = world.invocations()

    assert relation(found["b"], found["c"]) == Relation("concurrent")


def test_what_an_answer_may_have_led_to_is_no_certain_concurrency() -> None:
    world = World()
    world.run("a", "A", 0.0, 9.0, invoke("i", 1.0, 2.0, "B", "b"), update("u", 5.0))
    world.run("other", "A", 0.0, 9.0, update("u", 5.0))
    world.run("b", "B", 1.5, 2.5, causes=(invoked("B", "b"),))
    for name in ("c", "d"):
        world.run(name, "C", 10.0, 11.0, causes=(updated(),))
    found = world.invocations()

    # Of the two updates, one of each caller, nobody knows which one led to c.
    assert relation(found["a"], found["c"]) == Relation("concurrent", certain=False)
    assert relation(found["b"], found["c"]) == Relation("concurrent", certain=False)
    assert relation(found["c"], found["b"]) == Relation("concurrent", certain=False)


def test_what_was_made_before_the_answer_leaves_no_doubt() -> None:
    world = World()
    world.run("a", "A", 0.0, 9.0, update("u", 0.5), invoke("i", 1.0, 2.0, "B", "b"))
    world.run("other", "A", 0.0, 9.0, update("u", 0.5))
    world.run("b", "B", 1.5, 2.5, causes=(invoked("B", "b"),))
    for name in ("c", "d"):
        world.run(name, "C", 10.0, 11.0, causes=(updated(),))
    found = world.invocations()

    assert relation(found["b"], found["c"]) == Relation("concurrent", certain=True)


@pytest.mark.parametrize(
    "case", ["edge/putitem_same_key_two_writers", "edge/invoke_no_type", "mapreduce"]
)
def test_relation_is_antisymmetric(case: str) -> None:
    opposite = {"before": "after", "after": "before", "concurrent": "concurrent", "same": "same"}
    members = list(engine_of(case).invocations.values())
    for first in members:
        for second in members:
            one, other = relation(first, second), relation(second, first)
            assert other.kind == opposite[one.kind]
            assert other.certain == one.certain
