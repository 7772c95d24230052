"""Which sources lag behind the others, and what a watch makes of it."""

from __future__ import annotations

import pytest

from causality.document import graph_document
from gammaray_tui.intake import Sources
from gammaray_tui.watch import Watch
from providers.events import EndOfInput, Position, RecordBatch, RegionStatus
from providers.record_time import record_time_s
from tests.unit.causality import oracle

RECORDS = oracle.readable(oracle.json_records("imageproc"))
WRITTEN_S = record_time_s(RECORDS[-1]) or 0.0
INFINITY = float("inf")


def _batch(source: str, late_s: float, *, ended: bool = False) -> RecordBatch:
    position = Position("arn", source, "1", ended)
    return RecordBatch("us-west-2", source, RECORDS, [], WRITTEN_S + late_s, position)


def test_a_shard_that_lags_behind_holds_back_what_is_known() -> None:
    sources = Sources()
    sources.take(_batch("a", 1.0), 0.0)
    assert sources.read_until_s(WRITTEN_S + 1) == INFINITY
    sources.take(_batch("b", 600.0), 0.0)
    assert sources.read_until_s(WRITTEN_S + 601) == WRITTEN_S


def test_a_shard_that_caught_up_or_ended_or_fell_silent_holds_nothing_back() -> None:
    for then in (_batch("a", 1.0), _batch("a", 600.0, ended=True)):
        sources = Sources()
        sources.take(_batch("a", 600.0), 0.0)
        sources.take(then, 0.0)
        assert sources.read_until_s(WRITTEN_S + 600) == INFINITY
    sources = Sources()
    sources.take(_batch("a", 600.0), 0.0)
    assert sources.read_until_s(WRITTEN_S + 660) == INFINITY


def test_a_region_that_cannot_be_reached_for_now_holds_back_since_then() -> None:
    sources = Sources()
    for at_s, phase in ((10.0, "live"), (20.0, "retrying"), (30.0, "retrying")):
        sources.take_status(RegionStatus("eu-west-1", phase), at_s)  # type: ignore[arg-type]
    assert sources.read_until_s(40.0) == 20.0
    for over in ("live", "ended"):
        sources.take_status(RegionStatus("eu-west-1", "retrying"), 50.0)
        sources.take_status(RegionStatus("eu-west-1", over), 60.0)
        assert sources.read_until_s(70.0) == INFINITY


def test_a_region_whose_credentials_expired_holds_back_and_one_never_read_does_not() -> None:
    sources = Sources()
    sources.take_status(RegionStatus("eu-west-1", "down", "access-denied"), 10.0)
    assert sources.read_until_s(20.0) == INFINITY
    sources.take_status(RegionStatus("us-east-1", "live", shards=1), 10.0)
    sources.take_status(RegionStatus("us-east-1", "down", "expired-token"), 30.0)
    assert sources.read_until_s(40.0) == 30.0


def test_what_brings_no_records_holds_nothing_back() -> None:
    sources = Sources()
    sources.take_status(RegionStatus("X-Ray", "retrying", brings="traces"), 10.0)
    assert sources.read_until_s(20.0) == INFINITY


def test_order_proves_nothing_until_the_shard_that_lags_behind_is_read() -> None:
    now_s = WRITTEN_S + 3600
    watch = Watch("test", clock=lambda: now_s)
    watch.apply(RecordBatch("us-west-2", "late", RECORDS[:1], [], now_s))
    watch.apply(RecordBatch("us-west-2", "early", RECORDS[1:], [], now_s))
    assert "order" not in {edge.evidence for edge in watch.engine.edges()}
    now_s += 60
    watch.snapshot()
    assert {edge.evidence for edge in watch.engine.edges()} == {"order"}


def test_where_sources_lag_behind_makes_no_difference_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = Watch("test", clock=lambda: WRITTEN_S)
    whole.apply(RecordBatch("us-west-2", "all", RECORDS))
    monkeypatch.setattr("gammaray_tui.watch._AT_ONCE", 1)
    split = Watch("test", clock=lambda: WRITTEN_S)
    for number, record in enumerate(RECORDS):
        split.apply(RecordBatch("us-west-2", str(number % 2), [record], [], WRITTEN_S + 3600))
    for watch in (whole, split):
        watch.apply(EndOfInput("test"))
    assert graph_document(split.engine) == graph_document(whole.engine)
