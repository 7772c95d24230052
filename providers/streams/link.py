"""The calls that reading one region needs, over clients that can be made again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from causality.records import Page, decode_page
from providers.aws_errors import error_code
from providers.session import AwsSession
from providers.streams.lineage import Shard
from providers.streams.timing import Timing

# DescribeStream takes 10 calls a second per account and region, ListStreams 5: stay below, as
# others read too.
_CONTROL_INTERVAL_S: Final = 0.15
_RENEWAL_INTERVAL_S: Final = 2.0
# Server dates are whole seconds, so a smaller difference says nothing.
_SKEW_S: Final = 2.0
_PAGE: Final = "Page"


@dataclass(frozen=True)
class Table:
    """What DescribeTable says of the record table's stream."""

    stream_arn: str | None
    enabled: bool
    has_images: bool


@dataclass(frozen=True)
class Listing:
    """All shards of a stream, from all pages of DescribeStream."""

    shards: list[Shard]
    disabled: bool


@dataclass(frozen=True)
class Cursor:
    """Where in a shard reading starts (GetShardIterator's type and sequence number)."""

    type: str
    sequence: str = ""


class RegionLink:
    """DynamoDB and its streams in one region.

    Errors come out as botocore raises them, after one try: the readers have their own way of
    trying again, which the user sees.

    Attributes:
        request_timeout_s: how long an answer may take before a call has failed.
    """

    def __init__(
        self, session: AwsSession, region: str, timing: Timing, request_timeout_s: float
    ) -> None:
        self.region = region
        self.profile = session.profile
        self.table_name = session.table
        self.generation = 0
        self._session = session
        self._timing = timing
        self.request_timeout_s = request_timeout_s
        self._stack = AsyncExitStack()
        self._clients: dict[str, Any] = {}
        self._opening = asyncio.Lock()
        self._control = asyncio.Lock()
        self._last_control_s: dict[str, float] = {}
        self._renewed_s = -_RENEWAL_INTERVAL_S
        self._skew_s = 0.0

    async def close(self) -> None:
        """Close the connections."""
        self._clients.clear()
        await self._stack.aclose()

    def now_s(self) -> float:
        """Give the server's time, as far as it differs noticeably from ours."""
        return self._timing.now_s() + self._skew_s

    async def renew(self, generation: int) -> None:
        """Read the credentials anew, unless that happened since `generation` was looked at.

        Raises:
            UserError: the profile has become unusable.
        """
        async with self._opening:
            now_s = self._timing.monotonic_s()
            if generation != self.generation or now_s - self._renewed_s < _RENEWAL_INTERVAL_S:
                return
            self._renewed_s = now_s
            self._session = self._session.renewed()
            self.generation += 1
            await self.close()

    async def describe_table(self) -> Table:
        """Look the record table up."""
        answer = await self._call("dynamodb", "describe_table", TableName=self.table_name)
        table = answer["Table"]
        specification = table.get("StreamSpecification") or {}
        view = specification.get("StreamViewType", "NEW_IMAGE")
        return Table(
            stream_arn=table.get("LatestStreamArn"),
            enabled=bool(specification.get("StreamEnabled")),
            has_images=view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"),
        )

    async def list_streams(self) -> list[str]:
        """List the ARNs of the table's streams, those disabled in the last 24 h included."""
        arns: list[str] = []
        more: dict[str, Any] = {"TableName": self.table_name}
        while True:
            answer = await self._control_call("list_streams", more)
            arns += [stream["StreamArn"] for stream in answer.get("Streams", ())]
            last = answer.get("LastEvaluatedStreamArn")
            if not last:
                return arns
            more["ExclusiveStartStreamArn"] = last

    async def list_shards(self, arn: str) -> Listing:
        """List all shards of a stream."""
        shards: list[Shard] = []
        more: dict[str, Any] = {"StreamArn": arn}
        while True:
            description = await self._describe_stream(more)
            shards += [_shard(entry) for entry in description.get("Shards") or ()]
            last = description.get("LastEvaluatedShardId")
            if not last:
                return Listing(shards, description.get("StreamStatus") == "DISABLED")
            more["ExclusiveStartShardId"] = last

    async def list_children(self, arn: str, parent: str) -> list[Shard]:
        """List the shards that continue one; whatever else a server lists is left out."""
        wanted = {"Type": "CHILD_SHARDS", "ShardId": parent}
        try:
            description = await self._describe_stream({"StreamArn": arn, "ShardFilter": wanted})
        except ClientError as error:
            if error_code(error) != "ValidationException":
                raise
            # A server that does not know the filter: the full listing has it all.
            return [
                shard for shard in (await self.list_shards(arn)).shards if shard.parent == parent
            ]
        shards = [_shard(entry) for entry in description.get("Shards") or ()]
        return [shard for shard in shards if shard.parent == parent]

    async def open_iterator(self, arn: str, shard_id: str, cursor: Cursor) -> str:
        """Ask for an iterator; it lives 15 minutes."""
        more = {"SequenceNumber": cursor.sequence} if cursor.sequence else {}
        answer = await self._call(
            "dynamodbstreams",
            "get_shard_iterator",
            StreamArn=arn,
            ShardId=shard_id,
            ShardIteratorType=cursor.type,
            **more,
        )
        return str(answer["ShardIterator"])

    async def read_page(self, iterator: str, limit: int = 1000) -> Page:
        """Read up to 1000 records or 1 MB, decoded by our own decoder.

        Raises:
            msgspec.DecodeError: the answer is cut off or no GetRecords answer at all.
        """
        answer = await self._call(
            "dynamodbstreams", "get_records", ShardIterator=iterator, Limit=limit
        )
        page: Page = answer[_PAGE]
        return page

    async def _describe_stream(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._control_call("describe_stream", arguments)
        description: dict[str, Any] = answer["StreamDescription"]
        return description

    async def _control_call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call one of the operations that allow few calls a second."""
        async with self._control:
            last_s = self._last_control_s.get(operation, -_CONTROL_INTERVAL_S)
            ago_s = self._timing.monotonic_s() - last_s
            if ago_s < _CONTROL_INTERVAL_S:
                await self._timing.sleep(_CONTROL_INTERVAL_S - ago_s)
            try:
                return await self._call("dynamodbstreams", operation, **arguments)
            finally:
                self._last_control_s[operation] = self._timing.monotonic_s()

    async def _call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        client = self._clients.get(service) or await self._open(service)
        answer: dict[str, Any] = await getattr(client, operation)(**arguments)
        if operation != "get_records":
            # Not on the hot path: the other calls are frequent enough to know the difference.
            self._note_date(answer)
        return answer

    async def _open(self, service: str) -> Any:
        async with self._opening:
            if service not in self._clients:
                client = await self._stack.enter_async_context(
                    # Local servers hand out shorter ids than the service's model allows.
                    self._session.client(
                        service,
                        self.region,
                        attempts=1,
                        read_timeout_s=self.request_timeout_s,
                        validate=False,
                    )
                )
                client.meta.events.register(
                    "before-parse.dynamodb-streams.GetRecords", _decode_get_records
                )
                self._clients[service] = client
            return self._clients[service]

    def _note_date(self, answer: Mapping[str, Any]) -> None:
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if not date:
            return
        try:
            server_s = parsedate_to_datetime(date).timestamp()
        except ValueError:
            return
        skew_s = server_s - self._timing.now_s()
        self._skew_s = skew_s if abs(skew_s) > _SKEW_S else 0.0


def _decode_get_records(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Decode a page 17 times faster than botocore's walk over its model does.

    botocore merges `customized_response_dict` into what it parses; the empty body leaves it
    nothing to walk. Errors keep the stock path.
    """
    if response_dict["status_code"] >= 300:
        return
    customized_response_dict[_PAGE] = decode_page(response_dict["body"])
    response_dict["body"] = b"{}"


def _shard(entry: Mapping[str, Any]) -> Shard:
    numbers = entry.get("SequenceNumberRange") or {}
    return Shard(
        id=entry["ShardId"],
        parent=entry.get("ParentShardId"),
        first=numbers.get("StartingSequenceNumber") or "",
        ended=bool(numbers.get("EndingSequenceNumber")),
    )
