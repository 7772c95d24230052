"""Deploying an application: its manifest turned into pieces, and the pieces made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from providers.deploy_functions import DeployedFunction, Layer, LogGroup
from providers.deploy_role import Role
from providers.deploy_storage import (
    DeployedBucket,
    DeployedObject,
    DeployedQueue,
    DeployedTopic,
)
from providers.deploy_triggers import BucketNotifications, SourceMapping, Subscription
from providers.manifest import LoadedApplication
from providers.manifest_parts import DynamoDbTrigger, S3Trigger, SnsTrigger, SqsTrigger
from providers.operations import Plan, Report
from providers.pieces import Piece, run_pieces
from providers.place import Place, open_place
from providers.session import AwsSession
from providers.tables import Table, record_table


async def plan(
    session: AwsSession,
    application: LoadedApplication,
    environment: Mapping[str, str] | None = None,
) -> Plan:
    """Say what `deploy` would do; change nothing.

    Returns:
        A step for each resource: "waiting" with what would be done, or "skipped" when it is as
        it should be.

    Raises:
        UserError: AWS refuses, or something of the same name is in the way.
    """
    async with _place(session, application, environment) as place:
        pieces = pieces_of(place, application)
        steps = await run_pieces(pieces, lambda _step: None, only_look=True)
    return Plan(application.id, tuple(steps))


async def deploy(
    session: AwsSession,
    application: LoadedApplication,
    report: Report,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Make everything as the manifest says, in all its regions, side by side.

    Idempotent: what is as it should be is left alone, and a run that was stopped half-way is
    completed by the next. The record table of each region belongs to it.

    Raises:
        UserError: of the first resource that failed; the others are done nevertheless.
    """
    async with _place(session, application, environment) as place:
        await run_pieces(pieces_of(place, application), report, only_look=False)


def _place(
    session: AwsSession, application: LoadedApplication, environment: Mapping[str, str] | None
) -> AbstractAsyncContextManager[Place]:
    return open_place(
        session,
        application.manifest.functions[0].region,
        application.name,
        environment,
        configuration=application.configuration.letter,
    )


def pieces_of(place: Place, application: LoadedApplication) -> list[Piece]:
    """List the pieces of an application, those that others need first."""
    parts = _Parts(place, application)
    return [*parts.before, *parts.sources, *parts.functions.values(), *parts.triggers()]


class _Parts:
    """The pieces of one application, and which triggers connect them."""

    def __init__(self, place: Place, application: LoadedApplication) -> None:
        manifest = application.manifest
        self._manifest = manifest
        regions = dict.fromkeys(function.region for function in manifest.functions)
        role = Role(place, application)
        recorder = application.configuration.recorder
        layers = {region: Layer(place, region) for region in regions if recorder == "layer"}
        groups = {
            function.name: LogGroup(place, function, manifest.log_retention_days)
            for function in manifest.functions
        }
        self.functions = {
            function.name: DeployedFunction(
                place,
                application,
                function,
                role,
                layers.get(function.region),
                groups[function.name],
            )
            for function in manifest.functions
        }
        records = [record_table(place, region) for region in regions if recorder is not None]
        buckets = {bucket.name: DeployedBucket(place, bucket) for bucket in manifest.buckets}
        objects = [
            DeployedObject(buckets[bucket.name], application.folder, item)
            for bucket in manifest.buckets
            for item in bucket.objects
        ]
        self._buckets = buckets
        self._tables = {
            table.name: Table(
                place,
                table.region,
                table.name,
                hash_key=table.hash_key,
                range_key=table.range_key,
                stream=table.stream,
            )
            for table in manifest.tables
        }
        self._topics = {topic.name: DeployedTopic(place, topic) for topic in manifest.topics}
        longest_s = max(function.timeout_s for function in manifest.functions)
        self._queues = {
            queue.name: DeployedQueue(place, queue, visibility_timeout_s=6 * longest_s)
            for queue in manifest.queues
        }
        self.before: list[Piece] = [*records, role, *layers.values(), *groups.values()]
        self.sources: list[Piece] = [
            *self._tables.values(),
            *buckets.values(),
            *objects,
            *self._topics.values(),
            *self._queues.values(),
        ]

    def triggers(self) -> list[Piece]:
        """List the pieces that connect sources with functions."""
        made: list[Piece] = []
        of_buckets: dict[str, list[tuple[S3Trigger, DeployedFunction]]] = {}
        for trigger in self._manifest.triggers:
            function = self.functions[trigger.function]
            if isinstance(trigger, DynamoDbTrigger):
                made.append(SourceMapping(trigger, self._tables[trigger.table], function))
            elif isinstance(trigger, SqsTrigger):
                made.append(SourceMapping(trigger, self._queues[trigger.queue], function))
            elif isinstance(trigger, SnsTrigger):
                made.append(Subscription(self._topics[trigger.topic], function))
            else:
                of_buckets.setdefault(trigger.bucket, []).append((trigger, function))
        made += [
            BucketNotifications(self._buckets[name], triggers)
            for name, triggers in of_buckets.items()
        ]
        return made
