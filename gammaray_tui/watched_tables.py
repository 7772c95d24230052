"""What a watch shows beside its tree: latencies, problems and flows, kept as things come."""

from __future__ import annotations

import time
from collections.abc import Iterable

from causality.engine import Engine
from causality.graph import Invocation
from causality.heat import HeatMap
from causality.latency import SeriesKey, View
from causality.problems import ProblemIndex
from causality.service_map import FlowTable, ServiceMap
from causality.snapshot import LatencyRow, ProblemRow
from gammaray_tui.latencies import WatchedLatencies

# Tables and problems are for reading, not for following: so often is enough for them.
_CHANGED_EVERY_S = 0.5
_EVERY_S = 1.0  # they also change as time passes
# Of each sort, the newest ones: more than anyone reads, and never a second's work.
_PROBLEMS = 1000


class WatchedTables:
    """The tables of one graph, made anew now and then.

    Attributes:
        latencies: what they were counted from.
        functions, edges, problems: the rows as they were made last.
    """

    def __init__(self, engine: Engine, window_s: float | None) -> None:
        """Begin with a graph that has nothing in it.

        Args:
            engine: the graph.
            window_s: let latencies count the last so many seconds only; None: all there was.
        """
        self._engine = engine
        self.latencies = WatchedLatencies()
        self.latencies.window_s = window_s
        self._flows = FlowTable()
        self._problems = ProblemIndex(engine)
        self.functions: list[LatencyRow] = []
        self.edges: list[LatencyRow] = []
        self.problems: list[ProblemRow] = []
        self._made_at_s: float | None = None
        self._stale = True

    def update(self, touched: Iterable[Invocation]) -> None:
        """Take over what changed in the graph."""
        self.latencies.update(touched)
        self._flows.update(touched)
        self._problems.update(touched)

    def mark_stale(self) -> None:
        """Note that something changed."""
        self._stale = True

    def set_window(self, window_s: float | None) -> None:
        """Let the latencies count the last so many seconds only; None: all there was."""
        self.latencies.window_s = window_s
        self._made_at_s = None

    def is_due(self) -> bool:
        """Say whether the rows should be made anew."""
        if self._made_at_s is None:
            return True
        # Not by the watch's clock: a replay's stands still, and goes back.
        age_s = time.monotonic() - self._made_at_s
        return age_s >= (_CHANGED_EVERY_S if self._stale else _EVERY_S)

    def renew(self, now_s: float) -> None:
        """Make the rows of now."""
        self._made_at_s = time.monotonic()
        self._stale = False
        self.functions, self.edges = self.latencies.rows(now_s, ended=self._engine.finished)
        self.problems = [
            ProblemRow(problem.kind, problem.detail, problem.request_id, problem.at_s)
            for problem in self._problems.newest(now_s, _PROBLEMS)
        ]

    def heat(self, view: View, key: SeriesKey, now_s: float) -> HeatMap:
        """Lay out the latest samples of a function or an edge in time."""
        return self.latencies.heat(view, key, now_s, ended=self._engine.finished)

    def service_map(self, now_s: float) -> ServiceMap:
        """Give the map of all functions and what starts them."""
        return self._flows.map(self.functions, now_s)
