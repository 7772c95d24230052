"""A watch over what the collector counted: tables from rollups, chains when they are opened."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import msgspec

from causality.facts import Cause, Facts, Start, UnreadablePayload
from causality.filters import Filter
from causality.heat import HeatMap
from causality.latency import SeriesKey, View
from causality.reading.decoding import decode_image
from causality.service_map import ServiceMap
from causality.snapshot import Detail, NodeId, ProblemRow, Snapshot
from gammaray_collector.items import SK, Item
from gammaray_collector.rollups import PATIENCE_S
from gammaray_tui.collected_filter import Fitting, fitting, fitting_offers
from gammaray_tui.collected_rows import FILTERED, NOTES, CollectedRows, Offer, is_part
from gammaray_tui.collected_tables import CollectedTables
from gammaray_tui.following import Following
from gammaray_tui.watch import Watch
from providers.collected import Counted
from providers.collected_chain import FetchedChain, Member
from providers.errors import UserError
from providers.operations import Fired, LogsOf

_COUNTED = 64  # what waits on the queue
_AGAIN_EVERY_S = 5.0
_YOUNG_S = 120.0  # a chain whose newest record is older grows no more, as a rule
_FOLLOWED = 200  # invocations of a chain that is fetched again and again
_UNFETCHED = Cause(name="its cause was not fetched")

Fetch = Callable[[str], Awaitable[FetchedChain]]


class CollectedWatch(Watch):
    """The watch's graph holds the chains that were opened; all the rest comes from rollups.

    Attributes:
        counted: what the source tells is put here.
    """

    WHOLE = "chains that were fetched"

    def __init__(self, title: str, fetch: Fetch, *, clock: Callable[[], float] = time.time) -> None:
        """Make an empty watch.

        Args:
            title: what the header shows.
            fetch: fetches the chain of a request id.
            clock: gives epoch seconds.
        """
        super().__init__(title, clock=clock)
        self.counted: asyncio.Queue[Counted] = asyncio.Queue(_COUNTED)
        self._fetch = fetch
        self._now_s = clock
        self._tables_counted = CollectedTables()
        self._counting_window_s: float | None = None
        self._test: Filter | None = None
        self._tried: tuple[object, ...] = ()
        self._fits: Fitting | None = None
        self._folded: frozenset[str] = frozenset()
        self._fetching: frozenset[str] = frozenset()
        # Chains that can still grow, and when they are left alone, epoch seconds.
        self._awaited: dict[str, float] = {}
        self._remarks: dict[str, ProblemRow] = {}
        self._offered: NodeId | None = None
        self._held: Snapshot | None = None
        self._rows: CollectedRows | None = None
        self._rows_of: tuple[object, ...] = ()

    # --- what comes in ------------------------------------------------------------------------

    def drain(self, budget_s: float = 0.01) -> bool:
        """Take over what was told; say whether anything changed."""
        changed = False
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                self._tables_counted.take(self.counted.get_nowait())
                changed = True
        return super().drain(budget_s) or changed

    def opening(self, node: NodeId) -> Callable[[], Awaitable[None]] | None:
        """Give what fetches the chain of an invocation; None when it is here or on its way."""
        request_id = node.split("#", 1)[0]
        if request_id in self.engine.invocations or is_part(node):
            return None
        return partial(self.open, request_id)

    async def open(self, request_id: str) -> None:
        """Fetch the chain of an invocation into the graph.

        Raises:
            UserError: there is none, it cannot be read, or the screen stands still.
        """
        if self._held is not None:
            raise UserError(
                "The screen stands still, so no chain is fetched",
                todo="Let it go on (space), then open the chain.",
                kind="paused",
            )
        self._fetching |= {request_id}
        try:
            chain = await self._fetch(request_id)
        finally:
            self._fetching -= {request_id}
        self.take_chain(chain)
        if request_id not in self.engine.invocations:
            raise UserError(
                f"The records of {request_id} cannot be read",
                todo="They may have been written by a newer recorder: update gammaray-tui.",
                kind="unreadable",
            )

    async def keep_up(self) -> None:
        """Fetch again, until cancelled, the chains that can still grow."""
        while True:
            await asyncio.sleep(_AGAIN_EVERY_S)
            for request_id, until_s in list(self._awaited.items()):
                if self._held is not None:
                    break
                if self._now_s() > until_s:
                    del self._awaited[request_id]
                # Of one that was only just fired, nothing may have been collected yet.
                with contextlib.suppress(UserError):
                    self.take_chain(await self._fetch(request_id))

    def take_chain(self, chain: FetchedChain) -> None:
        """Put a chain into the graph."""
        facts: list[Facts] = []
        here = chain.members.keys() | chain.beside.keys()
        for member in chain.members.values():
            # What lies above the part that was fetched is not missing: it was not asked for.
            cut = bool(member.possible) and here.isdisjoint(member.possible)
            facts += _facts(member, without_causes=cut)
        for member in chain.beside.values():
            facts += _facts(member, without_causes=True)
        for source, at_s, returning in map(_sign, chain.doubts):
            if source is None:
                self.engine.matcher.doubts.note_gap(at_s)
            else:
                self.engine.matcher.doubts.recall(source, at_s, returning=returning)
        self.engine.apply_facts(facts)
        now_s = self._now_s()
        # By now the collector has waited for late calls of old chains: the graph need not.
        self.engine.matcher.doubts.advance(now_s - PATIENCE_S)
        self._settle()
        newest_s = max((said.written_at_s for said in facts), default=now_s)
        self.engine.expire(max(0.0, now_s - newest_s))
        if now_s - newest_s < _YOUNG_S and len(chain.members) <= _FOLLOWED:
            self._awaited.setdefault(chain.request_id, now_s + _YOUNG_S)
        if chain.more:
            text = (
                f"of this chain {len(chain.members):,} invocations were fetched; "
                f"there are at least {chain.more:,} more"
            )
            self._remarks[chain.request_id] = ProblemRow(
                "not-fetched", text, chain.request_id, now_s
            )

    def _known_until_s(self, now_s: float) -> float:
        """Give until when all calls are known: as long as the collector waits for them."""
        return now_s - PATIENCE_S

    # --- what is shown ------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Give what the screen shows now."""
        fetched = super().snapshot()
        now_s = fetched.now_s
        tables = self._tables_counted
        if self._held is not None:
            return replace(
                self._held, rows=self._rows_over(fetched), detail=self._detail_of(fetched)
            )
        tables.renew(now_s, self._counting_window_s)
        functions, edges = tables.functions, tables.edges
        problems = shown = [*tables.problems, *self.remarks]
        if (fits := self._fitting()) is not None:
            functions, edges = fits.chosen(functions), fits.chosen_edges(edges)
            shown = [*fits.chosen_problems(tables.told), *self.remarks]
        return replace(
            fetched,
            header=replace(
                fetched.header,
                rate=tables.rate(now_s),
                recent=tables.recent(now_s),
                unit="inv",
                invocations=tables.invocations,
                problems=len(problems),
                problem_kinds=tuple(Counter(row.kind for row in problems).most_common()),
            ),
            rows=self._rows_over(fetched),
            functions=functions,
            edges=edges,
            problems=shown,
            detail=self._detail_of(fetched),
            window_s=self._counting_window_s,
            notes=self._notes,
        )

    @property
    def remarks(self) -> Sequence[ProblemRow]:
        """What is to be said of the chains that were fetched."""
        return tuple(self._remarks.values())

    @property
    def _notes(self) -> tuple[str, ...]:
        return NOTES if self._test is None else (*NOTES, FILTERED)

    def _rows_over(self, fetched: Snapshot) -> CollectedRows:
        # The same object as long as the same is shown: the tree looks at what is another one.
        counts = (fetched.header.chains, fetched.header.invocations)
        offered = self._tables_counted.offers
        chosen = (self._test, self._folded, self._fetching)
        made_of = (fetched.rows, counts, offered, chosen)
        if self._rows is None or made_of != self._rows_of:
            self._rows_of = made_of
            offers = [
                replace(offer, fetching=offer.request_id in self._fetching)
                for offer in self._offers()
            ]
            self._rows = CollectedRows(fetched.rows, counts, offers, self._folded, self._notes)
        return self._rows

    def _offers(self) -> Sequence[Offer]:
        """Give what can be fetched, is not here, and fits the filter."""
        here = self.engine.invocations
        offers = [o for o in self._tables_counted.offers if o.request_id not in here]
        return offers if self._test is None else fitting_offers(offers, self._test, self._fitting())

    def _fitting(self) -> Fitting | None:
        """Give what of all that was counted fits the filter; None without one."""
        tables, test = self._tables_counted, self._test
        if test is None:
            return None
        tried = (test, tables.functions, tables.service_map())
        if tried != self._tried:
            self._tried, self._fits = tried, fitting(*tried)
        return self._fits

    def _detail_of(self, fetched: Snapshot) -> Detail | None:
        if fetched.detail is not None:
            return fetched.detail
        offer = self._offer_of(self._offered)
        return None if offer is None else _detail(offer)

    def _offer_of(self, node: NodeId | None) -> Offer | None:
        offers = self._tables_counted.offers
        return next((offer for offer in offers if offer.request_id == node), None)

    def service_map(self) -> ServiceMap:
        """Give the map of the functions that are shown, and of what they start."""
        self._tables_counted.renew(self._now_s(), self._counting_window_s)
        drawn, fits = self._tables_counted.service_map(), self._fitting()
        return drawn if fits is None else fits.map(drawn)

    def heat(self, view: View, key: SeriesKey) -> HeatMap:
        """Lay out the latest latencies of a function or an edge in time, by the minute."""
        return self._tables_counted.heat(view, key, self._now_s())

    # --- what the user does -------------------------------------------------------------------

    def select(self, node: NodeId | None) -> None:
        """Choose the invocation or call whose detail the snapshot carries."""
        super().select(node)
        self._offered = node

    def set_folded(self, folded: bool, node: NodeId | None = None) -> None:
        """Fold or unfold a part, a group, an invocation or (None) every chain."""
        if node is None or not is_part(node):
            super().set_folded(folded, node)
        else:
            self._folded = self._folded | {node} if folded else self._folded - {node}

    def set_filter(self, text: str) -> None:
        """Show only chains with an invocation that fits, and what was counted of such.

        Raises:
            causality.filters.FilterError: the expression cannot be read.
        """
        super().set_filter(text)
        self._test = self._parsed(text)

    def set_latency_window(self, window_s: float | None) -> None:
        """Let the latency tables count the last minutes only; None: all there was."""
        self._counting_window_s = window_s

    def set_paused(self, paused: bool) -> None:
        """Let the tables stand still, and go on counting behind them."""
        super().set_paused(paused)
        self._held = None
        self._held = self.snapshot() if paused else None

    def find(self, node: NodeId | None, what: str, step: int) -> NodeId | None:
        """Find the next (step 1) or previous (-1) invocation that fits, then an example."""
        found = super().find(node, what, step)
        if found is not None:
            return found
        test, offers = self._parsed(what), self._offers()
        at = next((i for i, offer in enumerate(offers) if offer.request_id == node), -1)
        order = [*offers[at + 1 :], *offers[: max(0, at)]]
        if step < 0:
            order.reverse()
        fit = fitting_offers(order, test, None) if test is not None else ()
        return fit[0].request_id if fit else None

    def follow(self, fired: Fired) -> Following:
        """Fetch the chains of the functions that were fired, until they are complete."""
        if fired.kind == "function":
            until_s = self._now_s() + _YOUNG_S
            self._awaited.update(dict.fromkeys(fired.request_ids, until_s))
        return super().follow(fired)

    def logs_wanted(self, node: NodeId) -> list[LogsOf]:
        """Name the invocations whose logs there may be: a chain's, or the one of an example."""
        offer = self._offer_of(node)
        if offer is None or offer.request_id in self.engine.invocations:
            return super().logs_wanted(node)
        return [LogsOf(offer.function, offer.region, offer.request_id, offer.at_s, None)]


def _facts(member: Member, *, without_causes: bool) -> list[Facts]:
    found = []
    for record in member.records:
        image = record.dynamodb.NewImage
        if image is None:
            continue
        try:
            said = decode_image(image)
        except UnreadablePayload:
            continue  # the collector has counted it as a problem
        for fact in said.facts:
            if without_causes and isinstance(fact, Start):
                fact.causes = (_UNFETCHED,)
        found.append(said)
    return found


def _sign(item: Item) -> tuple[tuple[str, ...] | None, float, bool]:
    """Read a doubt: its source (None: records are lost), a time in its hour, whether it returns."""
    kind, _, text = str(item[SK]).partition("#")
    at_s = float(str(item["pk"])[2:]) * 3600.0
    source = msgspec.json.decode(text, type=tuple[str, ...]) if kind != "gap" else None
    return source, at_s, kind == "returning"


def _detail(offer: Offer) -> Detail:
    return Detail(
        node=offer.request_id,
        function=offer.function,
        region=offer.region,
        account="",
        state="error" if "failed" in offer.why else "unknown",
        error=None,
        request_id=offer.request_id,
        trace_id=None,
        attempt=1,
        attempts=1,
        version=None,
        memory_mb=None,
        started_at_s=None,
        duration_s=None,
        init_s=None,
        cold=None,
        delay_s=None,
        sdk_s=None,
        cause="not fetched: Enter in the tree fetches the chain",
        edges=(),
        calls=(),
        chain=(),
        chain_s=0.0,
        chain_count=1,
    )
