from __future__ import annotations

import asyncio

import pytest

from providers.demo import Demo
from providers.operations import Step
from tests.integration.records import chains

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]

CHAIN_TIMEOUT_S = 60.0


async def test_the_demo_runs_whatever_the_users_own_aws_settings_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "AWS_PROFILE": "there-is-no-such-profile",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-to-be-used",
        "AWS_CA_BUNDLE": "/there/is/no/such/file",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    steps: list[Step] = []

    async with Demo(steps.append) as demo:
        fired = await demo.operations.fire(demo.application, 1, steps.append)
        async with asyncio.timeout(CHAIN_TIMEOUT_S):
            invocations = await chains(demo.session, 1)
        folder = demo.local_aws.folder

    assert len(fired.request_ids) == 1
    assert demo.session.regions == ("us-west-2", "us-east-1")
    assert {invocation.function for invocation in invocations} == {
        "ImageProcPy",
        "DBSyncPy",
        "UpdateWebsite",
    }
    posts = [item for item in invocations if "HTTP" in item.operations]
    assert {item.function for item in posts} == {"ImageProcPy", "UpdateWebsite"}
    assert not folder.exists()
    last = {step.id: step for step in steps}
    assert {step.state for step in last.values()} == {"done"}
