"""The record table: writes items with PutItem and BatchWriteItem, by the standard library only."""

from __future__ import annotations

import json
import time

from gammaray_recorder.connection import Connection
from gammaray_recorder.credentials import Credentials, NoCredentials
from gammaray_recorder.settings import endpoint_url
from gammaray_recorder.signing import Signer
from gammaray_recorder.sink import Refused, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from gammaray_recorder.settings import Settings

    Item = Dict[str, Dict[str, str]]

_BATCH = 25  # the most items that BatchWriteItem takes
_TARGET = "DynamoDB_20120810."

# Answers after which the same request may succeed a little later.
_PASSING = (
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "InternalServerError",
    "ExpiredTokenException",
)


class Table:
    """Writes to one table over one kept connection; used by one thread at a time.

    Attributes:
        place: where the records go, for people.
        payload_limit: bytes of an item's payload.
    """

    # DynamoDB's limit for an item is 400 KB, names of attributes included.
    payload_limit = 380_000

    def __init__(self, settings: Settings) -> None:
        url = settings.endpoint or endpoint_url(settings.table_region)
        self.name = settings.table
        self.place = "table %s, %s" % (settings.table, settings.table_region)
        self._connection = Connection(url, proxy=settings.proxy)
        self._signer = Signer(self._connection.authority, settings.table_region)
        self._credentials = Credentials()

    def open(self) -> None:
        """Connect ahead of the first write. Raises OSError."""
        self._connection.open()

    def forget(self) -> None:
        """Leave the connection to the parent process, after a fork."""
        self._connection.forget()

    def write(self, items: List[Item]) -> List[Item]:
        """Write items, at most 25 in a request, and give those that were not taken.

        Writing an item twice does no harm: its key is its own.

        Raises:
            Unavailable: none of the items not yet written was; trying later may help.
            Refused: trying again will not help.
        """
        if len(items) == 1:
            self._call("PutItem", {"TableName": self.name, "Item": items[0]})
            return []
        left: List[Item] = []
        for start in range(0, len(items), _BATCH):
            requests = [{"PutRequest": {"Item": item}} for item in items[start : start + _BATCH]]
            answer = self._call("BatchWriteItem", {"RequestItems": {self.name: requests}})
            unprocessed = answer.get("UnprocessedItems") or {}
            for request in unprocessed.get(self.name, []):
                left.append(request["PutRequest"]["Item"])
        return left

    def _call(self, operation: str, parameters: Dict[str, Any]) -> Dict[str, Any]:
        body = json.dumps(parameters, separators=(",", ":")).encode("ascii")
        try:
            credentials = self._credentials.get()
            request = self._signer.request(_TARGET + operation, body, credentials, time.time())
            status, answer = self._connection.exchange(request)
        except NoCredentials as error:
            raise Refused(str(error)) from error
        except OSError as error:
            raise Unavailable(type(error).__name__) from error
        if status == 200:
            return _decoded(answer)
        code = str(_decoded(answer).get("__type", "HTTP %d" % status)).rpartition("#")[2]
        if status >= 500 or code in _PASSING:
            raise Unavailable(code)
        raise Refused(code)


def _decoded(answer: bytes) -> Dict[str, Any]:
    try:
        decoded = json.loads(answer)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
