"""The collector's table in DynamoDB. boto3 is the Lambda runtime's own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gammaray_collector.items import EXPIRES, PK, SK, VERSION, Item, Key, Value
from gammaray_collector.table import Asked, Busy, Version, Write

_THREADS: Final = 16
_WRITTEN_AT_ONCE: Final = 25
_READ_AT_ONCE: Final = 100
_ROUNDS: Final = 8
# Between these, as DynamoDB asks for: what it left undone was throttled.
_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0
# A stream brings a record for a day, and Lambda hands it over again for six hours. What says that
# it was counted must not expire before, however old the times are that the record tells.
_KEPT_AT_LEAST_S: Final = 3 * 86_400
# What a request itself is to blame for: sent again, it fails again.
_REFUSED: Final = frozenset({"ValidationException", "SerializationException"})
_LOST: Final = "ConditionalCheckFailed"
_COLLIDED: Final = frozenset({"TransactionConflict", "TransactionInProgressException"})

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class DynamoTable:
    """A table of gammaray_collector.table.Table, in DynamoDB."""

    def __init__(self, name: str, region: str) -> None:
        """Use a table.

        Args:
            name: its name.
            region: where it is.
        """
        retries: Any = {"mode": "standard", "max_attempts": 5}
        config = Config(
            region_name=region,
            retries=retries,
            max_pool_connections=2 * _THREADS,
            # Both are more work than the rest of a small request, each time.
            parameter_validation=False,
            user_agent="gammaray-collector",
            connect_timeout=2,
            read_timeout=5,
        )
        self._client = boto3.client("dynamodb", config=config)
        self._name = name
        self._threads = ThreadPoolExecutor(_THREADS)

    def put(self, items: Iterable[Item]) -> None:
        """Write items, whatever is there."""
        once = {(item[PK], item[SK]): item for item in items}
        requests = [{"PutRequest": {"Item": _typed(item)}} for item in once.values()]
        self._each(self._write, _parts(requests, _WRITTEN_AT_ONCE))

    def delete(self, keys: Iterable[Key]) -> None:
        """Take items away."""
        requests = [{"DeleteRequest": {"Key": _typed_key(key)}} for key in set(keys)]
        self._each(self._write, _parts(requests, _WRITTEN_AT_ONCE))

    def get(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Read those items that are there."""
        wanted = [_typed_key(key) for key in set(keys)]
        found: dict[Key, Item] = {}
        for items in self._each(self._read, _parts(wanted, _READ_AT_ONCE)):
            found.update({(str(item[PK]), str(item[SK])): item for item in items})
        return found

    def query(self, asked: Sequence[Asked]) -> list[list[Item]]:
        """Read the items of each query, in order."""
        return self._each(self._query, asked)

    def transact(self, writes: Sequence[Write]) -> frozenset[int]:
        """Write all or nothing; see gammaray_collector.table.Table."""
        actions = [self._action(write) for write in writes]
        try:
            self._client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            reasons = [r.get("Code") for r in error.response.get("CancellationReasons", ())]
            if _LOST in reasons:
                return frozenset(n for n, reason in enumerate(reasons) if reason == _LOST)
            code = error.response["Error"]["Code"]
            if code in _REFUSED or "ValidationError" in reasons:
                raise
            raise Busy(str(error), collided=bool(_COLLIDED & {code, *reasons})) from error
        except BotoCoreError as error:
            raise Busy(str(error)) from error
        return frozenset()

    def _action(self, write: Write) -> dict[str, Any]:
        if isinstance(write, Version):
            item = dict(write.item)
            if EXPIRES in item:
                item[EXPIRES] = _kept(int(item[EXPIRES]))
            put: dict[str, Any] = {"TableName": self._name, "Item": _typed(item)}
            if write.expected is None:
                put["ConditionExpression"] = "attribute_not_exists(#k)"
                put["ExpressionAttributeNames"] = {"#k": PK}
            else:
                put["ConditionExpression"] = "#n = :n"
                put["ExpressionAttributeNames"] = {"#n": VERSION}
                put["ExpressionAttributeValues"] = {":n": _value(write.expected)}
            return {"Put": put}
        added: dict[str, Value] = dict(write.counts)
        set_to: dict[str, Value] = {**write.texts, EXPIRES: _kept(write.expires)}
        names = {name: f"#a{number}" for number, name in enumerate((*added, *set_to))}
        return {
            "Update": {
                "TableName": self._name,
                "Key": _typed_key(write.key),
                "UpdateExpression": "ADD "
                + ", ".join(f"{names[name]} :{names[name][1:]}" for name in added)
                + " SET "
                + ", ".join(f"{names[name]} = :{names[name][1:]}" for name in set_to),
                "ExpressionAttributeNames": {place: name for name, place in names.items()},
                "ExpressionAttributeValues": {
                    f":{names[name][1:]}": _value(value)
                    for name, value in (*added.items(), *set_to.items())
                },
            }
        }

    def _write(self, requests: list[dict[str, Any]]) -> None:
        left = {self._name: requests}
        for number in range(_ROUNDS):
            _pause(number)
            answer = _asked(self._client.batch_write_item, RequestItems=left)
            left = answer.get("UnprocessedItems") or {}
            if not left:
                return
        raise Busy("items were left unwritten")

    def _read(self, keys: list[dict[str, Any]]) -> list[Item]:
        found: list[Item] = []
        left: dict[str, Any] = {self._name: {"Keys": keys, "ConsistentRead": True}}
        for number in range(_ROUNDS):
            _pause(number)
            answer = _asked(self._client.batch_get_item, RequestItems=left)
            found += map(_plain, answer["Responses"].get(self._name, ()))
            left = answer.get("UnprocessedKeys") or {}
            if not left:
                return found
        raise Busy("items were left unread")

    def _query(self, asked: Asked) -> list[Item]:
        def pages() -> Iterator[Item]:
            more: dict[str, Any] = {}
            while True:
                answer = _asked(
                    self._client.query,
                    TableName=self._name,
                    ConsistentRead=True,
                    ScanIndexForward=not asked.newest_first,
                    Limit=min(asked.limit, 1000),
                    KeyConditionExpression="#p = :p AND #s BETWEEN :a AND :z",
                    ExpressionAttributeNames={"#p": PK, "#s": SK},
                    ExpressionAttributeValues={
                        ":p": {"S": asked.partition},
                        ":a": {"S": asked.first},
                        ":z": {"S": asked.last},
                    },
                    **more,
                )
                yield from map(_plain, answer["Items"])
                if "LastEvaluatedKey" not in answer:
                    return
                more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

        return list(islice(pages(), asked.limit))

    def _each(self, do: Callable[[_In], _Out], parts: Sequence[_In]) -> list[_Out]:
        if len(parts) < 2:
            return list(map(do, parts))
        return list(self._threads.map(do, parts))


def _asked(operation: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return operation(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in _REFUSED:
            raise
        raise Busy(str(error)) from error
    except BotoCoreError as error:
        raise Busy(str(error)) from error


def _pause(number: int) -> None:
    """Wait before another try; not before the first."""
    if number:
        time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, _PAUSE_S * 2**number)))


def _kept(expires: int) -> int:
    return max(expires, int(time.time()) + _KEPT_AT_LEAST_S)


def _parts(things: list[_In], count: int) -> list[list[_In]]:
    return [things[first : first + count] for first in range(0, len(things), count)]


def _typed(item: Item) -> dict[str, Any]:
    return {name: _value(value) for name, value in item.items()}


def _typed_key(key: Key) -> dict[str, Any]:
    return {PK: {"S": key[0]}, SK: {"S": key[1]}}


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    return {"B": value} if isinstance(value, bytes) else {"N": str(value)}


def _plain(item: dict[str, dict[str, Any]]) -> Item:
    found: Item = {}
    for name, typed in item.items():
        ((kind, value),) = typed.items()
        found[name] = int(value) if kind == "N" else value
    return found
