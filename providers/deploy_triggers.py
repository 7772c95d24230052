"""Pieces of a deployment: what makes a source invoke a function."""

from __future__ import annotations

import re
from typing import Any, Final

from botocore.exceptions import ClientError

from providers.aws_errors import error_code
from providers.deploy_functions import DeployedFunction
from providers.deploy_storage import DeployedBucket, DeployedQueue, DeployedTopic
from providers.manifest import DynamoDbTrigger, S3Trigger, SqsTrigger
from providers.pieces import Change, Piece, wait_until
from providers.tables import Table
from providers.tags import our_tags

_ENABLED_TIMEOUT_S: Final = 180.0
_RETRIES: Final = 2
_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9_-]")


class SourceMapping(Piece):
    """An event source mapping: Lambda reads a stream or queue and invokes a function with it."""

    def __init__(
        self,
        trigger: DynamoDbTrigger | SqsTrigger,
        source: Table | DeployedQueue,
        function: DeployedFunction,
    ) -> None:
        super().__init__(
            function.place,
            function.region,
            f"trigger {trigger.source} → {function.name}",
            source,
            function,
        )
        self._batch_size = trigger.batch_size
        self._source = source
        self._function = function
        self._uuid = ""
        self._stale: list[str] = []

    async def look(self) -> Change:
        """Look for a mapping of this source, and for mappings of a deleted source's stream."""
        self._uuid, self._stale = "", []
        arn = self._source_arn()
        batch_size, enabled = self._batch_size, False
        for mapping in await self._mappings():
            if mapping["EventSourceArn"] == arn:
                self._uuid = mapping["UUID"]
                batch_size = mapping.get("BatchSize", batch_size)
                enabled = mapping["State"] in ("Enabled", "Creating", "Enabling", "Updating")
            elif _without_stream(mapping["EventSourceArn"]) == _without_stream(arn):
                self._stale.append(mapping["UUID"])
        if not self._uuid:
            return Change("create")
        changed = [
            text
            for text, differs in (
                ("batch size", batch_size != self._batch_size),
                ("enabled", not enabled),
                ("mapping of an older stream", bool(self._stale)),
            )
            if differs
        ]
        return Change("update", ", ".join(changed)) if changed else Change("leave")

    async def make(self, change: Change) -> None:
        """Create or update the mapping, and wait until it is enabled."""
        client = await self.client("lambda")
        for uuid in self._stale:
            await client.delete_event_source_mapping(UUID=uuid)
        if change.verb == "create":
            created = await client.create_event_source_mapping(
                EventSourceArn=self._source_arn(),
                FunctionName=self._function.name,
                BatchSize=self._batch_size,
                Tags=our_tags(self.place.application),
                **self._stream_options(),
            )
            self._uuid = created["UUID"]
        else:
            await client.update_event_source_mapping(
                UUID=self._uuid, BatchSize=self._batch_size, Enabled=True
            )

        async def enabled() -> bool:
            mapping = await client.get_event_source_mapping(UUID=self._uuid)
            return str(mapping["State"]) == "Enabled"

        await wait_until(enabled, self.text, timeout_s=_ENABLED_TIMEOUT_S)

    async def _mappings(self) -> list[dict[str, Any]]:
        client = await self.client("lambda")
        pages = client.get_paginator("list_event_source_mappings").paginate(
            FunctionName=self._function.name
        )
        try:
            return [
                mapping
                async for page in pages
                for mapping in page["EventSourceMappings"]
                if mapping["State"] != "Deleting"
            ]
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return []  # no such function yet

    def _stream_options(self) -> dict[str, Any]:
        if isinstance(self._source, Table):
            # From the beginning: with LATEST, what is written until the mapping is polled for
            # the first time (minutes, says Lambda's guide) would be missed.
            return {"StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": _RETRIES}
        return {}

    def _source_arn(self) -> str:
        return self._source.stream_arn if isinstance(self._source, Table) else self._source.arn


class PushTrigger(Piece):
    """A trigger whose service invokes the function itself, which it must be allowed to."""

    def __init__(
        self, function: DeployedFunction, text: str, service: str, source_arn: str, source: Piece
    ) -> None:
        super().__init__(function.place, function.region, text, source, function)
        self.function = function
        self._service = service
        self._source_arn = source_arn

    async def allow(self) -> None:
        """Permit the source to invoke the function; nothing when it may already."""
        client = await self.client("lambda")
        options = {"SourceAccount": self.place.account} if self._service == "s3" else {}
        try:
            await client.add_permission(
                FunctionName=self.function.name,
                StatementId=_NOT_IN_IDS.sub("-", f"gammaray-{self._source_arn}"),
                Action="lambda:InvokeFunction",
                Principal=f"{self._service}.amazonaws.com",
                SourceArn=self._source_arn,
                **options,
            )
        except ClientError as error:
            if error_code(error) != "ResourceConflictException":
                raise


class BucketNotification(PushTrigger):
    """A bucket's notification, merged into those that the bucket has.

    Several of one bucket are made one after the other, for there is one document for all.
    """

    def __init__(
        self,
        trigger: S3Trigger,
        bucket: DeployedBucket,
        function: DeployedFunction,
        after: Piece | None,
    ) -> None:
        super().__init__(
            function,
            f"trigger {trigger.source} → {function.name}",
            "s3",
            f"arn:{function.place.partition}:s3:::{bucket.name}",
            bucket,
        )
        if after is not None:
            self.needs = (*self.needs, after)
        self._bucket = bucket.name
        rules = [
            {"Name": name, "Value": value}
            for name, value in (("prefix", trigger.prefix), ("suffix", trigger.suffix))
            if value
        ]
        self._wanted: dict[str, Any] = {
            "Id": f"gammaray-{function.place.application}-{function.name}",
            "LambdaFunctionArn": function.arn,
            "Events": list(trigger.events),
        }
        if rules:
            self._wanted["Filter"] = {"Key": {"FilterRules": rules}}

    async def look(self) -> Change:
        """Look for our notification among the bucket's."""
        entries = (await self._document()).get("LambdaFunctionConfigurations", [])
        ours = [entry for entry in entries if entry.get("Id") == self._wanted["Id"]]
        if not ours:
            return Change("create")
        return Change("leave") if _same(ours[0], self._wanted) else Change("update", "events")

    async def make(self, change: Change) -> None:
        """Put ours beside the others."""
        await self.allow()
        document = await self._document()
        others = [
            entry
            for entry in document.get("LambdaFunctionConfigurations", [])
            if entry.get("Id") != self._wanted["Id"]
        ]
        document["LambdaFunctionConfigurations"] = [*others, self._wanted]
        client = await self.client("s3")
        await client.put_bucket_notification_configuration(
            Bucket=self._bucket, NotificationConfiguration=document
        )

    async def _document(self) -> dict[str, Any]:
        client = await self.client("s3")
        try:
            answer: dict[str, Any] = await client.get_bucket_notification_configuration(
                Bucket=self._bucket
            )
        except ClientError as error:
            if error_code(error) != "NoSuchBucket":
                raise
            return {}  # to be created yet
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


class Subscription(PushTrigger):
    """A topic's subscription of a function."""

    def __init__(self, topic: DeployedTopic, function: DeployedFunction) -> None:
        text = f"trigger SNS topic {topic.name} → {function.name}"
        super().__init__(function, text, "sns", topic.arn, topic)
        self._topic = topic

    async def look(self) -> Change:
        """Look for the subscription."""
        client = await self.client("sns")
        pages = client.get_paginator("list_subscriptions_by_topic").paginate(
            TopicArn=self._topic.arn
        )
        try:
            endpoints = [item["Endpoint"] async for page in pages for item in page["Subscriptions"]]
        except ClientError as error:
            if error_code(error) not in ("NotFound", "NotFoundException"):
                raise
            endpoints = []  # the topic is to be created yet
        return Change("leave") if self.function.arn in endpoints else Change("create")

    async def make(self, change: Change) -> None:
        """Permit and subscribe."""
        await self.allow()
        client = await self.client("sns")
        await client.subscribe(
            TopicArn=self._topic.arn, Protocol="lambda", Endpoint=self.function.arn
        )


def _without_stream(arn: str) -> str:
    """Cut the stream's label off an ARN: what is left is the table's."""
    return arn.partition("/stream/")[0]


def _same(entry: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return _comparable(entry) == _comparable(wanted)


def _comparable(entry: dict[str, Any]) -> tuple[Any, ...]:
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return (
        entry.get("LambdaFunctionArn"),
        sorted(entry.get("Events", [])),
        # AWS answers with "Prefix" to a "prefix".
        sorted((rule["Name"].lower(), rule["Value"]) for rule in rules),
    )
