"""A watch: provider events in, the graph kept up to date, snapshots out.

The single writer of the graph. Live streams, files and replays all put their events on its
queue; the App's timer drains it, headless commands await it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from causality.analysis import Compared, chains, compared
from causality.detail import detail_of
from causality.engine import Engine
from causality.filters import Filter, parse
from causality.graph import Invocation
from causality.problems import ProblemIndex
from causality.service_map import FlowTable, ServiceMap
from causality.snapshot import (
    Detail,
    Header,
    LatencyRow,
    NodeId,
    Playback,
    ProblemRow,
    RegionState,
    Snapshot,
    TreeRows,
)
from causality.tree import TreeIndex
from causality.views import select
from causality.waterfall import Waterfall, waterfall_of
from gammaray_tui.commands.output import write_result
from gammaray_tui.exports import FORMATS, written
from gammaray_tui.following import Following
from gammaray_tui.frozen_rows import FrozenRows
from gammaray_tui.intake import Traffic, region_state, slices
from gammaray_tui.latencies import WatchedLatencies
from providers.events import (
    EndOfInput,
    Gap,
    Mark,
    ProviderEvent,
    RecordBatch,
    RegionStatus,
    Restart,
    TraceBatch,
)
from providers.operations import Fired, LogReport, LogsOf

QUEUE_BATCHES = 256
MAX_INVOCATIONS = 100_000
# Tables and problems are for reading, not for following: once a second is enough for them.
_TABLES_EVERY_S = 0.5
# A replay that seeks or plays at full speed waits for nothing but us.
_CATCH_UP = 8
# Of each sort, the newest ones: more than anyone reads, and never a second's work.
_PROBLEMS = 1000

# Of the invocations that were looked at last.
_REPORTS = 10_000


class Watch:
    """Owns the graph and the state of the views over it (a gammaray_tui.model.Model).

    Attributes:
        taps: called with each event as it comes, before the graph takes it.
        recording_name: gives the name of the file that is recorded to; "" for none.
        playback: gives how playing goes, of a replay.
    """

    def __init__(
        self,
        title: str,
        *,
        max_invocations: int | None = MAX_INVOCATIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make an empty watch.

        Args:
            title: what the header shows: profile, "demo", or the replayed file.
            max_invocations: past this many, the oldest leave; None keeps everything.
            clock: gives epoch seconds.
        """
        self.title = title
        self.queue: asyncio.Queue[ProviderEvent] = asyncio.Queue(QUEUE_BATCHES)
        self.taps: list[Callable[[ProviderEvent], None]] = []
        self.recording_name: Callable[[], str] = str
        self.playback: Callable[[], Playback | None] = lambda: None
        self._max_invocations = max_invocations
        self._clock = clock
        self._pending: deque[ProviderEvent] = deque()
        self._selected: NodeId | None = None
        self._filter_text = ""
        self._filter: Filter | None = None
        self._calls_shown = True
        self._latencies = WatchedLatencies()
        self._begin()

    def _begin(self) -> None:
        """Begin with an empty graph, and with what the user chose before."""
        self.engine = Engine(max_invocations=self._max_invocations)
        self.marks: list[Mark] = []
        self._tree = TreeIndex(self.engine)
        self._tree.set_calls_shown(self._calls_shown)
        self._tree.set_filter(self._filter)
        window_s = self._latencies.window_s
        self._latencies = WatchedLatencies()
        self._latencies.window_s = window_s
        self._flows = FlowTable()
        self._problems = ProblemIndex(self.engine)
        self._received_at_s = self._clock()
        self._regions: dict[str, RegionState] = {}
        self._traffic = Traffic()
        self._frozen: TreeRows | None = None
        self._records_at_pause = 0
        self._tables: tuple[float, list[LatencyRow], list[LatencyRow], list[ProblemRow]] | None = (
            None
        )
        self._reports: dict[str, LogReport] = {}
        self._detail: tuple[tuple[NodeId, int, int], Detail | None] | None = None
        self._stale_tables = True

    # --- events -----------------------------------------------------------------------------

    def apply(self, event: ProviderEvent) -> None:
        """Apply one event wholly, and settle the graph."""
        self._take(event)
        self._apply(event)
        self._settle()

    def drain(self, budget_s: float = 0.01) -> bool:
        """Apply waiting events for about `budget_s`; say whether anything changed."""
        if self.queue.full() and self.playback() is not None:
            budget_s *= _CATCH_UP
        until = time.perf_counter() + budget_s
        changed = False
        while time.perf_counter() < until:
            if not self._pending:
                with contextlib.suppress(asyncio.QueueEmpty):
                    self._pending.extend(slices(self._take(self.queue.get_nowait())))
            if not self._pending:
                break
            self._apply(self._pending.popleft())
            # Slice by slice: what they put off would come on top of the time at the end.
            self._settle()
            changed = True
        return changed

    async def next_event(self) -> ProviderEvent:
        """Wait for an event, apply it, and give it: for programs without a screen."""
        event = await self.queue.get()
        self.apply(event)
        return event

    def mark(self, kind: str, text: str) -> None:
        """Note what the user or the tool did."""
        self.apply(Mark(self._clock(), kind, text))

    def _take(self, event: ProviderEvent) -> ProviderEvent:
        for tap in self.taps:
            tap(event)
        return event

    def _apply(self, event: ProviderEvent) -> None:
        if isinstance(event, RecordBatch):
            self._received_at_s = self._clock()
            self.engine.apply_records(event.records)
            self.engine.apply_unreadable(event.unreadable)
            self._traffic.count(len(event.records) + len(event.unreadable), self._clock())
        elif isinstance(event, TraceBatch):
            self.engine.apply_documents(event.documents)
        elif isinstance(event, RegionStatus):
            self._regions[event.region] = region_state(event)
        elif isinstance(event, Gap):
            where = " ".join(part for part in (event.region, event.source) if part)
            self.engine.apply_gap(f"{where}: {event.detail}", event.at_s)
        elif isinstance(event, Mark):
            self.marks.append(event)
        elif isinstance(event, EndOfInput):
            self.engine.finish()
        elif isinstance(event, Restart):
            self._begin()

    def _settle(self) -> None:
        self.engine.settle()
        self._stale_tables = True
        if self._frozen is None:
            self._follow()

    def _follow(self) -> None:
        """Let the views take over what changed in the graph."""
        touched = self.engine.touched
        self._latencies.update(touched)
        self._flows.update(touched)
        self._problems.update(touched)
        self._tree.update(touched)
        touched.clear()

    # --- the views --------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Give what the screen shows now."""
        now_s = self._clock()
        self._tree.now_s = now_s
        functions, edges, found = self._tables_at(now_s)
        return Snapshot(
            header=self._header(now_s, len(found)),
            rows=self._frozen if self._frozen is not None else self._tree,
            functions=functions,
            edges=edges,
            detail=self._detail_at(now_s),
            problems=found,
            now_s=now_s,
            window_s=self._latencies.window_s,
        )

    def service_map(self) -> ServiceMap:
        """Give the map of all functions and what starts them."""
        now_s = self._clock()
        return self._flows.map(self._tables_at(now_s)[0], now_s)

    def waterfall(self, node: NodeId, *, with_calls: bool) -> Waterfall | None:
        """Lay out in time the chain of an invocation; None when it is gone."""
        return waterfall_of(self.engine, self._tree, node, self._clock(), with_calls=with_calls)

    def compare(self, before: str, after: str) -> Compared:
        """Compare the chains that fit one filter expression to those that fit another."""
        return compared(self.engine.invocations.values(), before, after, self._parsed)

    def middle_s(self) -> float | None:
        """Give when the last deployment or firing was, else the middle chain's beginning."""
        for kind in ("deployed", "fired"):
            found = [mark.at_s for mark in self.marks if mark.kind == kind]
            if found:
                return found[-1]
        roots = (chain.root.started_at_s for chain in chains(self.engine.invocations.values()))
        known = sorted(at_s for at_s in roots if at_s is not None)
        return known[len(known) // 2] if known else None

    def _tables_at(
        self, now_s: float
    ) -> tuple[list[LatencyRow], list[LatencyRow], list[ProblemRow]]:
        tables = self._tables
        # Not by the watch's clock: a replay's stands still, and goes back.
        looked_at_s = time.monotonic()
        age_s = 0.0 if tables is None else looked_at_s - tables[0]
        due = age_s >= _TABLES_EVERY_S and (self._stale_tables or age_s >= 1.0)
        if tables is None or due:
            self.engine.expire(now_s - self._received_at_s)
            if self._frozen is None:
                self._follow()
            rows = [
                ProblemRow(problem.kind, problem.detail, problem.request_id, problem.at_s)
                for problem in self._problems.newest(now_s, _PROBLEMS)
            ]
            tables = (looked_at_s, *self._latencies.rows(now_s, ended=self.engine.finished), rows)
            self._tables = tables
            self._stale_tables = False
            self._refresh_filter()
        return tables[1], tables[2], tables[3]

    def _refresh_filter(self) -> None:
        """Filter anew when other functions and edges than before are slow by now."""
        known = self._filter
        if known is not None and known.slow:
            self._filter = self._parsed(self._filter_text)
            if self._filter is not None and self._filter.slow != known.slow:
                self._tree.set_filter(self._filter)

    def _parsed(self, text: str) -> Filter | None:
        return parse(text, lambda: self._latencies.tables)

    def _header(self, now_s: float, problem_count: int) -> Header:
        rates = self._traffic.rates(now_s)
        paused = self._frozen is not None
        return Header(
            title=self.title,
            regions=tuple(self._regions.values()),
            rate=sum(rates[-5:]) / 5,
            recent=rates,
            invocations=len(self.engine.invocations),
            chains=self._tree.chain_count,
            running=self._tree.running,
            problems=problem_count,
            new_while_paused=self.engine.records - self._records_at_pause if paused else 0,
            recording=self.recording_name(),
            playback=self.playback(),
        )

    def _detail_at(self, now_s: float) -> Detail | None:
        if self._selected is None:
            return None
        # What still runs ticks twice a second; everything else changes with the tree only.
        key = (self._selected, self._tree.revision, int(now_s * 2))
        known = self._detail
        if known is not None and known[0][:2] == key[:2]:
            chain_runs = known[1] is not None and any(
                bar.state == "running" for bar in known[1].chain
            )
            if known[0] == key or not chain_runs:
                return known[1]
        detail = detail_of(self.engine, self._tree, self._selected, now_s)
        report = self._reports.get(detail.request_id) if detail is not None else None
        if detail is not None and report is not None:
            detail = replace(detail, billed_s=report.billed_s, used_mb=report.used_mb)
        self._detail = (key, detail)
        return detail

    # --- what the user does -----------------------------------------------------------------

    def select(self, node: NodeId | None) -> None:
        """Choose the invocation or call whose detail the snapshot carries."""
        self._selected = node

    def toggle_fold(self, node: NodeId) -> None:
        """Fold or unfold an invocation's children."""
        self._tree.toggle_fold(node)
        self._refreeze()

    def set_folded(self, folded: bool, node: NodeId | None = None) -> None:
        """Fold or unfold one invocation, or (None) every root."""
        self._tree.set_folded(folded, node)
        self._refreeze()

    def set_calls_shown(self, shown: bool) -> None:
        """Show or hide the calls that triggered nothing as lines of the tree."""
        self._calls_shown = shown
        self._tree.set_calls_shown(shown)
        self._refreeze()

    def set_filter(self, text: str) -> None:
        """Show only chains with an invocation that fits; "" shows all.

        Raises:
            causality.filters.FilterError: the expression cannot be read.
        """
        self._filter = self._parsed(text)
        self._filter_text = text
        self._tree.set_filter(self._filter)
        self._refreeze()

    def set_latency_window(self, window_s: float | None) -> None:
        """Let the latency tables count the last so many seconds only; None: all there was."""
        self._latencies.window_s = window_s
        self._tables = None

    def set_paused(self, paused: bool) -> None:
        """Freeze what is shown, and go on collecting behind it."""
        self.mark("paused" if paused else "continued", "")
        if paused:
            self._records_at_pause = self.engine.records
            self._frozen = FrozenRows(self._tree)
        else:
            self._frozen = None
            self._follow()

    def clear(self) -> None:
        """Show only what comes from now on."""
        self._tree.show_after(self._clock())
        self._refreeze()

    def find(self, node: NodeId | None, what: str, step: int) -> NodeId | None:
        """Find the next (step 1) or previous (-1) invocation that fits a filter expression."""
        wanted = self._parsed(what)
        found = self._tree.find(node, wanted, step) if wanted is not None else None
        if found is not None:
            self._tree.unfold_to(found)
            self._refreeze()
        return found

    def follow(self, fired: Fired) -> Following:
        """Find and mark the roots that came of a firing; its `look` says how far they are."""
        return Following(self.engine, self._chain_members, fired)

    def reported(self, report: LogReport) -> None:
        """Take up what the log's REPORT line says of an invocation."""
        self._reports[report.request_id] = report
        self._detail = None
        if len(self._reports) > _REPORTS:
            del self._reports[next(iter(self._reports))]

    def logs_wanted(self, node: NodeId) -> list[LogsOf]:
        """Name the invocations of a node's chain whose logs there may be, causes first."""
        invocation = self.engine.invocations.get(node.split("#", 1)[0])
        chain = self._tree.chain_of(invocation) if invocation is not None else None
        members = [member for member, _ in self._tree.members(chain)] if chain is not None else []
        return [
            LogsOf(
                member.function,
                member.region,
                member.request_id,
                member.started_at_s,
                last.ended_at_s if (last := member.last) is not None else None,
            )
            for member in members
            if member.function and member.region
        ]

    def _chain_members(self, root: Invocation) -> list[Invocation]:
        chain = self._tree.chain_of(root)
        return [member for member, _ in self._tree.members(chain)] if chain is not None else [root]

    @property
    def export_formats(self) -> list[str]:
        """The formats that `export` writes."""
        return [entry.id for entry in FORMATS]

    def export(self, view: str, format_name: str, path: Path) -> int:
        """Write the graph, or the chains that fit the filter; give the number of invocations.

        Raises:
            ValueError: no such view or format.
            providers.errors.UserError: it cannot be drawn here, or the file not be written.
        """
        data = written(self.engine, view, format_name, test=self._filter, now_s=self._clock())
        write_result(data, path)
        return len(select(self.engine, self._filter))

    def _refreeze(self) -> None:
        if self._frozen is not None:
            self._frozen = FrozenRows(self._tree)
