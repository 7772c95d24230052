"""The collector, set up on the local AWS beside applications that are deployed and fired."""

from __future__ import annotations

from collections import Counter

import pytest

from providers.aws_operations import AwsOperations
from providers.collector import APPLICATION
from providers.errors import UserError
from providers.operations import Check, Step
from providers.session import AwsSession
from tests.integration.test_cleanup import listed

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]


async def test_the_collector_is_made_once_told_of_and_taken_away(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)
    await operations.set_up(lambda _: None)
    assert [check for check in await operations.examine(lambda _: None) if _of_it(check)] == []
    plan = await operations.plan_setup(collector=True)
    steps: list[Step] = []
    await operations.set_up(lambda _: None, collector=True)
    await operations.set_up(steps.append, collector=True)

    assert {step.detail for step in plan} == {"create", "up to date"}
    assert {step.detail for step in steps if step.state == "done"} == {"up to date"}
    found = [one for one in await operations.resources() if one.application == APPLICATION]
    assert Counter((one.kind, one.region) for one in found) == {
        ("function", "us-west-2"): 1,
        ("function", "us-east-1"): 1,
        ("log group", "us-west-2"): 1,
        ("log group", "us-east-1"): 1,
        ("mapping", "us-west-2"): 2,
        ("mapping", "us-east-1"): 2,
        ("rule", "us-west-2"): 1,
        ("queue", "us-west-2"): 1,
        ("queue", "us-east-1"): 1,
        ("role", ""): 1,
        ("table", "us-west-2"): 1,
    }
    assert all(one.managed for one in found)
    checks = [check for check in await operations.examine(lambda _: None) if _of_it(check)]
    assert {check.state for check in checks} == {"ok"}

    # What nobody reads, and mappings that read what is gone.
    queues = [one for one in found if one.kind == "mapping" and "lost" in one.name]
    await operations.delete(queues, lambda _: None)
    async with aws_session.client("sqs", "us-east-1") as client:
        url = await client.get_queue_url(QueueName="gammaray-collector-lost")
        await client.send_message(QueueUrl=url["QueueUrl"], MessageBody="{}")
    await operations.set_up(lambda _: None, reset=True)
    checks = [check for check in await operations.examine(lambda _: None) if _of_it(check)]
    assert {check.id: check.detail for check in checks if check.state == "failed"} == {
        "us-west-2/collector": "reads no stream but that of a table which is gone: "
        "nothing is collected here",
        "us-east-1/collector": "reads no stream but that of a table which is gone: "
        "nothing is collected here",
        "us-east-1/collector-lost": "A batch was given up: what they hold is missing from what "
        "was collected",
    }
    await operations.set_up(lambda _: None, collector=True)
    checks = [check for check in await operations.examine(lambda _: None) if _of_it(check)]
    assert {check.id for check in checks if check.id.endswith("/collector") and check.state == "ok"}

    await operations.delete(await operations.resources(), lambda _: None)
    assert await listed(aws_session) == {}


async def test_there_is_one_home_for_what_is_found(aws_session: AwsSession) -> None:
    await AwsOperations(aws_session).set_up(lambda _: None, collector=True)
    aws_session.regions = ("us-east-1", "us-west-2")
    with pytest.raises(UserError) as raised:
        await AwsOperations(aws_session).plan_setup(collector=True)
    assert raised.value.kind == "collector-elsewhere"
    assert "us-west-2" in raised.value.todo


def _of_it(check: Check) -> bool:
    return "collect" in check.id
