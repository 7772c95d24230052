"""How a mapping is compared with what is wanted, and made with a role that is new."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from providers.clients import Clients
from providers.collector import MAPPING
from providers.deploy_functions import DeployedFunction
from providers.deploy_triggers import SourceMapping
from providers.manifest_parts import DynamoDbTrigger
from providers.pieces import Change
from providers.place import Place
from providers.tables import Table

ARN = "arn:aws:dynamodb:us-west-2:123456789012:table/gammaRays"
QUEUE = "arn:aws:sqs:us-west-2:123456789012:lost"
SETTINGS = MAPPING | {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}


class Lambda:
    """Has some mappings, and refuses what it is told to."""

    def __init__(self, *mappings: dict[str, Any], refusals: tuple[str, ...] = ()) -> None:
        self.mappings = list(mappings)
        self.deleted: list[str] = []
        self.updated: dict[str, Any] = {}
        self._refusals = list(refusals)

    async def of(self, _service: str, _region: str) -> Lambda:
        return self

    def get_paginator(self, _name: str) -> Any:
        async def pages(**_arguments: Any) -> AsyncIterator[Any]:
            yield {"EventSourceMappings": self.mappings}

        return SimpleNamespace(paginate=pages)

    async def create_event_source_mapping(self, **given: Any) -> dict[str, Any]:
        if self._refusals:
            code, why = "InvalidParameterValueException", self._refusals.pop(0)
            error: Any = {"Error": {"Code": code, "Message": why}}
            raise ClientError(error, "CreateEventSourceMapping")
        self.mappings.append({**given, "UUID": "new", "State": "Enabled"})
        return {"UUID": "new"}

    async def update_event_source_mapping(self, **given: Any) -> None:
        self.updated = given

    async def delete_event_source_mapping(self, UUID: str) -> None:
        self.deleted.append(UUID)

    async def get_event_source_mapping(self, **_arguments: Any) -> dict[str, Any]:
        return {"State": "Enabled"}


def piece(client: Lambda) -> SourceMapping:
    place = Place(cast(Clients, client), "123456789012", "aws", "x", "gammaRays")
    table = Table(place, "us-west-2", "gammaRays", hash_key="reqID")
    table.stream_arn = f"{ARN}/stream/2"
    function = SimpleNamespace(place=place, region="us-west-2", name="collector")
    trigger = DynamoDbTrigger(table="gammaRays", function="collector", batch_size=500)
    return SourceMapping(trigger, table, cast(DeployedFunction, function), settings=SETTINGS)


def there(**changed: Any) -> dict[str, Any]:
    """Give a mapping that is as wanted, as AWS tells of it."""
    return {
        **SETTINGS,
        "EventSourceArn": f"{ARN}/stream/2",
        "UUID": "old",
        "State": "Enabled",
        "BatchSize": 500,
        "DestinationConfig": {"OnSuccess": {}, **SETTINGS["DestinationConfig"]},
        **changed,
    }


async def test_a_mapping_that_is_as_wanted_is_left() -> None:
    assert await piece(Lambda(there())).look() == Change("leave")
    # Where reading begins cannot be changed any more.
    assert await piece(Lambda(there(StartingPosition="LATEST"))).look() == Change("leave")


async def test_settings_that_differ_are_named_and_set() -> None:
    client = Lambda(there(ParallelizationFactor=1, DestinationConfig={}, State="Disabled"))
    mapping = piece(client)

    change = await mapping.look()
    assert change == Change("update", "parallelization factor, destination config, enabled")
    await mapping.make(change)

    assert client.updated["Enabled"] is True
    assert client.updated["ParallelizationFactor"] == MAPPING["ParallelizationFactor"]
    assert "StartingPosition" not in client.updated


async def test_a_mapping_of_a_table_that_is_gone_makes_way() -> None:
    client = Lambda(there(EventSourceArn=f"{ARN}/stream/1"))
    mapping = piece(client)
    await mapping.make(await mapping.look())
    assert client.deleted == ["old"]
    assert client.mappings[-1]["EventSourceArn"] == f"{ARN}/stream/2"
    assert client.mappings[-1]["StartingPosition"] == "TRIM_HORIZON"


async def test_a_role_that_is_new_is_waited_for_and_other_refusals_are_told() -> None:
    too_new = "Cannot access stream. Please ensure the role can perform the GetRecords action"
    client = Lambda(refusals=(too_new, too_new))
    await piece(client).make(Change("create"))
    assert client.mappings[-1]["UUID"] == "new"
    with pytest.raises(ClientError, match="no such thing"):
        await piece(Lambda(refusals=("no such thing",))).make(Change("create"))
