"""The collector, set up on the local AWS beside applications that are deployed and fired.

The local AWS takes all settings of a mapping. It filters and invokes as AWS does, but waits for no
window, runs one batch at a time, and neither halves batches nor takes partial failures nor gives up
early: what the handler does with these, and with the messages that tell of batches which were given
up, is tested with events of AWS's shape (here, and in tests/unit/collector).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from gammaray_collector.items import EDGES, PK, SK, Item, edge_of
from gammaray_collector.rollups import Doubts, FunctionName, ProblemName, read_rollups
from gammaray_tui.collected import CollectedWatch
from gammaray_tui.collected_tables import CollectedTables
from providers.aws_operations import AwsOperations
from providers.collected import CollectedSource
from providers.collected_chain import fetch_chain
from providers.collected_table import CollectedTable
from providers.collector import APPLICATION
from providers.errors import UserError
from providers.local_aws import LocalAws
from providers.operations import Check, Step
from providers.session import AwsSession
from providers.streams import parse_since
from tests.integration.test_cleanup import listed
from tests.integration.test_examples import (
    LOOK_EVERY_S,
    TIMEOUT_S,
    cleaned_up,
    deployed_and_fired,
    ended,
    graph_when,
)

# What Lambda sends when it gives up a batch: AWS Lambda Developer Guide, "Retaining discarded
# batches for a DynamoDB event source".
GIVEN_UP = {
    "requestContext": {
        "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:gammaray-collector",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 1,
    },
    "responseContext": {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    },
    "version": "1.0",
    "timestamp": "2026-11-14T00:13:49.717Z",
    "DDBStreamBatchInfo": {
        "shardId": "shardId-00000001573689847184-864758bb",
        "startSequenceNumber": "800000000003126276362",
        "endSequenceNumber": "800000000003126276362",
        "approximateArrivalOfFirstRecord": "2026-11-14T00:13:19Z",
        "approximateArrivalOfLastRecord": "2026-11-14T00:13:19Z",
        "batchSize": 1,
        "streamArn": "arn:aws:dynamodb:us-east-1:123456789012:table/gammaRays/stream/2026-11-14",
    },
}

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]


async def test_the_same_graph_is_collected_as_is_watched(
    local_aws: LocalAws, aws_session: AwsSession
) -> None:
    website = f"{local_aws.endpoint_url}/_ministack/health"
    operations = AwsOperations(aws_session, function_environment={"WEBSITE_URL": website})
    await operations.set_up(lambda _: None)
    assert await checks_of(operations) == {}, "there is none yet"
    plan = await operations.plan_setup(collector=True)
    assert {step.detail for step in plan} == {"create", "up to date"}
    await operations.set_up(lambda _: None, collector=True)
    await deployed_and_fired(operations, "imageproc", 3)
    await deployed_and_fired(operations, "mapreduce", 1)

    document = await graph_when(aws_session, lambda graph: ended(graph).total() == 3 * 3 + 11)
    watched = {(e.child_request_id, e.parent_request_id, e.evidence) for e in document.edges}
    assert len(watched) == 3 * 2 + 10
    collected: set[Hop] = set()
    counted: Counter[str] = Counter()
    async with asyncio.timeout(TIMEOUT_S), collected_table(aws_session) as client:
        while collected != watched or counted != ended(document):
            items = await collected_items(client)
            collected, counted = hops_of(items), ended_of(items)
            await asyncio.sleep(LOOK_EVERY_S)

    # And so does the screen show it, from the counts and from chains that are opened.
    assert await shown_counts(aws_session) == ended(document)
    roots = {i.request_id for i in document.invocations} - {child for child, _, _ in watched}
    assert await opened_hops(aws_session, roots) == watched

    async with asyncio.timeout(TIMEOUT_S):  # a mapping tells a moment later how it went
        detail = ""
        while "OK" not in detail:
            detail = (await checks_of(operations))["us-west-2/collector"].detail
            await asyncio.sleep(LOOK_EVERY_S)
    assert await wrongs_of(operations) == {}
    await cleaned_up(operations)
    assert await listed(aws_session) == {}


async def shown_counts(session: AwsSession) -> Counter[str]:
    """Give how often each function ran, as `--collected` shows it."""
    tables = CollectedTables()
    for told in await CollectedSource(session, since=parse_since("1h")).once():
        tables.take(told)
    tables.renew(time.time(), None)
    return Counter({row.name: row.count for row in tables.functions})


async def opened_hops(session: AwsSession, roots: Iterable[str]) -> set[Hop]:
    """Open chains as `--collected` does; give their edges."""
    table = CollectedTable(session)
    watch = CollectedWatch("collected", lambda request_id: fetch_chain(table, request_id))
    for request_id in roots:
        await watch.open(request_id)
    return {
        (
            edge.cause.invocation.request_id,
            edge.parent.request_id if edge.parent is not None else None,
            edge.evidence,
        )
        for edge in watch.engine.edges()
    }


async def test_what_is_missing_is_told_and_mended_and_all_of_it_taken_away(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    await operations.set_up(lambda _: None, collector=True)
    steps: list[Step] = []
    await operations.set_up(steps.append, collector=True)
    assert {step.detail for step in steps if step.state == "done"} == {"up to date"}
    found = [one for one in await operations.resources() if one.application == APPLICATION]
    both = ("function", "log group", "mapping", "mapping", "queue")
    assert sorted((one.kind, one.region) for one in found) == sorted(
        [
            *((kind, region) for kind in both for region in aws_session.regions),
            *(("role", ""), ("rule", "us-west-2"), ("table", "us-west-2")),
        ]
    )
    assert all(one.managed for one in found)

    # A batch was given up and nobody reads of it; and the tables have other streams.
    queues = [one for one in found if one.kind == "mapping" and "lost" in one.name]
    await operations.delete(queues, lambda _: None)
    async with aws_session.client("sqs", "us-east-1") as client:
        url = await client.get_queue_url(QueueName="gammaray-collector-lost")
        await client.send_message(QueueUrl=url["QueueUrl"], MessageBody=json.dumps(GIVEN_UP))
    await operations.set_up(lambda _: None, reset=True)
    gone = "reads no stream but that of a table which is gone: nothing is collected here"
    assert await wrongs_of(operations) == {
        "us-west-2/collector": gone,
        "us-east-1/collector": gone,
        "us-east-1/collector-lost": "A batch was given up: what they hold is missing from what was "
        "collected",
    }

    await operations.set_up(lambda _: None, collector=True)
    async with asyncio.timeout(TIMEOUT_S):
        await until_mended(operations, aws_session)

    aws_session.regions = ("us-east-1", "us-west-2")  # another home
    with pytest.raises(UserError) as raised:
        await AwsOperations(aws_session).plan_setup(collector=True)
    assert raised.value.kind == "collector-elsewhere"
    assert "us-west-2" in raised.value.todo
    await operations.delete(await operations.resources(), lambda _: None)
    assert await listed(aws_session) == {}


async def until_mended(operations: AwsOperations, session: AwsSession) -> None:
    """Wait until what was given up is noted, and all is well."""
    async with collected_table(session) as client:
        while True:
            if gaps_of(await collected_items(client)) and not await wrongs_of(operations):
                return
            await asyncio.sleep(LOOK_EVERY_S)


async def checks_of(operations: AwsOperations) -> dict[str, Check]:
    """Give what the doctor says of the collector."""
    checks = await operations.examine(lambda _: None)
    return {check.id: check for check in checks if "collect" in check.id}


async def wrongs_of(operations: AwsOperations) -> dict[str, str]:
    """Give what the doctor finds wrong with the collector."""
    checks = await checks_of(operations)
    return {id: check.detail for id, check in checks.items() if check.state != "ok"}


Hop = tuple[str | None, str | None, str]


def collected_table(session: AwsSession) -> AbstractAsyncContextManager[Any]:
    """Open a client where the collector's table is."""
    return session.client("dynamodb", session.regions[0])


async def collected_items(client: Any) -> list[Item]:
    """Read all that is collected."""
    found: list[Item] = []
    async for page in client.get_paginator("scan").paginate(TableName="gammaRaysCollected"):
        found += [
            {name: int(v["N"]) if "N" in v else next(iter(v.values())) for name, v in i.items()}
            for i in page["Items"]
        ]
    return found


def hops_of(items: list[Item]) -> set[Hop]:
    """Give the edges that are certain or ambiguous, as the app would show them."""
    doubts = Doubts(item for item in items if str(item[PK]).startswith("d#"))
    edges = [edge_of(item) for item in items if str(item[SK]).startswith(EDGES)]
    return {
        (e.child, e.parent, doubts.graded(e.grade, e.needs, e.source, e.began_s)) for e in edges
    }


def ended_of(items: list[Item]) -> Counter[str]:
    """Count the attempts of each function that are over, by its rollups."""
    counted: Counter[str] = Counter()
    for rollup in read_rollups(item for item in items if str(item[PK]).startswith("t#")):
        if isinstance(rollup.name, FunctionName):
            counted[rollup.name.function] += rollup.counts.get("ended", 0)
    return counted


def gaps_of(items: list[Item]) -> list[ProblemName]:
    """Give the gaps that were noted."""
    rollups = read_rollups(item for item in items if str(item[PK]).startswith("t#"))
    names = [rollup.name for rollup in rollups]
    return [n for n in names if isinstance(n, ProblemName) and n.problem == "gap"]
