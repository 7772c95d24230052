"""Watching what collectors keep in DynamoDB: the queries, and that both ways show the same."""

from __future__ import annotations

import asyncio

import pytest

from causality.latency import latencies_of
from gammaray_collector.collecting import Collector
from gammaray_collector.waiting import DUE_SHARDS
from gammaray_tui.collected import CollectedWatch
from gammaray_tui.collected_tables import CollectedTables
from providers.collected import CollectedSource
from providers.collected_chain import FetchedChain, fetch_chain
from providers.errors import UserError
from providers.session import AwsSession, AwsSettings
from providers.streams import parse_since
from providers.streams.timing import Timing
from tests.integration.boto_collector import REGION, collectors_table, lead_boto
from tests.unit.causality import oracle
from tests.unit.collector.runs import edges_live, edges_of, handed_over
from tests.unit.collector.test_watched import graph_of

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]


@pytest.fixture
def session(
    aws_session: AwsSession, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> AwsSession:
    lead_boto(aws_session, account_id, monkeypatch)
    return AwsSession.open(AwsSettings(regions=(REGION,), endpoint_url=aws_session.endpoint_url))


async def test_both_ways_show_the_same(session: AwsSession) -> None:
    source = CollectedSource(session, since=parse_since("1h"))
    with pytest.raises(UserError) as missing:
        await source.once()
    assert missing.value.kind == "collector-missing"

    records = oracle.readable(oracle.json_records("mapreduce"))
    live = graph_of(records)
    ended_s = max(i.started_at_s or 0.0 for i in live.invocations.values()) + 60.0
    await asyncio.to_thread(_collect, handed_over(records), ended_s)

    timing = Timing(now_s=lambda: ended_s)
    source = CollectedSource(session, since=parse_since("1h"), timing=timing)
    tables = CollectedTables()
    for told in await source.once():
        tables.take(told)
    tables.renew(ended_s, None)
    rows = latencies_of(live.invocations.values()).functions.rows()
    assert {(r.name, r.count, r.errors) for r in tables.functions} == {
        (r.name, r.count, r.errors) for r in rows
    }

    async def fetch(request_id: str) -> FetchedChain:
        return await fetch_chain(source.table, request_id)

    request_id = next(iter(live.invocations))
    watch = CollectedWatch("w", fetch, clock=lambda: ended_s + 3600)
    await watch.open(request_id)
    assert len(watch.engine.invocations) > 1
    found = {p: e for p, e in edges_live(records).items() if p[0] in watch.engine.invocations}
    assert edges_of(watch.engine) == found


def _collect(records: list[dict[str, object]], now_s: float) -> None:
    """Make the table, and let a collector take records."""
    collector = Collector(collectors_table())
    collector.take(records, now_s)
    while collector.sweep(now_s + 1000.0, range(DUE_SHARDS), 1000):
        pass
