"""The example applications: deployed, fired, seen as whole chains, and cleaned up for good.

The local AWS gives other ids than AWS to the caller of Invoke and of S3, so those hops are
proven by content here: the hash of a payload, the key and the ETag of an object.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable

import pytest

from causality.document import GraphDocument, graph_document
from gammaray_tui.commands.aws import stream_source
from gammaray_tui.commands.reading import events_of
from gammaray_tui.watch import Watch
from providers.aws_operations import AwsOperations
from providers.operations import Fired, Step
from providers.session import AwsSession

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]

TIMEOUT_S = 120.0
LOOK_EVERY_S = 0.3

Hops = Counter[tuple[str | None, str | None, str]]


async def graph_when(
    session: AwsSession, complete: Callable[[GraphDocument], bool], model: Watch | None = None
) -> GraphDocument:
    """Read the record tables' streams until the graph is complete."""
    model = model or Watch("test")
    looked_at_s = 0.0
    async with (
        asyncio.timeout(TIMEOUT_S),
        contextlib.aclosing(events_of(stream_source(session, "all"), model.queue)) as events,
    ):
        async for event in events:
            model.apply(event)
            if model.queue.empty() or time.monotonic() - looked_at_s > LOOK_EVERY_S:
                looked_at_s = time.monotonic()
                document = graph_document(model.engine)
                if complete(document):
                    return document
    raise AssertionError("the streams ended")


def ended(document: GraphDocument) -> Counter[str | None]:
    """Count the attempts of each function that are over."""
    return Counter(
        invocation.function
        for invocation in document.invocations
        if invocation.status not in (None, "running")
    )


def hops(document: GraphDocument) -> Hops:
    """Count the edges by what they connect and what proves them."""
    functions = {item.request_id: item.function for item in document.invocations}
    return Counter(
        (functions[edge.parent_request_id or ""], functions[edge.child_request_id], edge.evidence)
        for edge in document.edges
    )


def roots_of(document: GraphDocument) -> dict[str, str]:
    """Give the root of each invocation's chain."""
    parents = {edge.child_request_id: edge.parent_request_id for edge in document.edges}

    def root(request_id: str) -> str:
        parent = parents.get(request_id)
        return root(parent) if parent else request_id

    return {item.request_id: root(item.request_id) for item in document.invocations}


async def deployed_and_fired(operations: AwsOperations, name: str, count: int) -> Fired:
    """Deploy, see that nothing is left to do, and fire."""
    steps: list[Step] = []
    await operations.deploy(name, steps.append)
    plan = await operations.plan(name)
    assert {step.detail for step in plan.steps} == {"up to date"}
    fired = await operations.fire(name, count, lambda _step: None)
    assert len(fired.request_ids) == count
    assert fired.errors == ()
    return fired


async def cleaned_up(operations: AwsOperations) -> None:
    """Delete everything, and see that nothing is left."""
    found = await operations.resources()
    assert all(resource.managed for resource in found)
    assert (await operations.delete(found, lambda _step: None)).failed == ()
    # What still ran meanwhile, say after a message that came twice, made its log group once more.
    async with asyncio.timeout(TIMEOUT_S):
        while left := await operations.resources():
            assert {resource.kind for resource in left} == {"log group"}
            assert (await operations.delete(left, lambda _step: None)).failed == ()


async def test_webapp_is_a_chain_of_five_functions_in_two_configurations_side_by_side(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    functions = ("SNSPy", "S3ModPy", "FnInvokerPy", "DBModPy", "VisitsPy")
    for name in ("webapp", "webapp:B"):
        await deployed_and_fired(operations, name, 1)

    document = await graph_when(aws_session, lambda graph: ended(graph).total() == 10)

    assert ended(document) == dict.fromkeys((f + x for f in functions for x in ("", "B")), 1)
    assert hops(document) == {
        (earlier + letter, later + letter, evidence): 1
        for letter in ("", "B")
        for earlier, later, evidence in (
            ("SNSPy", "S3ModPy", "exact"),
            ("S3ModPy", "FnInvokerPy", "content"),
            ("FnInvokerPy", "DBModPy", "content"),
            ("DBModPy", "VisitsPy", "content"),
        )
    }
    roots = roots_of(document)
    assert sorted(Counter(roots.values()).values()) == [5, 5], "two chains, not one tangle"
    assert document.problems == []
    await cleaned_up(operations)


async def test_mapreduce_counts_every_word_and_shows_who_started_whom(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    await deployed_and_fired(operations, "mapreduce", 1)
    expected = {"driver": 1, "mapper": 4, "reducerCoordinator": 4, "reducer": 2}

    document = await graph_when(aws_session, lambda graph: ended(graph).total() == 11)

    assert ended(document) == expected
    assert hops(document) == {
        ("driver", "mapper", "content"): 4,
        ("mapper", "reducerCoordinator", "content"): 4,
        ("reducerCoordinator", "reducer", "content"): 2,
    }
    assert len(set(roots_of(document).values())) == 1
    assert len({e.parent_request_id for e in document.edges if e.operation == "Invoke"}) == 2, (
        "one coordinator started both reducers"
    )
    assert await words_counted(aws_session) == 4 * 2000
    await cleaned_up(operations)


async def words_counted(session: AwsSession) -> int:
    """Add up what the reducers have written."""
    total = 0
    async with session.client("s3", "us-west-2") as s3:
        (bucket,) = [item["Name"] for item in (await s3.list_buckets())["Buckets"]]
        listed = await s3.list_objects_v2(Bucket=bucket, Prefix="reduced/")
        for item in listed["Contents"]:
            async with (await s3.get_object(Bucket=bucket, Key=item["Key"]))["Body"] as body:
                total += sum(json.loads(await body.read()).values())
    return total


async def test_orders_are_retried_and_what_fails_for_good_is_among_the_dead_letters(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    fired = await deployed_and_fired(operations, "orders", 3)
    expected = {
        "TakeOrder": 3,
        "ProcessOrder": 3,
        "BillOrder": 3,
        "PackOrder": 3,
        "TellCustomer": 3,
        "CallOperator": 1,
        # The first order at once, the second when it is tried again, the third three times. A
        # slow machine may see one more: SQS delivers at least once.
        "ReserveStock": 1 + 2 + 3,
    }

    model = Watch("test")

    def complete(graph: GraphDocument) -> bool:
        over = ended(graph)
        nothing_runs = over.total() == len(graph.invocations)
        return nothing_runs and all(over[name] >= n for name, n in expected.items())

    document = await graph_when(aws_session, complete, model)

    tries = ended(document)["ReserveStock"]
    assert ended(document) == {**expected, "ReserveStock": tries}
    assert hops(document) == {
        ("TakeOrder", "ProcessOrder", "exact"): 3,
        ("ProcessOrder", "BillOrder", "exact"): 3,
        ("ProcessOrder", "ReserveStock", "exact"): tries,
        ("BillOrder", "PackOrder", "exact"): 3,
        ("BillOrder", "TellCustomer", "exact"): 3,
        ("ProcessOrder", "CallOperator", "exact"): 1,
    }
    statuses = Counter(i.status for i in document.invocations if i.function == "ReserveStock")
    assert statuses["ok"] >= 2
    assert statuses["error"] >= 4
    assert len(set(roots_of(document).values())) == 3
    assert model.follow(fired).look().roots == 3, "what was fired is found again"
    await cleaned_up(operations)
