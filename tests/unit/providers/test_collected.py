"""What reading the collector's table costs, and what of a chain is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from causality.snapshot import TreeRow
from gammaray_collector.rollups import (
    SHARDS,
    EdgeName,
    FunctionName,
    doubt_item,
    doubt_source,
)
from gammaray_tui import collected
from gammaray_tui.collected import CollectedWatch
from gammaray_tui.collected_tables import CollectedTables
from providers.collected import (
    KEPT_MINUTES,
    CollectedSource,
    CollectorLags,
    CountedDoubts,
    CountedMinutes,
)
from providers.collected_chain import FetchedChain, fetch_chain
from providers.collected_table import CollectedTable
from providers.errors import UserError
from providers.events import ProviderEvent
from providers.operations import Fired
from providers.session import AwsSession, AwsSettings
from providers.streams import parse_since
from providers.streams.timing import Timing
from tests.fakes.collected import EAST, WEST, FakeCollected
from tests.fakes.services import serving

NOW_S = 1_800_000_030.0
MINUTE = int(NOW_S) // 60


@asynccontextmanager
async def opened(table: FakeCollected) -> AsyncIterator[AwsSession]:
    async with serving(table.answer) as fake:
        yield AwsSession.open(AwsSettings(regions=(WEST,), endpoint_url=fake.endpoint_url))


class Looking:
    """A source whose waits a test ends: each look at the table is one step."""

    def __init__(self, session: AwsSession, since: str = "15m") -> None:
        self.now_s = NOW_S
        self.tables = CollectedTables()
        self.waits_s: list[float] = []
        self._may_go = asyncio.Event()
        self._waits = asyncio.Event()
        timing = Timing(now_s=lambda: self.now_s, sleep=self._sleep)
        self._source = CollectedSource(session, since=parse_since(since), timing=timing)

    async def _sleep(self, seconds: float) -> None:
        if seconds < 1:  # the board's, and between two hours of the past
            await asyncio.sleep(0)
            return
        self.waits_s.append(seconds)
        self._waits.set()
        await self._may_go.wait()
        self._may_go.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        statuses: asyncio.Queue[ProviderEvent] = asyncio.Queue()

        async def tell(told: object) -> None:
            self.tables.take(told)  # type: ignore[arg-type]

        run = asyncio.create_task(self._source.run(statuses, tell))
        await self._rest()
        yield
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)

    async def _rest(self) -> None:
        await asyncio.wait_for(self._waits.wait(), 60)
        self._waits.clear()

    async def look(self, after_s: float = 0.0) -> None:
        """Let time pass, and let the source look again."""
        self.now_s += after_s
        self._may_go.set()
        await self._rest()


async def test_a_look_costs_as_many_queries_at_any_rate() -> None:
    table = FakeCollected()
    table.ran("f", WEST, MINUTE, 0.1)
    async with opened(table) as session:
        looking = Looking(session)
        async with looking.running():
            for count in (0, 1, 10**6):
                counts = {"started": count, "ended": count}
                table.count("f", FunctionName(WEST, "f"), MINUTE, counts)
                before = len(table.queries)
                await looking.look()
                # Counts, and how long it took where these have changed.
                assert len(table.queries) - before == (2 * SHARDS if count else SHARDS)


async def test_how_long_much_took_is_read_when_its_minute_is_over() -> None:
    table = FakeCollected()
    for minute in (MINUTE - 1, MINUTE):
        for number in range(250):
            values_s = (0.001 * 1.1**power for power in range(60))
            table.ran(f"f{number}", WEST, minute, *values_s)
    async with opened(table) as session:
        looking = Looking(session)
        async with looking.running():
            for after_s, times in ((15, 1), (10, 1), (20, 2)):  # until 15 s of the next minute
                table.ran("f0", WEST, MINUTE, 9.0)
                before = len(table.queries)
                await looking.look(after_s)
                assert len(table.queries) - before == times * SHARDS
            looking.tables.renew(looking.now_s, None)
            (row,) = (row for row in looking.tables.functions if row.name == "f0")
            assert row.count == 123
            assert (row.max_s or 0.0) > 8.0


async def test_the_running_minute_is_read_again_and_older_ones_once_more() -> None:
    table = FakeCollected()
    table.ran("f", WEST, MINUTE - 3, 0.1)
    table.ran("f", WEST, MINUTE, 0.1)
    async with opened(table) as session:
        looking = Looking(session)
        async with looking.running():
            table.ran("f", WEST, MINUTE - 3, 0.1)
            table.ran("f", WEST, MINUTE, 0.1)
            await looking.look()
            looking.tables.renew(looking.now_s, None)
            assert looking.tables.invocations == 3
            await looking.look(61)  # what came late is in, too
            looking.tables.renew(looking.now_s, None)
            assert looking.tables.invocations == 4
            for _ in range(12):
                await looking.look()
            assert looking.waits_s[-1] > looking.waits_s[0]
            table.ran("f", WEST, MINUTE + 1, 0.1)
            await looking.look()
            assert looking.waits_s[-1] == looking.waits_s[0]
            # The table could not be read for an hour: nothing of it is missing.
            table.ran("f", WEST, MINUTE + 30, 0.1)
            await looking.look(3600)
            looking.tables.renew(looking.now_s, None)
            assert looking.tables.invocations == 6


@pytest.mark.parametrize(("since", "counted"), [("15m", 1), ("3h", 2), ("1d", 3)])
async def test_the_past_is_counted_as_far_back_as_is_wanted(since: str, counted: int) -> None:
    table = FakeCollected()
    for minute in (MINUTE, MINUTE - 120, MINUTE - 600):
        table.ran("f", WEST, minute, 0.1)
    async with opened(table) as session:
        timing = Timing(now_s=lambda: NOW_S)
        source = CollectedSource(session, since=parse_since(since), timing=timing)
        tables = CollectedTables()
        for told in await source.once():
            tables.take(told)
        tables.renew(NOW_S, None)
        assert tables.invocations == counted


def test_a_collector_that_is_behind_is_a_problem() -> None:
    tables = CollectedTables()
    tables.take(CollectorLags({EAST: 240.0}))
    tables.renew(NOW_S, None)
    (problem,) = tables.problems
    assert (problem.kind, problem.text[:9]) == ("collector-behind", EAST)


def test_minutes_that_leave_stay_counted() -> None:
    table, tables = FakeCollected(), CollectedTables()
    minutes = range(MINUTE, MINUTE + 3 * KEPT_MINUTES)
    for minute in minutes:
        table.ran("f", WEST, minute, 0.1, 0.3)
        tables.take(CountedMinutes(minute - 1, minute, table.rollups(minute - 1, minute)))
    tables.renew(minutes[-1] * 60.0, None)
    assert tables.functions[0].count == 2 * len(minutes)
    tables.renew(minutes[-1] * 60.0, 60.0)
    assert tables.functions[0].count == 4  # a whole minute, and the running one


def test_what_rests_on_order_is_ambiguous_where_somebody_unrecorded_writes() -> None:
    table, tables = FakeCollected(), CollectedTables()
    source = doubt_source(("dynamodb", WEST, "orders"))
    edge = EdgeName(WEST, "a", WEST, "b", "dynamodb", "orders", "order", source)
    table.caused(edge, MINUTE, "order", 0.1, 0.2)
    table.caused(edge._replace(needs="", source=""), MINUTE, "exact", 0.1)
    tables.take(CountedMinutes(MINUTE, MINUTE, table.rollups(MINUTE, MINUTE)))
    tables.renew(NOW_S, None)
    assert (tables.edges[0].count, tables.service_map().edges[0].ambiguous) == (3, 0)
    doubt = doubt_item("unexplained", source, NOW_S - 3600)
    tables.take(CountedDoubts([str(doubt["pk"])], [doubt]))
    tables.renew(NOW_S, None)
    (flow,) = tables.service_map().edges
    assert (tables.edges[0].count, flow.count, flow.ambiguous) == (1, 3, 2)


# --- chains ---------------------------------------------------------------------------------------


def tree(table: FakeCollected, wide: int) -> None:
    """Put a root with `wide` effects, each with one of its own; and a stranger."""
    table.invocation("root", "r", NOW_S, calls=tuple(f"m{n}" for n in range(wide)))
    for n in range(wide):
        table.invocation(f"e{n}", "e", NOW_S + 1, calls=(f"k{n}",), cause=f"m{n}", parent="root")
        table.invocation(f"l{n}", "l", NOW_S + 2, cause=f"k{n}", parent=f"e{n}", region=EAST)
    table.invocation("stranger", "s", NOW_S)


async def fetched(table: FakeCollected, request_id: str, most: int = 1000) -> FetchedChain:
    async with opened(table) as session:
        return await fetch_chain(CollectedTable(session), request_id, most)


async def test_a_chain_is_whole_from_whichever_of_its_invocations() -> None:
    table = FakeCollected()
    tree(table, 60)  # its effects come in several pages
    for request_id in ("root", "e7", "l59"):
        table.queries.clear()
        chain = await fetched(table, request_id)
        assert len(chain.members) == 121
        assert next(iter(chain.members)) == "root"
        assert (chain.more, chain.beside) == (0, {})
        assert "i#stranger" not in table.queries


async def test_a_chain_that_is_too_large_is_cut_and_says_so() -> None:
    table = FakeCollected()
    tree(table, 60)
    chain = await fetched(table, "l59", most=20)
    assert list(chain.members)[:3] == ["root", "e59", "l59"]
    assert len(chain.members) == 20
    assert chain.more >= 42
    watch = CollectedWatch("w", lambda _: asyncio.sleep(0, chain), clock=lambda: NOW_S + 500)
    await watch.open("l59")
    assert [row.kind for row in watch.snapshot().problems] == ["not-fetched"]
    assert len(watch.engine.invocations) == 20
    assert not [row for row in rows_of(watch) if row.trigger.startswith("orphan")]


async def test_what_may_have_caused_it_is_fetched_beside_it() -> None:
    table = FakeCollected()
    table.invocation("p1", "p", NOW_S, cause="x", parent="above", calls=("same",))
    table.invocation("p2", "p", NOW_S, calls=("same",))
    table.invocation("child", "c", NOW_S + 1, cause="same", also=("p1", "p2"))
    chain = await fetched(table, "child")
    assert (list(chain.members), list(chain.beside)) == (["child"], ["p1", "p2"])
    watch = CollectedWatch("w", lambda _: asyncio.sleep(0, chain), clock=lambda: NOW_S + 500)
    await watch.open("child")
    (edge,) = watch.engine.edges()
    assert (edge.evidence, edge.parent, len(edge.candidates)) == ("ambiguous", None, 2)
    # The cause of p1 was not asked for: that is not the same as that it is missing.
    assert not [row for row in rows_of(watch) if row.trigger.startswith("orphan")]


async def test_an_effect_that_its_edge_leads_elsewhere_is_left_out() -> None:
    table = FakeCollected()
    table.invocation("first", "p", NOW_S, calls=("a",))
    table.invocation("second", "p", NOW_S, calls=("b",))
    table.invocation("child", "c", NOW_S + 1, cause="b", also=("first",))
    table.invocation("child", "c", NOW_S + 1, cause="b", parent="second")
    assert list((await fetched(table, "first")).members) == ["first"]
    assert list((await fetched(table, "second")).members) == ["second", "child"]


async def test_of_an_unknown_request_id_it_says_so() -> None:
    with pytest.raises(UserError, match="keeps no record of nobody"):
        await fetched(FakeCollected(), "nobody")
    missing = FakeCollected()
    missing.missing = True
    with pytest.raises(UserError) as refused:
        await fetched(missing, "nobody")
    assert refused.value.kind == "collector-missing"


async def test_expired_credentials_are_read_anew() -> None:
    table = FakeCollected()
    tree(table, 1)
    table.refused = "ExpiredTokenException"
    with pytest.raises(UserError) as expired:
        await fetched(table, "root")
    assert expired.value.kind == "expired-token"
    async with opened(table) as session:
        read = CollectedTable(session)
        table.refuse_once("ExpiredTokenException")
        assert len((await fetch_chain(read, "root")).members) == 3
        assert read.session is not session


async def test_a_chain_that_still_grows_and_what_was_fired_are_fetched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collected, "_AGAIN_EVERY_S", 0.01)
    table = FakeCollected()
    table.invocation("first", "f", NOW_S, calls=("m",))
    async with opened(table) as session:
        read = CollectedTable(session)
        watch = CollectedWatch("w", lambda one: fetch_chain(read, one), clock=lambda: NOW_S + 9)
        await watch.open("first")
        followed = watch.follow(Fired("app", ("fired",), (), NOW_S, "function", "g"))
        grown, take = asyncio.Event(), watch.take_chain

        def taken(chain: FetchedChain) -> None:
            take(chain)
            if {"second", "fired"} <= watch.engine.invocations.keys():
                grown.set()

        monkeypatch.setattr(watch, "take_chain", taken)
        keeping = asyncio.create_task(watch.keep_up())
        table.invocation("second", "g", NOW_S + 1, cause="m", parent="first")
        table.invocation("fired", "g", NOW_S + 2)
        await asyncio.wait_for(grown.wait(), 60)
        keeping.cancel()
        summary = followed.look()
        assert (summary.roots, summary.failed) == (1, 0)


def rows_of(watch: CollectedWatch) -> list[TreeRow]:
    rows = watch.snapshot().rows
    return [rows.row(index) for index in range(len(rows))]
