"""The latency tables of a watch, and the window of time that they show."""

from __future__ import annotations

from collections.abc import Container, Iterable

from causality.accounts import Place
from causality.graph import Invocation
from causality.heat import HeatMap, heat_map, slots_until
from causality.latency import (
    LONGEST_WINDOW_S,
    SLOT_S,
    Latencies,
    LatencyTable,
    SeriesKey,
    View,
    edge_samples,
    function_samples,
)
from causality.snapshot import LatencyRow

_HEAT_SLOTS = int(LONGEST_WINDOW_S) // SLOT_S


class WatchedLatencies:
    """Latencies of a graph that changes.

    Attributes:
        tables: what was counted, whatever the filter says.
        shown: what rows and heat maps are made of: `tables`, or what was counted of them.
        window_s: rows count the last so many seconds only; None: all there was.
    """

    def __init__(self) -> None:
        self.tables = self.shown = Latencies(LatencyTable(), LatencyTable())
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

    def shared(self) -> frozenset[Place]:
        """Give the names and regions of functions and edges that several accounts have."""
        return self.tables.functions.shared() | self.tables.edges.shared()

    def rows(
        self, now_s: float, shared: Container[Place], *, ended: bool
    ) -> tuple[list[LatencyRow], list[LatencyRow]]:
        """Give the rows of functions and edges.

        Args:
            now_s: epoch seconds by the clock on the wall.
            shared: the names and regions whose accounts are told.
            ended: whether nothing will come any more, so that time stands still.
        """
        until_s = self._until_s(now_s, ended=ended)
        functions, edges = (table.rows(until_s, self.window_s, shared) for table in self.shown)
        return functions, edges

    def heat(self, view: View, key: SeriesKey, now_s: float, *, ended: bool) -> HeatMap:
        """Lay out the latest samples of a function or an edge in time.

        Args:
            view: which of the two it is.
            key: that of its row.
            now_s: epoch seconds by the clock on the wall.
            ended: whether nothing will come any more.
        """
        until_s = self._until_s(now_s, ended=ended)
        slots = slots_until(until_s, _HEAT_SLOTS)
        table = self.shown.functions if view == "functions" else self.shown.edges
        return heat_map(table.slots(key, slots), slots.stop * SLOT_S)

    def _until_s(self, now_s: float, *, ended: bool) -> float:
        # It is the records' present: what is replayed has a time of its own.
        newest_s = max(table.newest_s for table in self.tables)
        if newest_s > self._newest[0]:
            self._newest = (newest_s, now_s)
        quiet_s = 0.0 if ended else now_s - self._newest[1]
        return min(now_s, newest_s + quiet_s)
