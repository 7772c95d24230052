"""A model of synthetic chains: everything the screens need, nothing of the engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from causality.analysis import Compared, Comparison, Hop, Latency, Shift
from causality.heat import HeatMap, heat_map
from causality.latency import SeriesKey, Tally, View
from causality.service_map import FlowKey, MapEdge, MapNode, ServiceMap
from causality.sketch import bucket_of
from causality.snapshot import (
    Detail,
    Header,
    LatencyRow,
    NodeId,
    ProblemRow,
    RegionState,
    Snapshot,
    TreeRows,
)
from causality.tree.grouping import Grouping
from causality.waterfall import Waterfall, WaterfallMark, WaterfallRow
from gammaray_tui.commands.output import write_result
from gammaray_tui.exports import Preview, Scope
from gammaray_tui.following import Summary
from providers.operations import Fired, LogReport, LogsOf
from tests.functional.mock_data import (
    START_S,
    MockChain,
    MockInvocation,
    image_chain,
    shop_chain,
)
from tests.functional.mock_rows import MockRows
from tests.functional.mock_tables import detail_of, edge_rows, function_rows

LIVE = (
    RegionState("us-west-2", "live", lag_s=0.8, shards=4),
    RegionState("us-east-1", "live", lag_s=1.4, shards=4),
)


class MockFollowed:
    """A firing whose chains are all there at once."""

    def __init__(self, fired: Fired) -> None:
        self._fired = fired

    def look(self) -> Summary:
        count = len(self._fired.request_ids)
        return Summary(self._fired.application, count, count, count, 3 * count, 0, 0, 1.5, True)


class MockModel:
    """Implements gammaray_tui.model.Model; chains come when a test feeds them."""

    def __init__(
        self,
        chains: Sequence[MockChain] = (),
        *,
        title: str = "testuser",
        regions: tuple[RegionState, ...] = LIVE,
        now_s: float = START_S + 60,
    ) -> None:
        self.chains = list(chains)
        self.title = title
        self.regions = regions
        self.now_s = now_s
        self.window_s: float | None = None
        self.marks: list[tuple[str, str]] = []
        self.problems: list[ProblemRow] = []
        self.notes: tuple[str, ...] = ()
        self.filter = ""
        self.grouping: Grouping | None = None
        self.folds: list[tuple[bool, NodeId | None]] = []
        self.reports: list[LogReport] = []
        self.exported: list[tuple[str, str, str, Path]] = []
        self.drains = 0
        self.snapshots = 0
        self._changed = False
        self._revision = 0
        self._rows: TreeRows | None = None
        self._frozen: list[MockChain] | None = None
        self._hidden = 0
        self._calls_shown = True
        self._selected: NodeId | None = None
        self._tables: tuple[int, list[LatencyRow], list[LatencyRow]] = (-1, [], [])

    # What tests do to it

    def feed(self, *chains: MockChain) -> None:
        self.chains += chains
        self.touch()

    def touch(self) -> None:
        self._changed = True
        self._stale()

    def _stale(self) -> None:
        self._revision += 1
        self._rows = None

    # Model

    def drain(self, budget_s: float = 0.01) -> bool:
        self.drains += 1
        changed, self._changed = self._changed, False
        return changed

    def service_map(self) -> ServiceMap:
        """Give every function of the chains, and who starts whom."""
        rows = {row.key: row for row in function_rows(self.chains[:50])}
        nodes = {}
        for key, row in rows.items():
            nodes[key] = MapNode(
                key, row.name, row.region, False, row.count, row.errors, row.rate, row.p95_s
            )
        started: dict[FlowKey, list[bool]] = {}
        for chain in self.chains[:50]:
            root = (chain.root.trigger or "invoked", "outside", "")
            nodes.setdefault(root, MapNode(root, root[0], "", outside=True))
            start = (root, (chain.root.function, chain.root.region, ""), "")
            started.setdefault(start, []).append(chain.root.state == "error")
            for item in chain.root.walk():
                for child in item.children:
                    if child.kind == "invocation":
                        ends = (
                            (item.function, item.region, ""),
                            (child.function, child.region, ""),
                        )
                        channel = child.trigger.rpartition("→")[2]
                        failed = child.state == "error"
                        started.setdefault((*ends, channel), []).append(failed)
        edges = (
            MapEdge(*key, len(failed), sum(failed), 0, len(failed) / 60)
            for key, failed in started.items()
        )
        return ServiceMap(tuple(nodes.values()), tuple(edges))

    def heat(self, view: View, key: SeriesKey) -> HeatMap:
        """Give samples in the last slots, ever slower, one of them failed."""
        tallies = [Tally() for _ in range(90)]
        for at, tally in enumerate(tallies[60:]):
            for number in range(1 + at % 5):
                value_s = 0.01 * 1.1**at * (1 + number)
                tally.add(bucket_of(value_s), value_s, at == 20, cold=False, count=1 + at)
        return heat_map(tallies, START_S)

    def waterfall(self, node: NodeId, *, with_calls: bool) -> Waterfall | None:
        """Lay out the chain of a node; all of it counts as critical."""
        for chain in self.chains:
            rows = [row for row in chain.rows(calls_shown=with_calls, matches="")]
            if any(row.node == node for row in rows):
                return Waterfall(
                    tuple(
                        WaterfallRow(
                            row.node,
                            row.kind == "call",
                            row.depth,
                            row.function,
                            row.region,
                            row.state,
                            row.offset_s or 0.0,
                            row.duration_s,
                            row.delay_s,
                            row.evidence,
                            row.spans,
                            row.kind == "invocation",
                        )
                        for row in rows
                    ),
                    chain.at_s,
                    chain.chain_s,
                    False,
                    chain.chain_s,
                    (("delay", 0.2), ("init", 0.1), ("handler", 0.4)),
                    tuple(s for row in rows if row.kind == "invocation" for s in row.spans),
                    0,
                    tuple(
                        WaterfallMark(offset_s, kind, text)
                        for offset_s, (kind, text) in zip((-0.1, 0.2), self.marks, strict=False)
                    ),
                )
        return None

    def middle_s(self) -> float | None:
        return START_S if self.chains else None

    async def compare(self, before: str, after: str) -> Compared:
        """Give the same comparison for whatever is asked, once both are."""
        if not before or not after:
            return Compared(troubles=("" if before else "which chains?", ""))
        hop = Hop("checkout-api", "SendMessage", "orders.fifo", "order-worker", "us-west-2")
        old, new = Latency(120, 0, 3, 0.2, 0.4), Latency(118, 2, 1, 0.31, 0.9)
        shifts = (
            Shift("function", "order-worker", "us-west-2", old, new, 0.8, 0.001, "slower"),
            Shift("function", "stock-sync", "us-east-1", new, old, 0.2, 0.002, "faster"),
            Shift("edge", "a → b", "us-east-1", old, old, 0.5, 0.9, "unresolved"),
        )
        return Compared((120, 118), 1, Comparison(((hop, 118),), ((hop, 2),), (), (), shifts))

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        chains = self.chains if self._frozen is None else self._frozen
        if self._rows is None:
            shown = [chain for chain in chains[self._hidden :] if self._fits(chain)]
            self._rows = MockRows(
                shown, self._revision, calls_shown=self._calls_shown, matches=self.filter
            )
        new = len(self.chains) - len(chains)
        invocations = sum(self._count(chain) for chain in chains[:50]) + 3 * len(chains[50:])
        if self._tables[0] != self._revision:
            self._tables = (self._revision, function_rows(chains[:50]), edge_rows(chains[:50]))
        return Snapshot(
            header=Header(
                title=self.title,
                regions=self.regions,
                rate=12.0 if chains else 0.0,
                recent=tuple(float(3 + n * 7 % 11) for n in range(20)) if chains else (),
                invocations=invocations,
                chains=len(chains),
                running=sum(
                    item.state == "running" for chain in chains[:50] for item in chain.root.walk()
                ),
                problems=len(self.problems),
                problem_kinds=tuple(Counter(row.kind for row in self.problems).most_common()),
                new_while_paused=new,
            ),
            rows=self._rows,
            functions=self._tables[1],
            edges=self._tables[2],
            detail=self._detail(),
            problems=self.problems,
            now_s=self.now_s,
            notes=self.notes,
            window_s=self.window_s,
            after_s=self.now_s if self._hidden else None,
        )

    def select(self, node: NodeId | None) -> None:
        self._selected = node

    def opening(self, node: NodeId) -> Callable[[], Awaitable[None]] | None:
        return None

    def step_levels(self, step: int) -> int | None:
        return None

    def set_grouping(self, by: Grouping | None) -> None:
        self.grouping = by

    def set_folded(self, folded: bool, node: NodeId | None = None) -> None:
        self.folds.append((folded, node))
        if node is None:
            for chain in self.chains:
                chain.root.folded = folded
        else:
            item = self._find_item(node)
            if item is not None:
                item[1].folded = folded
        self._stale()

    def set_calls_shown(self, shown: bool) -> None:
        self._calls_shown = shown
        self._stale()

    def set_filter(self, text: str) -> None:
        if text.endswith("("):
            raise ValueError(f"column {len(text)}: a bracket is not closed")
        self.filter = text
        self._stale()

    def set_latency_window(self, window_s: float | None) -> None:
        self.window_s = window_s

    def mark(self, kind: str, text: str) -> None:
        self.marks.append((kind, text))

    def set_paused(self, paused: bool) -> None:
        self._frozen = list(self.chains) if paused else None
        self._stale()

    def clear(self) -> None:
        self._hidden = len(self.chains)
        self._stale()

    def show_cleared(self) -> bool:
        cleared, self._hidden = self._hidden > 0, 0
        self._stale()
        return cleared

    def find(self, node: NodeId | None, what: str, step: int) -> NodeId | None:
        items = [
            item for chain in self.chains for item in chain.root.walk() if item.kind == "invocation"
        ]
        nodes = [item.node for item in items]
        start = nodes.index(node) if node in nodes else (-1 if step > 0 else len(nodes))
        at = start + step
        while 0 <= at < len(items):
            cold = what == "cold" and items[at].init_s is not None
            if cold or items[at].state == what or (what != "error" and what in items[at].function):
                self._unfold_to(items[at].node)
                return items[at].node
            at += step
        return None

    def exports(self) -> MockModel:
        return self

    def scopes(self) -> list[Scope]:
        return [Scope("everything", "", sum(map(self._count, self.chains)))]

    def export(self, view: str, format_name: str, path: Path, scope: str) -> int:
        self.exported.append((view, format_name, scope, path))
        write_result(b"{}", path)
        return len(self.chains)

    def preview(self, view: str, scope: str) -> Preview:
        return Preview(self.service_map(), whole=False)

    def logs_wanted(self, node: NodeId) -> Sequence[LogsOf]:
        return [
            LogsOf("checkout-api", "us-west-2", node),
            LogsOf("order-worker", "us-east-1", f"{node}-child"),
        ]

    def reported(self, report: LogReport) -> None:
        self.reports.append(report)

    def follow(self, fired: Fired) -> MockFollowed:
        return MockFollowed(fired)

    # Inside

    def _fits(self, chain: MockChain) -> bool:
        return not self.filter or any(self.filter in item.function for item in chain.root.walk())

    @staticmethod
    def _count(chain: MockChain) -> int:
        return sum(item.kind == "invocation" for item in chain.root.walk())

    def _unfold_to(self, node: NodeId) -> None:
        for chain in self.chains:
            if any(item.node == node for item in chain.root.walk()):
                for item in chain.root.walk():
                    if any(below.node == node for below in item.walk()[1:]):
                        item.folded = False
        self._stale()

    def _find_item(self, node: NodeId) -> tuple[MockChain, MockInvocation] | None:
        for chain in self.chains:
            for item in chain.root.walk():
                if item.node == node:
                    return chain, item
        return None

    def _detail(self) -> Detail | None:
        selected = (self._selected or "").split("#")[0]
        found = self._find_item(selected)
        return None if found is None else detail_of(*found)


def image_model(count: int = 3) -> MockModel:
    """The demo after `count` firings."""
    return MockModel(
        [image_chain(n, START_S + 4 * n, cold=n == 0) for n in range(count)], title="demo"
    )


def shop_model(count: int = 14) -> MockModel:
    """A busy shop with errors, retries and running invocations."""
    model = MockModel([shop_chain(n, START_S + 0.13 * n) for n in range(count)])
    model.now_s = START_S + 4.0
    model.problems = [
        ProblemRow(
            "orphan", "PutItem→Orders was seen by stock-sync, its call never", None, START_S
        ),
        ProblemRow(
            "gap", "us-east-1: 12 records were trimmed before they were read", None, START_S
        ),
        ProblemRow("retry", "notify-email failed and ran again", "shop000003-mail/0", START_S + 1),
    ]
    return model
