"""Tables: the record table of each region, and the tables of applications."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from gammaray_recorder.wire import ITEM_EXPIRES, ITEM_KEY
from providers.aws_errors import error_code
from providers.clients import Clients
from providers.errors import UserError
from providers.operations import Report
from providers.pieces import Change, Piece, found, run_pieces, wait_until
from providers.place import AWS_ERRORS, Place
from providers.session import AwsSession, user_error
from providers.tags import as_list, our_tags

_STREAM: Final = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
_TIMEOUT_S: Final = 180.0
_MISSING: Final = "ResourceNotFoundException"


async def ensure_record_table(session: AwsSession, region: str, report: Report) -> None:
    """Create the record table in a region, or complete it, and wait until it can be used.

    Idempotent. The table is billed on demand, has a stream with both images, and deletes items
    after the second in their attribute `expires`.

    Raises:
        UserError: AWS refuses, or a table of that name has another key or another stream.
    """
    async with Clients(session) as clients:
        place = Place(clients, account="", partition="", application="", table=session.table)
        await run_pieces([record_table(place, region)], report, only_look=False)


async def drop_record_table(session: AwsSession, region: str) -> None:
    """Delete a region's record table and wait until it is gone; nothing when there is none.

    Raises:
        UserError: AWS refuses.
    """
    try:
        async with session.client("dynamodb", region) as client:
            await delete_table(client, session.table)
    except AWS_ERRORS as error:
        raise user_error(
            error, profile=session.profile, region=region, resource=f"table {session.table}"
        ) from error


async def delete_table(client: Any, name: str) -> None:
    """Delete a table and wait until it is gone; nothing when there is none."""

    async def gone() -> bool:
        described = await found(client.describe_table(TableName=name), _MISSING)
        if described is None:
            return True
        if described["Table"]["TableStatus"] != "DELETING":
            try:
                await client.delete_table(TableName=name)
            except ClientError as error:
                # In use: it is being created, changed or deleted just now.
                if error_code(error) not in (_MISSING, "ResourceInUseException"):
                    raise
        return False

    await wait_until(gone, f"the deletion of table {name}", timeout_s=_TIMEOUT_S)


def record_table(place: Place, region: str) -> Table:
    """Describe the record table of a region."""
    return Table(place, region, place.table, hash_key=ITEM_KEY, expires=ITEM_EXPIRES, shared=True)


class Table(Piece):
    """A table with string keys and, by default, a stream.

    Attributes:
        stream_arn: ARN of the stream, once looked at or made; "" without one.
    """

    def __init__(
        self,
        place: Place,
        region: str,
        name: str,
        *,
        hash_key: str,
        range_key: str | None = None,
        stream: bool = True,
        expires: str | None = None,
        shared: bool = False,
    ) -> None:
        super().__init__(place, region, f"table {name}")
        self.name = name
        self.stream_arn = ""
        self._keys = {"HASH": hash_key, **({"RANGE": range_key} if range_key else {})}
        self._stream = stream
        self._expires = expires
        self._tags = our_tags() if shared else place.tags

    async def look(self) -> Change:
        """Compare the table with what is wanted.

        Raises:
            UserError: it has another key, or a stream without images of the items.
        """
        client = await self.client("dynamodb")
        described = await found(client.describe_table(TableName=self.name), _MISSING)
        if described is None:
            return Change("create")
        table = described["Table"]
        if table["TableStatus"] == "DELETING":
            return Change("create", "once the old one is deleted")
        self._check(table)
        missing = []
        if self._stream and not table.get("StreamSpecification", {}).get("StreamEnabled"):
            missing.append("stream")
        if self._expires is not None and not await self._expiry_enabled(client):
            missing.append("expiry")
        ready = table["TableStatus"] == "ACTIVE"
        self.stream_arn = table.get("LatestStreamArn", "")
        if missing or not ready:
            return Change("update", ", ".join(missing) or "wait")
        return Change("leave")

    async def make(self, change: Change) -> None:
        """Create or complete the table, and wait until table and stream can be used."""
        client = await self.client("dynamodb")
        if change.verb == "create":
            if change.detail:
                await delete_table(client, self.name)
            await self._create(client)
        elif "stream" in change.detail:
            await self._wait_until_active(client, with_stream=False)
            await client.update_table(TableName=self.name, StreamSpecification=_STREAM)
        await self._wait_until_active(client, with_stream=self._stream)
        if self._expires is not None and not await self._expiry_enabled(client):
            await client.update_time_to_live(
                TableName=self.name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": self._expires},
            )

    async def _create(self, client: Any) -> None:
        options = {"StreamSpecification": _STREAM} if self._stream else {}
        try:
            await client.create_table(
                TableName=self.name,
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind} for kind, name in self._keys.items()
                ],
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": "S"} for name in self._keys.values()
                ],
                BillingMode="PAY_PER_REQUEST",
                Tags=as_list(self._tags),
                **options,
            )
        except ClientError as error:
            # Somebody else has just created it; whether it fits shows at the next look.
            if error_code(error) != "ResourceInUseException":
                raise

    async def _wait_until_active(self, client: Any, *, with_stream: bool) -> None:
        async def active() -> bool:
            table = (await client.describe_table(TableName=self.name))["Table"]
            self.stream_arn = table.get("LatestStreamArn", "")
            return table["TableStatus"] == "ACTIVE" and bool(self.stream_arn or not with_stream)

        await wait_until(active, self.text, timeout_s=_TIMEOUT_S)

    async def _expiry_enabled(self, client: Any) -> bool:
        described = await client.describe_time_to_live(TableName=self.name)
        status = described["TimeToLiveDescription"].get("TimeToLiveStatus", "DISABLED")
        return str(status) in ("ENABLED", "ENABLING")

    def _check(self, table: dict[str, Any]) -> None:
        keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
        if keys != self._keys:
            raise UserError(
                f"There is a {self.text} with another key: {', '.join(keys.values())}",
                on=f"region {self.region}",
                todo=f"Its key must be {', '.join(self._keys.values())}. Delete or rename it.",
                kind="table-differs",
            )
        stream = table.get("StreamSpecification", {})
        if self._stream and stream.get("StreamViewType", "NEW_IMAGE") not in (
            "NEW_IMAGE",
            "NEW_AND_OLD_IMAGES",
        ):
            raise UserError(
                f"The stream of {self.text} leaves out the items themselves",
                on=f"region {self.region}",
                todo="Disable the stream; it will be enabled again with new and old images.",
                kind="stream-without-images",
            )
