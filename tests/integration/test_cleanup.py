from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import Any

import pytest

from providers.aws_operations import AwsOperations
from providers.operations import Scope, Step
from providers.session import AwsSession
from providers.tags import our_tags
from tests.integration.records import FUNCTIONS, LOOK_EVERY_S, chains, until_logged

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

CHAIN_TIMEOUT_S = 60.0
EMPTY_TIMEOUT_S = 60.0


async def test_all_that_was_deployed_is_listed_once_and_deleted(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy("imageproc", lambda _step: None)
    await operations.fire("imageproc", 1, lambda _step: None)
    async with asyncio.timeout(CHAIN_TIMEOUT_S):
        await chains(aws_session, 1)
        await until_logged(aws_session, *FUNCTIONS)

    resources = await operations.resources()

    assert Counter((item.kind, item.region) for item in resources) == {
        ("function", "us-west-2"): 2,
        ("function", "us-east-1"): 1,
        ("mapping", "us-west-2"): 1,
        ("mapping", "us-east-1"): 1,
        ("table", "us-west-2"): 2,
        ("table", "us-east-1"): 2,
        ("layer", "us-west-2"): 1,
        ("layer", "us-east-1"): 1,
        ("log group", "us-west-2"): 2,
        ("log group", "us-east-1"): 1,
        ("bucket", "us-west-2"): 1,
        ("role", ""): 1,
    }
    assert all(item.managed for item in resources)
    shared = {item.name for item in resources if not item.application}
    assert shared == {"gammaRays", "gammaray-recorder:1"}
    assert {item.application for item in resources} == {"imageproc", ""}
    (bucket,) = (item for item in resources if item.kind == "bucket")
    assert bucket.detail == "1 object"
    steps: list[Step] = []

    deleted = await operations.delete(resources, steps.append)

    assert deleted.failed == ()
    assert set(deleted.deleted) == set(resources)
    assert {step.state for step in steps[-len(resources) :]} <= {"running", "done"}
    assert await listed(aws_session) == {}
    assert await operations.resources() == []

    again = await operations.delete(resources, lambda _step: None)

    assert again.failed == ()
    assert len(again.deleted) == len(resources), "it can be repeated"


async def test_what_has_our_names_but_not_our_tag_is_not_managed(aws_session: AwsSession) -> None:
    async with aws_session.client("dynamodb", "us-west-2") as client:
        for name in ("gammaRays", "image-proc-B", "somebody-elses"):
            await client.create_table(
                TableName=name,
                KeySchema=[{"AttributeName": "reqID", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "reqID", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    resources = await AwsOperations(aws_session).resources()

    assert [(item.name, item.managed) for item in resources] == [
        ("gammaRays", False),
        ("image-proc-B", False),
    ]


async def test_what_cannot_be_deleted_is_reported_and_the_rest_deleted(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy("imageproc", lambda _step: None)
    async with aws_session.client("dynamodb", "us-east-1") as client:
        await client.update_table(TableName="eastSyncTable-B", DeletionProtectionEnabled=True)
    resources = await operations.resources()
    steps: list[Step] = []

    deleted = await operations.delete(resources, steps.append)

    ((kept, reason),) = deleted.failed
    assert kept.name == "eastSyncTable-B"
    assert "protection" in reason.lower()
    assert len(deleted.deleted) == len(resources) - 1
    (failed,) = (step for step in steps if step.state == "failed")
    assert failed.text == "table eastSyncTable-B"
    assert failed.detail == reason


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
async def test_cleanup_finds_what_a_deployment_that_was_stopped_has_made(
    aws_session: AwsSession, seed: int
) -> None:
    operations = AwsOperations(aws_session)
    # The first 17 reports only list what is to be done; about 50 come in all.
    reports = random.Random(seed).randrange(32, 48)
    deployment = asyncio.create_task(operations.deploy("imageproc", lambda _step: countdown()))

    def countdown() -> None:
        nonlocal reports
        reports -= 1
        if reports == 0:
            deployment.cancel()

    with pytest.raises(asyncio.CancelledError):
        await deployment
    assert await listed(aws_session) != {}, "it was stopped in the middle"

    await clean_up_after_a_stop(operations)


async def clean_up_after_a_stop(operations: AwsOperations) -> None:
    """Clean up, until nothing is left, after a deployment that was stopped.

    What was under way at that moment may be made a moment later.
    """
    give_up_s = time.monotonic() + EMPTY_TIMEOUT_S
    while left := await listed(operations.session):
        assert time.monotonic() < give_up_s, left
        resources = await operations.resources()
        assert (await operations.delete(resources, lambda _: None)).failed == ()
        if not resources:
            await asyncio.sleep(LOOK_EVERY_S)


async def listed(session: AwsSession) -> dict[str, list[Any]]:
    """Ask each service itself what there is, region by region; services with nothing are out."""
    everything: dict[str, list[Any]] = {}
    for region in session.regions:
        async with (
            session.client("lambda", region) as functions,
            session.client("dynamodb", region) as dynamodb,
            session.client("logs", region) as logs,
            session.client("s3", region) as s3,
            session.client("iam", region) as iam,
            session.client("sns", region) as sns,
            session.client("sqs", region) as sqs,
        ):
            answers = {
                "functions": (await functions.list_functions())["Functions"],
                "mappings": (await functions.list_event_source_mappings())["EventSourceMappings"],
                "layers": (await functions.list_layers())["Layers"],
                "tables": (await dynamodb.list_tables())["TableNames"],
                "log groups": (await logs.describe_log_groups())["logGroups"],
                "buckets": (await s3.list_buckets())["Buckets"],
                "roles": (await iam.list_roles(PathPrefix="/gammaray/"))["Roles"],
                "topics": (await sns.list_topics())["Topics"],
                "queues": (await sqs.list_queues()).get("QueueUrls", []),
            }
        everything |= {f"{name} {region}": found for name, found in answers.items() if found}
    return everything


async def test_what_is_ours_is_found_in_every_region_that_is_enabled(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    async with aws_session.client("sqs", "eu-central-1") as client:
        await client.create_queue(QueueName="far-away", tags=our_tags("shop"))
    scopes: list[Scope] = []

    assert await operations.resources(on_scope=scopes.append) == []
    found = await operations.resources(regions="all", on_scope=scopes.append)
    near = await operations.resources(regions=["us-west-2"], on_scope=scopes.append)

    assert [(item.kind, item.name, item.region) for item in found] == [
        ("queue", "far-away", "eu-central-1")
    ]
    assert near == []
    known, everywhere, chosen = scopes
    assert set(known.looked) == {"us-west-2", "us-east-1"}
    assert set(everywhere.looked) == {"us-west-2", "us-east-1", "eu-central-1"}
    assert "ap-northeast-1" in everywhere.by_tag
    assert "Not looked in: us-east-1 (not asked for)" in str(chosen)
    assert (await operations.delete(found, lambda _: None)).failed == ()
