"""Measuring on an endpoint as on AWS: deployed in two configurations, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.demo import local_session
from providers.inventory import find_resources
from providers.local_aws import LocalAws
from providers.manifest import find_application
from providers.overhead.measure import RECORD_TABLE, Wish, measure_deployed

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws_2")]


async def test_deployed_functions_are_measured_and_deleted(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    session = local_session(
        local_aws, regions=("us-west-2",), table=RECORD_TABLE, account_id="100000000777"
    )
    wish = Wish("microbench", ("C", "S"), runs=1, file=tmp_path / "samples.jsonl", resume=False)

    summary = await measure_deployed(session, wish, lambda _step: None, lambda *_: None)

    lines = {line.benchmark + line.configuration: line for line in summary.lines}
    assert set(lines) == {
        name + letter
        for name in ("empty", "dbread", "dbwrite", "s3read", "s3write", "pubsns")
        for letter in "CS"
    }
    assert lines["dbwriteC"].writes == 0
    assert 1 <= lines["dbwriteS"].writes < 20, "not one for each of its 100 calls"
    assert await find_resources(session, [find_application("microbench")]) == []
