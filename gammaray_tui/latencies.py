"""The latency tables of a watch, and the window of time that they show."""

from __future__ import annotations

from collections.abc import Iterable

from causality.graph import Invocation
from causality.latency import Latencies, LatencyTable, edge_samples, function_samples
from causality.snapshot import LatencyRow


class WatchedLatencies:
    """Latencies of a graph that changes.

    Attributes:
        tables: what was counted.
        window_s: rows count the last so many seconds only; None: all there was.
    """

    def __init__(self) -> None:
        self.tables = Latencies(LatencyTable(), LatencyTable())
        self.window_s: float | None = None
        self._newest = (0.0, 0.0)  # the newest sample's time, and when it came

    def update(self, touched: Iterable[Invocation]) -> None:
        """Take over what changed in the graph."""
        functions, edges = self.tables
        for invocation in touched:
            if invocation.gone:
                functions.forget(invocation)
                edges.forget(invocation)
                continue
            durations = [sample for _, sample in function_samples(invocation) if sample]
            functions.replace(invocation, durations)
            delays = [sample for _, sample in edge_samples(invocation) if sample]
            edges.replace(invocation, delays)

    def rows(self, now_s: float, *, ended: bool) -> tuple[list[LatencyRow], list[LatencyRow]]:
        """Give the rows of functions and edges.

        Args:
            now_s: epoch seconds by the clock on the wall.
            ended: whether nothing will come any more, so that time stands still.
        """
        # The window ends at the records' present: what is replayed has a time of its own.
        newest_s = max(table.newest_s for table in self.tables)
        if newest_s > self._newest[0]:
            self._newest = (newest_s, now_s)
        quiet_s = 0.0 if ended else now_s - self._newest[1]
        until_s = min(now_s, newest_s + quiet_s)
        functions, edges = self.tables
        return functions.rows(until_s, self.window_s), edges.rows(until_s, self.window_s)
