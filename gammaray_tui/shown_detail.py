"""The detail of what is selected: made anew when it changes, with what its log reported."""

from __future__ import annotations

from dataclasses import replace

from causality.detail import detail_of
from causality.engine import Engine
from causality.snapshot import Detail, NodeId
from causality.tree.index import TreeIndex
from providers.operations import LogReport

# Of the invocations that were looked at last.
_REPORTS = 10_000
_TICKS_A_SECOND = 2


class ShownDetail:
    """The selection in one graph.

    Attributes:
        selected: the invocation or call; None for none.
    """

    def __init__(self, engine: Engine, tree: TreeIndex, selected: NodeId | None) -> None:
        """Begin with a graph, and what was selected before."""
        self.selected = selected
        self._engine = engine
        self._tree = tree
        self._reports: dict[str, LogReport] = {}
        self._known: tuple[tuple[NodeId, int, int], Detail | None] | None = None

    def reported(self, report: LogReport) -> None:
        """Take up what the log's REPORT line says of an invocation."""
        self._reports[report.request_id] = report
        self._known = None
        if len(self._reports) > _REPORTS:
            del self._reports[next(iter(self._reports))]

    def at(self, now_s: float) -> Detail | None:
        """Give everything about the selection; None: nothing is selected, or it has left."""
        if self.selected is None:
            return None
        # What still runs ticks twice a second; everything else changes with the tree only.
        key = (self.selected, self._tree.revision, int(now_s * _TICKS_A_SECOND))
        known = self._known
        if known is not None and known[0][:2] == key[:2]:
            chain_runs = known[1] is not None and any(
                bar.state == "running" for bar in known[1].chain
            )
            if known[0] == key or not chain_runs:
                return known[1]
        detail = detail_of(self._engine, self._tree, self.selected, now_s)
        report = self._reports.get(detail.request_id) if detail is not None else None
        if detail is not None and report is not None:
            detail = replace(detail, billed_s=report.billed_s, used_mb=report.used_mb)
        self._known = (key, detail)
        return detail
