"""The demo's chain, deployed, fired and recorded for real, in both regions."""

from __future__ import annotations

import asyncio

import pytest

from gammaray_recorder import wire
from providers.aws_operations import AwsOperations
from providers.local_aws import LocalAws
from providers.session import AwsSession
from tests.integration.records import chains

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

CHAIN_TIMEOUT_S = 60.0


async def test_each_firing_leaves_the_records_of_a_whole_chain(
    local_aws: LocalAws, aws_session: AwsSession
) -> None:
    website = f"{local_aws.endpoint_url}/_ministack/health"
    operations = AwsOperations(aws_session, function_environment={"WEBSITE_URL": website})
    await operations.deploy("imageproc", lambda _step: None)

    fired = await operations.fire("imageproc", 3, lambda _step: None)

    assert len(set(fired.request_ids)) == 3
    assert fired.errors == ()
    async with asyncio.timeout(CHAIN_TIMEOUT_S):
        invocations = await chains(aws_session, 3)
    by_function = {
        name: [item for item in invocations if item.function == name]
        for name in ("ImageProcPy", "DBSyncPy", "UpdateWebsite")
    }
    assert {name: len(items) for name, items in by_function.items()} == {
        "ImageProcPy": 3,
        "DBSyncPy": 3,
        "UpdateWebsite": 3,
    }
    assert all(item.status == wire.STATUS_OK for item in invocations)
    assert all(
        item.operations == ["DetectLabels", "PutItem", "HTTP"]
        for item in by_function["ImageProcPy"]
    )
    assert all(item.operations == ["GetItem", "PutItem"] for item in by_function["DBSyncPy"])
    assert all(item.operations == ["HTTP"] for item in by_function["UpdateWebsite"])
    assert {item.region for item in by_function["UpdateWebsite"]} == {"us-east-1"}
    # What one function has put is what the next was invoked with, chain by chain.
    for earlier, later in (("ImageProcPy", "DBSyncPy"), ("DBSyncPy", "UpdateWebsite")):
        put = sorted(item.put_hash for item in by_function[earlier])
        received = sorted(item.received_hash for item in by_function[later])
        assert put == received
        assert len(set(put)) == 3, "every run is a chain of its own"
