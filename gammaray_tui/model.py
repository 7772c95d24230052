"""What the App knows of the data: the read model behind the main screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from causality.analysis import Compared
from causality.heat import HeatMap
from causality.latency import SeriesKey, View
from causality.service_map import ServiceMap
from causality.snapshot import NodeId, Snapshot
from causality.tree.grouping import Grouping
from causality.waterfall import Waterfall
from gammaray_tui.exports import Exports
from gammaray_tui.following import Summary
from providers.operations import Fired, LogReport, LogsOf


class Followed(Protocol):
    """What came of one firing."""

    def look(self) -> Summary:
        """Look for what is new, and say how far everything is."""


class Model(Protocol):
    """Owns the graph (single writer) and the state of the views over it.

    Everything runs on the event loop's thread. `drain` is called by one timer of the App, five
    to ten times a second; nothing else changes the graph.
    """

    def drain(self, budget_s: float = 0.01) -> bool:
        """Apply waiting provider events for about `budget_s`; say whether anything changed."""

    def snapshot(self) -> Snapshot:
        """Give what the screen shows now; cheap when nothing changed."""

    def service_map(self) -> ServiceMap:
        """Give the map of all functions and what starts them; costs a little each time."""

    def heat(self, view: View, key: SeriesKey) -> HeatMap:
        """Lay out the latest latencies of a function or an edge in time."""

    def waterfall(self, node: NodeId, *, with_calls: bool) -> Waterfall | None:
        """Lay out in time the chain of an invocation; None when it is gone."""

    async def compare(self, before: str, after: str) -> Compared:
        """Compare the chains that fit one filter expression to those that fit another."""

    def middle_s(self) -> float | None:
        """Give when the last mark, deployment or firing was, else the middle chain's beginning."""

    def select(self, node: NodeId | None) -> None:
        """Choose the invocation or call whose detail the snapshot carries."""

    def opening(self, node: NodeId) -> Callable[[], Awaitable[None]] | None:
        """Give what fetches the chain of an invocation that is not here; None: nothing does.

        The node is a request id. What is given raises UserError when there is no such chain.
        """

    def set_folded(self, folded: bool, node: NodeId | None = None) -> None:
        """Fold or unfold one group or invocation, or (None) every chain, also those to come."""

    def step_levels(self, step: int) -> int | None:
        """Show one level more (1) or less (-1) of every chain.

        Returns:
            How many are shown now: 0 where only headings of groups are left; None: all.
        """

    def set_grouping(self, by: Grouping | None) -> None:
        """Put the chains under headings; None: one after the other."""

    def set_calls_shown(self, shown: bool) -> None:
        """Show or hide the calls that triggered nothing as lines of the tree."""

    def set_filter(self, text: str) -> None:
        """Show only chains with an invocation that fits; "" shows all.

        Raises:
            ValueError: the expression cannot be read; the message says where.
        """

    def set_latency_window(self, window_s: float | None) -> None:
        """Let the latency tables count the last so many seconds only; None: all there was."""

    def mark(self, kind: str, text: str) -> None:
        """Note what the user or the tool did, for the recording."""

    def set_paused(self, paused: bool) -> None:
        """Freeze what is shown, and go on collecting behind it."""

    def clear(self) -> None:
        """Show only the chains that begin from now on."""

    def show_cleared(self) -> bool:
        """Show again what `clear` took away; say whether it had taken anything."""

    def find(self, node: NodeId | None, what: str, step: int) -> NodeId | None:
        """Find the next (step 1) or previous (-1) "error", "cold" or "match" after `node`."""

    def logs_wanted(self, node: NodeId) -> Sequence[LogsOf]:
        """Name the invocations of a node's chain whose logs there may be, causes first."""

    def reported(self, report: LogReport) -> None:
        """Take up what the log's REPORT line says of an invocation."""

    def follow(self, fired: Fired) -> Followed:
        """Find and mark the roots that came of a firing."""

    def exports(self) -> Exports:
        """Give what can be exported now."""
