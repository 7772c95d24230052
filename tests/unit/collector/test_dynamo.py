"""What DynamoDB refuses, leaves undone or has somebody else do: told apart, and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from gammaray_collector import dynamo
from gammaray_collector.dynamo import DynamoTable
from gammaray_collector.items import PK, SK
from gammaray_collector.table import Addition, Busy, Version, Write

_TABLE = "gammaRaysCollected"
_KEY = {PK: {"S": "i#1"}, SK: {"S": "a#"}}
_ITEM = {PK: "i#1", SK: "a#"}
_WRITES: list[Write] = [
    Version({**_ITEM, "n": 1}, None),
    Addition(("t#1", "f"), {"ended": 1}, {}, 99),
]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[DynamoTable, Stubber, list[float]]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    pauses: list[float] = []
    monkeypatch.setattr("gammaray_collector.dynamo.time.sleep", pauses.append)
    table = DynamoTable(_TABLE, "us-west-2")
    with Stubber(table._client) as stubber:
        yield table, stubber, pauses


Given = tuple[DynamoTable, Stubber, list[float]]


def _refuse(stubber: Stubber, code: str, reasons: list[str]) -> None:
    fields = {"CancellationReasons": [{"Code": reason} for reason in reasons]}
    stubber.add_client_error(
        "transact_write_items", code, modeled_fields=fields if reasons else None
    )


def test_what_is_left_undone_is_asked_for_again_with_pauses(table: Given) -> None:
    one, stubber, pauses = table
    left: dict[str, Any] = {_TABLE: [{"PutRequest": {"Item": _KEY}}]}
    stubber.add_response("batch_write_item", {"UnprocessedItems": left})
    stubber.add_response("batch_write_item", {}, {"RequestItems": left})
    one.put([{PK: "i#1", SK: "a#"}])
    keys = {_TABLE: {"Keys": [_KEY], "ConsistentRead": True}}
    stubber.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": keys})
    stubber.add_response("batch_get_item", {"Responses": {_TABLE: [_KEY]}}, {"RequestItems": keys})
    assert one.get([("i#1", "a#")]) == {("i#1", "a#"): _ITEM}
    assert len(pauses) == 2
    stubber.assert_no_pending_responses()


def test_what_stays_undone_is_told(table: Given) -> None:
    one, stubber, pauses = table
    for _ in range(dynamo._ROUNDS):
        left: dict[str, Any] = {_TABLE: [{"PutRequest": {"Item": _KEY}}]}
        stubber.add_response("batch_write_item", {"UnprocessedItems": left})
    with pytest.raises(Busy):
        one.put([{PK: "i#1", SK: "a#"}])
    assert len(pauses) == dynamo._ROUNDS - 1


@pytest.mark.parametrize(
    ("code", "reasons", "collided"),
    [
        ("TransactionCanceledException", ["None", "TransactionConflict"], True),
        ("TransactionCanceledException", ["ThrottlingError", "None"], False),
        ("TransactionCanceledException", ["ProvisionedThroughputExceeded", "None"], False),
        ("TransactionInProgressException", [], True),
        ("ThrottlingException", [], False),
        ("AccessDeniedException", [], False),
    ],
)
def test_a_transaction_that_may_go_well_later_is_busy(
    table: Given, code: str, reasons: list[str], collided: bool
) -> None:
    one, stubber, _ = table
    _refuse(stubber, code, reasons)
    with pytest.raises(Busy) as raised:
        one.transact(_WRITES)
    assert raised.value.collided is collided


def test_what_others_wrote_meanwhile_is_named(table: Given) -> None:
    one, stubber, _ = table
    _refuse(stubber, "TransactionCanceledException", ["ConditionalCheckFailed", "None"])
    assert one.transact(_WRITES) == {0}


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("ValidationException", []),
        ("TransactionCanceledException", ["ValidationError", "None"]),  # over 400 KB
    ],
)
def test_what_can_never_be_written_is_no_reason_to_try_again(
    table: Given, code: str, reasons: list[str]
) -> None:
    one, stubber, _ = table
    _refuse(stubber, code, reasons)
    with pytest.raises(ClientError):
        one.transact(_WRITES)
