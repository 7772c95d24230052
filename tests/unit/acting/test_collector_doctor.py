"""What the doctor says of the collector, by what AWS answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import ClientError

from providers.clients import Clients
from providers.doctor_collector import check_collector
from providers.operations import Check
from providers.place import Place

STREAM = "arn:aws:dynamodb:us-west-2:123456789012:table/gammaRays/stream/2026"
QUEUE = "arn:aws:sqs:us-west-2:123456789012:gammaray-collector-lost"


class Aws:
    """Answers calls by name, in one region; what is no answer is raised."""

    def __init__(self, **changed: Any) -> None:
        self._answers: dict[str, Any] = {
            "get_function_configuration": {
                "Environment": {"Variables": {"GAMMARAY_COLLECTED_REGION": "us-west-2"}}
            },
            "describe_table": {"Table": {"TableStatus": "ACTIVE", "LatestStreamArn": STREAM}},
            "list_event_source_mappings": {
                "EventSourceMappings": [mapping(), {"EventSourceArn": QUEUE, "State": "Enabled"}]
            },
            "get_metric_statistics": {"Datapoints": []},
            "get_queue_url": {"QueueUrl": "queue"},
            "get_queue_attributes": {"Attributes": {"ApproximateNumberOfMessages": "0"}},
        } | changed
        self.session = SimpleNamespace(regions=("us-west-2",), profile=None)

    async def of(self, _service: str, _region: str) -> Aws:
        return self

    def get_paginator(self, name: str) -> Any:
        async def pages(**_arguments: Any) -> AsyncIterator[Any]:
            yield await getattr(self, name)()

        return SimpleNamespace(paginate=pages)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(**_arguments: Any) -> Any:
            answer = self._answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def mapping(**changed: str) -> dict[str, str]:
    return {
        "EventSourceArn": STREAM,
        "State": "Enabled",
        "LastProcessingResult": "OK",
        **changed,
    }


async def told(**changed: Any) -> dict[str, Check]:
    checks: list[Check] = []
    clients = cast(Clients, Aws(**changed))
    await check_collector(Place(clients, "123456789012", "aws", "", "gammaRays"), checks.append)
    return {check.id.partition("/")[2] or check.id: check for check in checks}


def refusal(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "is not authorized"}}, operation)


async def test_nothing_is_told_where_there_is_no_collector() -> None:
    absent = refusal("GetFunctionConfiguration", "ResourceNotFoundException")
    gone = refusal("DescribeTable", "ResourceNotFoundException")
    assert await told(get_function_configuration=absent, describe_table=gone) == {}


async def test_a_table_that_no_collector_writes_to_is_told_of() -> None:
    absent = refusal("GetFunctionConfiguration", "ResourceNotFoundException")
    checks = await told(get_function_configuration=absent)
    assert list(checks) == ["collected"]
    assert checks["collected"].state == "warning"
    assert "setup --collector" in checks["collected"].todo
    assert "cleanup --app gammaray-collector" in checks["collected"].todo


async def test_all_is_well_and_nothing_was_read_lately() -> None:
    checks = await told()
    assert {id: check.state for id, check in checks.items()} == {
        "collected": "ok",
        "collector": "ok",
        "collector-lost": "ok",
    }


async def test_a_batch_that_fails_and_a_mapping_that_is_off_are_told_of() -> None:
    failing = mapping(LastProcessingResult="PROBLEM: Function call failed")
    check = (await told(list_event_source_mappings={"EventSourceMappings": [failing]}))["collector"]
    assert check.state == "failed"
    assert "Function call failed" in check.detail
    assert "gammaray-tui logs gammaray-collector" in check.todo
    off = mapping(State="Disabled", StateTransitionReason="USER_INITIATED")
    check = (await told(list_event_source_mappings={"EventSourceMappings": [off]}))["collector"]
    assert check.state == "failed"
    assert "disabled USER_INITIATED" in check.detail


async def test_how_far_behind_it_is_and_what_was_lost() -> None:
    points = [
        {"Timestamp": datetime(2026, 11, 23, 1, minute, tzinfo=UTC), "Maximum": ms}
        for minute, ms in ((2, 95_000.0), (1, 4_000.0))
    ]
    checks = await told(
        get_metric_statistics={"Datapoints": points},
        get_queue_attributes={"Attributes": {"ApproximateNumberOfMessages": "3"}},
    )
    assert checks["collector-age"].state == "warning"
    assert "95 s behind" in checks["collector-age"].detail
    assert checks["collector-lost"].state == "failed"
    assert "3 batches were given up" in checks["collector-lost"].detail
    assert 'cleanup "table/gammaRays → gammaray-collector"' in checks["collector-lost"].todo


async def test_a_permission_that_is_missing_is_named() -> None:
    checks = await told(
        get_metric_statistics=refusal("GetMetricStatistics", "AccessDenied"),
        get_queue_url=refusal("GetQueueUrl", "AccessDenied"),
    )
    assert "GetMetricStatistics" in checks["collector-age"].detail
    assert "GetQueueUrl" in checks["collector-lost"].detail
    assert {checks[id].state for id in ("collector-age", "collector-lost")} == {"warning"}
    assert checks["collector"].state == "ok"
