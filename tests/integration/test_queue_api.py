"""An API whose requests go straight into a queue: deployed, fired, changed and cleaned up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gammaray_recorder import wire
from providers.aws_operations import AwsOperations
from providers.session import AwsSession
from tests.integration.test_triggers import INVOKED_TIMEOUT_S, REGION, causes_of

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

MANIFEST = """
title = "No function between the API and the queue"
queues = [{ name = "door-work", region = "us-west-2" }]
triggers = [
    { kind = "api", api = "door", route = "POST /v1/orders", queue = "door-work" },
    { kind = "sqs", queue = "door-work", function = "OnWork" },
]
fire = { api = "door", route = "POST /v1/orders", payload = { order = "{number} & more" } }
[[functions]]
name = "OnWork"
region = "us-west-2"
handler = "loud.handler"
files = ["loud.py"]
"""
HANDLER = """
import json

def handler(event, context):
    for record in event["Records"]:
        assert json.loads(record["body"]) == {"order": "1 & more"}
"""


async def test_requests_become_messages(aws_session: AwsSession, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(HANDLER)
    manifest = tmp_path / "app.toml"
    manifest.write_text(MANIFEST)
    application = str(tmp_path)
    operations = AwsOperations(aws_session)
    await operations.deploy(application, lambda _step: None)
    plan = await operations.plan(application)
    assert {step.detail for step in plan.steps} == {"up to date"}

    fired = await operations.fire(application, 1, lambda _step: None)

    async with asyncio.timeout(INVOKED_TIMEOUT_S):
        causes = await causes_of(aws_session, {"OnWork"})
    (cause,) = causes["OnWork"]
    assert cause[wire.SERVICE] == "sqs"
    assert fired.request_ids[0] in str(cause), "the fired chain is found again by its message"
    manifest.write_text(MANIFEST.replace("/v1/orders", "/v2"))
    changes = [step for step in (await operations.plan(application)).steps if step.detail]
    assert [step.detail for step in changes if "trigger API" in step.text] == ["update: routes"]
    await operations.deploy(application, lambda _step: None)
    plan = await operations.plan(application)
    assert {step.detail for step in plan.steps} == {"up to date"}
    found = await operations.resources(regions=[REGION])
    assert ("REST API", "door") in {(item.kind, item.name) for item in found}
    assert (await operations.delete(found, lambda _step: None)).failed == ()
    assert await operations.resources(regions=[REGION]) == []
