"""The latencies of a watch: windows by the records' clock, and filters that follow the tables."""

from __future__ import annotations

from gammaray_tui.latencies import WatchedLatencies
from gammaray_tui.watch import Watch
from providers.events import EndOfInput, RecordBatch
from tests.unit.analysis.chains import EPOCH_S, World


def _latencies(*ends_s: float) -> WatchedLatencies:
    world = World()
    for number, ended_s in enumerate(ends_s):
        world.run(f"r{number}", "F", ended_s - 1.0, ended_s)
    latencies = WatchedLatencies()
    latencies.window_s = 60.0
    latencies.update(world.invocations().values())
    return latencies


def _count(latencies: WatchedLatencies, now_s: float, *, ended: bool = False) -> int:
    functions, _ = latencies.rows(now_s, ended=ended)
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
