"""What a watch shows beside its tree: latencies, problems and flows, kept as things come."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from causality.accounts import Place
from causality.engine import Engine
from causality.filters import Filter
from causality.graph import Invocation
from causality.heat import HeatMap
from causality.latency import SeriesKey, View
from causality.problems import Problem, ProblemIndex
from causality.service_map import FlowTable, ServiceMap
from causality.snapshot import LatencyRow, ProblemRow
from gammaray_tui.fitting_tables import FittingTables
from gammaray_tui.latencies import WatchedLatencies

# Tables and problems are for reading, not for following: so often is enough for them.
_CHANGED_EVERY_S = 0.5
_EVERY_S = 1.0  # they also change as time passes
# Of each sort, the newest ones: more than anyone reads, and never a second's work.
_PROBLEMS = 1000
# Of what was there before the filter, so much is counted at a time.
_FILLED_AT_ONCE = 200


class WatchedTables:
    """The tables of one graph, made anew now and then.

    Attributes:
        latencies: what they were counted from.
        functions, edges, problems: the rows as they were made last, those that fit the filter.
        problem_counts: how many problems there are in all, by kind, the most frequent first.
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
        self.problem_counts: tuple[tuple[str, int], ...] = ()
        self._fitting: FittingTables | None = None
        self._shared: frozenset[Place] = frozenset()  # whose accounts are told
        self._made_at_s: float | None = None
        self._stale = True

    def update(self, touched: Iterable[Invocation]) -> None:
        """Take over what changed in the graph."""
        self.latencies.update(touched)
        self._flows.update(touched)
        self._problems.update(touched)
        if self._fitting is not None:
            self._fitting.update(touched)

    def mark_stale(self) -> None:
        """Note that something changed."""
        self._stale = True

    def set_window(self, window_s: float | None) -> None:
        """Let the latencies count the last so many seconds only; None: all there was."""
        self.latencies.window_s = window_s
        self._made_at_s = None

    def set_filter(self, wanted: Filter | None, *, same_words: bool = False) -> None:
        """Count only what fits; None: everything.

        Args:
            wanted: the filter.
            same_words: it is the one before, and only its words about quantiles fit others now.
        """
        self._made_at_s = None
        if same_words and self._fitting is not None and wanted is not None:
            self._fitting.filter = wanted
        elif wanted is None:
            self._fitting = None
            self.latencies.shown = self.latencies.tables
        else:
            self._fitting = FittingTables(wanted, self._engine.invocations.values())
            self.latencies.shown = self._fitting.latencies
            self.fill()

    def fill(self) -> bool:
        """Count some more of what was there before the filter; False when all of it is counted."""
        more = self._fitting is not None and self._fitting.fill(_FILLED_AT_ONCE)
        self._stale |= more
        return more

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
        # One answer for all of them, that a function has the same name everywhere.
        self._shared = self.latencies.shared() | self._flows.shared()
        ended = self._engine.finished
        self.functions, self.edges = self.latencies.rows(now_s, self._shared, ended=ended)
        problems = self._problems.newest(now_s, _PROBLEMS, self._shared)
        self.problem_counts = tuple(Counter(problem.kind for problem in problems).most_common())
        if self._fitting is not None:
            self.functions, self.edges = self._fitting.chosen(self.functions, self.edges)
            problems = [problem for problem in problems if self._fits(problem)]
        self.problems = [
            ProblemRow(problem.kind, problem.detail, problem.request_id, problem.at_s)
            for problem in problems
        ]

    def _fits(self, problem: Problem) -> bool:
        """Say whether a problem is one of what fits; losses can be of anything."""
        if problem.request_id is None or self._fitting is None:
            return True
        invocation = self._engine.invocations.get(problem.request_id)
        return invocation is not None and invocation in self._fitting

    def heat(self, view: View, key: SeriesKey, now_s: float) -> HeatMap:
        """Lay out the latest samples of a function or an edge in time."""
        return self.latencies.heat(view, key, now_s, ended=self._engine.finished)

    def service_map(self, now_s: float) -> ServiceMap:
        """Give the map of the functions that are shown, and of what starts them."""
        if self._fitting is not None:
            return self._fitting.map(self.functions, now_s, self._shared)
        return self._flows.map(self.functions, now_s, self._shared)
