"""Going back in a replay: what was forgotten is freed."""

from __future__ import annotations

from gammaray_tui.watch import Watch
from providers.events import RecordBatch, Restart
from tests.unit.causality import oracle


def test_the_graph_before_a_restart_is_let_go() -> None:
    watch = Watch("replay")
    records = oracle.readable(oracle.json_records("imageproc_overlap"))
    watch.apply(RecordBatch("us-west-2", "file", records))
    before, shown = watch.engine, watch.snapshot().rows
    assert any(invocation.calls for invocation in before.invocations.values())
    watch.apply(Restart("file"))
    assert not any(i.calls or i.causes or i.triggered for i in before.invocations.values())
    # What the screen still holds until the next snapshot can be drawn all the same.
    assert [shown.row(index).function for index in range(len(shown))]
    assert len(watch.snapshot().rows) == 0


def test_what_was_cleared_comes_back_with_escape_or_from_the_beginning() -> None:
    records = oracle.readable(oracle.json_records("imageproc_overlap"))
    watch = Watch("replay", clock=lambda: 2e9)
    watch.apply(RecordBatch("us-west-2", "file", records))
    shown = len(watch.snapshot().rows)
    watch.clear()
    cleared = watch.snapshot()
    assert (len(cleared.rows), cleared.after_s) == (0, 2e9)
    assert watch.show_cleared()
    assert not watch.show_cleared()
    assert (len(watch.snapshot().rows), watch.snapshot().after_s) == (shown, None)
    watch.clear()
    watch.apply(Restart("file"))
    watch.apply(RecordBatch("us-west-2", "file", records))
    assert len(watch.snapshot().rows) == shown
