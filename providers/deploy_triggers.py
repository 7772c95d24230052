"""Pieces of a deployment: what makes a source invoke a function."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from providers.aws_errors import error_code
from providers.deploy_functions import DeployedFunction
from providers.deploy_storage import (
    DeployedBucket,
    DeployedQueue,
    DeployedStream,
    DeployedTopic,
)
from providers.errors import UserError
from providers.manifest_parts import DynamoDbTrigger, KinesisTrigger, S3Trigger, SqsTrigger
from providers.pieces import Change, Piece, found, wait_until
from providers.tables import Table

_ENABLED_TIMEOUT_S: Final = 180.0
# What a new role may do is known everywhere after some seconds.
_ROLE_TIMEOUT_S: Final = 60.0
_START: Final = "StartingPosition"
# From the beginning: with LATEST, what is written until the mapping is polled for the first time
# (minutes, says Lambda's guide) would be missed.
_OF_STREAMS: Final = {_START: "TRIM_HORIZON", "MaximumRetryAttempts": 2}
_WORDS: Final = re.compile(r"([A-Z])")
_FOR_FUNCTIONS: Final = "LambdaFunctionConfigurations"
_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9_-]")


class SourceMapping(Piece):
    """An event source mapping: Lambda reads a stream or queue and invokes a function with it."""

    def __init__(
        self,
        trigger: DynamoDbTrigger | KinesisTrigger | SqsTrigger,
        source: Table | DeployedQueue | DeployedStream,
        function: DeployedFunction,
        *needs: Piece,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Describe the mapping.

        Args:
            trigger: its batch size, and what it is called.
            source: what is read.
            function: what is invoked.
            needs: what must be there beside them.
            settings: as CreateEventSourceMapping takes them, beside these; None for those of a
                trigger in a manifest.
        """
        super().__init__(
            function.place,
            function.region,
            f"trigger {trigger.source} → {function.name}",
            source,
            function,
            *needs,
        )
        if settings is None:
            settings = {} if isinstance(source, DeployedQueue) else _OF_STREAMS
        self._settings = {
            "BatchSize": trigger.batch_size,
            **{key: value for key, value in settings.items() if key != _START},
        }
        self._start = {key: value for key, value in settings.items() if key == _START}
        self._source = source
        self._function = function
        self._uuid = ""
        self._stale: list[str] = []

    async def look(self) -> Change:
        """Look for a mapping of this source, and for mappings of a deleted source's stream."""
        self._uuid, self._stale = "", []
        arn = self._source_arn()
        present: dict[str, Any] = {}
        for mapping in await self._mappings():
            if mapping["EventSourceArn"] == arn:
                self._uuid = mapping["UUID"]
                present = mapping
            elif _without_stream(mapping["EventSourceArn"]) == _without_stream(arn):
                self._stale.append(mapping["UUID"])
        if not self._uuid:
            return Change("create")
        changed = [
            _WORDS.sub(r" \1", key).strip().lower()
            for key, value in self._settings.items()
            if not _holds(present.get(key), value)
        ]
        if present["State"] not in ("Enabled", "Creating", "Enabling", "Updating"):
            changed.append("enabled")
        if self._stale:
            changed.append("mapping of an older stream")
        return Change("update", ", ".join(changed)) if changed else Change("leave")

    async def make(self, change: Change) -> None:
        """Create or update the mapping, and wait until it is enabled."""
        client = await self.client("lambda")
        for uuid in self._stale:
            await client.delete_event_source_mapping(UUID=uuid)
        if change.verb == "create":
            await self._create(client)
        else:
            await client.update_event_source_mapping(
                UUID=self._uuid, Enabled=True, **self._settings
            )

        async def enabled() -> bool:
            mapping = await client.get_event_source_mapping(UUID=self._uuid)
            return str(mapping["State"]) == "Enabled"

        await wait_until(enabled, self.text, timeout_s=_ENABLED_TIMEOUT_S)

    async def _create(self, client: Any) -> None:
        refusals: list[ClientError] = []

        async def created() -> bool:
            try:
                mapping = await client.create_event_source_mapping(
                    EventSourceArn=self._source_arn(),
                    FunctionName=self._function.name,
                    Tags=self.place.tags,
                    **self._settings,
                    **self._start,
                )
            except ClientError as error:
                if not _role_is_too_new(error):
                    raise
                refusals.append(error)
                return False
            self._uuid = mapping["UUID"]
            return True

        try:
            await wait_until(created, self.text, timeout_s=_ROLE_TIMEOUT_S)
        except UserError:
            raise refusals[-1] from None  # it says what the role lacks

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

    def _source_arn(self) -> str:
        return self._source.stream_arn if isinstance(self._source, Table) else self._source.arn


class BucketNotifications(Piece):
    """All notifications of one bucket that are ours, merged into those that it has.

    They are one piece because there is one document for all notifications of a bucket.
    """

    def __init__(
        self, bucket: DeployedBucket, triggers: Sequence[tuple[S3Trigger, DeployedFunction]]
    ) -> None:
        self._functions = {function.name: function for _trigger, function in triggers}
        names = ", ".join(self._functions)
        text = f"trigger S3 bucket {bucket.name} → {names}"
        super().__init__(bucket.place, bucket.region, text, bucket, *self._functions.values())
        self._bucket = bucket.name
        self._ids = f"gammaray-{bucket.place.own}-"
        self._wanted = [
            _notification(f"{self._ids}{number}", trigger, function)
            for number, (trigger, function) in enumerate(triggers, 1)
        ]

    async def look(self) -> Change:
        """Look for our notifications among the bucket's."""
        ours, _others = self._sorted_out(await self._document())
        if not ours:
            return Change("create")
        same = _comparable(ours) == _comparable(self._wanted)
        return Change("leave") if same else Change("update", "notifications")

    async def make(self, change: Change) -> None:
        """Put ours beside the others."""
        for function in self._functions.values():
            source = f"arn:{self.place.partition}:s3:::{self._bucket}"
            await allow_invoke(function, "s3", source, SourceAccount=self.place.account)
        document = await self._document()
        _ours, others = self._sorted_out(document)
        client = await self.client("s3")
        await client.put_bucket_notification_configuration(
            Bucket=self._bucket,
            NotificationConfiguration={**document, _FOR_FUNCTIONS: [*others, *self._wanted]},
        )

    def _sorted_out(
        self, document: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        entries = document.get(_FOR_FUNCTIONS, [])
        ours = [entry for entry in entries if entry.get("Id", "").startswith(self._ids)]
        return ours, [entry for entry in entries if entry not in ours]

    async def _document(self) -> dict[str, Any]:
        client = await self.client("s3")
        answer = await found(
            client.get_bucket_notification_configuration(Bucket=self._bucket), "NoSuchBucket"
        )
        return {key: value for key, value in (answer or {}).items() if key != "ResponseMetadata"}


class Subscription(Piece):
    """A topic's subscription of a function."""

    def __init__(self, topic: DeployedTopic, function: DeployedFunction) -> None:
        text = f"trigger SNS topic {topic.name} → {function.name}"
        super().__init__(function.place, function.region, text, topic, function)
        self._topic = topic
        self._function = function

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
        return Change("leave") if self._function.arn in endpoints else Change("create")

    async def make(self, change: Change) -> None:
        """Permit and subscribe."""
        await allow_invoke(self._function, "sns", self._topic.arn)
        client = await self.client("sns")
        await client.subscribe(
            TopicArn=self._topic.arn, Protocol="lambda", Endpoint=self._function.arn
        )


async def allow_invoke(
    function: DeployedFunction, service: str, source_arn: str, **options: str
) -> None:
    """Permit a service to invoke a function for a source; nothing when it may already."""
    client = await function.client("lambda")
    try:
        await client.add_permission(
            FunctionName=function.name,
            StatementId=_NOT_IN_IDS.sub("-", f"gammaray-{source_arn}"),
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
            SourceArn=source_arn,
            **options,
        )
    except ClientError as error:
        if error_code(error) != "ResourceConflictException":
            raise


def _notification(id: str, trigger: S3Trigger, function: DeployedFunction) -> dict[str, Any]:
    rules = [
        {"Name": name, "Value": value}
        for name, value in (("prefix", trigger.prefix), ("suffix", trigger.suffix))
        if value
    ]
    return {
        "Id": id,
        "LambdaFunctionArn": function.arn,
        "Events": list(trigger.events),
        **({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}),
    }


def _comparable(entries: list[dict[str, Any]]) -> list[Any]:
    """Reduce notifications to what tells them apart, however they are ordered and spelt."""
    return sorted(
        (
            entry["LambdaFunctionArn"],
            sorted(entry["Events"]),
            # S3 answers with "Prefix" to a "prefix".
            sorted(
                (rule["Name"].lower(), rule["Value"])
                for rule in entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            ),
        )
        for entry in entries
    )


def _holds(present: Any, wanted: Any) -> bool:
    """Say whether settings are as wanted; AWS adds empty ones of its own to some."""
    if isinstance(wanted, Mapping):
        return isinstance(present, Mapping) and all(
            _holds(present.get(key), value) for key, value in wanted.items()
        )
    return bool(present == wanted)


def _role_is_too_new(error: ClientError) -> bool:
    message = str(error.response.get("Error", {}).get("Message", ""))
    return error_code(error) == "InvalidParameterValueException" and (
        "ensure the role can perform" in message or "does not have permission" in message
    )


def _without_stream(arn: str) -> str:
    """Cut the stream's label off an ARN: what is left is the table's."""
    return arn.partition("/stream/")[0]
