"""The latencies of a watch: windows by the records' clock, and filters that follow the tables."""

from __future__ import annotations

from causality.latency import LatencyTable
from causality.service_map import edge_filter, node_filter
from gammaray_tui.latencies import WatchedLatencies
from gammaray_tui.watch import Watch
from providers.events import EndOfInput, RecordBatch
from tests.unit.analysis.chains import EPOCH_S, World, invoke, invoked


def _latencies(*ends_s: float) -> WatchedLatencies:
    world = World()
    for number, ended_s in enumerate(ends_s):
        world.run(f"r{number}", "F", ended_s - 1.0, ended_s)
    latencies = WatchedLatencies()
    latencies.window_s = 60.0
    latencies.update(world.invocations().values())
    return latencies


def _count(latencies: WatchedLatencies, now_s: float, *, ended: bool = False) -> int:
    functions, _ = latencies.rows(now_s, (), ended=ended)
    return sum(row.count for row in functions)


def test_what_is_replayed_has_its_own_present() -> None:
    latencies = _latencies(0.0, 300.0, 310.0)
    wall_s = EPOCH_S + 40_000_000.0  # long after it was recorded

    assert _count(latencies, wall_s) == 2
    assert _count(latencies, wall_s + 30.0) == 2
    assert _count(latencies, wall_s + 90.0) == 0  # it slid on while nothing came


def test_time_stands_still_at_the_end_of_input() -> None:
    latencies = _latencies(0.0, 310.0)

    assert _count(latencies, EPOCH_S + 1e6, ended=True) == 1
    assert _count(latencies, EPOCH_S + 2e6, ended=True) == 1


def test_a_filter_by_quantile_follows_the_tables() -> None:
    now_s = EPOCH_S + 100.0
    watch = Watch("test", clock=lambda: now_s)
    quick, slow = World(), World()
    quick.run("a", "F", 0.0, 0.1)
    slow.run("b", "F", 10.0, 19.0)
    watch.apply(RecordBatch("us-east-1", "", quick.records))
    watch.set_filter("p95>5s")
    assert len(watch.snapshot().rows) == 0

    watch.apply(RecordBatch("us-east-1", "", slow.records))
    now_s += 10.0
    watch.apply(EndOfInput(""))
    watch.set_latency_window(None)  # the tables are made anew at once

    assert len(watch.snapshot().rows) == 2  # both: their function is slow now


def _latency_counts(watch: Watch) -> dict[str, int]:
    return {row.name: row.count for row in watch.snapshot().functions}


def test_a_filter_holds_for_latencies_problems_and_the_map() -> None:
    world = World()
    world.run("a", "F", 0.0, 1.0, init_s=0.2)
    world.run("b", "F", 1.0, 2.0)
    world.run("b", "F", 3.0, 4.0, attempt="b")
    world.run("c", "G", 2.0, 3.0, init_s=0.3)
    watch = Watch("test", clock=lambda: EPOCH_S + 100.0)
    watch.apply(RecordBatch("us-east-1", "", world.records))

    watch.set_filter("cold")
    assert _latency_counts(watch) == {"F": 1, "G": 1}
    assert {node.name for node in watch.service_map().nodes if not node.outside} == {"F", "G"}
    assert not watch.snapshot().problems
    assert watch.snapshot().header.problem_kinds == (("retry", 1),)  # of all, whatever fits

    watch.set_filter("function:G")
    assert _latency_counts(watch) == {"G": 1}
    assert {node.name for node in watch.service_map().nodes if not node.outside} == {"G"}
    late = World()
    late.run("d", "G", 5.0, 6.0)
    late.run("e", "F", 5.0, 6.0)
    watch.apply(RecordBatch("us-east-1", "", late.records))
    watch.set_latency_window(None)  # the tables are made anew at once
    assert _latency_counts(watch) == {"G": 2}

    watch.set_filter("")
    assert _latency_counts(watch) == {"F": 4, "G": 2}
    assert len(watch.snapshot().problems) == 1


def test_functions_of_one_name_in_several_accounts_are_told_apart() -> None:
    ours, theirs = "111111111111", "222222222222"
    world = World()
    for account, count in ((ours, 1), (theirs, 2)):
        for number in range(count):
            caller, called = f"a{account}{number}", f"b{account}{number}"
            call = invoke("x", 0.1, 0.05, "B", called)
            world.run(caller, "A", 0.0, 5.0 * count, call, account=account)
            world.run(called, "B", 0.3, 0.9, causes=(invoked("B", called),), account=account)
    world.run(f"a{theirs}0", "A", 20.0, 25.0, attempt="b", account=theirs)
    world.run("alone", "C", 0.0, 1.0, account="333333333333")
    watch = Watch("test", clock=lambda: EPOCH_S + 100.0)
    watch.apply(RecordBatch("us-east-1", "", world.records))
    watch.apply(EndOfInput(""))

    seen = watch.snapshot()
    assert {row.key: row.count for row in (*seen.functions, *seen.edges)} == {
        ("A", "us-east-1", ours): 1,
        ("A", "us-east-1", theirs): 3,
        ("B", "us-east-1", ours): 1,
        ("B", "us-east-1", theirs): 2,
        ("C", "us-east-1", ""): 1,
        ("A → B", "us-east-1", ours): 1,
        ("A → B", "us-east-1", theirs): 2,
    }
    assert watch.heat("functions", ("A", "us-east-1", theirs)).greatest == 2
    drawn = watch.service_map()
    assert {(e.source[2], e.target[2], e.count) for e in drawn.edges if e.source[0] == "A"} == {
        (ours, ours, 1),
        (theirs, theirs, 2),
    }
    assert {node.account: node.count for node in drawn.nodes if node.name == "A"} == {
        ours: 1,
        theirs: 3,
    }
    (retry,) = (row.text for row in seen.problems if row.kind == "retry")
    assert retry == f"A was tried 2 times (account {theirs})"

    # What is filtered keeps its account, and quantiles are those of one account.
    for expression in (node_filter(("A", "us-east-1", theirs)), "p95>7s"):
        watch.set_filter(expression)
        assert {row.key for row in watch.snapshot().functions} == {("A", "us-east-1", theirs)}
    watch.set_filter(edge_filter(("A → B", "us-east-1", ours)))
    assert {row.key: row.count for row in watch.snapshot().edges} == {
        ("A → B", "us-east-1", ours): 1
    }


def test_what_did_not_say_its_account_counts_with_the_only_one() -> None:
    table = LatencyTable()
    for number, account in enumerate(("", "111111111111", "111111111111")):
        table.put(number, (("F", "r", account), 1.0, EPOCH_S, False, False))
    assert [(row.key, row.count) for row in table.rows()] == [(("F", "r", ""), 3)]

    table.put("other", (("F", "r", "222222222222"), 9.0, EPOCH_S, False, False))
    assert {row.account: row.count for row in table.rows(EPOCH_S, 60.0)} == {
        "?": 1,
        "111111111111": 2,
        "222222222222": 1,
    }


def test_what_ceases_to_fit_is_taken_out_again_and_large_graphs_are_counted_bit_by_bit() -> None:
    many = World()
    for number in range(1200):
        many.run(f"r{number}", "F", 0.0, 1.0)
    many.run("open", "F", 0.0, None)
    watch = Watch("test", clock=lambda: EPOCH_S + 5.0)
    watch.apply(RecordBatch("us-east-1", "", many.records))

    watch.set_filter("running")
    while watch.drain():
        pass
    assert [edge.count for edge in watch.service_map().edges] == [1]

    ended = World()
    ended.run("open", "F", 0.0, 4.0)
    watch.apply(RecordBatch("us-east-1", "", ended.records))
    assert not watch.service_map().edges

    watch.set_filter("-running")
    assert _latency_counts(watch)["F"] < 1201
    while watch.drain():
        pass
    watch.set_latency_window(None)
    assert _latency_counts(watch) == {"F": 1201}


def test_the_map_of_a_filter_has_what_started_what_fits_and_what_that_started() -> None:
    world = World()
    world.run("a", "F", 0.0, 1.0, invoke("x", 0.1, 0.05, "G", "b"))
    world.run("b", "G", 0.2, 0.9, invoke("y", 0.3, 0.05, "H", "c"), causes=(invoked("G", "b"),))
    world.run("c", "H", 0.4, 0.8, causes=(invoked("H", "c"),))
    watch = Watch("test", clock=lambda: EPOCH_S + 100.0)
    watch.apply(RecordBatch("us-east-1", "", world.records))

    watch.set_filter("function:G")
    shown = watch.service_map()
    assert {(e.source[0], e.target[0]) for e in shown.edges} == {("F", "G"), ("G", "H")}
    assert {node.name: node.count for node in shown.nodes} == {"F": 0, "G": 1, "H": 0}
    assert {node.name: node.about for node in shown.nodes} == {"F": "use1", "G": None, "H": "use1"}
