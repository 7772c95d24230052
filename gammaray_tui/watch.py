"""A watch: provider events in, the graph kept up to date, snapshots out.

The single writer of the graph. Live streams, files and replays all put their events on its
queue; the App's timer drains it, headless commands await it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import ClassVar

from causality.analysis import Compared, compared
from causality.engine import Engine
from causality.filters import Filter, parse
from causality.graph import Invocation
from causality.heat import HeatMap
from causality.latency import SeriesKey, View
from causality.service_map import ServiceMap
from causality.snapshot import (
    Header,
    NodeId,
    Playback,
    RegionState,
    Snapshot,
)
from causality.tree.grouping import Grouping
from causality.waterfall import Waterfall, waterfall_of
from gammaray_tui.exports import GraphExports
from gammaray_tui.following import Following
from gammaray_tui.intake import Sources, Traffic, region_state, slices
from gammaray_tui.shown_detail import ShownDetail
from gammaray_tui.shown_tree import ShownTree, TreeChoices
from gammaray_tui.watched_tables import WatchedTables
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
# A shard that has caught up decides what waited for it, which can be a million edges.
_AT_ONCE = 200


class Watch:
    """Owns the graph and the state of the views over it (a gammaray_tui.model.Model).

    Attributes:
        taps: called with each event as it comes, before the graph takes it.
        recording_name: gives the name of the file that is recorded to; "" for none.
        playback: gives how playing goes, of a replay.
        notes: what to say while nothing has come.
        WHOLE: what the graph holds, if that is not all there is.
    """

    WHOLE: ClassVar[str] = ""

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
        self.notes: tuple[str, ...] = ()
        self._max_invocations = max_invocations
        self._clock = clock
        self._pending: deque[ProviderEvent] = deque()
        self._readers = 0  # threads that read the graph, which stands still for them
        self._selected: NodeId | None = None
        self._filter_text = ""
        self._choices = TreeChoices()
        self._window_s: float | None = None
        self._begin()

    def _begin(self) -> None:
        """Begin with an empty graph, and with what the user chose before."""
        self.engine = Engine(max_invocations=self._max_invocations, at_once=_AT_ONCE)
        self.marks: list[Mark] = []
        self._shown = ShownTree(self.engine, self._choices)
        self._tree = self._shown.index
        self._tables = WatchedTables(self.engine, self._window_s)
        self._tables.set_filter(self._choices.filter)
        self._received_at_s = self._clock()
        self._regions: dict[str, RegionState] = {}
        self._traffic = Traffic()
        self._sources = Sources()
        self._records_at_pause = 0
        self._detail = ShownDetail(self.engine, self._tree, self._selected)

    # --- events -----------------------------------------------------------------------------

    def apply(self, event: ProviderEvent) -> None:
        """Apply one event wholly, and settle the graph."""
        self._take(event)
        self._apply(event)
        self._settle()
        while self.engine.due:
            self._settle()

    def drain(self, budget_s: float = 0.01) -> bool:
        """Apply waiting events for about `budget_s`; say whether anything changed."""
        until = time.perf_counter() + budget_s
        changed = False
        while time.perf_counter() < until and not self._readers:
            if not self._pending:
                with contextlib.suppress(asyncio.QueueEmpty):
                    self._pending.extend(slices(self._take(self.queue.get_nowait())))
            if self._pending:
                self._apply(self._pending.popleft())
            elif not self.engine.due:
                if not self._tables.fill():
                    break
                changed = True
                continue
            # Slice by slice: what they put off would come on top of the time at the end.
            self._settle()
            changed = True
        return changed

    def mark(self, kind: str, text: str) -> None:
        """Note what the user or the tool did."""
        self._apply(self._take(Mark(self._clock(), kind, text)))

    def _take(self, event: ProviderEvent) -> ProviderEvent:
        for tap in self.taps:
            tap(event)
        return event

    def _apply(self, event: ProviderEvent) -> None:
        if isinstance(event, RecordBatch):
            now_s = self._received_at_s = self._clock()
            self.engine.apply_records(event.records)
            self.engine.apply_unreadable(event.unreadable)
            self._sources.take(event, now_s)
            self._traffic.count(len(event.records) + len(event.unreadable), now_s)
        elif isinstance(event, TraceBatch):
            self.engine.apply_documents(event.documents)
        elif isinstance(event, RegionStatus):
            self._regions[event.region] = region_state(event)
            self._sources.take_status(event, self._clock())
        elif isinstance(event, Gap):
            where = " ".join(part for part in (event.region, event.source) if part)
            self.engine.apply_gap(f"{where}: {event.detail}", event.at_s)
        elif isinstance(event, Mark):
            self.marks.append(event)
        elif isinstance(event, EndOfInput):
            self.engine.finish()
        elif isinstance(event, Restart):
            self.engine.let_go()
            self._begin()

    def _settle(self) -> None:
        self.engine.read_until_s = self._known_until_s(self._clock())
        self.engine.settle()
        self._tables.mark_stale()
        if not self._shown.frozen:
            self._follow()

    def _known_until_s(self, now_s: float) -> float:
        """Give until when all calls are known; infinity if nothing lags behind the records."""
        return self._sources.read_until_s(now_s)

    def _follow(self) -> None:
        """Let the views take over what changed in the graph."""
        touched = self.engine.touched
        self._tables.update(touched)
        self._tree.update(touched)
        touched.clear()

    # --- the views --------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Give what the screen shows now."""
        now_s = self._clock()
        self._tree.now_s = now_s
        tables = self._tables_at(now_s)
        return Snapshot(
            header=self._header(now_s, tables.problem_counts),
            rows=self._shown.rows,
            functions=tables.functions,
            edges=tables.edges,
            detail=self._detail.at(now_s),
            problems=tables.problems,
            now_s=now_s,
            window_s=self._window_s,
            after_s=self._shown.after_s,
            notes=self.notes,
        )

    def service_map(self) -> ServiceMap:
        """Give the map of all functions and what starts them."""
        now_s = self._clock()
        return self._tables_at(now_s).service_map(now_s)

    def heat(self, view: View, key: SeriesKey) -> HeatMap:
        """Lay out the latest latencies of a function or an edge in time."""
        return self._tables.heat(view, key, self._clock())

    def waterfall(self, node: NodeId, *, with_calls: bool) -> Waterfall | None:
        """Lay out in time the chain of an invocation; None when it is gone."""
        marks = [(mark.at_s, mark.kind, mark.text) for mark in self.marks]
        return waterfall_of(
            self.engine, self._tree, node, self._clock(), with_calls=with_calls, marks=marks
        )

    async def compare(self, before: str, after: str) -> Compared:
        """Compare the chains that fit one filter expression to those that fit another.

        In a thread, for it takes seconds with many; the graph stands still meanwhile.
        """
        members = list(self.engine.invocations.values())
        self._readers += 1
        reading = asyncio.ensure_future(
            asyncio.to_thread(compared, members, before, after, self._parsed)
        )
        # Also when nobody waits any more for what comes of it.
        reading.add_done_callback(self._has_read)
        return await asyncio.shield(reading)

    def _has_read(self, _: asyncio.Future[Compared]) -> None:
        self._readers -= 1

    def middle_s(self) -> float | None:
        """Give when the last mark, deployment or firing was, else the middle chain's beginning."""
        for kinds in (("marked", "deployed"), ("fired",)):
            found = [mark.at_s for mark in self.marks if mark.kind in kinds]
            if found:
                return found[-1]
        return self._tree.middle_s()

    def _tables_at(self, now_s: float) -> WatchedTables:
        if self._tables.is_due() and not self._readers:
            self.engine.read_until_s = self._known_until_s(now_s)
            self.engine.expire(now_s - self._received_at_s)
            if not self._shown.frozen:
                self._follow()
            self._tables.renew(now_s)
            self._refresh_filter()
        return self._tables

    def _refresh_filter(self) -> None:
        """Filter anew when other functions and edges than before are slow by now."""
        known = self._choices.filter
        if known is not None and known.slow:
            wanted = self._parsed(self._filter_text)
            if wanted is not None and wanted.slow != known.slow:
                self._shown.set_filter(wanted)
                self._tables.set_filter(wanted, same_words=True)

    def _parsed(self, text: str) -> Filter | None:
        return parse(text, lambda: self._tables.latencies.tables)

    def _header(self, now_s: float, problems: tuple[tuple[str, int], ...]) -> Header:
        rates = self._traffic.rates(now_s)
        paused = self._shown.frozen
        return Header(
            title=self.title,
            regions=tuple(self._regions.values()),
            rate=sum(rates[-5:]) / 5,
            recent=rates,
            invocations=len(self.engine.invocations),
            chains=self._tree.chain_count,
            running=self._tree.running,
            problems=sum(count for _, count in problems),
            problem_kinds=problems,
            new_while_paused=self.engine.records - self._records_at_pause if paused else 0,
            recording=self.recording_name(),
            playback=self.playback(),
        )

    # --- what the user does -----------------------------------------------------------------

    def select(self, node: NodeId | None) -> None:
        """Choose the invocation or call whose detail the snapshot carries."""
        self._selected = self._detail.selected = node

    def opening(self, node: NodeId) -> Callable[[], Awaitable[None]] | None:
        """Give None: whatever can be read comes by itself."""
        return None

    def set_folded(self, folded: bool, node: NodeId | None = None) -> None:
        """Fold or unfold one group or invocation, or (None) every chain, also those to come."""
        self._shown.set_folded(folded, node)

    def step_levels(self, step: int) -> int | None:
        """Show one level more (1) or less (-1); give how many are shown now, None for all."""
        return self._shown.step_levels(step)

    def set_grouping(self, by: Grouping | None) -> None:
        """Put the chains under headings; None: one after the other."""
        self._shown.set_grouping(by)

    def set_calls_shown(self, shown: bool) -> None:
        """Show or hide the calls that triggered nothing as lines of the tree."""
        self._shown.set_calls_shown(shown)

    def set_filter(self, text: str) -> None:
        """Show only chains with an invocation that fits; "" shows all.

        Raises:
            causality.filters.FilterError: the expression cannot be read.
        """
        wanted = self._parsed(text)
        self._shown.set_filter(wanted)
        self._tables.set_filter(wanted)
        self._filter_text = text

    def set_latency_window(self, window_s: float | None) -> None:
        """Let the latency tables count the last so many seconds only; None: all there was."""
        self._window_s = window_s
        self._tables.set_window(window_s)

    def set_paused(self, paused: bool) -> None:
        """Freeze what is shown, and go on collecting behind it."""
        self.mark("paused" if paused else "continued", "")
        if paused:
            self._records_at_pause = self.engine.records
        self._shown.set_frozen(paused)
        if not paused:
            self._follow()

    def clear(self) -> None:
        """Show only the chains that begin from now on."""
        self._shown.show_after(self._clock())

    def show_cleared(self) -> bool:
        """Show again what `clear` took away; say whether it had taken anything."""
        cleared = self._shown.after_s is not None
        if cleared:
            self._shown.show_after(None)
        return cleared

    def find(self, node: NodeId | None, what: str, step: int) -> NodeId | None:
        """Find the next (step 1) or previous (-1) invocation that fits a filter expression."""
        wanted = self._parsed(what)
        return self._shown.find(node, wanted, step) if wanted is not None else None

    def follow(self, fired: Fired) -> Following:
        """Find and mark the roots that came of a firing; its `look` says how far they are."""
        return Following(self.engine, self._chain_members, fired)

    def reported(self, report: LogReport) -> None:
        """Take up what the log's REPORT line says of an invocation."""
        self._detail.reported(report)

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

    def exports(self) -> GraphExports:
        """Give what can be exported now."""
        return GraphExports(
            self.engine,
            fitting=self._choices.filter,
            selected=self._selected,
            now_s=self._clock(),
            whole=self.WHOLE,
        )
