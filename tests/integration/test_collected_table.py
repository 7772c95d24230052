"""The collector's table in DynamoDB: what it promises, and what two collectors make of it."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import boto3
import pytest

from gammaray_collector.collecting import Collector
from gammaray_collector.dynamo import DynamoTable
from gammaray_collector.items import PK, SK, TABLE, Item
from gammaray_collector.table import Addition, Asked, Busy, Table, Version, Write
from gammaray_collector.waiting import DUE_SHARDS
from providers.session import AwsSession
from tests.integration.boto_collector import REGION, collectors_table, lead_boto
from tests.unit.causality import oracle
from tests.unit.collector.fake_table import FakeTable
from tests.unit.collector.runs import (
    NOW_S,
    collected,
    conclusions,
    counted,
    edges_in,
    handed_over,
    in_pieces,
)

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

FAR_S = 4_000_000_000


@pytest.fixture
def dynamo(
    aws_session: AwsSession, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> DynamoTable:
    lead_boto(aws_session, account_id, monkeypatch)
    return collectors_table()


def _promises(table: Table) -> None:
    """What every table must do; what the fake one does here, tests rely on elsewhere."""
    items: list[Item] = [
        {PK: "a", SK: f"{n:03d}", "p": b"\x00\xff", "count": n} for n in range(130)
    ]
    table.put(items * 2)
    (found,) = table.query([Asked("a")])
    assert [item[SK] for item in found] == [f"{n:03d}" for n in range(130)]
    asked = [Asked("a", "010", "020~", 3, newest_first=True), Asked("b"), Asked("a", "128")]
    newest, none, last = table.query(asked)
    assert [item[SK] for item in newest] == ["020", "019", "018"]
    assert (none, [item["count"] for item in last]) == ([], [128, 129])
    keys = [("a", f"{n:03d}") for n in range(125, 140)]
    assert table.get(keys)["a", "125"] == {PK: "a", SK: "125", "p": b"\x00\xff", "count": 125}
    table.delete(keys)
    assert table.get(keys) == {}
    assert table.get([]) == {}

    def version(place: str, number: int, expected: int | None) -> Version:
        return Version({PK: "v", SK: place, "n": number}, expected)

    more = Addition(("r", "1"), {"d-3": 2, "count": -1}, {"xlatest": "one"}, FAR_S)
    assert table.transact([version("1", 1, None), more]) == frozenset()
    assert table.transact([version("1", 1, None), version("2", 1, None), more]) == {0}
    late: list[Write] = [version("1", 2, 1), version("2", 1, None), version("3", 9, 8), more]
    assert table.transact(late) == {2}
    assert table.transact([version("1", 2, 1), more]) == frozenset()
    there = table.get([("v", "1"), ("v", "2"), ("v", "3"), ("r", "1")])
    assert there == {
        ("v", "1"): {PK: "v", SK: "1", "n": 2},
        ("r", "1"): {
            PK: "r",
            SK: "1",
            "d-3": 4,
            "count": -2,
            "xlatest": "one",
            "expires": FAR_S,
        },
    }


async def test_the_table_does_what_the_fake_one_does(dynamo: DynamoTable) -> None:
    _promises(FakeTable())
    await asyncio.to_thread(_promises, dynamo)


async def test_what_is_counted_outlives_what_may_bring_it_again(dynamo: DynamoTable) -> None:
    old = Version({PK: "v", SK: "old", "n": 1, "expires": 99}, None)
    await asyncio.to_thread(dynamo.transact, [old, Addition(("r", "old"), {"count": 1}, {}, 99)])
    there = await asyncio.to_thread(dynamo.get, [("v", "old"), ("r", "old")])
    assert len(there) == 2
    assert all(int(item["expires"]) > time.time() + 86_400 for item in there.values())


async def test_two_collectors_at_once_write_what_one_does(dynamo: DynamoTable) -> None:
    records = oracle.readable(oracle.json_records("mapreduce"))
    await asyncio.to_thread(_collect_twice, dynamo, handed_over(records))
    items = boto3.resource("dynamodb", region_name=REGION).Table(TABLE).scan()["Items"]
    read = await asyncio.to_thread(dynamo.get, [(str(i[PK]), str(i[SK])) for i in items])
    table = FakeTable()
    table.put(read.values())
    once = collected(records, 1000)
    assert conclusions(table) == conclusions(once)
    assert counted(table) == counted(once)
    assert edges_in(table) == edges_in(once)


def _collect_twice(dynamo: DynamoTable, given: list[dict[str, object]]) -> None:
    problems: list[BaseException] = []

    def run(seed: int) -> None:
        collector = Collector(dynamo)
        left = in_pieces(given, random.Random(seed))
        try:
            while left:
                try:
                    collector.take(left[0], NOW_S)
                    del left[0]
                except Busy:
                    continue  # Lambda hands it over again
            while collector.sweep(NOW_S + 1000.0, range(DUE_SHARDS), 1000):
                pass
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
