"""The collector's table: its queries, decoded by our own decoder."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

from gammaray_collector.items import PK, SK, Item, Value
from gammaray_collector.rollups import Range
from providers.aws_errors import error_code
from providers.collector import CollectorNames
from providers.errors import UserError
from providers.session import AwsSession

_ANSWER: Final = "Answer"


class _Answer(msgspec.Struct):
    Items: list[dict[str, dict[str, str]]] = []
    LastEvaluatedKey: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Answer)


class CollectedTable:
    """Where the collector keeps what it concluded.

    Attributes:
        name: the table's.
        region: the collector's home, the one region that the table is in.
        session: whose credentials.
    """

    def __init__(self, session: AwsSession) -> None:
        """Name the table of the session's record table, in its first region."""
        self.name = CollectorNames.of(session.table).table
        self.region = session.regions[0]
        self.session = session

    async def query(self, client: Any, wanted: Range, attributes: Sequence[str] = ()) -> list[Item]:
        """Read the items of a part of a partition, from all pages.

        Args:
            client: of DynamoDB, in the table's region.
            wanted: the partition and the part.
            attributes: those of an item to read; none for all.

        Raises:
            UserError: there is no such table.
            botocore.exceptions.ClientError: any other refusal.
        """
        client.meta.events.register("before-parse.dynamodb.Query", _decode, unique_id=_ANSWER)
        asked: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": f"{PK} = :p AND {SK} BETWEEN :a AND :z",
            "ExpressionAttributeValues": {
                ":p": {"S": wanted.partition},
                ":a": {"S": wanted.first or " "},  # a key is never empty
                ":z": {"S": wanted.last},
            },
        }
        if attributes:
            names = {f"#{number}": name for number, name in enumerate(attributes)}
            asked["ProjectionExpression"] = ", ".join(names)
            asked["ExpressionAttributeNames"] = names
        items: list[Item] = []
        while True:
            try:
                answer = (await client.query(**asked))[_ANSWER]
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    raise self._missing() from error
                raise
            items += [_plain(item) for item in answer.Items]
            if answer.LastEvaluatedKey is None:
                return items
            asked["ExclusiveStartKey"] = answer.LastEvaluatedKey

    def _missing(self) -> UserError:
        others = " or ".join(self.session.regions[1:])
        elsewhere = f"; if its home is {others}, name that region first" if others else ""
        return UserError(
            f"No collector here: there is no table {self.name}",
            on=f"region {self.region}",
            todo=f"Set it up with `gammaray-tui setup --collector`{elsewhere}. Without it, "
            "gammaray-tui watches the records themselves.",
            kind="collector-missing",
        )


def _decode(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Decode an answer in the place of botocore, which walks over every value of it.

    Errors keep the stock path.
    """
    if response_dict["status_code"] >= 300:
        return
    customized_response_dict[_ANSWER] = _decoder.decode(response_dict["body"])
    response_dict["body"] = b"{}"


def _plain(item: dict[str, dict[str, str]]) -> Item:
    return {name: _value(*next(iter(value.items()))) for name, value in item.items()}


def _value(kind: str, text: str) -> Value:
    if kind == "N":
        return int(text)
    return base64.b64decode(text) if kind == "B" else text
